//! Sending, reading and changing messages.

use super::items::{ALIAS, CHANGE, CLIENT_KEY, Item, MEMBERSHIP, PERSON, SESSION, edit, edited_message};
use super::{Cost, Operation, Sizes};

const SEND: &[&str] = &["POST /api/messages", "POST /api/conversations/{conversation_id}/messages"];
const READ: &[&str] =
    &["GET /api/messages/{message_id}", "GET /api/conversations/{conversation_id}/messages/{message_id}"];
const PAGE: &[&str] = &["GET /api/conversations/{conversation_id}/messages"];
const LIST: &[&str] = &["GET /api/messages"];

/// How many messages one query looks at for a filter, and how many queries a page may take.
const LOOKED_AT_ONCE: u64 = 100;
const MOST_QUERIES: u64 = 4;

/// How many messages are read of each conversation that a page over all of them looks into: the page, and a few more.
fn portion(sizes: &Sizes) -> u64 {
    (sizes.page + 4).min(sizes.messages)
}

pub(super) const OPERATIONS: &[Operation] = &[
    // The number is taken beside the session and the sender's name. Of the three WRU one moves the sender's read mark.
    Operation::new("send", SEND, |s| Cost {
        round_trips: 2,
        wru: s.conversation().written() + s.message().written() + MEMBERSHIP.written(),
        rru: SESSION.read() + PERSON.shown(),
    }),
    // The key is read before a number is taken, and written with the message.
    Operation::new("send with client key", SEND, |s| Cost {
        round_trips: 3,
        wru: s.conversation().written() + keyed(s).transacted() + CLIENT_KEY.transacted() + MEMBERSHIP.written(),
        rru: SESSION.read() + PERSON.shown() + CLIENT_KEY.read(),
    }),
    // One RRU above what the message alone takes: whoever has left is told nothing, not even what they said.
    Operation::new("repeat of a keyed send", SEND, |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: SESSION.read() + PERSON.shown() + CLIENT_KEY.read() + s.conversation().read() + keyed(s).read(),
    }),
    Operation::new("message by id", READ, |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: SESSION.read() + s.conversation().read() + s.message().read() + PERSON.shown(),
    }),
    // What leads from the old id is read before it is known where to; the session is read with each of the two.
    Operation::new("message by the id it had before an import", READ, |s| Cost {
        round_trips: 3,
        wru: 0.0,
        rru: 2.0 * SESSION.read() + ALIAS.read() + s.conversation().read() + s.message().read() + PERSON.shown(),
    }),
    // Forwards, backwards, from a cursor and by the page's number alike.
    Operation::new("page of messages", PAGE, |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: SESSION.read() + s.conversation().read() + s.message().queried(s.page) + senders(s),
    }),
    // Of what the filter leaves, the page is full after one query.
    Operation::new("search of a conversation", PAGE, |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: SESSION.read()
            + s.conversation().read()
            + s.message().queried(LOOKED_AT_ONCE.min(s.messages))
            + senders(s),
    }),
    Operation::new("search of a conversation that finds nothing", PAGE, |s| {
        let queries = s.messages.div_ceil(LOOKED_AT_ONCE).clamp(1, MOST_QUERIES);
        let each = s.message().queried(LOOKED_AT_ONCE.min(s.messages));
        Cost {
            round_trips: queries as u32,
            wru: 0.0,
            rru: SESSION.read() + s.conversation().read() + queries as f64 * each,
        }
    }),
    // Where the time lies is sought first, in rounds of probes: eight times as many messages are one round more.
    Operation::new("page of messages by time", PAGE, |s| {
        let (rounds, probes) = seek(s.messages);
        let page = s.message().queried(LOOKED_AT_ONCE.min(s.messages));
        Cost {
            round_trips: 3 + rounds,
            wru: 0.0,
            rru: SESSION.read() + s.conversation().read() + probes as f64 * s.message().listed(2) + page + senders(s),
        }
    })
    .at_most(),
    // Newest first, in the shape of the list over all conversations, which reads a few more than it shows.
    Operation::new("messages of one conversation", LIST, |s| Cost {
        round_trips: 3,
        wru: 0.0,
        rru: SESSION.read() + s.conversation().read() + s.message().queried(portion(s)) + senders(s),
    }),
    // When something was said last stands in each conversation: all of them are read to know in which to look. They are
    // looked into five at first, then twice as many in each round.
    Operation::new("messages over all conversations", LIST, |s| Cost {
        round_trips: 2 + rounds_of_opening(s.looked_into) + 1,
        wru: 0.0,
        rru: SESSION.read()
            + MEMBERSHIP.queried(s.conversations)
            + s.conversations as f64 * s.conversation().read()
            + s.looked_into as f64 * s.message().queried(portion(s))
            + senders(s),
    })
    .at_most(),
    // Beside what judges: a change takes a number, then stands in one transaction with what it changes.
    Operation::new(
        "edit",
        &[
            "PUT /api/messages/{message_id}",
            "PATCH /api/messages/{message_id}",
            "PUT /api/conversations/{conversation_id}/messages/{message_id}",
            "PATCH /api/conversations/{conversation_id}/messages/{message_id}",
        ],
        |s| Cost {
            round_trips: 3,
            wru: s.conversation().written()
                + edit(s.body).transacted()
                + edited_message(s.body, s.edits + 1).transacted(),
            rru: SESSION.read() + s.conversation().read() + s.message().read() + PERSON.shown(),
        },
    ),
    // The count of what is hidden moves in the same transaction, and earlier wordings go with it.
    Operation::new(
        "delete a message",
        &["DELETE /api/messages/{message_id}", "DELETE /api/conversations/{conversation_id}/messages/{message_id}"],
        |s| Cost {
            round_trips: 3,
            wru: s.conversation().written()
                + CHANGE.transacted()
                + edited_message(s.body, s.edits).transacted()
                + s.conversation().transacted()
                + s.edits as f64 * edit(s.body).transacted(),
            rru: SESSION.read() + s.conversation().read() + s.message().read() + PERSON.read(),
        },
    ),
    // Each earlier wording stands in the change that replaced it.
    Operation::new("history of a message", &["GET /api/messages/{message_id}/history"], |s| Cost {
        round_trips: 1 + u32::from(s.edits > 0),
        wru: 0.0,
        rru: SESSION.read() + s.conversation().read() + s.message().read() + s.edits as f64 * edit(s.body).read(),
    }),
];

/// The names beside messages.
fn senders(sizes: &Sizes) -> f64 {
    sizes.senders as f64 * PERSON.shown()
}

/// A message with the client's name for it, as a UUID.
fn keyed(sizes: &Sizes) -> Item {
    super::items::message(sizes.body + "client_key".len() as u64 + 36)
}

/// Rounds of probes, and probes, until an instant is known to within a page, at most: steps that grow eightfold, then
/// seven probes in each round.
fn seek(messages: u64) -> (u32, u64) {
    const NEAR: u64 = 64;
    let width = messages + 1;
    if width <= NEAR {
        return (0, 0);
    }
    let steps = std::iter::successors(Some(NEAR), |step| step.checked_mul(8)).take_while(|step| *step < width).count();
    let narrowing = std::iter::successors(Some(width), |width| Some(width.div_ceil(8)));
    let rounds = narrowing.take_while(|width| *width > NEAR).count();
    (1 + rounds as u32, (steps + 7 * rounds) as u64)
}

/// In how many round trips so many conversations are looked into.
fn rounds_of_opening(conversations: u64) -> u32 {
    let at_once = [5, 10, 20].into_iter().chain(std::iter::repeat(40));
    let opened = at_once.scan(0, |opened, more| {
        let before = *opened;
        *opened += more;
        Some(before)
    });
    opened.take_while(|opened| *opened < conversations).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeking_takes_a_round_more_for_eight_times_as_many_messages() {
        assert_eq!([1, 63].map(seek), [(0, 0); 2]);
        let rounds = [500, 4_000, 32_000, 256_000].map(|messages| seek(messages).0);
        assert_eq!(rounds, [2, 3, 4, 5]);
    }

    #[test]
    fn conversations_are_opened_five_then_ten_then_twenty_then_forty_at_once() {
        assert_eq!([0, 1, 5, 6, 15, 16, 35, 36, 75, 76].map(rounds_of_opening), [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
    }
}
