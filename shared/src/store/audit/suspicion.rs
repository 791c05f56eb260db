//! What is to be looked at again: what the facts do not explain, since it is wrong or since it changed while it was read.

use super::facts::{Facts, Link, Log, Meta, Part};
use super::thing::ImportItem;
use super::{Note, Notes};
use crate::domain::id::{ConversationId, MessageId, Number, UserId};
use crate::domain::user::Email;
use crate::store::import::Progress;
use crate::store::keys::Key;
use crate::store::log::Log as LogKind;

pub(super) enum Suspicion {
    /// An item that cannot stand so, whatever else there is.
    Item(Key),
    /// A person, their account and the list of admins.
    Person(UserId),
    /// An account, and the person whose it is.
    Account(Email),
    /// Sessions that are alive, of somebody who may not come in.
    Sessions(UserId),
    /// More sessions than there were logins.
    Logins(UserId),
    /// Somebody who is named by an item, and is not there.
    Nobody(UserId, Key),
    Membership(UserId, ConversationId),
    /// What changes and a membership say of somebody's coming and going.
    Part(UserId, ConversationId, Part),
    /// A number that the counter has not reached.
    AboveCounter(LogKind, ConversationId, Number),
    /// How many tombstones and voids there are.
    Hidden(ConversationId),
    /// Numbers at which nothing stands, as runs.
    Gaps(LogKind, ConversationId, Vec<(Number, Number)>),
    Edit(ConversationId, Number, Number),
    /// An edited message whose earlier body is gone.
    Forgotten(MessageId),
    /// A tombstone without a change that says so.
    Undeleted(MessageId),
    /// A change that says so without a tombstone.
    Deletion(MessageId),
    DeletedTwice(ConversationId, Number),
    ClientKey(MessageId, Key),
    Direct(UserId, UserId, ConversationId),
    /// An old id leads there.
    Alias(MessageId),
    Import(ImportItem),
    /// A conversation that stands and is to be cleared.
    Removed(ConversationId, Key),
    /// Something stands in a log without META.
    Orphans(ConversationId),
}

impl Facts {
    /// All that is not explained.
    pub(super) fn suspicions(&mut self) -> Vec<Suspicion> {
        let mut suspicions = std::mem::take(&mut self.suspicions);
        self.suspect_people(&mut suspicions);
        for (id, log) in &self.logs {
            match &log.meta {
                Some(meta) => self.suspect_log(*id, log, meta, &mut suspicions),
                // What is being cleared may still hold anything.
                None if self.removed.contains_key(id) => {}
                None => suspect_orphans(*id, log, &mut self.notes, &mut suspicions),
            }
        }
        suspicions.extend(self.directs.iter().map(|(one, other, id)| Suspicion::Direct(*one, *other, *id)));
        let unfinished = self.imports.values().filter(|import| import.progress != Progress::Finished).count();
        self.note(Note::Imports, unfinished as u64);
        self.note(Note::RemovedConversations, self.removed.len() as u64);
        suspicions
    }

    fn note(&mut self, note: Note, count: u64) {
        if count > 0 {
            *self.notes.entry(note).or_default() += count;
        }
    }

    fn suspect_people(&self, suspicions: &mut Vec<Suspicion>) {
        for (user, email, _) in &self.accounts {
            suspicions.push(Suspicion::Person(*user));
            suspicions.push(Suspicion::Account(email.clone()));
        }
        let strays = self.people.iter().filter(|(user, (is_admin, _))| *is_admin != self.admins.contains(user));
        suspicions.extend(strays.map(|(user, _)| Suspicion::Person(*user)));
        for (user, (sessions, alive)) in &self.sessions {
            if *alive > 0 && self.people.get(user).is_some_and(|(_, active)| !active) {
                suspicions.push(Suspicion::Sessions(*user));
            }
            if self.logins.get(user).is_some_and(|logins| sessions > logins) {
                suspicions.push(Suspicion::Logins(*user));
            }
        }
        let unknown = self.named.iter().filter(|(user, _)| !self.people.contains_key(user));
        suspicions.extend(unknown.map(|(user, key)| Suspicion::Nobody(*user, key.clone())));
    }

    fn suspect_log(&self, id: ConversationId, log: &Log, meta: &Meta, suspicions: &mut Vec<Suspicion>) {
        for (kind, runs, last) in
            [(LogKind::Messages, &log.standing, meta.messages), (LogKind::Changes, &log.changes, meta.changes)]
        {
            suspicions.extend(runs.after(last).map(|number| Suspicion::AboveCounter(kind, id, number)));
            let gaps = runs.gaps(last);
            if !gaps.is_empty() {
                suspicions.push(Suspicion::Gaps(kind, id, gaps));
            }
        }
        if log.tombstones.count() + log.voids != meta.hidden {
            suspicions.push(Suspicion::Hidden(id));
        }
        suspicions.extend(log.links.iter().map(|link| match link {
            Link::Edit { message, change } => Suspicion::Edit(id, *message, *change),
            Link::ClientKey { number, key } => Suspicion::ClientKey(id.message(*number), key.clone()),
            Link::Member(user, _) => Suspicion::Membership(*user, id),
        }));
        let parts = log.parts.iter().filter(|(user, part)| !part.fits(meta.participants.binary_search(user).is_ok()));
        suspicions.extend(parts.map(|(user, part)| Suspicion::Part(*user, id, *part)));
        let at = |number| id.message(number);
        suspicions.extend(log.tombstones.without(&log.deleted).map(at).map(Suspicion::Undeleted));
        suspicions.extend(log.deleted.without(&log.tombstones).map(at).map(Suspicion::Deletion));
        suspicions.extend(log.forgotten.without(&log.tombstones).map(at).map(Suspicion::Forgotten));
        suspicions.extend(log.aliased.without(&log.standing).map(at).map(Suspicion::Alias));
        if let Some((read, user)) = log.read
            && read > meta.messages
        {
            suspicions.push(Suspicion::Membership(user, id));
        }
        suspicions.extend(self.removed.get(&id).map(|key| Suspicion::Removed(id, key.clone())));
        let begun = self.imports.get(&id).filter(|import| import.progress == Progress::Begun);
        suspicions.extend(begun.map(|import| Suspicion::Import(*import)));
    }
}

fn suspect_orphans(id: ConversationId, log: &Log, notes: &mut Notes, suspicions: &mut Vec<Suspicion>) {
    if log.aliased.count() > 0 {
        *notes.entry(Note::Aliases).or_default() += log.aliased.count();
    }
    if log.has_items() {
        suspicions.push(Suspicion::Orphans(id));
    }
    suspicions.extend(log.links.iter().filter_map(|link| match link {
        Link::Member(user, _) => Some(Suspicion::Membership(*user, id)),
        _ => None,
    }));
}
