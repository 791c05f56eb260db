//! What the table's stream tells: each change of an item, as what it means.
//!
//! The stream names items by their keys and shows them before and after; whoever delivers knows neither.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use serde::Deserialize;
use serde_json::Value;

use super::connections::connections_in;
use super::item::{Item, Reader};
use super::keys::{ItemKind, PK, SK};
use crate::domain::Error;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::connection::Connection;
use crate::domain::conversation::{Conversation, Membership};
use crate::domain::id::{ConversationId, SessionId, UserId};
use crate::domain::message::{Entry, Message};

/// What happened, as far as anybody is to be told.
#[derive(Debug)]
pub enum Happening {
    Sent(Message),
    Changed(ConversationId, Change),
    Started(Box<Conversation>),
    /// With those who took part.
    Removed(Box<Conversation>),
    /// Somebody's read mark moved forward.
    Read(Membership),
    SessionEnded(UserId, SessionId),
    /// Somebody's first socket opened, or the last one closed.
    Presence {
        user: UserId,
        online: bool,
    },
    /// Nothing that anybody waits for.
    Nothing,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: Event,
    dynamodb: Images,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Event {
    Insert,
    Modify,
    Remove,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    keys: serde_dynamo::Item,
    new_image: Option<serde_dynamo::Item>,
    old_image: Option<serde_dynamo::Item>,
}

impl Happening {
    /// From a record of the stream, as Lambda hands it on.
    pub fn of(record: &Value) -> Result<Self, Error> {
        // Not what is wrong with it: that would quote it.
        let malformed = |_| Error::Internal("a record of the stream is not as such records are".to_owned());
        let Record { event_name: event, dynamodb: images } = Record::deserialize(record).map_err(malformed)?;
        let keys = Item::from(images.keys);
        let (new, old) = (images.new_image.map(Item::from), images.old_image.map(Item::from));
        Self::between(Reader(&keys), event, old.as_ref().map(Reader), new.as_ref().map(Reader))
    }

    fn between(key: Reader<'_>, event: Event, old: Option<Reader<'_>>, new: Option<Reader<'_>>) -> Result<Self, Error> {
        Ok(match (ItemKind::of(&key.key()?), event, old, new) {
            // Edits and deletes are told by their changes.
            (Some(ItemKind::Message), Event::Insert, _, Some(new)) => match Entry::try_from(new)? {
                Entry::Message(message) => Self::Sent(message),
                Entry::Tombstone(_) | Entry::Void(_) => Self::Nothing,
            },
            (Some(ItemKind::Change), Event::Insert, _, Some(new)) => {
                let change = Change::try_from(new)?;
                match change.kind {
                    ChangeKind::Void => Self::Nothing,
                    _ => Self::Changed(new.conversation_partition()?, change),
                }
            }
            (Some(ItemKind::Conversation), Event::Insert, _, Some(new)) => {
                Self::Started(Box::new(Conversation::try_from(new)?))
            }
            (Some(ItemKind::Conversation), Event::Remove, Some(old), _) => {
                Self::Removed(Box::new(Conversation::try_from(old)?))
            }
            (Some(ItemKind::Membership), Event::Modify, Some(old), Some(new)) => {
                let (old, new) = (Membership::try_from(old)?, Membership::try_from(new)?);
                if new.read_number > old.read_number { Self::Read(new) } else { Self::Nothing }
            }
            (Some(ItemKind::Session), Event::Remove, ..) => {
                Self::SessionEnded(key.key_id(PK, UserId::parse)?, key.key_id(SK, SessionId::parse)?)
            }
            (Some(ItemKind::Connections), ..) => {
                let open =
                    |item: Option<Reader<'_>>| item.map(connections_in).transpose().map(Option::unwrap_or_default);
                Self::presence(&open(old)?, &open(new)?)
            }
            _ => Self::Nothing,
        })
    }

    /// Ids are what counts: a socket that took the place of another leaves the person there.
    fn presence(before: &[Connection], after: &[Connection]) -> Self {
        match (before.first(), after.first()) {
            (None, Some(first)) => Self::Presence { user: first.user, online: true },
            (Some(last), None) => Self::Presence { user: last.user, online: false },
            _ => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::id::{Nonce, Number};
    use crate::domain::message::MessageBody;
    use crate::store::item::{message_to_item, void_to_item};
    use crate::store::keys::Key;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00.123456Z").expect("an instant")
    }

    fn image(item: Item) -> Value {
        serde_json::to_value(serde_dynamo::Item::from(item)).expect("an image")
    }

    fn record(event: &str, old: Option<Item>, new: Option<Item>) -> Value {
        let keys: Item = new.iter().chain(&old).next().expect("an image").clone();
        let keys = keys.into_iter().filter(|(name, _)| name == PK || name == SK).collect::<Item>();
        let mut record = json!({
            "eventID": "1", "eventName": event, "eventSource": "aws:dynamodb",
            "dynamodb": { "Keys": image(keys), "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        for (name, item) in [("OldImage", old), ("NewImage", new)] {
            if let Some(item) = item {
                record["dynamodb"][name] = image(item);
            }
        }
        record
    }

    fn message() -> Message {
        Message {
            id: ConversationId::unique().message(Number::ZERO.next()),
            sender: UserId::unique(),
            body: MessageBody::parse("Hello").expect("a body"),
            sent_at: now(),
            edited_at: None,
            key: None,
            edits: vec![],
        }
    }

    #[test]
    fn a_message_that_is_written_was_sent_and_one_that_is_changed_was_not() {
        let item = message_to_item(&message(), Nonce::unique());
        let sent = Happening::of(&record("INSERT", None, Some(item.clone()))).expect("readable");
        assert!(matches!(sent, Happening::Sent(message) if message.body.as_str() == "Hello"));
        let edited = Happening::of(&record("MODIFY", Some(item.clone()), Some(item.clone()))).expect("readable");
        assert!(matches!(edited, Happening::Nothing));
        let cleared = Happening::of(&record("REMOVE", Some(item), None)).expect("readable");
        assert!(matches!(cleared, Happening::Nothing));
    }

    #[test]
    fn a_void_is_nothing_that_anybody_waits_for() {
        let void = void_to_item(ConversationId::unique().message(Number::ZERO.next()), now());
        assert!(matches!(Happening::of(&record("INSERT", None, Some(void))), Ok(Happening::Nothing)));
    }

    #[test]
    fn a_record_that_cannot_be_read_is_a_defect_that_does_not_quote_it() {
        let mut item = message_to_item(&message(), Nonce::unique());
        item.remove("sender");
        let error = Happening::of(&record("INSERT", None, Some(item))).expect_err("unreadable").to_string();
        assert!(error.contains("sender") && !error.contains("Hello"), "{error}");
        for record in [json!({ "eventName": "Hello" }), json!({ "eventName": "INSERT", "dynamodb": "Hello" })] {
            let error = Happening::of(&record).expect_err("unreadable").to_string();
            assert!(error.contains("record") && !error.contains("Hello"), "{error}");
        }
    }

    #[test]
    fn who_comes_and_goes_is_told_by_the_first_and_the_last_socket() {
        let user = UserId::unique();
        let with = |ids: &[&str]| {
            let mut writer = crate::store::item::Writer::at(Key::connections(user)).integer("openings", 3);
            for id in ids {
                writer = writer.text(&format!("open#{id}"), format_args!("{} {}", SessionId::unique(), now()));
            }
            writer.build()
        };
        let told = |old: Option<Item>, new: Option<Item>| {
            let event = if old.is_none() {
                "INSERT"
            } else if new.is_none() {
                "REMOVE"
            } else {
                "MODIFY"
            };
            match Happening::of(&record(event, old, new)).expect("readable") {
                Happening::Presence { user: whose, online } => {
                    assert_eq!(whose, user);
                    Some(online)
                }
                _ => None,
            }
        };
        assert_eq!(told(None, Some(with(&["a="]))), Some(true));
        assert_eq!(told(Some(with(&["a="])), Some(with(&["a=", "b="]))), None);
        assert_eq!(told(Some(with(&["a="])), Some(with(&["b="]))), None);
        assert_eq!(told(Some(with(&["b="])), Some(with(&[]))), Some(false));
        assert_eq!(told(Some(with(&[])), Some(with(&["c="]))), Some(true));
        assert_eq!(told(Some(with(&["c="])), None), Some(false));
        assert_eq!(told(Some(with(&[])), None), None);
    }
}
