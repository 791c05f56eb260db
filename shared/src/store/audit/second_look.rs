//! What was suspicious, read again: what belongs together at one moment, or in an order in which nothing that is right
//! can look wrong.
//!
//! The orders rest on what never goes back: counters grow; what stands in a log stays until META is gone; a removed
//! conversation leaves its note in the transaction that removes META, and nothing else once that note is gone; an import
//! is noted before anything of it is written; people stay.

mod conversations;
mod logs;
mod parts;
mod people;

use std::collections::HashMap;

use super::facts::Facts;
use super::suspicion::Suspicion;
use super::thing::{ImportItem, Thing};
use super::{Finding, Note, Violation};
use crate::domain::id::ConversationId;
use crate::domain::{Error, Timestamp};
use crate::store::Store;
use crate::store::calls::Consistency;
use crate::store::item::Reader;
use crate::store::keys::{ItemKind, Key};

/// Second looks at one table.
pub(super) struct Look<'a> {
    store: &'a Store,
    at: Timestamp,
    imports: HashMap<ConversationId, ImportItem>,
}

type Findings = Vec<Finding>;

impl<'a> Look<'a> {
    /// Reads once more which imports are under way where that may explain a suspicion: one that began after the first
    /// reading had passed its note.
    pub(super) async fn begin(store: &'a Store, facts: &Facts, suspicions: &[Suspicion]) -> Result<Self, Error> {
        let mut look = Self { store, at: facts.at, imports: facts.imports.clone() };
        let orphaned = suspicions.iter().any(|suspicion| match suspicion {
            Suspicion::Orphans(id) => !facts.imports.contains_key(id),
            Suspicion::Membership(_, id) => {
                !facts.imports.contains_key(id) && facts.logs.get(id).is_none_or(|log| log.meta.is_none())
            }
            _ => false,
        });
        if orphaned {
            look.read_imports().await?;
        }
        Ok(look)
    }

    async fn read_imports(&mut self) -> Result<(), Error> {
        let mut from = None;
        loop {
            let rows = self.store.scan(from).await?;
            for item in &rows.items {
                let key = Reader(item).key()?;
                if ItemKind::of(&key) == Some(ItemKind::Import)
                    && let Ok(Thing::Import(import)) = Thing::read(&key, item)
                {
                    self.imports.insert(import.conversation, import);
                }
            }
            from = rows.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    pub(super) async fn at(&self, suspicion: &Suspicion) -> Result<Findings, Error> {
        match suspicion {
            Suspicion::Item(key) => self.item(key).await,
            Suspicion::Person(user) => self.person(*user).await,
            Suspicion::Account(email) => self.account(email).await,
            Suspicion::Sessions(user) => self.sessions(*user).await,
            Suspicion::Logins(user) => self.logins(*user).await,
            Suspicion::Nobody(user, by) => self.nobody(*user, by).await,
            Suspicion::Membership(user, id) => self.membership(*user, *id).await,
            Suspicion::Part(user, id, part) => self.part(*user, *id, *part).await,
            Suspicion::AboveCounter(log, id, number) => self.above_counter(*log, *id, *number).await,
            Suspicion::Hidden(id) => self.hidden(*id).await,
            Suspicion::Gaps(log, id, gaps) => self.gaps(*log, *id, gaps).await,
            Suspicion::Edit(id, message, change) => self.edit(*id, *message, *change).await,
            Suspicion::Forgotten(id) => self.forgotten(*id).await,
            Suspicion::Undeleted(id) => self.undeleted(*id).await,
            Suspicion::Deletion(id) => self.deletion(*id).await,
            Suspicion::DeletedTwice(id, number) => {
                Ok(violation("two changes say that one message was deleted", [&Key::message(id.message(*number))]))
            }
            Suspicion::ClientKey(id, key) => self.client_key(*id, key).await,
            Suspicion::Direct(one, other, id) => self.direct(*one, *other, *id).await,
            Suspicion::Alias(id) => self.alias(*id).await,
            Suspicion::Import(import) => self.import(*import).await,
            Suspicion::Removed(id, key) => self.removed(*id, key).await,
            Suspicion::Orphans(id) => self.orphans(*id).await,
        }
    }

    async fn item(&self, key: &Key) -> Result<Findings, Error> {
        let item = self.store.get(key.clone(), Consistency::Strong).await?;
        Ok(match item.map(|item| Thing::read(key, &item)) {
            None | Some(Ok(_)) => Vec::new(),
            Some(Err(flaw)) => violation(&format!("an item {flaw}"), [key]),
        })
    }

    /// What stands under these keys at one moment; nothing if one of them cannot be read, which is told apart.
    async fn together<const COUNT: usize>(&self, keys: [&Key; COUNT]) -> Result<Option<[Option<Thing>; COUNT]>, Error> {
        let items = self.store.snapshot(&keys.map(Key::clone)).await?;
        let read = |(key, item): (&Key, Option<_>)| item.map(|item| Thing::read(key, &item)).transpose();
        let things = keys.into_iter().zip(items).map(read).collect::<Result<Vec<_>, _>>();
        Ok(things.ok().and_then(|things| things.try_into().ok()))
    }
}

fn violation<'k>(sentence: &str, keys: impl IntoIterator<Item = &'k Key>) -> Findings {
    vec![Finding::Violation(Violation::new(sentence, keys))]
}

/// A violation, if it is one.
fn violation_if<'k>(wrong: bool, sentence: &str, keys: impl IntoIterator<Item = &'k Key>) -> Findings {
    if wrong { violation(sentence, keys) } else { Vec::new() }
}

fn note(note: Note, count: u64) -> Findings {
    if count == 0 { Vec::new() } else { vec![Finding::Note(note, count)] }
}
