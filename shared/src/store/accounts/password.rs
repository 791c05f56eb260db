//! Changing a password: whoever knew the old one is out.

use super::Account;
use crate::domain::password::PasswordHash;
use crate::domain::session::Caller;
use crate::domain::{Error, Resource};
use crate::store::Store;
use crate::store::attempts::pause;
use crate::store::calls::Failure;
use crate::store::item::{integer, text};
use crate::store::keys::Key;

impl Store {
    /// Sets another password and ends every session but `kept`, at once. Fails if the hash that was checked is no
    /// longer the account's.
    pub async fn change_password(
        &self,
        account: &Account,
        hash: &PasswordHash,
        kept: Option<&Caller>,
    ) -> Result<(), Error> {
        let (mut account, checked) = (account.clone(), &account.password_hash);
        let mut attempt = 0;
        loop {
            // The guard was read before the sessions are: a session that this query misses has moved the guard.
            let ending = self.ending_sessions(account.user, kept).await?;
            let changed = self.updating(
                Key::email(&account.email),
                "SET password_hash = :hash",
                "logins = :seen AND password_hash = :checked",
                [
                    (":seen", integer(account.logins)),
                    (":hash", text(hash.as_str())),
                    (":checked", text(checked.as_str())),
                ],
            );
            match self.transact([vec![changed], ending].concat()).await {
                Ok(()) => return Ok(()),
                Err(Failure::Cancelled(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
            pause(&mut attempt).await?;
            account = self.account(&account.email).await?.ok_or(Error::NotFound(Resource::User))?;
            if account.password_hash == *hash {
                return Ok(());
            }
            if account.password_hash != *checked {
                return Err(Error::WrongCredentials);
            }
        }
    }
}
