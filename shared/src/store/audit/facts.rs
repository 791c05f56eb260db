//! What one reading of the table tells: little of each item, and nothing of those that another one has answered for.
//!
//! Two items that must agree each leave a [`Link`], and the second takes away what the first one left: whatever is left
//! at the end is suspicious. So memory does not grow with what is right, but for some bytes a person, a conversation and
//! everybody who takes or took part in it; a log is kept as runs of numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use super::runs::Runs;
use super::suspicion::Suspicion;
use super::thing::{EntryItem, ImportItem, Thing};
use super::{Note, Notes};
use crate::domain::Timestamp;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::{Conversation, Kind, Membership};
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::message::Entry;
use crate::domain::user::{Email, User};
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::log::KEY_LIFETIME;

/// What two items of one conversation must agree on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Link {
    /// A message names the change that edited it; the change names the message.
    Edit { message: Number, change: Number },
    /// A message names the key by which it was sent; the key's item names the message.
    ClientKey { number: Number, key: Key },
    /// META names who takes part; their membership names META's time.
    Member(UserId, Timestamp),
}

/// What is known of one conversation.
#[derive(Default)]
pub(super) struct Log {
    pub(super) meta: Option<Meta>,
    pub(super) standing: Runs,
    pub(super) tombstones: Runs,
    pub(super) voids: u64,
    pub(super) changes: Runs,
    /// Messages that changes say were deleted.
    pub(super) deleted: Runs,
    /// Messages that changes say were edited, without saying what they said before.
    pub(super) forgotten: Runs,
    /// Messages that old ids lead to.
    pub(super) aliased: Runs,
    pub(super) client_keys: u64,
    pub(super) links: HashSet<Link>,
    /// Of those whom changes added or took out.
    pub(super) parts: HashMap<UserId, Part>,
    /// The highest read mark, and whose it is.
    pub(super) read: Option<(Number, UserId)>,
}

/// What is said of one person's coming and going.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// The last change that names them, and whether it added them.
    pub(super) last: Option<(Number, bool)>,
    /// The change that added them, by their membership.
    pub(super) addition: Option<Number>,
}

impl Part {
    pub(super) fn fits(self, takes_part: bool) -> bool {
        self.last.is_none_or(|(_, added)| added == takes_part)
            && self.addition.is_none_or(|addition| self.last == Some((addition, true)))
    }
}

/// What META says of the log.
pub(super) struct Meta {
    /// In order.
    pub(super) participants: Vec<UserId>,
    pub(super) messages: Number,
    pub(super) hidden: u64,
    pub(super) changes: Number,
}

impl Log {
    /// Whether anything stands in it but META.
    pub(super) fn has_items(&self) -> bool {
        self.standing != Runs::default() || self.changes != Runs::default() || self.client_keys > 0
    }
}

/// All that is known.
pub(super) struct Facts {
    pub(super) at: Timestamp,
    pub(super) totals: BTreeMap<&'static str, u64>,
    pub(super) notes: Notes,
    /// Everybody, by whether they are active admins, or active at all.
    pub(super) people: HashMap<UserId, (bool, bool)>,
    pub(super) admins: BTreeSet<UserId>,
    /// A person names an address and is active or not; the account of the address says the same.
    pub(super) accounts: HashSet<(UserId, Email, bool)>,
    pub(super) logins: HashMap<UserId, u64>,
    /// How many sessions each person has, and how many of them are alive.
    pub(super) sessions: HashMap<UserId, (u64, u64)>,
    pub(super) logs: HashMap<ConversationId, Log>,
    /// Pairs and the conversations that are theirs.
    pub(super) directs: HashSet<(UserId, UserId, ConversationId)>,
    pub(super) imports: HashMap<ConversationId, ImportItem>,
    pub(super) removed: HashMap<ConversationId, Key>,
    /// Who is named anywhere, with one item that does.
    pub(super) named: HashMap<UserId, Key>,
    pub(super) suspicions: Vec<Suspicion>,
}

impl Facts {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            at,
            totals: BTreeMap::new(),
            notes: Notes::new(),
            people: HashMap::new(),
            admins: BTreeSet::new(),
            accounts: HashSet::new(),
            logins: HashMap::new(),
            sessions: HashMap::new(),
            logs: HashMap::new(),
            directs: HashSet::new(),
            imports: HashMap::new(),
            removed: HashMap::new(),
            named: HashMap::new(),
            suspicions: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, key: Key, item: &Item) {
        let thing = match Thing::read(&key, item) {
            Ok(thing) => thing,
            Err(_) => {
                self.suspicions.push(Suspicion::Item(key));
                return;
            }
        };
        *self.totals.entry(thing.name()).or_default() += 1;
        if thing.expires_at().is_some_and(|expires_at| expires_at <= self.at.epoch_seconds()) {
            *self.notes.entry(Note::Expired).or_default() += 1;
        }
        for user in thing.people() {
            self.named.entry(user).or_insert_with(|| key.clone());
        }
        self.take_in(key, thing);
    }

    fn take_in(&mut self, key: Key, thing: Thing) {
        let at = self.at;
        match thing {
            Thing::Person(user) => self.add_person(user),
            Thing::Account(account) => {
                self.logins.insert(account.user, account.logins);
                toggle(&mut self.accounts, (account.user, account.email, account.active));
            }
            Thing::Session(session) => {
                let (all, alive) = self.sessions.entry(session.caller.user).or_default();
                *all += 1;
                *alive += u64::from(!session.has_expired(at));
            }
            Thing::Failure { .. } | Thing::Socket { .. } => {}
            Thing::Admins(admins) => self.admins = admins,
            Thing::Conversation(conversation) => self.add_conversation(&conversation),
            Thing::Entry(id, entry) => self.log(id).add_entry(id, &entry, at),
            Thing::Change(id, change) => {
                if !self.log(id).add_change(&change)
                    && let ChangeKind::MessageDeleted { message, .. } = change.kind
                {
                    self.suspicions.push(Suspicion::DeletedTwice(id, message));
                }
            }
            Thing::ClientKey(item) => {
                let log = self.log(item.conversation);
                log.client_keys += 1;
                if item.expires_at > at.epoch_seconds() {
                    toggle(&mut log.links, Link::ClientKey { number: item.number, key });
                }
            }
            Thing::Membership(membership) => self.log(membership.conversation).add_membership(&membership),
            Thing::DirectPair { one, other, conversation } => {
                toggle(&mut self.directs, (one.min(other), one.max(other), conversation));
            }
            Thing::Alias(message) => drop(self.log(message.conversation).aliased.insert(message.number)),
            Thing::Import(import) => drop(self.imports.insert(import.conversation, import)),
            Thing::Remains(conversation) => drop(self.removed.insert(conversation, key)),
        }
    }

    fn log(&mut self, id: ConversationId) -> &mut Log {
        self.logs.entry(id).or_default()
    }

    fn add_person(&mut self, user: User) {
        self.people.insert(user.id, (user.is_active_admin(), user.active));
        toggle(&mut self.accounts, (user.id, user.email, user.active));
    }

    fn add_conversation(&mut self, conversation: &Conversation) {
        let Conversation { id, created_at, messages, hidden, changes, .. } = *conversation;
        let log = self.log(id);
        let participants = conversation.participants.iter().copied().collect();
        log.meta = Some(Meta { participants, messages, hidden, changes });
        for user in &conversation.participants {
            toggle(&mut log.links, Link::Member(*user, created_at));
        }
        let mut pair = conversation.participants.iter();
        if let (Kind::Direct, Some(one), Some(other)) = (conversation.kind, pair.next(), pair.next()) {
            toggle(&mut self.directs, (*one, *other, id));
        }
    }
}

impl Log {
    fn add_entry(&mut self, id: ConversationId, item: &EntryItem, at: Timestamp) {
        let number = item.number();
        self.standing.insert(number);
        match &item.entry {
            Entry::Message(message) => {
                for change in &message.edits {
                    toggle(&mut self.links, Link::Edit { message: number, change: *change });
                }
            }
            Entry::Tombstone(_) => drop(self.tombstones.insert(number)),
            Entry::Void(_) => self.voids += 1,
        }
        if let (Some(key), Some(sender), Some(sent_at)) = (&item.key, item.sender(), item.sent_at())
            && (sent_at + KEY_LIFETIME).epoch_seconds() > at.epoch_seconds()
        {
            toggle(&mut self.links, Link::ClientKey { number, key: Key::client_key(id, sender, key) });
        }
    }

    /// Whether it says nothing that an earlier one had said.
    fn add_change(&mut self, change: &Change) -> bool {
        self.changes.insert(change.number);
        match &change.kind {
            ChangeKind::MessageEdited { message, earlier: Some(_), .. } => {
                toggle(&mut self.links, Link::Edit { message: *message, change: change.number });
            }
            ChangeKind::MessageEdited { message, earlier: None, .. } => drop(self.forgotten.insert(*message)),
            ChangeKind::MessageDeleted { message, .. } => return self.deleted.insert(*message),
            ChangeKind::ParticipantAdded { user, .. } => self.add_coming_or_going(*user, change.number, true),
            ChangeKind::ParticipantRemoved { user, .. } => self.add_coming_or_going(*user, change.number, false),
            ChangeKind::ConversationUpdated { .. } | ChangeKind::Void => {}
        }
        true
    }

    fn add_coming_or_going(&mut self, user: UserId, number: Number, added: bool) {
        let part = self.parts.entry(user).or_default();
        part.last = part.last.max(Some((number, added)));
    }

    fn add_membership(&mut self, membership: &Membership) {
        toggle(&mut self.links, Link::Member(membership.user, membership.conversation_created_at));
        self.read = self.read.max(Some((membership.read_number, membership.user)));
        if membership.addition.is_some() {
            self.parts.entry(membership.user).or_default().addition = membership.addition;
        }
    }
}

/// Puts a link where it is missing, and takes it away where it stands.
fn toggle<T: Eq + Hash>(links: &mut HashSet<T>, link: T) {
    if !links.remove(&link) {
        links.insert(link);
    }
}
