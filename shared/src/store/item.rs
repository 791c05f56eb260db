//! Items to and from domain types, attribute by attribute.

mod log;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::keys::{CONVERSATIONS, GSI1PK, GSI1SK, Key, PK, SK};
use crate::domain::conversation::{Conversation, Kind, Membership, Title};
use crate::domain::id::{ConversationId, ForeignId, IdError, Nonce, Number, UserId};
use crate::domain::{Error, Timestamp};

pub(super) use log::{change_to_item, entry_kind, message_to_item, void_to_item};

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn text(value: impl Display) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(super) fn integer(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn bytes(id: &[u8; 16]) -> AttributeValue {
    AttributeValue::B(Blob::new(id.to_vec()))
}

pub(super) fn nonce_value(nonce: Nonce) -> AttributeValue {
    bytes(nonce.as_bytes())
}

pub(super) fn participant_set<'a>(users: impl IntoIterator<Item = &'a UserId>) -> AttributeValue {
    AttributeValue::Bs(users.into_iter().map(|user| Blob::new(user.as_bytes().to_vec())).collect())
}

/// Builds an item; what is `None` is left out.
pub(super) struct Writer(Item);

impl Writer {
    pub(super) fn at(key: Key) -> Self {
        Self(HashMap::from([(PK.to_owned(), text(key.pk)), (SK.to_owned(), text(key.sk))]))
    }

    pub(super) fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(super) fn text(self, name: &str, value: impl Display) -> Self {
        self.set(name, text(value))
    }

    pub(super) fn integer(self, name: &str, value: impl Display) -> Self {
        self.set(name, integer(value))
    }

    pub(super) fn optional(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn optional_integer(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.integer(name, value),
            None => self,
        }
    }

    pub(super) fn build(self) -> Item {
        self.0
    }
}

/// Reads an item; what is missing or of another type than was written is a defect, named with its attribute.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a Item);

impl<'a> Reader<'a> {
    pub(super) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn text(self, name: &str) -> Result<&'a str, Error> {
        self.optional_text(name)?.ok_or_else(|| corrupt(name))
    }

    pub(super) fn optional_text(self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(corrupt(name)),
        }
    }

    /// Text that `parse` takes, as it did when it was written.
    pub(super) fn parsed<T, E>(self, name: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Error> {
        parse(self.text(name)?).map_err(|_| corrupt(name))
    }

    pub(super) fn optional_parsed<T, E>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Error> {
        self.optional_text(name)?.map(parse).transpose().map_err(|_| corrupt(name))
    }

    pub(super) fn instant(self, name: &str) -> Result<Timestamp, Error> {
        self.parsed(name, |text| Timestamp::parse(text).ok_or(()))
    }

    pub(super) fn optional_instant(self, name: &str) -> Result<Option<Timestamp>, Error> {
        self.optional_parsed(name, |text| Timestamp::parse(text).ok_or(()))
    }

    pub(super) fn integer<N: std::str::FromStr>(self, name: &str) -> Result<N, Error> {
        self.0
            .get(name)
            .and_then(|value| value.as_n().ok())
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| corrupt(name))
    }

    /// A counter; one that was never moved is not stored and stands at zero.
    pub(super) fn number(self, name: &str) -> Result<Number, Error> {
        if !self.has(name) {
            return Ok(Number::ZERO);
        }
        Number::new(self.integer(name)?).ok_or_else(|| corrupt(name))
    }

    pub(super) fn optional_number(self, name: &str) -> Result<Option<Number>, Error> {
        self.has(name).then(|| self.number(name)).transpose()
    }

    pub(super) fn flag(self, name: &str) -> Result<bool, Error> {
        self.0.get(name).and_then(|value| value.as_bool().ok()).copied().ok_or_else(|| corrupt(name))
    }

    pub(super) fn nonce(self, name: &str) -> Option<Nonce> {
        let blob = self.0.get(name)?.as_b().ok()?;
        blob.as_ref().try_into().ok().map(Nonce::from_bytes)
    }

    pub(super) fn user_set(self, name: &str) -> Result<BTreeSet<UserId>, Error> {
        let blobs = self.0.get(name).and_then(|value| value.as_bs().ok()).ok_or_else(|| corrupt(name))?;
        blobs.iter().map(|blob| blob.as_ref().try_into().map(UserId::from_bytes).map_err(|_| corrupt(name))).collect()
    }

    fn number_list(self, name: &str) -> Result<Vec<Number>, Error> {
        let Some(value) = self.0.get(name) else { return Ok(Vec::new()) };
        let list = value.as_l().map_err(|_| corrupt(name))?;
        list.iter()
            .map(|value| {
                value
                    .as_n()
                    .ok()
                    .and_then(|digits| digits.parse().ok())
                    .and_then(Number::new)
                    .ok_or_else(|| corrupt(name))
            })
            .collect()
    }

    pub(super) fn user_id(self, name: &str) -> Result<UserId, Error> {
        self.parsed(name, UserId::parse)
    }

    /// The primary key.
    pub(super) fn key(self) -> Result<Key, Error> {
        Ok(Key { pk: self.text(PK)?.to_owned(), sk: self.text(SK)?.to_owned() })
    }

    /// The id within a key such as `CONV#id`.
    pub(super) fn key_id<T>(self, name: &str, parse: impl FnOnce(&str) -> Result<T, IdError>) -> Result<T, Error> {
        self.parsed(name, |text| parse(text.split_once('#').map_or(text, |(_, id)| id)))
    }

    pub(super) fn conversation_partition(self) -> Result<ConversationId, Error> {
        self.key_id(PK, ConversationId::parse)
    }

    /// The id that something had before it was imported, by which its note or alias is found.
    pub(super) fn old_id_partition(self) -> Result<ForeignId, Error> {
        self.key_id(PK, ForeignId::parse)
    }

    /// The instant within a key such as `FAILED#2026-01-01T12:00:00.123456Z#nonce`.
    pub(super) fn sort_instant(self) -> Result<Timestamp, Error> {
        self.parsed(SK, |text| text.split('#').nth(1).and_then(Timestamp::parse).ok_or(()))
    }

    /// The number within a key such as `MSG#00000000ff`.
    pub(super) fn sort_number(self) -> Result<Number, Error> {
        self.parsed(SK, |text| {
            let digits = text.split_once('#').map_or("", |(_, digits)| digits);
            u64::from_str_radix(digits, 16).ok().and_then(Number::new).ok_or(())
        })
    }
}

pub(super) fn corrupt(name: &str) -> Error {
    Error::Internal(format!("an item's attribute {name} is missing or malformed"))
}

pub(super) fn conversation_to_item(conversation: &Conversation, nonce: Nonce) -> Item {
    Writer::at(Key::conversation(conversation.id))
        .text(GSI1PK, CONVERSATIONS)
        .text(GSI1SK, format_args!("{}#{}", conversation.created_at, conversation.id))
        .text("kind", kind_to_text(conversation.kind))
        .set("participants", participant_set(&conversation.participants))
        .optional("title", conversation.title.as_ref().map(Title::as_str))
        .text("created_by", conversation.created_by)
        .text("created_at", conversation.created_at)
        .integer("messages", conversation.messages)
        .integer("hidden_messages", conversation.hidden)
        .text("last_activity", conversation.last_activity)
        .integer("changes", conversation.changes)
        .text("changed_at", conversation.changed_at)
        .set("nonce", nonce_value(nonce))
        .build()
}

fn kind_to_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Direct => "direct",
        Kind::Group => "group",
    }
}

impl TryFrom<Reader<'_>> for Conversation {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: item.conversation_partition()?,
            kind: item.parsed("kind", |text| match text {
                "direct" => Ok(Kind::Direct),
                "group" => Ok(Kind::Group),
                _ => Err(()),
            })?,
            participants: item.user_set("participants")?,
            title: item.optional_parsed("title", Title::parse)?,
            created_by: item.user_id("created_by")?,
            created_at: item.instant("created_at")?,
            messages: item.number("messages")?,
            hidden: item.integer("hidden_messages")?,
            last_activity: item.instant("last_activity")?,
            changes: item.number("changes")?,
            changed_at: item.instant("changed_at")?,
        })
    }
}

pub(super) fn membership_to_item(membership: &Membership) -> Item {
    Writer::at(Key::membership(membership.user, membership.conversation))
        .text("conversation_created_at", membership.conversation_created_at)
        .text("joined_at", membership.joined_at)
        .integer("position", membership.position)
        .integer("read_number", membership.read_number)
        .optional_integer("addition", membership.addition)
        .build()
}

impl TryFrom<Reader<'_>> for Membership {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            conversation: item.key_id(SK, ConversationId::parse)?,
            conversation_created_at: item.instant("conversation_created_at")?,
            user: item.key_id(PK, UserId::parse)?,
            joined_at: item.instant("joined_at")?,
            position: item.integer("position")?,
            read_number: item.number("read_number")?,
            addition: item.optional_number("addition")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00.123456Z").expect("an instant")
    }

    #[test]
    fn a_conversation_is_read_as_it_was_written() {
        let ada = UserId::unique();
        let conversation = Conversation {
            id: ConversationId::unique(),
            kind: Kind::Group,
            participants: [ada, UserId::unique()].into(),
            title: Some(Title::parse("Engines").expect("a title")),
            created_by: ada,
            created_at: now(),
            messages: Number::ZERO,
            hidden: 0,
            last_activity: now(),
            changes: Number::ZERO,
            changed_at: now(),
        };
        let item = conversation_to_item(&conversation, Nonce::unique());
        assert_eq!(Conversation::try_from(Reader(&item)).expect("readable"), conversation);
    }

    #[test]
    fn a_membership_is_read_as_it_was_written() {
        for addition in [None, Some(Number::ZERO.next())] {
            let membership = Membership {
                conversation: ConversationId::unique(),
                conversation_created_at: now(),
                user: UserId::unique(),
                joined_at: now(),
                position: 1,
                read_number: Number::ZERO,
                addition,
            };
            let item = membership_to_item(&membership);
            assert_eq!(Membership::try_from(Reader(&item)).expect("readable"), membership);
        }
    }

    #[test]
    fn a_full_conversation_stays_within_5_kb_and_a_pair_within_1_kb() {
        let size = |participants: usize| -> usize {
            let participants: BTreeSet<_> = (0..participants).map(|_| UserId::unique()).collect();
            let creator = *participants.first().expect("somebody");
            let conversation = Conversation {
                id: ConversationId::unique(),
                kind: Kind::Group,
                participants,
                title: Some(Title::parse(&"x".repeat(200)).expect("a title")),
                created_by: creator,
                created_at: now(),
                messages: Number::MAX,
                hidden: 1,
                last_activity: now(),
                changes: Number::MAX,
                changed_at: now(),
            };
            conversation_to_item(&conversation, Nonce::unique())
                .iter()
                .map(|(name, value)| name.len() + value_size(value))
                .sum()
        };
        assert!(size(250) < 5 * 1024, "{}", size(250));
        assert!(size(2) < 1024, "{}", size(2));
    }

    fn value_size(value: &AttributeValue) -> usize {
        match value {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(digits) => digits.len() / 2 + 1,
            AttributeValue::B(blob) => blob.as_ref().len(),
            AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob.as_ref().len()).sum(),
            _ => 1,
        }
    }
}
