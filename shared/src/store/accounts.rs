//! People, their credentials and their logins.
//!
//! The e-mail guard is the one item that every login and everything that ends logins writes: a login adds to its
//! count of logins in the transaction that makes the session, and whatever ends sessions does so on condition that
//! the count has not moved. So no login can slip past a change of password or a deactivation.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader, Writer, integer, nonce_value, password_hash, session_to_item, text, user_to_item};
use super::keys::{GSI1, GSI1PK, GSI1SK, Key, PK, SESSION_PREFIX, SK, USERS, user_partition};
use crate::domain::id::{Nonce, UserId};
use crate::domain::page::{Anchor, Page, Slice};
use crate::domain::password::PasswordHash;
use crate::domain::session::{Caller, Session};
use crate::domain::user::{Email, NewUser, User};
use crate::domain::{Error, Resource, Timestamp};

/// How many sessions end in the same transaction; older ones beyond that end just before it.
const SESSIONS_IN_ONE_TRANSACTION: usize = 90;

/// How often a change of account is tried against logins that keep coming.
const MOST_ATTEMPTS: usize = 10;

/// How many queries a page of people may take when many rows are left out of it.
const MOST_QUERIES: usize = 4;

/// What a login is checked against.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: UserId,
    pub email: Email,
    pub password_hash: PasswordHash,
    pub active: bool,
    /// How many logins there have been.
    logins: u64,
}

/// People by id, for names beside messages and participants.
pub type People = HashMap<UserId, User>;

/// What happens to an account together with the end of its sessions.
enum AccountChange<'a> {
    Password(&'a PasswordHash),
    Deactivation,
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
            password_hash: password_hash(item)?,
            active: item.flag("active")?,
            logins: item.integer("logins")?,
        }))
    }

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
            "SET password_hash = :hash ADD logins :one",
            "active = :true AND password_hash = :checked",
            [
                (":hash", text(hash.as_str())),
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
            Err(Failure::Cancelled(_)) => Err(Error::WrongCredentials),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Ends the caller's session, alive or not.
    pub async fn end_session(&self, caller: &Caller) -> Result<(), Error> {
        Ok(self.delete(Key::session(caller)).await?)
    }

    /// Sets another password and ends every session but `kept`, at once. Fails if the hash that was checked is no
    /// longer the account's.
    pub async fn change_password(
        &self,
        account: &Account,
        hash: &PasswordHash,
        kept: Option<&Caller>,
    ) -> Result<(), Error> {
        self.change_account(account.clone(), AccountChange::Password(hash), kept).await
    }

    /// Bars a person from signing in and ends every session, at once.
    pub async fn deactivate(&self, email: &Email) -> Result<(), Error> {
        let account = self.account(email).await?.ok_or(Error::NotFound(Resource::User))?;
        self.change_account(account, AccountChange::Deactivation, None).await
    }

    async fn change_account(
        &self,
        mut account: Account,
        change: AccountChange<'_>,
        kept: Option<&Caller>,
    ) -> Result<(), Error> {
        let checked = account.password_hash.clone();
        let kept = kept.map(Key::session);
        for _ in 0..MOST_ATTEMPTS {
            // The guard was read before the sessions are: a session that this query misses has moved the guard.
            let mut ending = self.session_keys(account.user).await?;
            ending.retain(|key| Some(key) != kept.as_ref());
            let early = ending.split_off(ending.len().min(SESSIONS_IN_ONE_TRANSACTION));
            self.delete_all(early).await?;
            let mut actions = self.changing(&account, &change);
            actions.extend(ending.into_iter().map(|key| self.deleting(key)));
            match self.transact(actions).await {
                Ok(()) => return Ok(()),
                Err(Failure::Cancelled(_)) => {
                    account = self.account(&account.email).await?.ok_or(Error::NotFound(Resource::User))?
                }
                Err(failure) => return Err(failure.into()),
            }
            match change {
                AccountChange::Password(hash) if account.password_hash == *hash => return Ok(()),
                AccountChange::Password(_) if account.password_hash != checked => return Err(Error::WrongCredentials),
                AccountChange::Password(_) | AccountChange::Deactivation => {}
            }
        }
        Err(Error::Unavailable("an account is being signed in to all the time".to_owned()))
    }

    fn changing(&self, account: &Account, change: &AccountChange<'_>) -> Vec<TransactWriteItem> {
        let seen = (":seen", integer(account.logins));
        match change {
            AccountChange::Password(hash) => vec![self.updating(
                Key::email(&account.email),
                "SET password_hash = :hash",
                "logins = :seen AND password_hash = :checked",
                [seen, (":hash", text(hash.as_str())), (":checked", text(account.password_hash.as_str()))],
            )],
            AccountChange::Deactivation => {
                let inactive = (":false", AttributeValue::Bool(false));
                vec![
                    self.updating(
                        Key::email(&account.email),
                        "SET active = :false",
                        "logins = :seen",
                        [seen, inactive.clone()],
                    ),
                    self.updating(Key::user(account.user), "SET active = :false", "attribute_exists(PK)", [inactive]),
                ]
            }
        }
    }

    async fn session_keys(&self, user: UserId) -> Result<Vec<Key>, Error> {
        let query = self
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :user AND begins_with({SK}, :session)"))
            .expression_attribute_values(":user", text(user_partition(user)))
            .expression_attribute_values(":session", text(SESSION_PREFIX))
            .projection_expression(format!("{PK}, {SK}"));
        self.all_rows(query).await?.iter().map(|item| Reader(item).key()).collect()
    }

    /// The caller.
    pub async fn me(&self, caller: &Caller) -> Result<User, Error> {
        self.admit(caller, self.user(caller.user)).await
    }

    /// A person by id, and the caller who asks.
    pub async fn person(&self, caller: &Caller, id: UserId) -> Result<(User, User), Error> {
        self.admit(caller, async { tokio::try_join!(self.user(id), self.user(caller.user)) }).await
    }

    /// A person by id, whoever asks: for operators, and for the store itself.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        let item = self.get(Key::user(id), Consistency::Strong).await?.ok_or(Error::NotFound(Resource::User))?;
        User::try_from(Reader(&item))
    }

    /// People by id: from an eventually consistent read, and who is too new for that from a strong one.
    pub(super) async fn people_named(&self, ids: impl IntoIterator<Item = UserId>) -> Result<People, Error> {
        let mut people = People::new();
        let mut missing: Vec<UserId> = ids.into_iter().collect();
        missing.sort_unstable();
        missing.dedup();
        for consistency in [Consistency::Eventual, Consistency::Strong] {
            if missing.is_empty() {
                break;
            }
            for item in self.batch_get(missing.iter().map(|id| Key::user(*id)).collect(), consistency).await? {
                let user = User::try_from(Reader(&item))?;
                people.insert(user.id, user);
            }
            missing.retain(|id| !people.contains_key(id));
        }
        match missing.first() {
            None => Ok(people),
            Some(id) => Err(Error::Internal(format!("user {id} is named but not there"))),
        }
    }

    /// Active people but the caller, by when they came; with the caller who asks. Positions are index sort keys.
    pub async fn people(
        &self,
        caller: &Caller,
        slice: &Slice<String>,
        newest_first: bool,
    ) -> Result<(Page<User, String>, User), Error> {
        self.admit(caller, async {
            tokio::try_join!(self.people_listed(caller.user, slice, newest_first), self.user(caller.user))
        })
        .await
    }

    async fn people_listed(
        &self,
        caller: UserId,
        slice: &Slice<String>,
        newest_first: bool,
    ) -> Result<Page<User, String>, Error> {
        let (backwards, mut from) = match &slice.anchor {
            Anchor::Start => (false, None),
            Anchor::After(position) => (false, Some(position.clone())),
            Anchor::Before(position) => (true, Some(position.clone())),
        };
        let began_inside = from.is_some();
        let rising = newest_first == backwards;
        let mut rows: Vec<(String, User)> = Vec::new();
        let mut more = true;
        for _ in 0..MOST_QUERIES {
            // One more than asked for tells whether there is more; another one makes up for the caller's own row.
            let page = self.rows(self.people_query(rising, from.as_deref()).limit((slice.limit + 2) as i32)).await?;
            more = page.next.is_some();
            for item in &page.items {
                let (position, user) = (Reader(item).text(GSI1SK)?.to_owned(), User::try_from(Reader(item))?);
                from = Some(position.clone());
                if user.active && user.id != caller {
                    rows.push((position, user));
                }
            }
            if rows.len() > slice.limit || !more {
                break;
            }
        }
        let full = rows.len() > slice.limit;
        rows.truncate(slice.limit);
        let far_edge = if full { rows.last().map(|(position, _)| position.clone()) } else { from.filter(|_| more) };
        let near_edge = rows.first().map(|(position, _)| position.clone()).filter(|_| began_inside);
        if backwards {
            rows.reverse();
        }
        let (previous, next) = if backwards { (far_edge, near_edge) } else { (near_edge, far_edge) };
        Ok(Page { rows: rows.into_iter().map(|(_, user)| user).collect(), previous, next, count: None })
    }

    fn people_query(
        &self,
        rising: bool,
        from: Option<&str>,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let query = self
            .query(Consistency::Eventual)
            .index_name(GSI1)
            .scan_index_forward(rising)
            .expression_attribute_values(":users", text(USERS));
        match from {
            None => query.key_condition_expression(format!("{GSI1PK} = :users")),
            Some(position) => query
                .key_condition_expression(format!(
                    "{GSI1PK} = :users AND {GSI1SK} {} :position",
                    if rising { ">" } else { "<" }
                ))
                .expression_attribute_values(":position", text(position)),
        }
    }
}

/// Every person in `items`, by id.
pub(super) fn people_in(items: &[Item]) -> Result<People, Error> {
    items.iter().map(|item| User::try_from(Reader(item)).map(|user| (user.id, user))).collect()
}
