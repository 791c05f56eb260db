//! A conversation's two logs, and what META counts of them.

use super::{Findings, Look, note, violation, violation_if};
use crate::domain::Error;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::id::{ConversationId, MessageId, Number};
use crate::domain::log::Numbered;
use crate::domain::message::Entry;
use crate::store::audit::Note;
use crate::store::audit::thing::Thing;
use crate::store::calls::Consistency;
use crate::store::edits::EDITS_IN_ONE_TRANSACTION;
use crate::store::item::Reader;
use crate::store::keys::Key;
use crate::store::log::{KEY_LIFETIME, Log};
use crate::store::stretch::{Found, Stretch};

/// How many numbers of one conversation at which nothing stands are looked at again.
const MOST_LOOKED_AT: usize = 1000;

/// How many entries of a log are read at once.
const ENTRIES_AT_ONCE: usize = 500;

impl Look<'_> {
    /// A number is taken before anything stands at it.
    pub(super) async fn above_counter(&self, log: Log, id: ConversationId, number: Number) -> Result<Findings, Error> {
        let (meta, key) = (Key::conversation(id), key_in(log, id, number));
        let Some([Some(Thing::Conversation(conversation)), Some(_)]) = self.together([&meta, &key]).await? else {
            return Ok(Vec::new());
        };
        let last = if log == Log::Messages { conversation.messages } else { conversation.changes };
        Ok(violation_if(number > last, "something stands at a number that the counter has not reached", [&meta, &key]))
    }

    /// Nothing is hidden without being counted in the same transaction, and both only grow: what stands lies between the
    /// counts before and after.
    pub(super) async fn hidden(&self, id: ConversationId) -> Result<Findings, Error> {
        let meta = Key::conversation(id);
        let Some([Some(Thing::Conversation(before))]) = self.together([&meta]).await? else { return Ok(Vec::new()) };
        let mut hidden = 0;
        let mut entries = |found: Vec<Entry>| {
            hidden += found.iter().filter(|entry| !matches!(entry, Entry::Message(_))).count() as u64;
            false
        };
        if self.walk(Log::Messages, id, Number::ZERO, &mut entries).await?.is_none() {
            return Ok(Vec::new());
        }
        let Some([Some(Thing::Conversation(after))]) = self.together([&meta]).await? else { return Ok(Vec::new()) };
        let sentence = format!("{} tombstones and voids are counted, and {hidden} stand", after.hidden);
        Ok(violation_if(hidden < before.hidden || hidden > after.hidden, &sentence, [&meta]))
    }

    /// Where nothing stands, something may be under way; what has come meanwhile is not told.
    pub(super) async fn gaps(
        &self,
        log: Log,
        id: ConversationId,
        gaps: &[(Number, Number)],
    ) -> Result<Findings, Error> {
        let all: u64 = gaps.iter().map(|(first, last)| last.distance_from(*first) + 1).sum();
        let numbers = gaps.iter().flat_map(|(first, last)| first.through(*last)).take(MOST_LOOKED_AT);
        let keys = numbers.map(|number| key_in(log, id, number)).collect();
        let filled = self.store.batch_get(keys, Consistency::Strong).await?.len() as u64;
        if self.store.get(Key::conversation(id), Consistency::Strong).await?.is_none() {
            return Ok(Vec::new());
        }
        let pending = if log == Log::Messages { Note::PendingNumbers } else { Note::PendingChanges };
        Ok(note(pending, all - filled))
    }

    /// A message and the change that edited it are written in one transaction.
    pub(super) async fn edit(&self, id: ConversationId, message: Number, change: Number) -> Result<Findings, Error> {
        let (meta, entry, edit) = (Key::conversation(id), Key::message(id.message(message)), Key::change(id, change));
        let Some([Some(Thing::Conversation(_)), standing, edited]) = self.together([&meta, &entry, &edit]).await?
        else {
            return Ok(Vec::new());
        };
        let both = [&entry, &edit];
        let edited = match edited {
            Some(Thing::Change(_, Change { kind: ChangeKind::MessageEdited { message: of, earlier, .. }, .. }))
                if of == message =>
            {
                Some(earlier.is_some())
            }
            _ => None,
        };
        let Some(Thing::Entry(_, standing)) = standing else {
            return Ok(violation_if(edited.is_some(), "a change edited a message that is not there", both));
        };
        Ok(match (standing.entry, edited) {
            (Entry::Message(message), None) => {
                let names = message.edits.contains(&change);
                violation_if(names, "a message names a change that did not edit it", both)
            }
            (Entry::Message(message), Some(_)) => {
                let names = message.edits.contains(&change);
                violation_if(!names, "a change edited a message that does not name it", both)
            }
            (Entry::Tombstone(_), Some(true)) => violation("what a deleted message said is still there", both),
            (Entry::Void(_), Some(_)) => violation("a change edited a void", both),
            (Entry::Tombstone(_) | Entry::Void(_), _) => Vec::new(),
        })
    }

    /// Earlier bodies go with their message; more of them than a transaction holds go just before it.
    pub(super) async fn forgotten(&self, id: MessageId) -> Result<Findings, Error> {
        let (meta, entry) = (Key::conversation(id.conversation), Key::message(id));
        let Some([Some(Thing::Conversation(_)), standing]) = self.together([&meta, &entry]).await? else {
            return Ok(Vec::new());
        };
        Ok(match standing {
            Some(Thing::Entry(_, standing)) => match standing.entry {
                Entry::Tombstone(_) => Vec::new(),
                Entry::Message(message) if message.edits.len() > EDITS_IN_ONE_TRANSACTION => note(Note::Deletions, 1),
                _ => violation("what a message said before is gone, and the message is not deleted", [&entry]),
            },
            _ => violation("a change edited a message that is not there", [&entry]),
        })
    }

    /// A tombstone comes with its change, which stays.
    pub(super) async fn undeleted(&self, id: MessageId) -> Result<Findings, Error> {
        let (meta, entry) = (Key::conversation(id.conversation), Key::message(id));
        let Some([Some(Thing::Entry(_, standing))]) = self.together([&entry]).await? else { return Ok(Vec::new()) };
        if !matches!(standing.entry, Entry::Tombstone(_)) {
            return Ok(Vec::new());
        }
        let deletes =
            |change: &Change| matches!(change.kind, ChangeKind::MessageDeleted { message, .. } if message == id.number);
        let mut changes = |found: Vec<Change>| found.iter().any(deletes);
        let found = self.walk(Log::Changes, id.conversation, Number::ZERO, &mut changes).await?;
        let stands = self.store.get(meta, Consistency::Strong).await?.is_some();
        Ok(violation_if(found == Some(false) && stands, "no change says that a deleted message was deleted", [&entry]))
    }

    pub(super) async fn deletion(&self, id: MessageId) -> Result<Findings, Error> {
        let (meta, entry) = (Key::conversation(id.conversation), Key::message(id));
        let Some([Some(Thing::Conversation(_)), standing]) = self.together([&meta, &entry]).await? else {
            return Ok(Vec::new());
        };
        let deleted =
            matches!(&standing, Some(Thing::Entry(_, standing)) if matches!(standing.entry, Entry::Tombstone(_)));
        Ok(violation_if(!deleted, "a change says that a message was deleted, and it is no tombstone", [&entry]))
    }

    /// A message and its key are written in one transaction; the key is forgotten in time.
    pub(super) async fn client_key(&self, id: MessageId, key: &Key) -> Result<Findings, Error> {
        let (meta, entry) = (Key::conversation(id.conversation), Key::message(id));
        let Some([Some(Thing::Conversation(_)), standing, stored]) = self.together([&meta, &entry, key]).await? else {
            return Ok(Vec::new());
        };
        let leads_here = matches!(&stored, Some(Thing::ClientKey(stored)) if stored.number == id.number);
        let sent_by = |standing: &Thing| {
            let Thing::Entry(conversation, standing) = standing else { return None };
            let key = Key::client_key(*conversation, standing.sender()?, standing.key.as_ref()?);
            Some((key, standing.sent_at()? + KEY_LIFETIME))
        };
        let sent_by = standing.as_ref().and_then(sent_by).filter(|(sent_by, _)| sent_by == key);
        let both = [&entry, key];
        Ok(match sent_by {
            None => violation_if(leads_here, "a client key leads to what was not sent by it", both),
            Some((_, until)) => violation_if(
                !leads_here && until.epoch_seconds() > self.at.epoch_seconds(),
                "the client key by which a message was sent does not lead to it",
                both,
            ),
        })
    }

    /// Shows all that stands in a log after a number to `look`, until that has seen enough; whether it has. Nothing if
    /// something there cannot be read, which is told apart.
    pub(super) async fn walk<T>(
        &self,
        log: Log,
        id: ConversationId,
        after: Number,
        look: &mut impl FnMut(Vec<T>) -> bool,
    ) -> Result<Option<bool>, Error>
    where
        T: Numbered + for<'i> TryFrom<Reader<'i>, Error = Error>,
    {
        let mut stretch = Stretch::after(after);
        loop {
            let found = self.store.stretch(log, id, stretch, ENTRIES_AT_ONCE, Consistency::Strong).await;
            let Found { entries, through, more } = match found {
                Ok(found) => found,
                Err(Error::Internal(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
            if look(entries) {
                return Ok(Some(true));
            }
            if !more {
                return Ok(Some(false));
            }
            stretch = Stretch::after(through);
        }
    }
}

fn key_in(log: Log, id: ConversationId, number: Number) -> Key {
    match log {
        Log::Messages => Key::message(id.message(number)),
        Log::Changes => Key::change(id, number),
    }
}
