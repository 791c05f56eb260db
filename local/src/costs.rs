//! What each operation costs: sequential round trips to DynamoDB, and request units as functions of the sizes that matter.
//!
//! This is the one table of it. The tests hold every row against what its operation really spends, and `cargo dev cost`
//! makes prices of the same rows: what it prints is what was measured. A size that a row does not name is one that its
//! operation does not depend on.

mod conversations;
mod items;
mod messages;
mod people;
mod sockets;
mod units;

use items::Item;

/// What an operation meets. Each row takes of it what it depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of a message's text.
    pub body: u64,
    /// Messages in the conversation.
    pub messages: u64,
    /// Changes in the conversation: edits, deletes, comings and goings.
    pub changes: u64,
    /// Client keys that the conversation remembers.
    pub keys: u64,
    /// People who take part, after whoever comes and before whoever goes.
    pub participants: u64,
    /// Bytes of the conversation's title.
    pub title: u64,
    /// Rows of a page, of a list that has so many.
    pub page: u64,
    /// Different people whose messages a page shows.
    pub senders: u64,
    /// Different people whom a list of conversations names, of each conversation at most 20.
    pub listed: u64,
    /// Different people whose names a search through conversations looks at.
    pub searched: u64,
    /// Conversations of the caller.
    pub conversations: u64,
    /// Conversations into which a page of messages over all of them looks.
    pub looked_into: u64,
    /// Conversations of the caller that moved since: by a page of messages each, and as many edits.
    pub moved: u64,
    /// How often the message was edited; how many edits an answer tells of.
    pub edits: u64,
    /// Sessions of the person.
    pub sessions: u64,
    /// Sockets that everybody has open.
    pub sockets: u64,
    /// People whom a socket watches.
    pub watched: u64,
}

impl Sizes {
    /// What prices are told for, unless asked otherwise, in a conversation of so many people.
    pub fn usual(participants: u64) -> Self {
        let title = if participants == 2 { 0 } else { 20 };
        Self {
            body: 200,
            messages: 100,
            changes: 10,
            keys: 10,
            participants,
            title,
            edits: 2,
            sessions: 2,
            sockets: 1,
            watched: 20,
            ..Self::default()
        }
        .with_lists(20, 20)
    }

    /// The same with pages of so many rows, for somebody with so many conversations between as many people each. Nobody but
    /// the caller takes part in two of them.
    pub fn with_lists(self, page: u64, conversations: u64) -> Self {
        let rows = page.min(conversations);
        let others = |of_each: u64| self.participants.min(of_each) - 1;
        Self {
            page,
            senders: self.participants.min(page),
            conversations,
            listed: 1 + rows * others(20),
            searched: (1 + conversations.min(100) * others(u64::MAX)).min(1000),
            looked_into: conversations.min(5),
            moved: conversations.min(5),
            ..self
        }
    }

    fn conversation(&self) -> Item {
        items::conversation(self.participants, self.title)
    }

    fn message(&self) -> Item {
        items::message(self.body)
    }
}

/// What one operation spends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The longest chain of calls each of which waits for the one before.
    pub round_trips: u32,
    /// Write request units.
    pub wru: f64,
    /// Read request units.
    pub rru: f64,
}

/// How near a row is to what is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    Exact,
    /// Units are exact; which of two calls answers first decides how many round trips are counted.
    ExactUnits,
    /// What is spent hangs on what is found.
    AtMost,
}

/// Between how many people an operation can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    Any,
    /// The two of a direct conversation.
    Two,
    Group,
}

/// One row of the table.
pub struct Operation {
    pub name: &'static str,
    /// Method and path of every endpoint that does it; of what is no request, what sets it off.
    pub endpoints: &'static [&'static str],
    pub between: Between,
    pub precision: Precision,
    /// How many passwords it hashes, which takes a function far longer than all else.
    pub hashes: u32,
    cost: fn(&Sizes) -> Cost,
    posts: fn(&Sizes) -> u64,
}

/// What sets an operation off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A request.
    Http,
    /// The opening or the end of a socket.
    Handshake,
    /// What a client says over a socket, and is answered.
    Frame,
    /// What was written, of which a batch tells much at once; here it is alone.
    Stream,
}

impl Operation {
    const fn new(name: &'static str, endpoints: &'static [&'static str], cost: fn(&Sizes) -> Cost) -> Self {
        Self { name, endpoints, between: Between::Any, precision: Precision::Exact, hashes: 0, cost, posts: |_| 0 }
    }

    const fn at_most(mut self) -> Self {
        self.precision = Precision::AtMost;
        self
    }

    const fn round_trips_at_most(mut self) -> Self {
        self.precision = Precision::ExactUnits;
        self
    }

    const fn between(mut self, between: Between) -> Self {
        self.between = between;
        self
    }

    const fn hashes(mut self, hashes: u32) -> Self {
        self.hashes = hashes;
        self
    }

    const fn posts_to(mut self, posts: fn(&Sizes) -> u64) -> Self {
        self.posts = posts;
        self
    }

    /// How many frames it posts to open sockets.
    pub fn posts(&self, sizes: &Sizes) -> u64 {
        (self.posts)(sizes)
    }

    pub fn front(&self) -> Front {
        match self.endpoints.first().map(|endpoint| endpoint.split(' ').next().unwrap_or_default()) {
            Some("HANDSHAKE") => Front::Handshake,
            Some("FRAME") => Front::Frame,
            Some("STREAM") => Front::Stream,
            _ => Front::Http,
        }
    }

    pub fn cost(&self, sizes: &Sizes) -> Cost {
        (self.cost)(sizes)
    }

    /// Whether it is done between so many people.
    pub fn is_between(&self, participants: u64) -> bool {
        match self.between {
            Between::Any => true,
            Between::Two => participants == 2,
            Between::Group => participants > 2,
        }
    }
}

/// The table, in the order in which it is printed.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    messages::OPERATIONS.iter().chain(conversations::OPERATIONS).chain(people::OPERATIONS).chain(sockets::OPERATIONS)
}

/// A row by its name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    operations().find(|operation| operation.name == name)
}

/// What a message takes of the table for as long as it is there, in bytes as they are billed.
pub fn stored_message(sizes: &Sizes) -> u64 {
    sizes.message().stored()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_an_endpoint() {
        let names: BTreeSet<_> = operations().map(|operation| operation.name).collect();
        assert_eq!(names.len(), operations().count());
        assert!(operations().all(|operation| !operation.endpoints.is_empty()));
    }

    #[test]
    fn only_what_is_known_to_grow_grows_with_a_conversation_or_with_conversations() {
        let grows = |larger: fn(&mut Sizes)| -> BTreeSet<&str> {
            let (small, mut large) = (Sizes::usual(10), Sizes::usual(10));
            larger(&mut large);
            operations().filter(|row| row.cost(&small) != row.cost(&large)).map(|row| row.name).collect()
        };
        let with_messages = grows(|sizes| sizes.messages = 1_000_000);
        let deletes = ["delete a conversation", "leave as the last one"];
        let seeks = ["page of messages by time", "search of a conversation that finds nothing"];
        assert_eq!(with_messages, BTreeSet::from_iter(deletes.into_iter().chain(seeks)));
        let with_conversations = grows(|sizes| sizes.conversations = 1000);
        let lists = ["list conversations", "list conversations by activity", "search the conversations"];
        let everywhere = [
            "messages over all conversations",
            "what changed everywhere, if nothing did",
            "what changed everywhere",
            "how far everything has come",
        ];
        assert_eq!(with_conversations, BTreeSet::from_iter(lists.into_iter().chain(everywhere)));
    }
}
