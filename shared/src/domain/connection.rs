//! Open sockets: whose they are, and by which login.

use std::fmt;
use std::time::Duration;

use super::Timestamp;
use super::id::{SessionId, UserId};

/// How long API Gateway lets a socket be open: 2 hours.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>
pub const LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// A socket is noted while its handshake is under way, and until that is done API Gateway knows nothing of it. So what is
/// unknown there may only be too young.
pub const OPENING: Duration = Duration::from_secs(10);

/// How many sockets a person has at once, unless configured otherwise.
pub const MOST_CONNECTIONS: usize = 10;

/// Frames a minute that a client may send; what is beyond is refused.
pub const MOST_FRAMES: u64 = 120;

/// Frames a minute at which a client is taken for broken, or hostile, and its socket is closed.
pub const FLOOD: u64 = 2 * MOST_FRAMES;

/// How many people one connection watches.
pub const MOST_WATCHED: usize = 100;

/// Typing is not told in conversations of more people: each frame would be a post to each of them.
pub const MOST_TOLD_OF_TYPING: usize = 50;

/// What API Gateway calls a socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// Base64 as it comes, such as `L0SM9cOFvHcCIhw=`; nothing for what cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte);
        ((1..=128).contains(&text.len()) && text.bytes().all(fit)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One open socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    pub id: ConnectionId,
    pub user: UserId,
    pub session: SessionId,
    pub opened_at: Timestamp,
}

impl Connection {
    /// Whether API Gateway has certainly ended it.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now.since(self.opened_at) > LIFETIME + OPENING
    }

    /// Whether its handshake may still be under way.
    pub fn may_be_opening(&self, now: Timestamp) -> bool {
        now.since(self.opened_at) < OPENING
    }
}

/// A person's sockets that leave when another one comes: the expired ones, and of the others the oldest, so that with the
/// new one there are at most `most`.
pub fn superseded(mut open: Vec<Connection>, most: usize, now: Timestamp) -> Vec<Connection> {
    open.sort_unstable_by(|one, other| (one.opened_at, &one.id).cmp(&(other.opened_at, &other.id)));
    let living = open.iter().filter(|connection| !connection.has_expired(now)).count();
    let mut over = (living + 1).saturating_sub(most.max(1));
    open.retain(|connection| {
        connection.has_expired(now) || {
            let goes = over > 0;
            over -= usize::from(goes);
            goes
        }
    });
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(1_000_000 + seconds).expect("an instant")
    }

    fn connection(name: &str, seconds: i64) -> Connection {
        let id = ConnectionId::parse(name).expect("an id");
        Connection { id, user: UserId::unique(), session: SessionId::unique(), opened_at: at(seconds) }
    }

    fn names(connections: &[Connection]) -> Vec<&str> {
        connections.iter().map(|connection| connection.id.as_str()).collect()
    }

    #[test]
    fn the_oldest_make_room_for_a_new_one() {
        let open = || vec![connection("c", 30), connection("a", 10), connection("b", 20)];
        assert_eq!(names(&superseded(open(), 4, at(40))), [""; 0]);
        assert_eq!(names(&superseded(open(), 3, at(40))), ["a"]);
        assert_eq!(names(&superseded(open(), 1, at(40))), ["a", "b", "c"]);
        assert_eq!(names(&superseded(open(), 0, at(40))), ["a", "b", "c"]);
    }

    #[test]
    fn expired_ones_leave_first_and_take_no_room() {
        let now = at(LIFETIME.as_secs() as i64 + OPENING.as_secs() as i64 + 11);
        let open = vec![connection("old", 10), connection("new", 100)];
        assert_eq!(names(&superseded(open, 2, now)), ["old"]);
    }

    #[test]
    fn an_id_is_what_api_gateway_gives() {
        assert!(ConnectionId::parse("L0SM9cOFvHcCIhw=").is_some());
        for text in ["", "a b", "ä", "#", &"a".repeat(129)] {
            assert_eq!(ConnectionId::parse(text), None);
        }
    }
}
