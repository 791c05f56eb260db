//! What is to be told, socket by socket, and telling it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream;

use super::gateway::{Gateway, Posted};
use crate::domain::Timestamp;
use crate::domain::connection::{Connection, ConnectionId};
use crate::domain::id::UserId;
use crate::http::view::{Events, LONGEST_EVENT};
use crate::store::{Sockets, Store};

/// How many sockets are posted to at once. Each has a time limit, so a slow one takes up its place for seconds at most.
const AT_ONCE: usize = 128;

/// Events for sockets: in order for each of them, and each of them on its own.
#[derive(Debug, Default)]
pub struct Outbox {
    queues: Vec<(Connection, Vec<Arc<str>>)>,
    places: HashMap<ConnectionId, usize>,
    left_out: HashSet<ConnectionId>,
}

/// What became of a delivery, in sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    pub reached: usize,
    /// Not there, and forgotten.
    pub gone: usize,
    /// Not to be reached, and closed, so that its client comes back and catches up.
    pub closed: usize,
}

/// How telling one socket ended.
enum End {
    Reached,
    Gone,
    Closed,
}

impl Outbox {
    /// One that takes nothing for some sockets.
    pub fn leaving_out(sockets: HashSet<ConnectionId>) -> Self {
        Self { left_out: sockets, ..Self::default() }
    }

    pub fn push(&mut self, connection: &Connection, event: Arc<str>) {
        if self.left_out.contains(&connection.id) {
            return;
        }
        let place = *self.places.entry(connection.id.clone()).or_insert_with(|| {
            self.queues.push((connection.clone(), Vec::new()));
            self.queues.len() - 1
        });
        self.queues[place].1.push(event);
    }

    /// Tells an event to all sockets of these people.
    pub fn push_to<'u>(&mut self, users: impl IntoIterator<Item = &'u UserId>, sockets: &Sockets, events: &Events) {
        for user in users {
            for connection in sockets.get(user).into_iter().flatten() {
                self.push(connection, events.seen_by(*user));
            }
        }
    }

    /// Posts everything. What a socket cannot be told is lost to it; so it is forgotten, and closed if it still is there:
    /// its client comes back, and catches up.
    pub async fn deliver(self, store: &Store, gateway: &Gateway, now: Timestamp) -> Delivered {
        let ends = stream::iter(self.queues)
            .map(|(connection, events)| async move { tell(store, gateway, &connection, &events, now).await })
            .buffer_unordered(AT_ONCE);
        let count = |mut delivered: Delivered, end| async move {
            match end {
                End::Reached => delivered.reached += 1,
                End::Gone => delivered.gone += 1,
                End::Closed => delivered.closed += 1,
            }
            delivered
        };
        ends.fold(Delivered::default(), count).await
    }
}

async fn tell(store: &Store, gateway: &Gateway, connection: &Connection, events: &[Arc<str>], now: Timestamp) -> End {
    for frame in frames(events) {
        match gateway.post(&connection.id, &frame).await {
            Posted::Done => {}
            // Its client catches up once it is open.
            Posted::Gone if connection.may_be_opening(now) => return End::Gone,
            Posted::Gone => {
                forget(store, connection).await;
                return End::Gone;
            }
            Posted::Refused(cause) => {
                tracing::warn!("a socket could not be told, and is closed: {cause}");
                forget(store, connection).await;
                gateway.close(&connection.id).await;
                return End::Closed;
            }
        }
    }
    End::Reached
}

/// What stays noted leads to another post that finds nobody.
async fn forget(store: &Store, connection: &Connection) {
    if let Err(error) = store.forget(connection).await {
        tracing::warn!("a socket could not be forgotten: {error}");
    }
}

/// Frames hold one event, or a list of several in order, as many as fit.
fn frames(events: &[Arc<str>]) -> Vec<String> {
    let mut frames = Vec::new();
    let mut rest = events;
    while let Some(first) = rest.first() {
        let mut length = first.len() + 2;
        let count = 1 + rest[1..]
            .iter()
            .take_while(|event| {
                length += event.len() + 1;
                length <= LONGEST_EVENT
            })
            .count();
        let (now, later) = rest.split_at(count);
        frames.push(if count == 1 { first.to_string() } else { format!("[{}]", now.join(",")) });
        rest = later;
    }
    frames
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_event_is_a_frame_and_several_are_a_list() {
        let events: Vec<Arc<str>> = vec!["{\"a\":1}".into(), "{\"b\":2}".into()];
        assert_eq!(frames(&events[..1]), ["{\"a\":1}"]);
        assert_eq!(frames(&events), ["[{\"a\":1},{\"b\":2}]"]);
        assert_eq!(frames(&[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn every_event_is_in_one_frame_in_order_and_no_frame_is_too_long(lengths in proptest::collection::vec(0usize..LONGEST_EVENT - 2, 0..40)) {
            let events: Vec<Arc<str>> = lengths.iter().map(|length| Arc::from(format!("\"{}\"", "x".repeat(*length)))).collect();
            let mut told = Vec::new();
            for frame in frames(&events) {
                prop_assert!(frame.len() <= LONGEST_EVENT + 2);
                match serde_json::from_str(&frame).expect("JSON") {
                    serde_json::Value::Array(list) => told.extend(list),
                    one => told.push(one),
                }
            }
            let told: Vec<usize> = told.iter().map(|event| event.as_str().expect("a text").len()).collect();
            prop_assert_eq!(told, lengths);
        }
    }
}
