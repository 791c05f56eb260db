//! People, their credentials and their logins.
//!
//! The e-mail guard is the one item that every login and everything that ends logins writes: a login adds to its
//! count of logins in the transaction that makes the session, and whatever ends sessions does so on condition that
//! the count has not moved. So no login can slip past a change of password or a deactivation.

mod admins;
mod failures;
mod item;
mod management;
mod password;
mod people;
mod sessions;

use aws_sdk_dynamodb::types::AttributeValue;

use self::item::{session_to_item, user_to_item};
pub(super) use self::people::people_in;
pub use self::people::{Directory, People};
pub use self::sessions::SessionPosition;
use super::Store;
use super::calls::{Consistency, Failure};
use super::item::{Reader, Writer, nonce_value};
use super::keys::Key;
use crate::domain::id::{Nonce, UserId};
use crate::domain::password::PasswordHash;
use crate::domain::session::Session;
use crate::domain::user::{Email, NewUser, User};
use crate::domain::{Error, Timestamp};

/// What a login is checked against.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: UserId,
    pub email: Email,
    pub password_hash: PasswordHash,
    pub active: bool,
    /// How many logins there have been.
    logins: u64,
    /// When the latest of them was.
    signed_in_at: Option<Timestamp>,
}

impl Store {
    /// Makes a person, and signs them in if there is a session to begin.
    pub async fn create_user(&self, new: NewUser, session: Option<&Session>, now: Timestamp) -> Result<User, Error> {
        let nonce = Nonce::unique();
        let user = User {
            id: new.id,
            first_name: new.first_name,
            last_name: new.last_name,
            email: new.email,
            phone_number: new.phone_number,
            role: new.role,
            active: new.active,
            created_at: now,
        };
        let guard = Writer::at(Key::email(&user.email))
            .text("user", user.id)
            .text("password_hash", new.password.as_str())
            .set("active", AttributeValue::Bool(user.active))
            .integer("logins", u64::from(session.is_some()))
            .set("nonce", nonce_value(nonce))
            .build();
        let mut actions = vec![self.putting_new(guard), self.putting_new(user_to_item(&user))];
        actions.extend(session.map(|session| self.putting_new(session_to_item(session))));
        actions.extend(user.is_active_admin().then(|| self.adding_admin(user.id)));
        match self.transact(actions).await {
            Ok(()) => Ok(user),
            Err(Failure::Cancelled(blocked)) => match blocked.first().and_then(Option::as_ref) {
                Some(guard) if Reader(guard).nonce("nonce") == Some(nonce) => Ok(user),
                Some(_) => Err(Error::EmailTaken),
                None => Err(Error::Internal("a new person's id was taken".to_owned())),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    /// The account of an e-mail address, active or not.
    pub async fn account(&self, email: &Email) -> Result<Option<Account>, Error> {
        let Some(item) = self.get(Key::email(email), Consistency::Strong).await? else { return Ok(None) };
        let item = Reader(&item);
        Ok(Some(Account {
            user: item.user_id("user")?,
            email: email.clone(),
            password_hash: PasswordHash::from_stored(item.text("password_hash")?.to_owned()),
            active: item.flag("active")?,
            logins: item.integer("logins")?,
            signed_in_at: item.optional_instant("signed_in_at")?,
        }))
    }
}
