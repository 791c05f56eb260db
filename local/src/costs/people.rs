//! People and their sessions, and what reads nothing.

use super::items::{ACCOUNT, FAILED_LOGIN, IN_INDEX, PERSON, SESSION};
use super::{Cost, Operation, Sizes, units};

const LOG_IN: &[&str] = &["POST /api/auth/login", "POST /api-auth/login"];
const PEOPLE: &[&str] = &["GET /api/users"];
const CHANGE_ME: &[&str] = &["PATCH /api/users/me"];

/// How many people one query of a search looks at, and how many queries a page may take.
const SEARCHED_AT_ONCE: u64 = 100;
const MOST_QUERIES: u32 = 4;

pub(super) const OPERATIONS: &[Operation] = &[
    // Guard, person and session, all or nothing.
    Operation::new("register", &["POST /api/auth/register"], |_| Cost {
        round_trips: 1,
        wru: ACCOUNT.transacted() + PERSON.transacted() + SESSION.transacted() + IN_INDEX,
        rru: 0.0,
    })
    .hashes(1),
    // Of the WRU three are for the transaction that lets no login slip past a deactivation; of the RRU 1.5 for earlier
    // failures, by account and by address, which have to be known before a password is looked at.
    Operation::new("log in", LOG_IN, |_| Cost {
        round_trips: 2,
        wru: ACCOUNT.transacted() + SESSION.transacted(),
        rru: looked_at() + PERSON.read(),
    })
    .hashes(1),
    Operation::new("failed login", LOG_IN, |_| Cost {
        round_trips: 2,
        wru: 2.0 * FAILED_LOGIN.written(),
        rru: looked_at(),
    })
    .hashes(1),
    Operation::new("log out", &["POST /api/auth/logout"], |_| Cost {
        round_trips: 2,
        wru: SESSION.written(),
        rru: SESSION.read(),
    }),
    // Whether the session was alive is of no matter.
    Operation::new("log out by a page", &["GET /api-auth/logout", "POST /api-auth/logout"], |_| Cost {
        round_trips: 1,
        wru: SESSION.written(),
        rru: 0.0,
    }),
    // Every other session ends in the same transaction.
    Operation::new("change the password", &["POST /api/auth/password"], |s| Cost {
        round_trips: 4,
        wru: ACCOUNT.transacted() + (s.sessions - 1) as f64 * SESSION.transacted(),
        rru: SESSION.read() + PERSON.read() + looked_at() + SESSION.queried(s.sessions),
    })
    .hashes(2),
    Operation::new("list one's sessions", &["GET /api/auth/sessions"], |s| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: SESSION.read() + SESSION.queried(s.sessions),
    }),
    Operation::new("end a session", &["DELETE /api/auth/sessions/{session_id}"], |_| Cost {
        round_trips: 2,
        wru: SESSION.written(),
        rru: 2.0 * SESSION.read(),
    }),
    Operation::new("end all other sessions", &["DELETE /api/auth/sessions"], |s| Cost {
        round_trips: 2,
        wru: (s.sessions - 1) as f64 * SESSION.written(),
        rru: SESSION.read() + SESSION.queried(s.sessions),
    }),
    Operation::new("me", &["GET /api/users/me"], |_| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: SESSION.read() + PERSON.read(),
    }),
    // When a session was last seen moves once an hour, with whatever is asked for then.
    Operation::new("me, for the first time in an hour", &["GET /api/users/me"], |_| Cost {
        round_trips: 2,
        wru: SESSION.written(),
        rru: SESSION.read() + PERSON.read(),
    }),
    // With the caller, whose role decides what is shown.
    Operation::new("person by id", &["GET /api/users/{user_id}"], |_| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: SESSION.read() + 2.0 * PERSON.read(),
    }),
    // From the index; two more than are shown tell whether there are more, the caller's own row apart.
    Operation::new("list people", PEOPLE, |s| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: SESSION.read() + PERSON.read() + PERSON.listed(s.page + 2),
    }),
    Operation::new("search people that finds nobody", PEOPLE, |_| Cost {
        round_trips: MOST_QUERIES,
        wru: 0.0,
        rru: SESSION.read() + PERSON.read() + f64::from(MOST_QUERIES) * PERSON.listed(SEARCHED_AT_ONCE),
    }),
    Operation::new("change one's names", CHANGE_ME, |_| Cost {
        round_trips: 2,
        wru: PERSON.transacted() + IN_INDEX,
        rru: SESSION.read() + PERSON.read(),
    }),
    Operation::new("change of oneself that changes nothing", CHANGE_ME, |_| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: SESSION.read() + PERSON.read(),
    }),
    Operation::new("make a person", &["POST /api/users"], |_| Cost {
        round_trips: 2,
        wru: ACCOUNT.transacted() + PERSON.transacted() + IN_INDEX,
        rru: SESSION.read() + PERSON.read(),
    })
    .hashes(1),
    Operation::new("change a person's role", &["PATCH /api/users/{user_id}"], |_| Cost {
        round_trips: 2,
        wru: PERSON.transacted() + IN_INDEX,
        rru: SESSION.read() + 2.0 * PERSON.read(),
    }),
    // The guard is read before the sessions are, so that none begins between.
    Operation::new("deactivate a person", &["DELETE /api/users/{user_id}", "PATCH /api/users/{user_id}"], |s| Cost {
        round_trips: 4,
        wru: PERSON.transacted() + IN_INDEX + ACCOUNT.transacted() + s.sessions as f64 * SESSION.transacted(),
        rru: SESSION.read() + 2.0 * PERSON.read() + ACCOUNT.read() + SESSION.queried(s.sessions),
    }),
    // The same of every endpoint that asks for a session.
    Operation::new("what an endpoint takes", &["OPTIONS /api/users/me"], |_: &Sizes| Cost {
        round_trips: 1,
        wru: 0.0,
        rru: SESSION.read(),
    }),
    Operation::new(
        "what is the same for everybody",
        &["GET /", "GET /health", "GET /api", "GET /api/schema", "GET /api/schema/events", "GET /api-auth/login"],
        |_| Cost { round_trips: 0, wru: 0.0, rru: 0.0 },
    ),
];

/// The account, and the failures of before: none, mostly.
fn looked_at() -> f64 {
    ACCOUNT.read() + units::read(0) + units::read_eventually(0)
}
