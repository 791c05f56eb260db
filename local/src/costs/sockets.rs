//! Open sockets, what clients say over them, and telling them what was written.

use super::items::{MEMBERSHIP, PERSON, SESSION, SOCKET, WATCH, sockets};
use super::{Cost, Operation, Sizes};

const MOST_TOLD_OF_TYPING: u64 = shared::domain::connection::MOST_TOLD_OF_TYPING as u64;

/// Everybody who takes part is told on every socket.
fn to_all(s: &Sizes) -> u64 {
    s.participants * s.sockets
}

fn to_others(s: &Sizes) -> u64 {
    (s.participants - 1) * s.sockets
}

/// Where everybody is to be reached: strongly, so that a socket that was open before is told.
fn reached(s: &Sizes, people: u64) -> f64 {
    people as f64 * sockets(s.sockets).read()
}

pub(super) const OPERATIONS: &[Operation] = &[
    // In one transaction the session is required, and the socket noted with its person and on its own.
    Operation::new("open a socket", &["HANDSHAKE $connect"], |s| Cost {
        round_trips: 2,
        wru: SESSION.transacted() + sockets(s.sockets).transacted() + SOCKET.transacted(),
        rru: SESSION.read() + sockets(s.sockets).read(),
    }),
    Operation::new("end a socket", &["HANDSHAKE $disconnect"], |s| Cost {
        round_trips: 3,
        wru: sockets(s.sockets).written() + SOCKET.written(),
        rru: SOCKET.read(),
    }),
    // Every frame is counted, by which its person is found.
    Operation::new("ping", &["FRAME ping"], |_| Cost { round_trips: 1, wru: SOCKET.written(), rru: 0.0 }),
    // In larger groups it is told to nobody.
    Operation::new("typing", &["FRAME typing"], |s| {
        let others = if s.participants <= MOST_TOLD_OF_TYPING { s.participants - 1 } else { 0 };
        Cost {
            round_trips: if others > 0 { 3 } else { 2 },
            wru: SOCKET.written(),
            rru: SESSION.read() + s.conversation().read() + reached(s, others),
        }
    })
    .posts_to(|s| if s.participants <= MOST_TOLD_OF_TYPING { to_others(s) } else { 0 }),
    Operation::new("mark read over a socket", &["FRAME read"], |s| Cost {
        round_trips: 3,
        wru: SOCKET.written() + MEMBERSHIP.written(),
        rru: SESSION.read() + s.conversation().read(),
    }),
    Operation::new("watch people", &["FRAME watch"], |s| Cost {
        round_trips: 4,
        wru: 2.0 * SOCKET.written() + s.watched as f64 * WATCH.written(),
        rru: SESSION.read() + s.watched as f64 * sockets(s.sockets).shown(),
    }),
    Operation::new("tell a message", &["STREAM MSG"], |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: s.conversation().read() + reached(s, s.participants) + PERSON.shown(),
    })
    .posts_to(to_all),
    Operation::new("tell an edit", &["STREAM CHG"], |s| Cost {
        round_trips: 2,
        wru: 0.0,
        rru: s.conversation().read() + reached(s, s.participants) + PERSON.shown() + s.message().read(),
    })
    .posts_to(to_all),
    // To the other sockets of whoever has read, and to the one that it was said over.
    Operation::new("tell a read mark", &["STREAM MEMBER"], |s| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: sockets(s.sockets).read(),
    })
    .posts_to(|s| s.sockets),
];
