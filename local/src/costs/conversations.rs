//! Starting, showing and changing conversations, and who takes part.

use super::items::{CHANGE, DIRECT_PAIR, IN_INDEX, MEMBERSHIP, PERSON, SESSION, edit, remains};
use super::{Between, Cost, Operation, Sizes, units};

const LIST: &[&str] = &["GET /api/conversations"];
const START: &[&str] = &["POST /api/conversations"];
const INSTANCE: &str = "GET /api/conversations/{conversation_id}";
const RENAME: &[&str] = &["PUT /api/conversations/{conversation_id}", "PATCH /api/conversations/{conversation_id}"];
const LEAVE: &[&str] = &["POST /api/conversations/{conversation_id}/leave"];
const CHANGES: &[&str] = &["GET /api/conversations/{conversation_id}/changes"];
const EVERYWHERE: &[&str] = &["GET /api/changes"];

/// How many of the latest messages the detail shows, and of the latest changes it looks at.
const EMBEDDED_MESSAGES: u64 = 50;
const LATEST_CHANGES: u64 = 50;

/// How many of the latest messages are looked at for one that is still under way.
const LATEST_MESSAGES: u64 = 50;

/// How many memberships one transaction makes, beside META and the direct pair.
const MEMBERS_IN_ONE_TRANSACTION: u64 = 98;

/// How many conversations one request of a search looks through.
const MOST_LOOKED_THROUGH: u64 = 100;

/// How many items of a log one step clears, and how many steps a removal takes.
const CLEARED_AT_ONCE: u64 = 250;
const STEPS: u64 = 4;

pub(super) const OPERATIONS: &[Operation] = &[
    // META with its entry in the index, the pair, two memberships. Whether the two are active is read strongly.
    Operation::new("start a direct conversation", START, |s| Cost {
        round_trips: 2,
        wru: s.conversation().transacted() + IN_INDEX + DIRECT_PAIR.transacted() + 2.0 * MEMBERSHIP.transacted(),
        rru: SESSION.read() + DIRECT_PAIR.read() + 2.0 * PERSON.read(),
    })
    .between(Between::Two),
    Operation::new("start a direct conversation that is there", START, |s| {
        let detail = detail(s);
        Cost {
            round_trips: 1 + detail.round_trips,
            rru: SESSION.read() + DIRECT_PAIR.read() + 2.0 * PERSON.read() + detail.rru,
            ..detail
        }
    })
    .between(Between::Two),
    // What does not fit into one transaction: memberships in batches, then META, each item at the single price.
    Operation::new("start a group", START, |s| {
        let members = s.participants as f64;
        let at_once = s.participants <= MEMBERS_IN_ONE_TRANSACTION;
        let times = if at_once { 2.0 } else { 1.0 };
        Cost {
            round_trips: if at_once { 2 } else { 3 },
            wru: times * (s.conversation().written() + members * MEMBERSHIP.written()) + IN_INDEX,
            rru: SESSION.read() + members * PERSON.read(),
        }
    })
    .between(Between::Group),
    // The memberships are all read, 20 to an RRU, since it is there that the order stands.
    Operation::new("list conversations", LIST, |s| Cost {
        round_trips: 3,
        wru: 0.0,
        rru: SESSION.read() + MEMBERSHIP.queried(s.conversations) + rows(s),
    }),
    // When something was said last stands in each conversation itself, lest a send write it for everybody.
    Operation::new("list conversations by activity", LIST, |s| {
        let beyond_the_page = s.conversations as f64 - shown(s);
        Cost {
            round_trips: 3,
            wru: 0.0,
            rru: SESSION.read()
                + MEMBERSHIP.queried(s.conversations)
                + rows(s)
                + beyond_the_page * s.conversation().read(),
        }
    }),
    // Titles stand in the conversations, of which so many are looked through at once, and names with the people. Whose last
    // message is shown is found beside.
    Operation::new("search the conversations", LIST, |s| Cost {
        round_trips: 4,
        wru: 0.0,
        rru: SESSION.read()
            + MEMBERSHIP.queried(s.conversations)
            + s.conversations.min(MOST_LOOKED_THROUGH) as f64 * s.conversation().read()
            + shown(s) * s.message().read()
            + s.searched as f64 * PERSON.shown(),
    }),
    Operation::new("conversation", &[INSTANCE], |s| {
        let detail = detail(s);
        Cost { rru: SESSION.read() + detail.rru, ..detail }
    }),
    // Answered with the conversation in full.
    Operation::new("rename", RENAME, |s| {
        let detail = detail(s);
        Cost {
            round_trips: 3 + detail.round_trips,
            wru: s.conversation().written() + CHANGE.transacted() + s.conversation().transacted(),
            rru: judged(s) + detail.rru,
        }
    })
    .between(Between::Group),
    Operation::new("rename to what it is called", RENAME, |s| {
        let detail = detail(s);
        Cost { round_trips: 1 + detail.round_trips, wru: 0.0, rru: judged(s) + detail.rru }
    })
    .between(Between::Group),
    Operation::new("add a participant", &["POST /api/conversations/{conversation_id}/add_participant"], |s| Cost {
        rru: judged(s) + PERSON.read(),
        ..coming_or_going(s)
    })
    .between(Between::Group),
    Operation::new("remove a participant", &["POST /api/conversations/{conversation_id}/remove_participant"], |s| {
        Cost { rru: judged(s) + PERSON.read(), ..coming_or_going(s) }
    })
    .between(Between::Group),
    Operation::new("leave", LEAVE, |s| Cost { rru: SESSION.read() + s.conversation().read(), ..coming_or_going(s) })
        .between(Between::Group),
    // Who has been there longest is told by the memberships.
    Operation::new("leave as the creator", LEAVE, |s| Cost {
        round_trips: 4,
        rru: SESSION.read() + s.conversation().read() + s.participants as f64 * MEMBERSHIP.read(),
        ..coming_or_going(s)
    })
    .between(Between::Group),
    Operation::new("leave as the last one", LEAVE, |s| {
        let alone = Sizes { participants: 1, ..*s };
        removal(&alone, SESSION.read() + alone.conversation().read())
    })
    .between(Between::Group)
    .round_trips_at_most(),
    Operation::new("delete a conversation", &["DELETE /api/conversations/{conversation_id}"], |s| {
        removal(s, judged(s))
    })
    .round_trips_at_most(),
    Operation::new("mark read", &["PUT /api/conversations/{conversation_id}/read"], |s| Cost {
        round_trips: 2,
        wru: MEMBERSHIP.written(),
        rru: SESSION.read() + s.conversation().read(),
    }),
    // A range of each log is read with the rest, of which nothing is there.
    Operation::new("what changed, if nothing did", CHANGES, |s| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: SESSION.read() + s.conversation().read() + 2.0 * units::read(0),
    }),
    // Each edited message once more, as it is after the edit.
    Operation::new("what changed", CHANGES, |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: SESSION.read()
            + s.conversation().read()
            + s.message().queried(s.page)
            + edit(s.body).queried(s.edits)
            + s.edits as f64 * s.message().read()
            + s.senders as f64 * PERSON.shown(),
    }),
    Operation::new("what changed everywhere, if nothing did", EVERYWHERE, |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: everywhere(s),
    }),
    // Of each that moved, what authorises, and the logs that did; what is shown beside, of all of them at once.
    Operation::new("what changed everywhere", EVERYWHERE, |s| {
        let edits =
            if s.edits == 0 { 0.0 } else { edit(s.body).queried(s.edits) + s.edits as f64 * s.message().read() };
        let each = s.conversation().read() + s.message().queried(s.page) + edits;
        let rru = everywhere(s) + s.moved as f64 * each + s.senders as f64 * PERSON.shown();
        Cost { round_trips: 4, wru: 0.0, rru }
    }),
    // Without a cursor. Of those that moved within the last half minute, it is looked at what may still be under way.
    Operation::new("how far everything has come", EVERYWHERE, |s| Cost {
        round_trips: if s.moved == 0 { 2 } else { 3 },
        wru: 0.0,
        rru: everywhere(s) + s.moved as f64 * s.message().listed(s.messages.min(LATEST_MESSAGES)),
    }),
];

/// All memberships, 20 to an RRU, and half an RRU for each conversation.
fn everywhere(s: &Sizes) -> f64 {
    SESSION.read() + MEMBERSHIP.queried(s.conversations) + s.conversations as f64 * s.conversation().shown()
}

/// The session, the conversation, and the caller, whose role counts in it.
fn judged(s: &Sizes) -> f64 {
    SESSION.read() + s.conversation().read() + PERSON.read()
}

/// How many conversations a page of a list shows.
fn shown(s: &Sizes) -> f64 {
    s.page.min(s.conversations) as f64
}

/// What the page of a list shows of its conversations.
fn rows(s: &Sizes) -> f64 {
    shown(s) * (s.conversation().read() + s.message().read()) + s.listed as f64 * PERSON.shown()
}

/// A conversation in full: the latest messages with it, then memberships and names, and whether the latest changes are
/// settled.
fn detail(s: &Sizes) -> Cost {
    let changes = if s.changes == 0 { 0.0 } else { CHANGE.queried(s.changes.min(LATEST_CHANGES)) };
    Cost {
        round_trips: 2,
        wru: 0.0,
        rru: s.conversation().read()
            + s.message().queried(s.messages.min(EMBEDDED_MESSAGES))
            + s.participants as f64 * (MEMBERSHIP.read() + PERSON.shown())
            + changes,
    }
}

/// A change takes a number, then stands in one transaction with the set of those who take part, and one membership.
fn coming_or_going(s: &Sizes) -> Cost {
    let (once, transacted) = (s.conversation().written(), s.conversation().transacted());
    Cost { round_trips: 3, wru: once + CHANGE.transacted() + transacted + MEMBERSHIP.transacted(), rru: 0.0 }
}

/// META with its entry in the index, what is left to do, and the pair; then memberships and log are cleared side by side,
/// a bounded part of it by this request. The meter counts one round trip more if a step begins after the memberships' has
/// ended.
fn removal(s: &Sizes, judged: f64) -> Cost {
    let log = s.messages + s.changes + s.keys;
    let (steps, cleared) = ((log / CLEARED_AT_ONCE + 1).min(STEPS), log.min(STEPS * CLEARED_AT_ONCE));
    let pair = if s.participants == 2 && s.title == 0 { DIRECT_PAIR.transacted() } else { 0.0 };
    let (remains, a_step) = (remains(s.participants), s.message().queried(CLEARED_AT_ONCE.min(log)));
    Cost {
        round_trips: 2 + 2 * steps as u32 + 1,
        wru: s.conversation().transacted()
            + IN_INDEX
            + remains.transacted()
            + pair
            + remains.written()
            + s.participants as f64 * MEMBERSHIP.written()
            + cleared as f64 * s.message().written(),
        rru: judged + steps as f64 * a_step + units::read_eventually(0),
    }
}
