//! What stands in a conversation's two logs: messages and changes.

use super::{Item, Reader, Writer, corrupt, nonce_value};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::id::{ConversationId, MessageId, Nonce};
use crate::domain::message::{ClientKey, Entry, Message, MessageBody, Tombstone, Version, Void};
use crate::domain::{Error, Timestamp};
use crate::store::keys::Key;

/// What happened, by the attribute `kind` of a change.
mod change_kind {
    pub(super) const MESSAGE_EDITED: &str = "message.edited";
    pub(super) const MESSAGE_DELETED: &str = "message.deleted";
    pub(super) const PARTICIPANT_ADDED: &str = "participant.added";
    pub(super) const PARTICIPANT_REMOVED: &str = "participant.removed";
    pub(super) const CONVERSATION_UPDATED: &str = "conversation.updated";
    pub(super) const VOID: &str = "void";
}

/// What stands at a number of the log, by its attribute `kind`.
pub(in crate::store) mod entry_kind {
    pub(in crate::store) const MESSAGE: &str = "message";
    pub(in crate::store) const TOMBSTONE: &str = "tombstone";
    pub(in crate::store) const VOID: &str = "void";
}

pub(in crate::store) fn message_to_item(message: &Message, nonce: Nonce) -> Item {
    Writer::at(Key::message(message.id))
        .text("kind", entry_kind::MESSAGE)
        .text("sender", message.sender)
        .text("body", message.body.as_str())
        .text("sent_at", message.sent_at)
        .optional("client_key", message.key.as_ref().map(ClientKey::as_str))
        .set("nonce", nonce_value(nonce))
        .build()
}

pub(in crate::store) fn void_to_item(id: MessageId, at: Timestamp) -> Item {
    Writer::at(Key::message(id)).text("kind", entry_kind::VOID).text("voided_at", at).build()
}

impl TryFrom<Reader<'_>> for Entry {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        let number = item.sort_number()?;
        let id = item.conversation_partition()?.message(number);
        match item.text("kind")? {
            entry_kind::VOID => Ok(Self::Void(Void { number, at: item.instant("voided_at")? })),
            entry_kind::TOMBSTONE => Ok(Self::Tombstone(Tombstone {
                id,
                sender: item.user_id("sender")?,
                sent_at: item.instant("sent_at")?,
                deleted_at: item.instant("deleted_at")?,
            })),
            entry_kind::MESSAGE => Ok(Self::Message(Message {
                id,
                sender: item.user_id("sender")?,
                body: item.parsed("body", MessageBody::parse)?,
                sent_at: item.instant("sent_at")?,
                edited_at: item.optional_instant("edited_at")?,
                key: item.optional_parsed("client_key", ClientKey::parse)?,
                edits: item.number_list("edits")?,
            })),
            _ => Err(corrupt("kind")),
        }
    }
}

pub(in crate::store) fn change_to_item(conversation: ConversationId, change: &Change, nonce: Nonce) -> Item {
    let item =
        Writer::at(Key::change(conversation, change.number)).text("at", change.at).set("nonce", nonce_value(nonce));
    match &change.kind {
        ChangeKind::MessageEdited { message, by, earlier } => item
            .text("kind", change_kind::MESSAGE_EDITED)
            .integer("message", message)
            .text("by", by)
            .optional("earlier_body", earlier.as_ref().map(|earlier| earlier.body.as_str()))
            .optional("earlier_at", earlier.as_ref().map(|earlier| earlier.at)),
        ChangeKind::MessageDeleted { message, by } => {
            item.text("kind", change_kind::MESSAGE_DELETED).integer("message", message).text("by", by)
        }
        ChangeKind::ParticipantAdded { user, by } => {
            item.text("kind", change_kind::PARTICIPANT_ADDED).text("user", user).text("by", by)
        }
        ChangeKind::ParticipantRemoved { user, by } => {
            item.text("kind", change_kind::PARTICIPANT_REMOVED).text("user", user).text("by", by)
        }
        ChangeKind::ConversationUpdated { by } => item.text("kind", change_kind::CONVERSATION_UPDATED).text("by", by),
        ChangeKind::Void => item.text("kind", change_kind::VOID),
    }
    .build()
}

impl TryFrom<Reader<'_>> for Change {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        let kind = match item.text("kind")? {
            change_kind::MESSAGE_EDITED => {
                let body = item.optional_parsed("earlier_body", MessageBody::parse)?;
                let at = item.optional_instant("earlier_at")?;
                ChangeKind::MessageEdited {
                    message: item.number("message")?,
                    by: item.user_id("by")?,
                    earlier: body.zip(at).map(|(body, at)| Version { body, at }),
                }
            }
            change_kind::MESSAGE_DELETED => {
                ChangeKind::MessageDeleted { message: item.number("message")?, by: item.user_id("by")? }
            }
            change_kind::PARTICIPANT_ADDED => {
                ChangeKind::ParticipantAdded { user: item.user_id("user")?, by: item.user_id("by")? }
            }
            change_kind::PARTICIPANT_REMOVED => {
                ChangeKind::ParticipantRemoved { user: item.user_id("user")?, by: item.user_id("by")? }
            }
            change_kind::CONVERSATION_UPDATED => ChangeKind::ConversationUpdated { by: item.user_id("by")? },
            change_kind::VOID => ChangeKind::Void,
            _ => return Err(corrupt("kind")),
        };
        Ok(Self { number: item.sort_number()?, at: item.instant("at")?, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;
    use crate::domain::id::{Number, UserId};

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00.123456Z").expect("an instant")
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message = Message {
            id: ConversationId::unique().message(Number::ZERO.next()),
            sender: UserId::unique(),
            body: MessageBody::parse("Hello").expect("a body"),
            sent_at: now(),
            edited_at: None,
            key: Some(ClientKey::parse("k").expect("a key")),
            edits: vec![],
        };
        let item = message_to_item(&message, Nonce::unique());
        assert_eq!(Entry::try_from(Reader(&item)).expect("readable"), Entry::Message(message));
    }

    #[test]
    fn a_malformed_item_is_a_defect_that_names_the_attribute_and_not_its_value() {
        let mut item = void_to_item(ConversationId::unique().message(Number::ZERO.next()), now());
        item.insert("voided_at".to_owned(), text("yesterday"));
        let error = Entry::try_from(Reader(&item)).expect_err("not readable").to_string();
        assert!(error.contains("voided_at") && !error.contains("yesterday"), "{error}");
    }

    #[test]
    fn a_change_is_read_as_it_was_written() {
        let (by, user, message) = (UserId::unique(), UserId::unique(), Number::ZERO.next());
        let earlier = Version { body: MessageBody::parse("Hello").expect("a body"), at: now() };
        for kind in [
            ChangeKind::MessageEdited { message, by, earlier: Some(earlier) },
            ChangeKind::MessageEdited { message, by, earlier: None },
            ChangeKind::MessageDeleted { message, by },
            ChangeKind::ParticipantAdded { user, by },
            ChangeKind::ParticipantRemoved { user, by },
            ChangeKind::ConversationUpdated { by },
            ChangeKind::Void,
        ] {
            let change = Change { number: Number::MAX, at: now(), kind };
            let item = change_to_item(ConversationId::unique(), &change, Nonce::unique());
            assert_eq!(Change::try_from(Reader(&item)).expect("readable"), change);
        }
    }
}
