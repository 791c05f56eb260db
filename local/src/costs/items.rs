//! How large items are: names and values of all attributes. The store decides what these are; that what is written here is
//! so is seen by the units that are measured.

use super::units;

const UUID: u64 = 36;
const INSTANT: u64 = 27;
const NONCE: u64 = 16;
/// Ten hex digits.
const NUMBER_IN_KEY: u64 = 10;
/// Of the numbers that occur, within a byte or two.
const INTEGER: u64 = 2;

/// DynamoDB bills so much for an item beside its bytes, as long as it is stored.
const STORED_BESIDE: u64 = 100;

const CONVERSATION: u64 = 5 + UUID;
const USER: u64 = 5 + UUID;

/// An item by its size in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item(u64);

impl Item {
    const fn new(partition: u64, sort: u64, attributes: &[(&str, u64)]) -> Self {
        let (mut bytes, mut index) = (2 + partition + 2 + sort, 0);
        while index < attributes.len() {
            bytes += attributes[index].0.len() as u64 + attributes[index].1;
            index += 1;
        }
        Self(bytes)
    }

    const fn and(self, attribute: &str, size: u64) -> Self {
        Self(self.0 + attribute.len() as u64 + size)
    }

    /// A strongly consistent read.
    pub(super) fn read(self) -> f64 {
        units::read(self.0)
    }

    /// A read that may be stale: of what only decorates.
    pub(super) fn shown(self) -> f64 {
        units::read_eventually(self.0)
    }

    pub(super) fn written(self) -> f64 {
        units::write(self.0)
    }

    /// A write in a transaction: twice the units.
    pub(super) fn transacted(self) -> f64 {
        2.0 * self.written()
    }

    /// A strongly consistent query over so many of them.
    pub(super) fn queried(self, count: u64) -> f64 {
        units::read(count * self.0)
    }

    /// The same where a stale answer does.
    pub(super) fn listed(self, count: u64) -> f64 {
        units::read_eventually(count * self.0)
    }

    pub(super) fn stored(self) -> u64 {
        self.0 + STORED_BESIDE
    }
}

/// What a write costs in the index, be it in a transaction or not.
pub(super) const IN_INDEX: f64 = 1.0;

/// `META`, of a conversation that nobody was taken out of.
pub(super) fn conversation(participants: u64, title: u64) -> Item {
    let meta = Item::new(
        CONVERSATION,
        4,
        &[
            ("GSI1PK", 13),
            ("GSI1SK", INSTANT + 1 + UUID),
            ("kind", 6),
            ("created_by", UUID),
            ("created_at", INSTANT),
            ("messages", INTEGER),
            ("hidden_messages", INTEGER),
            ("last_activity", INSTANT),
            ("last_sender", NONCE),
            ("changes", INTEGER),
            ("changed_at", INSTANT),
            ("last_changer", NONCE),
            ("nonce", NONCE),
        ],
    );
    let meta = if title > 0 { meta.and("title", title) } else { meta };
    meta.and("participants", 16 * participants)
}

pub(super) const fn message(body: u64) -> Item {
    Item::new(
        CONVERSATION,
        4 + NUMBER_IN_KEY,
        &[("kind", 7), ("sender", UUID), ("body", body), ("sent_at", INSTANT), ("nonce", NONCE)],
    )
}

/// With when it was edited last, and the numbers of its edits.
pub(super) const fn edited_message(body: u64, edits: u64) -> Item {
    message(body).and("edited_at", INSTANT).and("edits", 3 + edits * (1 + INTEGER))
}

pub(super) const CHANGE: Item = Item::new(
    CONVERSATION,
    4 + NUMBER_IN_KEY,
    &[("kind", 20), ("at", INSTANT), ("nonce", NONCE), ("by", UUID), ("user", UUID)],
);

/// Of a message that said something else before.
pub(super) const fn edit(body: u64) -> Item {
    Item::new(
        CONVERSATION,
        4 + NUMBER_IN_KEY,
        &[("kind", 14), ("at", INSTANT), ("nonce", NONCE), ("by", UUID), ("message", INTEGER)],
    )
    .and("earlier_body", body)
    .and("earlier_at", INSTANT)
}

pub(super) const CLIENT_KEY: Item = Item::new(
    CONVERSATION,
    4 + UUID + 1 + UUID,
    &[("number", INTEGER), ("body_digest", 32), ("nonce", NONCE), ("expires_at", 6)],
);

/// Of who was there from the beginning.
pub(super) const MEMBERSHIP: Item = Item::new(
    USER,
    7 + UUID,
    &[("conversation_created_at", INSTANT), ("joined_at", INSTANT), ("position", 1), ("read_number", INTEGER)],
);

pub(super) const DIRECT_PAIR: Item = Item::new(8 + 2 * UUID, 6, &[("conversation", UUID), ("nonce", NONCE)]);

/// A person's open sockets.
pub(super) const fn sockets(each: u64) -> Item {
    Item::new(USER, 11, &[("openings", INTEGER), ("expires_at", 6)]).and("", each * (5 + 16 + UUID + 1 + INSTANT))
}

/// The way back from a socket.
pub(super) const SOCKET: Item = Item::new(
    5 + 16,
    4,
    &[("user", UUID), ("session", UUID), ("opened_at", INSTANT), ("frames_000", INTEGER), ("expires_at", 6)],
);

pub(super) const WATCH: Item =
    Item::new(USER, 6 + 16, &[("watcher", UUID), ("session", UUID), ("opened_at", INSTANT), ("expires_at", 6)]);

/// What a removed conversation left to be cleared.
pub(super) const fn remains(participants: u64) -> Item {
    Item::new(8, INSTANT + 1 + UUID, &[("conversation", UUID), ("due", INSTANT)]).and("participants", 16 * participants)
}

pub(super) const ALIAS: Item = Item::new(6 + UUID, 5, &[("message", UUID)]);

pub(super) const PERSON: Item = Item::new(
    USER,
    7,
    &[
        ("GSI1PK", 5),
        ("GSI1SK", INSTANT + 1 + UUID),
        ("first_name", 6),
        ("last_name", 6),
        ("email", 50),
        ("role", 5),
        ("active", 1),
        ("created_at", INSTANT),
    ],
);

/// The e-mail guard.
pub(super) const ACCOUNT: Item = Item::new(
    6 + 50,
    5,
    &[
        ("user", UUID),
        ("password_hash", 97),
        ("active", 1),
        ("logins", INTEGER),
        ("signed_in_at", INSTANT),
        ("nonce", NONCE),
    ],
);

pub(super) const SESSION: Item = Item::new(
    USER,
    8 + UUID,
    &[("created_at", INSTANT), ("last_seen_at", INSTANT), ("expires_at", 6), ("address", 12), ("agent", 100)],
);

pub(super) const FAILED_LOGIN: Item = Item::new(7 + 64, 7 + INSTANT + 1 + 32, &[("expires_at", 6)]);
