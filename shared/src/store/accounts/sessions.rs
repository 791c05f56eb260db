//! Logins as they last: begun, listed, seen, ended.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Account;
use super::item::session_to_item;
use crate::domain::id::{SessionId, UserId};
use crate::domain::page::{Page, Slice, slice};
use crate::domain::password::PasswordHash;
use crate::domain::session::{Caller, Session};
use crate::domain::user::User;
use crate::domain::{Error, Resource, Timestamp};
use crate::store::Store;
use crate::store::calls::{Consistency, Failure};
use crate::store::item::{Reader, integer, text};
use crate::store::keys::{Key, PK, SESSION_PREFIX, SK, user_partition};

/// How many sessions end in the same transaction; older ones beyond that end just before it.
const SESSIONS_IN_ONE_TRANSACTION: usize = 90;

/// A place in the list of one's sessions: when it began; ties are broken by id.
pub type SessionPosition = (Timestamp, SessionId);

impl Store {
    /// Begins a session for an account whose password was checked, unless account or password changed meanwhile.
    /// `rehashed` replaces a hash with outdated parameters.
    pub async fn begin_session(
        &self,
        account: &Account,
        session: &Session,
        rehashed: Option<&PasswordHash>,
    ) -> Result<User, Error> {
        let hash = rehashed.unwrap_or(&account.password_hash);
        let counted = self.updating(
            Key::email(&account.email),
            "SET password_hash = :hash, signed_in_at = :now ADD logins :one",
            "active = :true AND password_hash = :checked",
            [
                (":hash", text(hash.as_str())),
                (":now", text(session.created_at)),
                (":checked", text(account.password_hash.as_str())),
                (":true", AttributeValue::Bool(true)),
                (":one", integer(1)),
            ],
        );
        let (begun, user) = tokio::join!(
            self.transact(vec![counted, self.putting_new(session_to_item(session))]),
            self.user(account.user)
        );
        match begun {
            Ok(()) => user,
            // Nobody else knows the session's id: where it stands already, this very write was repeated.
            Err(Failure::Cancelled(blocked)) if blocked.get(1).is_some_and(Option::is_some) => user,
            Err(Failure::Cancelled(_)) => Err(Error::WrongCredentials),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The caller's sessions that have not expired, the latest first.
    pub async fn sessions(
        &self,
        caller: &Caller,
        wanted: &Slice<SessionPosition>,
    ) -> Result<Page<Session, SessionPosition>, Error> {
        // One query, which ends at 1 MB: some thousands of logins within 14 days.
        let found = self.admit(caller, async { Ok(self.rows(self.sessions_query(caller.user)).await?) }).await?;
        let sessions = found.items.iter().map(|item| Session::try_from(Reader(item)));
        let mut sessions = sessions.collect::<Result<Vec<_>, Error>>()?;
        sessions.retain(|session| !session.has_expired(caller.at));
        sessions.sort_unstable_by_key(|session| std::cmp::Reverse(position(session)));
        Ok(slice(sessions, position, wanted, true))
    }

    /// Ends the caller's session, alive or not.
    pub async fn end_session(&self, caller: &Caller) -> Result<(), Error> {
        Ok(self.delete(Key::session(caller)).await?)
    }

    /// Ends one of the caller's own sessions.
    pub async fn end_one_session(&self, caller: &Caller, session: SessionId) -> Result<(), Error> {
        let key = Key::session(&Caller { session, ..*caller });
        let found = self.admit(caller, async { Ok(self.get(key.clone(), Consistency::Strong).await?) }).await?;
        let found = found.map(|item| Session::try_from(Reader(&item))).transpose()?;
        match found.filter(|session| !session.has_expired(caller.at)) {
            Some(_) => Ok(self.delete(key).await?),
            None => Err(Error::NotFound(Resource::Session)),
        }
    }

    /// Ends all sessions of the caller but the one they call by.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<(), Error> {
        let mut keys = self.admit(caller, self.session_keys(caller.user)).await?;
        let kept = Key::session(caller);
        keys.retain(|key| *key != kept);
        Ok(self.delete_all(keys).await?)
    }

    /// Notes that a session is in use, unless it was ended meanwhile.
    pub(in crate::store) async fn move_last_seen(&self, caller: &Caller) -> Result<(), Error> {
        let request = self
            .update(Key::session(caller))
            .update_expression("SET last_seen_at = :at")
            .condition_expression(format!(
                "attribute_exists({PK}) AND (attribute_not_exists(last_seen_at) OR last_seen_at < :at)"
            ))
            .expression_attribute_values(":at", text(caller.at));
        match self.updated(request).await {
            // Where it stands, another request was seen just as late.
            Ok(_) | Err(Failure::Condition(Some(_))) => Ok(()),
            Err(Failure::Condition(None)) => Err(Error::SessionEnded),
            Err(failure) => Err(failure.into()),
        }
    }

    /// For [`Store::transact`]: the end of every session but `kept`. Those beyond what a transaction holds end here.
    pub(super) async fn ending_sessions(
        &self,
        user: UserId,
        kept: Option<&Caller>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let kept = kept.map(Key::session);
        let mut ending = self.session_keys(user).await?;
        ending.retain(|key| Some(key) != kept.as_ref());
        let early = ending.split_off(ending.len().min(SESSIONS_IN_ONE_TRANSACTION));
        self.delete_all(early).await?;
        Ok(ending.into_iter().map(|key| self.deleting(key)).collect())
    }

    pub(in crate::store) async fn session_keys(&self, user: UserId) -> Result<Vec<Key>, Error> {
        let query = self.sessions_query(user).projection_expression(format!("{PK}, {SK}"));
        self.all_rows(query).await?.iter().map(|item| Reader(item).key()).collect()
    }

    fn sessions_query(&self, user: UserId) -> QueryFluentBuilder {
        self.query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :user AND begins_with({SK}, :session)"))
            .expression_attribute_values(":user", text(user_partition(user)))
            .expression_attribute_values(":session", text(SESSION_PREFIX))
    }
}

fn position(session: &Session) -> SessionPosition {
    (session.created_at, session.caller.session)
}
