//! Messages, and what else a number of a conversation's log can turn out to be.

use super::Timestamp;
use super::id::{MessageId, Number, UserId};
use super::log::Numbered;
use super::text::{Invalid, visible};

/// What stands at a number, for good: a message (which may be edited), a tombstone, or a void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Message(Message),
    Tombstone(Tombstone),
    Void(Void),
}

impl Numbered for Entry {
    fn number(&self) -> Number {
        match self {
            Self::Message(message) => message.id.number,
            Self::Tombstone(tombstone) => tombstone.id.number,
            Self::Void(void) => void.number,
        }
    }

    /// At the latest when its number's successor was taken, unless it is a void.
    fn at(&self) -> Timestamp {
        match self {
            Self::Message(message) => message.sent_at,
            Self::Tombstone(tombstone) => tombstone.sent_at,
            Self::Void(void) => void.at,
        }
    }
}

impl Entry {
    /// With which number and when it was sent, deleted or not; voids never were.
    pub fn sent(&self) -> Option<(Number, Timestamp)> {
        match self {
            Self::Message(message) => Some((message.id.number, message.sent_at)),
            Self::Tombstone(tombstone) => Some((tombstone.id.number, tombstone.sent_at)),
            Self::Void(_) => None,
        }
    }

    pub fn into_message(self) -> Option<Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Tombstone(_) | Self::Void(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    pub sender: UserId,
    pub body: MessageBody,
    pub sent_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub key: Option<ClientKey>,
    /// The numbers of the changes that edited it, oldest first: each holds the body that it replaced.
    pub edits: Vec<Number>,
}

impl Message {
    /// What it says now.
    pub fn version(&self) -> Version {
        Version { body: self.body.clone(), at: self.edited_at.unwrap_or(self.sent_at) }
    }
}

/// What a message said, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub body: MessageBody,
    pub at: Timestamp,
}

/// What is left of a deleted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub id: MessageId,
    pub sender: UserId,
    pub sent_at: Timestamp,
    pub deleted_at: Timestamp,
}

/// A number whose writer never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Void {
    pub number: Number,
    pub at: Timestamp,
}

/// A message to be sent, not numbered yet.
#[derive(Clone, Debug)]
pub struct Draft {
    pub body: MessageBody,
    pub key: Option<ClientKey>,
}

/// What a message says: trimmed, 1 to 20 000 characters, something of it visible.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageBody(String);

impl MessageBody {
    pub const MOST_CHARACTERS: usize = 20_000;

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        visible(text, Self::MOST_CHARACTERS).map(|text| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What people write to each other does not belong in logs.
impl std::fmt::Debug for MessageBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MessageBody({} bytes)", self.0.len())
    }
}

/// What a client calls a send, so that it can repeat it: the `Idempotency-Key` header, 1 to 255 printable ASCII
/// characters. Its scope is one sender in one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey(String);

impl ClientKey {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("Idempotency-Key must be 1 to 255 printable ASCII characters."))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_at_most_20_000_characters_however_many_bytes_they_take() {
        assert!(MessageBody::parse(&"ä".repeat(20_000)).is_ok());
        assert_eq!(MessageBody::parse(&"a".repeat(20_001)), Err(Invalid::longer_than(20_000)));
    }

    #[test]
    fn a_client_key_is_printable() {
        assert!(ClientKey::parse("order 42 / retry").is_ok());
        for text in ["", "tab\t", "ä", &"k".repeat(256)] {
            assert!(ClientKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_body_is_not_written_into_logs() {
        let body = MessageBody::parse("secret").expect("a body");
        assert!(!format!("{body:?}").contains("secret"));
    }
}
