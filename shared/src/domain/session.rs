//! Who is calling, and by which login.

use std::time::Duration;

use super::Timestamp;
use super::id::{SessionId, UserId};

/// How long a login lasts, the cookie's `Max-Age` among it: 14 days.
pub const LIFETIME: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Whom a genuine token names. Whether the session is still alive only the store can tell, and every operation
/// of the store that takes a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: UserId,
    pub session: SessionId,
}

/// One login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub caller: Caller,
    pub created_at: Timestamp,
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
        Self { caller: Caller { user, session: SessionId::unique() }, created_at: now, expires_at, address, agent }
    }
}
