//! People as they are shown: oneself, one by id, many by name, the list of all.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use crate::domain::id::UserId;
use crate::domain::page::{Anchor, Page, Slice};
use crate::domain::search::Search;
use crate::domain::session::Caller;
use crate::domain::user::User;
use crate::domain::{Error, Resource, permission};
use crate::store::Store;
use crate::store::calls::Consistency;
use crate::store::item::{Item, Reader, text};
use crate::store::keys::{GSI1, GSI1PK, GSI1SK, Key, USERS};

/// How many queries a page of people may take when many rows are left out of it, and how many rows each reads when
/// most of them may be.
const MOST_QUERIES: usize = 4;
const ROWS_SEARCHED_AT_ONCE: usize = 100;

/// People by id, for names beside messages and participants.
pub type People = HashMap<UserId, User>;

/// Which people, and in what order.
#[derive(Clone, Debug)]
pub struct Directory {
    pub newest_first: bool,
    /// In whose names or e-mail address words begin so.
    pub search: Option<Search>,
}

impl Directory {
    fn has(&self, user: &User) -> bool {
        let texts = [user.first_name.as_str(), user.last_name.as_str(), user.email.as_str()];
        user.active && self.search.as_ref().is_none_or(|search| search.matches(texts))
    }
}

impl Store {
    /// The caller.
    pub async fn me(&self, caller: &Caller) -> Result<User, Error> {
        self.admit(caller, self.user(caller.user)).await
    }

    /// A person by id, if the caller may see them, and the caller who asks.
    pub async fn person(&self, caller: &Caller, id: UserId) -> Result<(User, User), Error> {
        let both = async { Ok(tokio::join!(self.user(id), self.user(caller.user))) };
        let (person, me) = self.admit(caller, both).await?;
        let (person, me) = (person?, me?);
        if permission::may_see_person(&me, &person) { Ok((person, me)) } else { Err(Error::NotFound(Resource::User)) }
    }

    /// A person by id, whoever asks: for operators, and for the store itself.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        let item = self.get(Key::user(id), Consistency::Strong).await?.ok_or(Error::NotFound(Resource::User))?;
        User::try_from(Reader(&item))
    }

    /// People by id: from an eventually consistent read, and who is too new for that from a strong one.
    pub(in crate::store) async fn people_named(&self, ids: impl IntoIterator<Item = UserId>) -> Result<People, Error> {
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
        directory: &Directory,
    ) -> Result<(Page<User, String>, User), Error> {
        self.admit(caller, async {
            tokio::try_join!(self.people_listed(caller.user, slice, directory), self.user(caller.user))
        })
        .await
    }

    async fn people_listed(
        &self,
        caller: UserId,
        slice: &Slice<String>,
        directory: &Directory,
    ) -> Result<Page<User, String>, Error> {
        let (backwards, mut from) = match &slice.anchor {
            Anchor::Start => (false, None),
            Anchor::After(position) => (false, Some(position.clone())),
            Anchor::Before(position) => (true, Some(position.clone())),
        };
        let began_inside = from.is_some();
        let rising = directory.newest_first == backwards;
        // One more than asked for tells whether there is more; another one makes up for the caller's own row.
        let at_once = if directory.search.is_some() { ROWS_SEARCHED_AT_ONCE } else { slice.limit + 2 };
        let mut rows: Vec<(String, User)> = Vec::new();
        let mut first_seen = None;
        let mut more = true;
        for _ in 0..MOST_QUERIES {
            let page = self.rows(self.people_query(rising, from.as_deref()).limit(at_once as i32)).await?;
            more = page.next.is_some();
            for item in &page.items {
                let (position, user) = (Reader(item).text(GSI1SK)?.to_owned(), User::try_from(Reader(item))?);
                first_seen.get_or_insert_with(|| position.clone());
                from = Some(position.clone());
                if directory.has(&user) && user.id != caller {
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
        let near_edge = first_seen.filter(|_| began_inside);
        if backwards {
            rows.reverse();
        }
        let (previous, next) = if backwards { (far_edge, near_edge) } else { (near_edge, far_edge) };
        Ok(Page { rows: rows.into_iter().map(|(_, user)| user).collect(), previous, next, count: None })
    }

    fn people_query(&self, rising: bool, from: Option<&str>) -> QueryFluentBuilder {
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
pub(in crate::store) fn people_in(items: &[Item]) -> Result<People, Error> {
    items.iter().map(|item| User::try_from(Reader(item)).map(|user| (user.id, user))).collect()
}
