//! One batch of the stream: read, put together with who is to be told, and told.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::future::join_all;
use serde_json::Value;
use shared::domain::change::{Change, ChangeKind};
use shared::domain::connection::{Connection, ConnectionId};
use shared::domain::id::{ConversationId, SessionId, UserId};
use shared::domain::{Error, Timestamp};
use shared::http::view::Events;
use shared::sockets::{Gateway, Outbox};
use shared::store::{Audience, Happening, Sockets, Store, Told};

use super::Outcome;

/// The records of a batch, in order, each with its sequence number.
pub(super) struct Batch {
    records: Vec<(String, Result<Happening, Error>)>,
}

/// What is read once for all records.
struct Surroundings {
    /// None is a conversation that is gone.
    audiences: HashMap<ConversationId, Result<Option<Audience>, Error>>,
    /// Of those who are told by name, not as participants.
    sockets: Result<Sockets, Error>,
    watchers: Result<HashMap<UserId, Vec<Connection>>, Error>,
}

/// What became of the sockets of sessions that have ended.
#[derive(Default)]
struct Ended {
    closed: HashSet<ConnectionId>,
    /// Sessions of which a socket could not be forgotten.
    remembered: HashSet<SessionId>,
}

impl Batch {
    pub(super) fn of(event: &Value) -> Self {
        let records = event["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
        let number = |record: &Value| record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned();
        Self { records: records.iter().map(|record| (number(record), Happening::of(record))).collect() }
    }

    pub(super) async fn tell(&self, store: &Store, gateway: &Gateway, now: Timestamp) -> Outcome {
        let surroundings = self.surroundings(store).await;
        let Ended { closed, remembered } = self.close_ended(store, gateway, &surroundings).await;
        let (mut outbox, mut failed) = (Outbox::leaving_out(closed), Vec::new());
        for (number, happening) in &self.records {
            let told = match happening {
                Ok(Happening::SessionEnded(_, session)) if remembered.contains(session) => {
                    Err(Error::Unavailable("a socket of an ended session could not be forgotten".to_owned()))
                }
                Ok(happening) => surroundings.tell(happening, now, &mut outbox),
                Err(error) => Err(again(error)),
            };
            if let Err(error) = told {
                tracing::error!(record = number, "a record cannot be told: {error}");
                failed.push(number.clone());
            }
        }
        Outcome { failed, delivered: outbox.deliver(store, gateway, now).await }
    }

    async fn surroundings(&self, store: &Store) -> Surroundings {
        let mut told: HashMap<ConversationId, Told<'_>> = HashMap::new();
        let (mut named, mut watched) = (BTreeSet::new(), BTreeSet::new());
        for happening in self.records.iter().filter_map(|(_, happening)| happening.as_ref().ok()) {
            match happening {
                Happening::Sent(message) => told.entry(message.id.conversation).or_default().sent.push(message),
                Happening::Changed(id, change) => {
                    let told = told.entry(*id).or_default();
                    told.introduced |= matches!(change.kind, ChangeKind::ParticipantAdded { .. });
                    told.changes.push(change);
                }
                Happening::Started(conversation) => told.entry(conversation.id).or_default().introduced = true,
                Happening::Removed(conversation) => named.extend(&conversation.participants),
                Happening::Read(membership) => drop(named.insert(membership.user)),
                Happening::SessionEnded(user, _) => drop(named.insert(*user)),
                Happening::Presence { user, .. } => drop(watched.insert(*user)),
                Happening::Nothing => {}
            }
        }
        let audiences = join_all(told.iter().map(|(id, told)| async move { (*id, store.audience(*id, told).await) }));
        let (audiences, sockets, watchers) =
            tokio::join!(audiences, store.sockets_of(named), store.watchers_of(watched));
        Surroundings { audiences: audiences.into_iter().collect(), sockets, watchers }
    }

    /// Closes the sockets of sessions that have ended. They are forgotten first: a socket that cannot be closed now is told
    /// nothing more, and is closed when it says something. One that is not forgotten would be told by later batches.
    async fn close_ended(&self, store: &Store, gateway: &Gateway, surroundings: &Surroundings) -> Ended {
        let ended: HashSet<SessionId> = self
            .records
            .iter()
            .filter_map(|(_, happening)| match happening {
                Ok(Happening::SessionEnded(_, session)) => Some(*session),
                _ => None,
            })
            .collect();
        let Ok(sockets) = &surroundings.sockets else { return Ended::default() };
        let closing: Vec<&Connection> =
            sockets.values().flatten().filter(|connection| ended.contains(&connection.session)).collect();
        let remembered = join_all(closing.iter().map(|connection| async move {
            let forgotten = store.forget(connection).await;
            gateway.close(&connection.id).await;
            forgotten.err().map(|error| {
                tracing::warn!("the socket of an ended session could not be forgotten: {error}");
                connection.session
            })
        }))
        .await;
        Ended {
            closed: closing.iter().map(|connection| connection.id.clone()).collect(),
            remembered: remembered.into_iter().flatten().collect(),
        }
    }
}

impl Surroundings {
    /// Puts what happened into the outbox, for each socket that is to be told.
    fn tell(&self, happening: &Happening, now: Timestamp, outbox: &mut Outbox) -> Result<(), Error> {
        match happening {
            Happening::Sent(message) => self
                .tell_all(message.id.conversation, None, outbox, |audience| Events::sent(message, audience).map(Some)),
            Happening::Changed(id, change) => {
                self.tell_all(*id, whom_it_took_out(change), outbox, |audience| Events::changed(change, audience))
            }
            Happening::Started(conversation) => {
                self.tell_all(conversation.id, None, outbox, |audience| Events::started(audience).map(Some))
            }
            Happening::Removed(conversation) => {
                self.tell_some(&conversation.participants, &Events::removed(conversation.id)?, outbox)
            }
            Happening::Read(membership) => self.tell_some([&membership.user], &Events::read(membership)?, outbox),
            // Its sockets were closed before anything was told.
            Happening::SessionEnded(..) => self.sockets.as_ref().map(drop).map_err(again),
            Happening::Presence { user, online } => {
                let events = Events::presence(*user, *online, now)?;
                let watchers = self.watchers.as_ref().map_err(again)?.get(user).into_iter().flatten();
                watchers
                    .filter(|watcher| !watcher.has_expired(now))
                    .for_each(|watcher| outbox.push(watcher, events.seen_by(watcher.user)));
                Ok(())
            }
            Happening::Nothing => Ok(()),
        }
    }

    /// To everybody who takes part, and whoever does not any more.
    fn tell_all(
        &self,
        id: ConversationId,
        leaver: Option<UserId>,
        outbox: &mut Outbox,
        render: impl Fn(&Audience) -> Result<Option<Events>, Error>,
    ) -> Result<(), Error> {
        let audience = match self.audiences.get(&id) {
            Some(Ok(Some(audience))) => audience,
            Some(Err(error)) => return Err(again(error)),
            Some(Ok(None)) | None => return Ok(()),
        };
        if let Some(events) = render(audience)? {
            let participants = &audience.conversation.participants;
            let leaver = leaver.iter().filter(|user| !participants.contains(user));
            outbox.push_to(participants.iter().chain(leaver), &audience.sockets, &events);
        }
        Ok(())
    }

    fn tell_some<'u>(
        &self,
        users: impl IntoIterator<Item = &'u UserId>,
        events: &Events,
        outbox: &mut Outbox,
    ) -> Result<(), Error> {
        outbox.push_to(users, self.sockets.as_ref().map_err(again)?, events);
        Ok(())
    }
}

fn whom_it_took_out(change: &Change) -> Option<UserId> {
    match change.kind {
        ChangeKind::ParticipantRemoved { user, .. } => Some(user),
        _ => None,
    }
}

/// A failure that several records share.
fn again(error: &Error) -> Error {
    Error::Unavailable(error.to_string())
}
