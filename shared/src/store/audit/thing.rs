//! Items of the table read for what they must be, whatever else stands in it.

use std::collections::BTreeSet;

use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::{Conversation, Kind, MOST_PARTICIPANTS, Membership};
use crate::domain::id::{ConversationId, ForeignId, MessageId, Number, UserId};
use crate::domain::log::Numbered;
use crate::domain::message::{ClientKey, Entry, Message};
use crate::domain::session::Session;
use crate::domain::user::{Email, User};
use crate::domain::{Error, Timestamp};
use crate::store::connections::{Counted, connections_in, watcher};
use crate::store::import::Progress;
use crate::store::item::{Item, Reader, corrupt};
use crate::store::keys::{CONVERSATIONS, EXPIRES_AT, GSI1PK, GSI1SK, ItemKind, Key, PK, SK, USERS};

/// One item of the table.
pub(super) enum Thing {
    Person(User),
    Account(AccountItem),
    Session(Session),
    Failure {
        expires_at: i64,
    },
    Admins(BTreeSet<UserId>),
    Conversation(Box<Conversation>),
    Entry(ConversationId, Box<EntryItem>),
    Change(ConversationId, Change),
    ClientKey(ClientKeyItem),
    Membership(Membership),
    DirectPair {
        one: UserId,
        other: UserId,
        conversation: ConversationId,
    },
    /// An imported message's old id leads here.
    Alias(MessageId),
    Import(ImportItem),
    Remains(ConversationId),
    /// What is noted of sockets: nothing that must fit to anything, for only API Gateway knows what is open.
    Socket {
        users: Vec<UserId>,
        expires_at: i64,
    },
}

/// An e-mail guard.
pub(super) struct AccountItem {
    pub(super) email: Email,
    pub(super) user: UserId,
    pub(super) active: bool,
    pub(super) logins: u64,
}

/// What stands at a number, and by which key it was sent.
pub(super) struct EntryItem {
    pub(super) entry: Entry,
    /// Tombstones keep it, too.
    pub(super) key: Option<ClientKey>,
}

pub(super) struct ClientKeyItem {
    pub(super) conversation: ConversationId,
    pub(super) sender: UserId,
    pub(super) number: Number,
    pub(super) expires_at: i64,
}

#[derive(Clone, Copy)]
pub(super) struct ImportItem {
    pub(super) old_id: ForeignId,
    pub(super) conversation: ConversationId,
    pub(super) progress: Progress,
}

/// What is wrong with an item on its own, in the words of a sentence that begins with its key.
pub(super) type Flaw = String;

impl Thing {
    pub(super) fn read(key: &Key, item: &Item) -> Result<Self, Flaw> {
        let kind = ItemKind::of(key).ok_or_else(|| "is of no kind that there is".to_owned())?;
        let (thing, spelt) = parse(kind, Reader(item)).map_err(|error| format!("cannot be read: {error}"))?;
        if spelt != *key {
            return Err("has a key that is not spelt as such keys are".to_owned());
        }
        check_attributes(&thing, Reader(item))?;
        if let Self::Conversation(conversation) = &thing {
            check_conversation(conversation)?;
            check_last_removal(conversation, Reader(item))?;
        }
        if let Self::Entry(_, entry) = &thing
            && let Entry::Message(message) = &entry.entry
        {
            check_message(message)?;
        }
        Ok(thing)
    }

    /// What the totals call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Person(_) => "people",
            Self::Account(_) => "accounts",
            Self::Session(_) => "sessions",
            Self::Failure { .. } => "failed logins",
            Self::Admins(_) => "lists of admins",
            Self::Conversation(_) => "conversations",
            Self::Entry(_, entry) => match entry.entry {
                Entry::Message(_) => "messages",
                Entry::Tombstone(_) => "tombstones",
                Entry::Void(_) => "voids",
            },
            Self::Change(..) => "changes",
            Self::ClientKey(_) => "client keys",
            Self::Membership(_) => "memberships",
            Self::DirectPair { .. } => "direct pairs",
            Self::Alias(_) => "aliases",
            Self::Import(_) => "imports",
            Self::Remains(_) => "removed conversations",
            Self::Socket { .. } => "notes on sockets",
        }
    }

    /// Whom it names.
    pub(super) fn people(&self) -> Vec<UserId> {
        match self {
            Self::Account(account) => vec![account.user],
            Self::Session(session) => vec![session.caller.user],
            Self::Admins(admins) => admins.iter().copied().collect(),
            Self::Conversation(conversation) => conversation.participants.iter().copied().collect(),
            Self::Entry(_, entry) => entry.sender().into_iter().collect(),
            Self::Change(_, change) => match change.kind {
                ChangeKind::MessageEdited { by, .. }
                | ChangeKind::MessageDeleted { by, .. }
                | ChangeKind::ConversationUpdated { by } => vec![by],
                ChangeKind::ParticipantAdded { user, by } | ChangeKind::ParticipantRemoved { user, by } => {
                    vec![user, by]
                }
                ChangeKind::Void => Vec::new(),
            },
            Self::ClientKey(key) => vec![key.sender],
            Self::Membership(membership) => vec![membership.user],
            Self::DirectPair { one, other, .. } => vec![*one, *other],
            Self::Socket { users, .. } => users.clone(),
            Self::Person(_) | Self::Failure { .. } | Self::Alias(_) | Self::Import(_) | Self::Remains(_) => Vec::new(),
        }
    }

    /// When DynamoDB may clear it.
    pub(super) fn expires_at(&self) -> Option<i64> {
        match self {
            Self::Session(session) => Some(session.expires_at.epoch_seconds()),
            Self::Failure { expires_at } | Self::Socket { expires_at, .. } => Some(*expires_at),
            Self::ClientKey(key) => Some(key.expires_at),
            _ => None,
        }
    }
}

impl EntryItem {
    pub(super) fn number(&self) -> Number {
        self.entry.number()
    }

    pub(super) fn sender(&self) -> Option<UserId> {
        match &self.entry {
            Entry::Message(message) => Some(message.sender),
            Entry::Tombstone(tombstone) => Some(tombstone.sender),
            Entry::Void(_) => None,
        }
    }

    pub(super) fn sent_at(&self) -> Option<Timestamp> {
        self.entry.sent().map(|(_, at)| at)
    }
}

/// What an item is, and the key that such an item has.
fn parse(kind: ItemKind, item: Reader<'_>) -> Result<(Thing, Key), Error> {
    let found = item.key()?;
    Ok(match kind {
        ItemKind::Person => {
            let user = User::try_from(item)?;
            let key = Key::user(user.id);
            (Thing::Person(user), key)
        }
        ItemKind::Account => {
            let email = found.address().and_then(|email| Email::parse(email).ok()).ok_or_else(|| corrupt(PK))?;
            item.text("password_hash")?;
            let (user, active, logins) = (item.user_id("user")?, item.flag("active")?, item.integer("logins")?);
            let key = Key::email(&email);
            (Thing::Account(AccountItem { email, user, active, logins }), key)
        }
        ItemKind::Session => {
            let session = Session::try_from(item)?;
            let key = Key::session(&session.caller);
            (Thing::Session(session), key)
        }
        ItemKind::Failure => {
            item.sort_instant()?;
            (Thing::Failure { expires_at: item.integer(EXPIRES_AT)? }, found)
        }
        ItemKind::Admins => (Thing::Admins(item.user_set("admins")?), Key::admins()),
        ItemKind::Conversation => {
            let conversation = Conversation::try_from(item)?;
            let key = Key::conversation(conversation.id);
            (Thing::Conversation(Box::new(conversation)), key)
        }
        ItemKind::Message => {
            let (id, entry) = (item.conversation_partition()?, Entry::try_from(item)?);
            let key = Key::message(id.message(item.sort_number()?));
            let client_key = item.optional_parsed("client_key", ClientKey::parse)?;
            (Thing::Entry(id, Box::new(EntryItem { entry, key: client_key })), key)
        }
        ItemKind::Change => {
            let (id, change) = (item.conversation_partition()?, Change::try_from(item)?);
            let key = Key::change(id, change.number);
            (Thing::Change(id, change), key)
        }
        ItemKind::ClientKey => {
            let (sender, client_key) = found.sender_and_client_key().ok_or_else(|| corrupt(SK))?;
            let conversation = item.conversation_partition()?;
            let key = Key::client_key(conversation, sender, &client_key);
            let (number, expires_at) = (item.integer("number")?, item.integer(EXPIRES_AT)?);
            let number = Number::new(number).ok_or_else(|| corrupt("number"))?;
            (Thing::ClientKey(ClientKeyItem { conversation, sender, number, expires_at }), key)
        }
        ItemKind::Membership => {
            let membership = Membership::try_from(item)?;
            let key = Key::membership(membership.user, membership.conversation);
            (Thing::Membership(membership), key)
        }
        ItemKind::DirectPair => {
            let (one, other) = found.pair().ok_or_else(|| corrupt(PK))?;
            let conversation = item.parsed("conversation", ConversationId::parse)?;
            (Thing::DirectPair { one, other, conversation }, Key::direct(one, other))
        }
        ItemKind::Alias => {
            let key = Key::alias(item.old_id_partition()?);
            (Thing::Alias(item.parsed("message", MessageId::parse)?), key)
        }
        ItemKind::Import => {
            let old_id = item.old_id_partition()?;
            let conversation = item.parsed("conversation", ConversationId::parse)?;
            if conversation != ConversationId::of_imported(old_id) {
                return Err(corrupt("conversation"));
            }
            item.text("fingerprint")?;
            let progress = Progress::of(item.optional_text("progress")?).ok_or_else(|| corrupt("progress"))?;
            (Thing::Import(ImportItem { old_id, conversation, progress }), Key::import(old_id))
        }
        ItemKind::Connections => {
            let user = item.key_id(PK, UserId::parse)?;
            connections_in(item)?;
            (Thing::Socket { users: vec![user], expires_at: item.integer(EXPIRES_AT)? }, Key::connections(user))
        }
        ItemKind::Connection => {
            let connection = Counted::try_from(item)?.connection;
            let key = Key::connection(&connection.id);
            (Thing::Socket { users: vec![connection.user], expires_at: item.integer(EXPIRES_AT)? }, key)
        }
        ItemKind::Watch => {
            let (watched, watcher) = (item.key_id(PK, UserId::parse)?, watcher(item)?);
            let key = Key::watch(watched, &watcher.id);
            // Whoever is watched may be nobody: that is not looked up when it is asked for.
            (Thing::Socket { users: vec![watcher.user], expires_at: item.integer(EXPIRES_AT)? }, key)
        }
        ItemKind::Remains => {
            let conversation = item.parsed("conversation", ConversationId::parse)?;
            let key = Key::clearing(item.instant("due")?, conversation);
            (Thing::Remains(conversation), key)
        }
    })
}

/// The index holds people and conversations, by when they were made; DynamoDB forgets sessions, failed logins, sockets and
/// client keys, and nothing else.
fn check_attributes(thing: &Thing, item: Reader<'_>) -> Result<(), Flaw> {
    let place = match thing {
        Thing::Person(user) => Some((USERS, format!("{}#{}", user.created_at, user.id))),
        Thing::Conversation(conversation) => {
            Some((CONVERSATIONS, format!("{}#{}", conversation.created_at, conversation.id)))
        }
        _ => None,
    };
    let right = match &place {
        Some((partition, sort)) => {
            item.text(GSI1PK).ok() == Some(partition) && item.text(GSI1SK).ok() == Some(sort.as_str())
        }
        None => !item.has(GSI1PK) && !item.has(GSI1SK),
    };
    if !right {
        Err("does not stand in the index where it should".to_owned())
    } else if thing.expires_at().is_none() && item.has(EXPIRES_AT) {
        Err("would be forgotten: such items have no expires_at".to_owned())
    } else {
        Ok(())
    }
}

fn check_conversation(conversation: &Conversation) -> Result<(), Flaw> {
    let Conversation { kind, participants, created_by, hidden, messages, title, .. } = conversation;
    if participants.is_empty() || participants.len() > MOST_PARTICIPANTS {
        return Err(format!("has {} participants", participants.len()));
    }
    if *kind == Kind::Direct && (participants.len() != 2 || title.is_some()) {
        return Err("is direct, but not of two people, or has a title".to_owned());
    }
    if !participants.contains(created_by) {
        return Err("belongs to somebody who does not take part".to_owned());
    }
    if *hidden > messages.get() {
        return Err(format!("counts {hidden} tombstones and voids among {messages} numbers"));
    }
    Ok(())
}

/// Else nobody could be added or taken out.
fn check_last_removal(conversation: &Conversation, item: Reader<'_>) -> Result<(), Flaw> {
    let last_removal = item.number("last_removal").map_err(|error| format!("cannot be read: {error}"))?;
    if last_removal > conversation.changes {
        Err("names a last removal that its counter of changes has not reached".to_owned())
    } else {
        Ok(())
    }
}

fn check_message(message: &Message) -> Result<(), Flaw> {
    if message.edited_at.is_some() == message.edits.is_empty() {
        return Err("says when it was edited, but not by which changes, or the other way round".to_owned());
    }
    if !message.edits.is_sorted_by(|one, next| one < next) {
        return Err("names the changes that edited it in disorder".to_owned());
    }
    Ok(())
}
