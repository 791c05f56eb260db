//! Is the table sound? Everything that the store relies on is checked: read-only, while others write.
//!
//! The whole table is read once, and what little is needed of each item is kept (see [`facts`]). What does not fit
//! together may be wrong, or may have changed between two reads: so it is looked at again, all items concerned at one
//! moment or in an order in which nothing that is right can look wrong (see [`second_look`]). What is left is a
//! violation, or a note: something that is under way, or that the store heals by itself.

mod facts;
mod runs;
mod second_look;
mod snapshot;
mod suspicion;
mod thing;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use futures::{StreamExt, TryStreamExt, stream};

use self::facts::Facts;
use self::second_look::Look;
use super::Store;
use super::item::Reader;
use super::keys::Key;
use crate::domain::{Error, Timestamp};

/// How many suspicions are looked into at once.
const LOOKS_AT_ONCE: usize = 8;

/// What an audit found.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// What must not be.
    pub violations: Vec<Violation>,
    /// What is under way or heals by itself, and how often it was found.
    pub notes: Notes,
    /// How many items there are of each kind.
    pub totals: BTreeMap<&'static str, u64>,
}

pub type Notes = BTreeMap<Note, u64>;

/// One thing that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Says what is wrong, without what people wrote and their addresses.
    pub sentence: String,
    /// Of the items concerned, as far as they may be shown.
    pub keys: Vec<String>,
}

/// What is under way or heals by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    PendingNumbers,
    PendingChanges,
    RemovedConversations,
    Memberships,
    Imports,
    Deletions,
    Aliases,
    Expired,
}

impl Note {
    /// One word or two, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::PendingNumbers => "pending_numbers",
            Self::PendingChanges => "pending_changes",
            Self::RemovedConversations => "removed_conversations",
            Self::Memberships => "memberships",
            Self::Imports => "imports",
            Self::Deletions => "deletions",
            Self::Aliases => "aliases",
            Self::Expired => "expired",
        }
    }
}

impl Display for Note {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PendingNumbers => {
                "pending numbers: their writers are under way, or dead, and the next reader voids them"
            }
            Self::PendingChanges => {
                "pending changes: their writers are under way, or dead, and the next reader voids them"
            }
            Self::RemovedConversations => "removed conversations that later removals clear to the end",
            Self::Memberships => {
                "memberships of conversations being made, or whose maker died: whoever meets them later clears them"
            }
            Self::Imports => "imports of conversations that have not finished: run them again",
            Self::Deletions => "messages whose deletion stopped half-way: their oldest earlier bodies are gone",
            Self::Aliases => "old ids of messages whose conversations are gone",
            Self::Expired => "sessions, failed logins and client keys whose time is over, to be cleared by DynamoDB",
        })
    }
}

impl Display for Violation {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.sentence, self.keys.join(", "))
    }
}

impl Violation {
    fn new<'a>(sentence: impl Into<String>, keys: impl IntoIterator<Item = &'a Key>) -> Self {
        Self { sentence: sentence.into(), keys: keys.into_iter().map(Key::shown).collect() }
    }
}

impl Audit {
    /// How often that was found.
    pub fn noted(&self, note: Note) -> u64 {
        self.notes.get(&note).copied().unwrap_or_default()
    }
}

impl Store {
    /// Checks everything that the store relies on, as of `at`: for operators and tests.
    pub async fn audit(&self, at: Timestamp) -> Result<Audit, Error> {
        self.audit_telling(at, |_| {}).await
    }

    /// The same, and tells now and then how many items were read.
    pub async fn audit_telling(&self, at: Timestamp, tell: impl Fn(u64)) -> Result<Audit, Error> {
        let mut facts = Facts::new(at);
        let (mut from, mut read) = (None, 0);
        loop {
            let rows = self.scan(from).await?;
            for item in &rows.items {
                facts.add(Reader(item).key()?, item);
            }
            read += rows.items.len() as u64;
            tell(read);
            from = rows.next;
            if from.is_none() {
                break;
            }
        }
        let suspicions = facts.suspicions();
        let look = Look::begin(self, &facts, &suspicions).await?;
        // In boxes: every kind of look has a room in the future of them all, and few are taken.
        let mut findings = stream::iter(suspicions.iter().map(|suspicion| Box::pin(look.at(suspicion))))
            .buffered(LOOKS_AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?
            .concat();
        drop(look);
        let mut audit = Audit { violations: Vec::new(), notes: facts.notes, totals: facts.totals };
        for finding in findings.drain(..) {
            match finding {
                Finding::Violation(violation) if audit.violations.contains(&violation) => {}
                Finding::Violation(violation) => audit.violations.push(violation),
                Finding::Note(note, count) => *audit.notes.entry(note).or_default() += count,
            }
        }
        audit.violations.sort_unstable_by(|one, other| (&one.keys, &one.sentence).cmp(&(&other.keys, &other.sentence)));
        Ok(audit)
    }
}

/// What a second look makes of a suspicion.
#[derive(Clone, Debug)]
enum Finding {
    Violation(Violation),
    Note(Note, u64),
}
