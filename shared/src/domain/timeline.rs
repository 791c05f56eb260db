//! Messages of many conversations in one order, newest first: a lazy merge of their logs.
//!
//! Every conversation is a lane, read backwards from its end, and only as far as the page may reach: a lane is read on
//! only while something in it may still belong above the page's last row. Within a lane times run almost as numbers do
//! (see [`super::seek`]), so something unread may have been sent a writer's lifetime after what was read last.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Timestamp;
use super::filter::MessageFilter;
use super::id::{ConversationId, MessageId, Number};
use super::log::WRITER_LIFETIME;
use super::message::{Entry, Message};

/// A place in the order: a message's own, or with no id the one right before all that was sent at that instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub at: Timestamp,
    pub id: Option<MessageId>,
}

impl Place {
    fn of(message: &Message) -> Self {
        Self { at: message.sent_at, id: Some(message.id) }
    }

    /// Below this lies everything that was sent before that instant.
    pub fn before(at: Timestamp) -> Self {
        Self { at, id: None }
    }
}

/// One conversation's log, read backwards.
#[derive(Clone, Debug)]
pub struct Lane {
    pub conversation: ConversationId,
    /// The next number to be read; zero when there is none.
    next: Number,
    /// Nothing unread was sent after this.
    reach: Timestamp,
    /// The earliest of what was read.
    lowest: Option<Place>,
    /// How often it was read.
    reads: u32,
}

impl Lane {
    /// A log that goes up to `last`, whose counter moved last at `moved_at`.
    pub fn new(conversation: ConversationId, last: Number, moved_at: Timestamp) -> Self {
        Self { conversation, next: last, reach: moved_at + WRITER_LIFETIME, lowest: None, reads: 0 }
    }

    /// Nothing from this number on needs to be read.
    pub fn skip_from(&mut self, number: Number) {
        self.next = self.next.min(number.minus(1));
    }

    pub fn next(&self) -> Number {
        self.next
    }

    /// Nothing unread was sent after this.
    pub fn reach(&self) -> Timestamp {
        self.reach
    }

    /// How much to read at once: more each time, since whoever comes back needs more.
    pub fn portion(&self, limit: usize, most: usize) -> usize {
        limit.saturating_mul(1 << self.reads.min(8)).min(most)
    }

    /// Everything unread lies below this, if time runs as numbers do.
    fn floor(&self) -> Place {
        self.lowest.unwrap_or(Place::before(self.reach))
    }
}

/// The merge, as far as it has come.
#[derive(Debug)]
pub struct Merge {
    filter: MessageFilter,
    /// Only what lies below this is asked for.
    below: Option<Place>,
    limit: usize,
    lanes: Vec<Lane>,
    rows: BTreeMap<Reverse<Place>, Message>,
}

impl Merge {
    pub fn new(lanes: Vec<Lane>, filter: MessageFilter, after: Option<Place>, limit: usize) -> Self {
        let sent_before = filter.sent_before.map(Place::before);
        let below = after.into_iter().chain(sent_before).min();
        Self { filter, below, limit, lanes, rows: BTreeMap::new() }
    }

    pub fn lanes_mut(&mut self) -> &mut [Lane] {
        &mut self.lanes
    }

    /// The instant below which the page begins.
    pub fn begins_before(&self) -> Option<Timestamp> {
        self.below.map(|place| place.at)
    }

    /// The lanes in which something unread may still belong to the page, those that reach highest first.
    pub fn wanting(&self) -> Vec<usize> {
        let last_row = self.rows.keys().nth(self.limit - 1).map(|Reverse(place)| place.at);
        let least = last_row.into_iter().chain(self.filter.sent_after).max();
        let mut wanting: Vec<usize> = (0..self.lanes.len())
            .filter(|lane| self.lanes[*lane].next > Number::ZERO)
            .filter(|lane| least.is_none_or(|least| self.lanes[*lane].reach >= least))
            .collect();
        wanting.sort_by_key(|lane| Reverse(self.lanes[*lane].reach));
        wanting
    }

    pub fn lane(&self, lane: usize) -> &Lane {
        &self.lanes[lane]
    }

    /// Takes in the next entries of a lane, in falling order, down to the number `through`.
    pub fn add(&mut self, lane: usize, entries: Vec<Entry>, through: Number) {
        let lane = &mut self.lanes[lane];
        lane.next = through.minus(1);
        lane.reads += 1;
        for entry in entries {
            if let Some((number, sent_at)) = entry.sent() {
                let place = Place { at: sent_at, id: Some(lane.conversation.message(number)) };
                lane.lowest = Some(lane.lowest.map_or(place, |lowest| lowest.min(place)));
                lane.reach = lane.reach.min(sent_at + WRITER_LIFETIME);
            }
            if let Some(message) = entry.into_message().filter(|message| self.filter.takes(message)) {
                let place = Place::of(&message);
                if self.below.is_none_or(|below| place < below) {
                    self.rows.insert(Reverse(place), message);
                }
            }
        }
    }

    /// Whether a page that ends here gets further than where it began.
    pub fn may_stop(&self, wanting: &[usize]) -> bool {
        self.below.is_none_or(|below| wanting.iter().all(|lane| self.lanes[*lane].floor() < below))
    }

    /// The page, and where the next one begins. It comes short if lanes are still wanting.
    pub fn finish(self, wanting: &[usize]) -> (Vec<Message>, Option<Place>) {
        let floor = wanting.iter().map(|lane| self.lanes[*lane].floor()).max();
        let (found, unread) = (self.rows.len(), self.lanes.iter().any(|lane| lane.next > Number::ZERO));
        let decided = |place: &Place| floor.is_none_or(|floor| *place >= floor);
        let rows: Vec<Message> = self
            .rows
            .into_iter()
            .take_while(|(Reverse(place), _)| decided(place))
            .take(self.limit)
            .map(|(_, message)| message)
            .collect();
        let next = if rows.len() == self.limit {
            rows.last().map(Place::of).filter(|_| found > self.limit || unread)
        } else {
            floor
        };
        (rows, next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::id::UserId;
    use crate::domain::message::MessageBody;

    fn second(seconds: u64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds as i64).expect("a small number")
    }

    fn log(id: ConversationId, sender: UserId, times: &[u64]) -> Vec<Message> {
        let message = |(number, at): (Number, &u64)| Message {
            id: id.message(number),
            sender,
            body: MessageBody::parse("Hello").expect("a body"),
            sent_at: second(*at),
            edited_at: None,
            key: None,
            edits: Vec::new(),
        };
        Number::ZERO.next().through(Number::MAX).zip(times).map(message).collect()
    }

    fn page(logs: &[Vec<Message>], after: Option<Place>, limit: usize) -> (Vec<Message>, Option<Place>, usize) {
        let lane =
            |log: &Vec<Message>| log.last().map(|last| Lane::new(last.id.conversation, last.id.number, last.sent_at));
        let lanes: Vec<Lane> = logs.iter().filter_map(lane).collect();
        let logs: Vec<_> = logs.iter().filter(|log| !log.is_empty()).collect();
        let (mut merge, mut reads) = (Merge::new(lanes, MessageFilter::default(), after, limit), 0);
        loop {
            let wanting = merge.wanting();
            let Some(lane) = wanting.first().copied() else { break };
            if reads > 40 && merge.may_stop(&wanting) {
                break;
            }
            reads += 1;
            let next = merge.lane(lane).next().get() as usize;
            let from = next.saturating_sub(merge.lane(lane).portion(2, 8));
            let entries = logs[lane][from..next].iter().rev().cloned().map(Entry::Message).collect();
            merge.add(lane, entries, Number::new(from as u64 + 1).expect("a small number"));
        }
        let wanting = merge.wanting();
        let (rows, next) = merge.finish(&wanting);
        (rows, next, reads)
    }

    proptest! {
        #[test]
        fn pages_show_every_message_once_newest_first_however_clocks_disagree(
            steps in proptest::collection::vec(proptest::collection::vec((0u64..200, 0u64..30), 0..40), 1..6), limit in 1usize..9,
        ) {
            // Numbers are taken as time goes on; each message was begun up to 29 s before.
            let sender = UserId::unique();
            let logs: Vec<_> = steps.iter().map(|steps| {
                let mut now = 1_000;
                let times: Vec<u64> = steps.iter().map(|(step, earlier)| { now += step; now - earlier }).collect();
                log(ConversationId::unique(), sender, &times)
            }).collect();
            let mut expected: Vec<Message> = logs.iter().flatten().cloned().collect();
            expected.sort_by_key(|message| Reverse((message.sent_at, message.id)));
            let (mut walked, mut after) = (Vec::new(), None);
            for _ in 0..300 {
                let (rows, next, _) = page(&logs, after, limit);
                prop_assert!(next.is_none() || after.is_none() || next < after, "every page gets further");
                walked.extend(rows);
                after = next;
                if after.is_none() { break; }
            }
            prop_assert_eq!(after, None);
            prop_assert_eq!(walked, expected);
        }
    }

    #[test]
    fn what_does_not_reach_the_page_is_not_opened() {
        let sender = UserId::unique();
        let busy: Vec<u64> = (0..100).map(|turn| 1_000_000 + turn * 100).collect();
        let mut logs: Vec<_> = (0..50).map(|quiet| log(ConversationId::unique(), sender, &[quiet])).collect();
        logs.push(log(ConversationId::unique(), sender, &busy));
        let (rows, next, reads) = page(&logs, None, 5);
        assert!(rows.len() == 5 && next.is_some() && reads <= 3, "{reads} reads");
    }
}
