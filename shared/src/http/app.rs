//! What every handler can reach.

use std::sync::Arc;
use std::time::SystemTime;

use super::token::Keyring;
use crate::domain::Timestamp;
use crate::store::{Settings, Store};

/// Whether people may register themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    Open,
    Closed,
}

#[derive(Clone, Debug)]
pub struct App {
    pub store: Store,
    pub keyring: Arc<Keyring>,
    pub registration: Registration,
    /// Where clients open sockets; none where there are none.
    pub websocket: Option<String>,
}

impl App {
    /// From the environment: the table's (see [`Settings`]), `SESSION_KEYS`, `REGISTRATION` (`open` or `closed`) and
    /// `WEBSOCKET_URL`.
    pub async fn from_env() -> Result<Self, String> {
        let keys = std::env::var("SESSION_KEYS")
            .map_err(|_| "SESSION_KEYS is not set: it holds the keys that sign session tokens".to_owned())?;
        let registration = match std::env::var("REGISTRATION").as_deref() {
            Err(_) | Ok("open") => Registration::Open,
            Ok("closed") => Registration::Closed,
            Ok(other) => return Err(format!("REGISTRATION is {other:?}: it must be open or closed")),
        };
        Ok(Self {
            keyring: Arc::new(Keyring::parse(&keys)?),
            store: Store::connect(Settings::from_env()).await,
            registration,
            websocket: std::env::var("WEBSOCKET_URL").ok().filter(|url| !url.is_empty()),
        })
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now())
    }
}
