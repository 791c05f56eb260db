//! Hashing passwords takes tens of milliseconds of processor time: other requests go on meanwhile.

use crate::domain::Error;
use crate::domain::password::{Password, PasswordHash};

impl Password {
    /// As [`Password::hash`], on a thread of its own.
    pub async fn hashed(self) -> Result<PasswordHash, Error> {
        off_the_runtime(move || self.hash()).await
    }

    /// Whether this is the password behind `hash`, and a new hash if it is and the old one's parameters are outdated.
    pub async fn checked(self, hash: PasswordHash) -> Result<(bool, Option<PasswordHash>), Error> {
        off_the_runtime(move || {
            let fits = self.matches(&hash);
            (fits, (fits && hash.is_outdated()).then(|| self.hash()))
        })
        .await
    }
}

async fn off_the_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))
}
