//! Who is calling, and by which login.

use std::time::Duration;

use super::Timestamp;
use super::id::{SessionId, UserId};

/// How long a login lasts, the cookie's `Max-Age` among it: 14 days.
pub const LIFETIME: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How exactly it is known when a session was last seen: moving that forward costs a write.
pub const SEEN_EVERY: Duration = Duration::from_secs(60 * 60);

/// Whom a genuine token names, and when. Whether the session is still alive only the store can tell, and every operation
/// of the store that takes a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: UserId,
    pub session: SessionId,
    /// When they call.
    pub at: Timestamp,
}

/// One login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub caller: Caller,
    pub created_at: Timestamp,
    /// When it was used last, give or take [`SEEN_EVERY`].
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    /// From where, as the front door saw it.
    pub address: Option<String>,
    /// With what, as the client called itself.
    pub agent: Option<String>,
}

impl Session {
    pub fn begin(user: UserId, now: Timestamp, address: Option<String>, agent: Option<String>) -> Self {
        // Whole seconds, as the token and DynamoDB's TTL have it.
        let expires_at = Timestamp::from_epoch_seconds((now + LIFETIME).epoch_seconds()).unwrap_or(now);
        let agent = agent.map(|agent| agent.chars().take(200).collect());
        let caller = Caller { user, session: SessionId::unique(), at: now };
        Self { caller, created_at: now, last_seen_at: now, expires_at, address, agent }
    }

    /// DynamoDB takes its time to clear what has expired.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}
