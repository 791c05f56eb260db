//! Open sockets: noted when they open, found by those who deliver, forgotten when they are gone.
//!
//! A person's sockets stand in one item, so that a delivery to a group finds all of them with one read a person; the way
//! back from a socket to its person is an item of its own. Nothing here is the truth about a socket, which only API Gateway
//! knows: what is left over leads to a post that finds nobody, and is forgotten then, or expires.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{
    ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, Update,
};
use futures::future::try_join_all;

use super::Store;
use super::attempts::pause;
use super::calls::{Consistency, Failure, key_item};
use super::item::{Item, Reader, Writer, corrupt, integer, participant_set, text};
use super::keys::{EXPIRES_AT, Key, PK, SK, WATCH_PREFIX, user_partition};
use crate::domain::connection::{Connection, ConnectionId, LIFETIME, superseded};
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp};

/// What the attributes of open sockets begin with.
const OPEN: &str = "open#";

/// How many times a socket was noted for a person: who reads it and then writes sees whether another came in between.
const OPENINGS: &str = "openings";

/// How many sockets give way to one: a transaction takes 100 actions, three of which open it.
const MOST_CLOSED_AT_ONCE: usize = 90;

/// More minutes than a socket lives.
const MINUTES: i64 = 256;

/// Open sockets, by whose they are.
pub type Sockets = HashMap<UserId, Vec<Connection>>;

/// A socket that sent a frame.
#[derive(Clone, Debug)]
pub struct Counted {
    pub connection: Connection,
    /// How many frames it has sent within this minute, this one among them.
    pub frames: u64,
    /// Whom it watches.
    pub watched: BTreeSet<UserId>,
}

impl Store {
    /// Notes a socket of the caller, whose session must be alive. Returns those that are to be closed, so that the
    /// caller has no more than `most`: they are forgotten already.
    pub async fn open_connection(
        &self,
        caller: &Caller,
        id: &ConnectionId,
        most: usize,
    ) -> Result<Vec<Connection>, Error> {
        let connection =
            Connection { id: id.clone(), user: caller.user, session: caller.session, opened_at: caller.at };
        let mut attempt = 0;
        loop {
            let noted = self
                .admit(caller, async { Ok(self.get(Key::connections(caller.user), Consistency::Strong).await?) })
                .await?;
            let (open, openings) = match &noted {
                Some(item) => (connections_in(Reader(item))?, Reader(item).integer::<u64>(OPENINGS)?),
                None => (Vec::new(), 0),
            };
            let mut closing = superseded(open, most, caller.at);
            // The rest goes when the next one opens.
            closing.truncate(MOST_CLOSED_AT_ONCE);
            let mut actions = vec![
                self.requiring(Key::session(caller)),
                self.noting(&connection, openings, &closing),
                self.putting_new(connection_to_item(&connection)),
            ];
            actions.extend(closing.iter().map(|closed| self.deleting(Key::connection(&closed.id))));
            match self.transact(actions).await {
                Ok(()) => return Ok(closing),
                Err(Failure::Cancelled(blocked)) => {
                    let standing = |index: usize| blocked.get(index).and_then(Option::as_ref);
                    if standing(0).is_some() {
                        return Err(Error::SessionEnded);
                    }
                    // The way back is there already: this very write was repeated.
                    if standing(2).is_some() {
                        return Ok(closing);
                    }
                }
                Err(failure) => return Err(failure.into()),
            }
            pause(&mut attempt).await?;
        }
    }

    /// Notes a socket among its person's, unless another one was noted meanwhile, and forgets others.
    fn noting(&self, connection: &Connection, openings: u64, closing: &[Connection]) -> TransactWriteItem {
        let mut removed = Vec::with_capacity(closing.len());
        let mut update = Update::builder().expression_attribute_names("#new", attribute(&connection.id));
        for (index, closed) in closing.iter().enumerate() {
            update = update.expression_attribute_names(format!("#old{index}"), attribute(&closed.id));
            removed.push(format!("#old{index}"));
        }
        let remove = if removed.is_empty() { String::new() } else { format!(" REMOVE {}", removed.join(", ")) };
        let update = update
            .table_name(&self.table_name)
            .set_key(Some(key_item(Key::connections(connection.user))))
            .update_expression(format!("SET #new = :new, {OPENINGS} = :next, {EXPIRES_AT} = :expires{remove}"))
            .condition_expression(format!("attribute_not_exists({OPENINGS}) OR {OPENINGS} = :seen"))
            .expression_attribute_values(":new", text(format_args!("{} {}", connection.session, connection.opened_at)))
            .expression_attribute_values(":seen", integer(openings))
            .expression_attribute_values(":next", integer(openings + 1))
            .expression_attribute_values(":expires", integer((connection.opened_at + 2 * LIFETIME).epoch_seconds()))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }

    /// Counts a frame of a socket; nothing if the socket is not known, or not any more.
    pub async fn count_frame(&self, id: &ConnectionId, now: Timestamp) -> Result<Option<Counted>, Error> {
        let minute = now.epoch_seconds() / 60;
        // Each minute of a socket's life has a counter of its own, and takes away the one before.
        let counter = |minute: i64| format!("frames_{}", minute.rem_euclid(MINUTES));
        let request = self
            .update(Key::connection(id))
            .update_expression(format!("ADD {} :one REMOVE {}", counter(minute), counter(minute - 1)))
            .condition_expression(format!("attribute_exists({PK})"))
            .expression_attribute_values(":one", integer(1))
            .return_values(ReturnValue::AllNew);
        match self.updated(request).await {
            Ok(item) => {
                let frames = Reader(&item).integer(&counter(minute))?;
                Ok(Some(Counted { frames, ..Counted::try_from(Reader(&item))? }))
            }
            Err(Failure::Condition(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The sockets that people have open. A socket that was noted before is among them.
    pub async fn sockets_of(&self, users: impl IntoIterator<Item = UserId>) -> Result<Sockets, Error> {
        self.sockets_read(users, Consistency::Strong).await
    }

    /// Who of them has a socket open, as far as is known: a decoration.
    pub async fn present(
        &self,
        users: impl IntoIterator<Item = UserId>,
        now: Timestamp,
    ) -> Result<BTreeSet<UserId>, Error> {
        let sockets = self.sockets_read(users, Consistency::Eventual).await?;
        let is_there = |open: &[Connection]| open.iter().any(|connection| !connection.has_expired(now));
        Ok(sockets.into_iter().filter(|(_, open)| is_there(open)).map(|(user, _)| user).collect())
    }

    async fn sockets_read(
        &self,
        users: impl IntoIterator<Item = UserId>,
        consistency: Consistency,
    ) -> Result<Sockets, Error> {
        let users: BTreeSet<UserId> = users.into_iter().collect();
        let items = self.batch_get(users.into_iter().map(Key::connections).collect(), consistency).await?;
        let mut sockets = Sockets::with_capacity(items.len());
        for item in &items {
            let open = connections_in(Reader(item))?;
            if let Some(first) = open.first() {
                sockets.insert(first.user, open);
            }
        }
        Ok(sockets)
    }

    /// Forgets a socket that has ended, by what API Gateway calls it.
    pub async fn forget_closed(&self, id: &ConnectionId) -> Result<(), Error> {
        match self.get(Key::connection(id), Consistency::Strong).await? {
            Some(item) => self.forget_all(&Counted::try_from(Reader(&item))?).await,
            None => Ok(()),
        }
    }

    /// Forgets a socket, by where it is noted. Safe to repeat.
    pub async fn forget(&self, connection: &Connection) -> Result<(), Error> {
        let watched = match self.get(Key::connection(&connection.id), Consistency::Strong).await? {
            Some(item) => Counted::try_from(Reader(&item))?.watched,
            None => BTreeSet::new(),
        };
        self.forget_all(&Counted { connection: connection.clone(), frames: 0, watched }).await
    }

    /// What is noted with the person goes first: from then on nothing is delivered, whatever happens to this writer.
    async fn forget_all(&self, Counted { connection, watched, .. }: &Counted) -> Result<(), Error> {
        let request = self
            .update(Key::connections(connection.user))
            .update_expression("REMOVE #gone")
            .condition_expression("attribute_exists(#gone)")
            .expression_attribute_names("#gone", attribute(&connection.id));
        match self.updated(request).await {
            Ok(_) | Err(Failure::Condition(_)) => {}
            Err(failure) => return Err(failure.into()),
        }
        let keys = watched.iter().map(|user| Key::watch(*user, &connection.id));
        Ok(self.delete_all(keys.chain([Key::connection(&connection.id)]).collect()).await?)
    }

    /// Lets a socket be told when these people come and go, and nobody else any more; returns who of them is there.
    pub async fn watch(
        &self,
        caller: &Caller,
        counted: &Counted,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeSet<UserId>, Error> {
        let (id, now) = (&counted.connection.id, caller.at);
        let watches = users.difference(&counted.watched).map(|user| {
            Writer::at(Key::watch(*user, id))
                .text("watcher", caller.user)
                .text("opened_at", counted.connection.opened_at)
                .text("session", counted.connection.session)
                .integer(EXPIRES_AT, (counted.connection.opened_at + 2 * LIFETIME).epoch_seconds())
                .build()
        });
        let unwatched = counted.watched.difference(users).map(|user| Key::watch(*user, id)).collect();
        let update = self.update(Key::connection(id)).condition_expression(format!("attribute_exists({PK})"));
        let update = if users.is_empty() {
            update.update_expression("REMOVE watched")
        } else {
            update
                .update_expression("SET watched = :watched")
                .expression_attribute_values(":watched", participant_set(users))
        };
        // What is watched is written before it is looked at: who comes in between is told twice, not never. And it is noted
        // with the socket first, by which it is found again when that ends.
        let (alive, noted) = tokio::join!(self.alive(caller), self.updated(update));
        alive?;
        match noted {
            Ok(_) => {}
            Err(Failure::Condition(_)) => return Err(Error::SessionEnded),
            Err(failure) => return Err(failure.into()),
        }
        tokio::try_join!(self.put_all(watches.collect()), self.delete_all(unwatched))?;
        self.present(users.iter().copied(), now).await
    }

    /// The sockets that are told when each of these people comes or goes.
    pub async fn watchers_of(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, Vec<Connection>>, Error> {
        let watchers = users.into_iter().map(|user| async move {
            let query = self
                .query(Consistency::Strong)
                .key_condition_expression(format!("{PK} = :user AND begins_with({SK}, :watch)"))
                .expression_attribute_values(":user", text(user_partition(user)))
                .expression_attribute_values(":watch", text(WATCH_PREFIX));
            let items = self.all_rows(query).await?;
            let watchers = items.iter().map(|item| watcher(Reader(item))).collect::<Result<Vec<_>, Error>>()?;
            Ok::<_, Error>((user, watchers))
        });
        Ok(try_join_all(watchers).await?.into_iter().collect())
    }
}

/// The attribute of a person's item that stands for a socket.
fn attribute(id: &ConnectionId) -> String {
    format!("{OPEN}{id}")
}

/// The sockets that a person's item names.
pub(super) fn connections_in(item: Reader<'_>) -> Result<Vec<Connection>, Error> {
    let user = item.key_id(PK, UserId::parse)?;
    let ids = item.0.keys().filter_map(|name| Some((name, ConnectionId::parse(name.strip_prefix(OPEN)?)?)));
    ids.map(|(name, id)| {
        let (session, opened_at) = item.parsed(name, |value| {
            let (session, opened_at) = value.split_once(' ').ok_or(())?;
            Ok::<_, ()>((SessionId::parse(session).map_err(drop)?, Timestamp::parse(opened_at).ok_or(())?))
        })?;
        Ok(Connection { id, user, session, opened_at })
    })
    .collect()
}

fn connection_to_item(connection: &Connection) -> Item {
    Writer::at(Key::connection(&connection.id))
        .text("user", connection.user)
        .text("session", connection.session)
        .text("opened_at", connection.opened_at)
        .integer(EXPIRES_AT, (connection.opened_at + 2 * LIFETIME).epoch_seconds())
        .build()
}

impl TryFrom<Reader<'_>> for Counted {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection {
                id: item.key_id(PK, |id| Ok(ConnectionId::parse(id)))?.ok_or_else(|| corrupt(PK))?,
                user: item.user_id("user")?,
                session: item.parsed("session", SessionId::parse)?,
                opened_at: item.instant("opened_at")?,
            },
            frames: 0,
            watched: if item.has("watched") { item.user_set("watched")? } else { BTreeSet::new() },
        })
    }
}

pub(super) fn watcher(item: Reader<'_>) -> Result<Connection, Error> {
    Ok(Connection {
        id: item.key_id(SK, |id| Ok(ConnectionId::parse(id)))?.ok_or_else(|| corrupt(SK))?,
        user: item.user_id("watcher")?,
        session: item.parsed("session", SessionId::parse)?,
        opened_at: item.instant("opened_at")?,
    })
}
