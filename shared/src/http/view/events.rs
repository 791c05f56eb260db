//! What is told to open sockets: each event is all that it takes to show it, and an entry of the log that changes tell.

#[cfg(any(test, feature = "openapi"))]
pub(crate) mod examples;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::changes::{ChangeView, EntryView, WhatView};
use super::{InboxRowView, MessageView, ParticipantView, UserView, named};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::{Conversation, Membership};
use crate::domain::id::{ConversationId, UserId};
use crate::domain::message::{Entry, Message};
use crate::domain::user::User;
use crate::domain::{Error, Timestamp};
use crate::store::{Audience, InboxRow};

/// An event is announced without its message where it would be longer, in bytes: frames of API Gateway end at 32 KB.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html>
pub const LONGEST_EVENT: usize = 32 * 1024 - 64;

/// Something that happened, as it is told to an open socket.
///
/// `number` is a message's place in its conversation, `change` that of a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type")]
#[schema(as = Event)]
pub enum EventView {
    /// A message was sent.
    #[serde(rename = "message.created")]
    MessageCreated {
        conversation: String,
        number: u64,
        /// Null if it is too long for a frame: `message_url` has it.
        #[schema(required)]
        message: Option<Box<MessageView>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_url: Option<String>,
    },
    /// A message was edited; with the message as it is now.
    #[serde(rename = "message.edited")]
    MessageEdited {
        conversation: String,
        change: u64,
        at: String,
        by: String,
        /// Null if it is too long for a frame: `message_url` has it.
        #[schema(required)]
        message: Option<EntryView>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message_url: Option<String>,
    },
    /// A message was deleted; with what is left of it.
    #[serde(rename = "message.deleted")]
    MessageDeleted { conversation: String, change: u64, at: String, by: String, message: EntryView },
    /// Somebody joined; told to them, too, with what they joined.
    #[serde(rename = "participant.added")]
    ParticipantAdded {
        conversation: String,
        change: u64,
        at: String,
        by: String,
        participant: Box<ParticipantView>,
        #[serde(skip_serializing_if = "Option::is_none")]
        summary: Option<Box<InboxRowView>>,
    },
    /// Somebody left or was taken out; told to them, too, as the last that they are told of the conversation.
    #[serde(rename = "participant.removed")]
    ParticipantRemoved { conversation: String, change: u64, at: String, by: String, user: Box<UserView> },
    /// The title was changed.
    #[serde(rename = "conversation.updated")]
    ConversationUpdated {
        conversation: String,
        change: u64,
        at: String,
        by: String,
        #[schema(required)]
        title: Option<String>,
    },
    /// A conversation was started with the one who is told.
    #[serde(rename = "conversation.created")]
    ConversationCreated { conversation: String, number: u64, change: u64, summary: Box<InboxRowView> },
    /// A conversation is gone for everybody.
    #[serde(rename = "conversation.deleted")]
    ConversationDeleted { conversation: String },
    /// The one who is told has read up to a number, by whichever client.
    #[serde(rename = "conversation.read")]
    ConversationRead { conversation: String, number: u64, user: String },
    /// Somebody is writing; good for some seconds.
    #[serde(rename = "typing")]
    Typing { conversation: String, user: String },
    /// Somebody who is watched came or went.
    #[serde(rename = "presence")]
    Presence { user: String, online: bool, at: String },
}

impl EventView {
    fn sent(viewer: UserId, message: &Message, audience: &Audience) -> Result<Self, Error> {
        let sender = named(&audience.shown.people, message.sender)?;
        Ok(Self::MessageCreated {
            conversation: message.id.conversation.to_string(),
            number: message.id.number.get(),
            message: Some(Box::new(MessageView::new(viewer, message, sender))),
            message_url: None,
        })
    }

    fn changed(viewer: UserId, ChangeView { change, what }: ChangeView, audience: &Audience) -> Result<Self, Error> {
        let conversation = audience.conversation.id.to_string();
        Ok(match what {
            WhatView::MessageEdited { at, by, message } => {
                Self::MessageEdited { conversation, change, at, by, message: Some(message), message_url: None }
            }
            WhatView::MessageDeleted { at, by, message } => {
                Self::MessageDeleted { conversation, change, at, by, message }
            }
            WhatView::ParticipantAdded { at, by, participant } => {
                let joined = participant.is_of(viewer) && audience.conversation.has(viewer);
                let summary = joined.then(|| summary(viewer, audience)).transpose()?.map(Box::new);
                Self::ParticipantAdded { conversation, change, at, by, participant, summary }
            }
            WhatView::ParticipantRemoved { at, by, user } => {
                Self::ParticipantRemoved { conversation, change, at, by, user }
            }
            WhatView::ConversationUpdated { at, by, title } => {
                Self::ConversationUpdated { conversation, change, at, by, title }
            }
        })
    }

    /// As it goes into a frame: without its message if that is too long.
    fn to_json(&self) -> Result<String, Error> {
        let json = self.whole()?;
        if json.len() <= LONGEST_EVENT {
            return Ok(json);
        }
        match self {
            Self::MessageCreated { conversation, number, message: Some(message), .. } => Self::MessageCreated {
                conversation: conversation.clone(),
                number: *number,
                message_url: Some(message.url()),
                message: None,
            }
            .whole(),
            Self::MessageEdited {
                conversation, change, at, by, message: Some(EntryView::Message(message)), ..
            } => Self::MessageEdited {
                conversation: conversation.clone(),
                change: *change,
                at: at.clone(),
                by: by.clone(),
                message_url: Some(message.url()),
                message: None,
            }
            .whole(),
            // No other has a text of any length in it.
            _ => Ok(json),
        }
    }

    fn whole(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Internal(format!("an event cannot be written: {error}")))
    }
}

/// Who sees no more than others.
const NOBODY: UserId = UserId::from_bytes([0; 16]);

/// A conversation that is new to `viewer`, who has nothing unread in it.
fn summary(viewer: UserId, audience: &Audience) -> Result<InboxRowView, Error> {
    let conversation = audience.conversation.clone();
    let membership = Membership {
        conversation: conversation.id,
        conversation_created_at: conversation.created_at,
        user: viewer,
        joined_at: conversation.created_at,
        position: 0,
        read_number: conversation.messages,
        addition: None,
    };
    let row = InboxRow { conversation, membership, last_message: None, participants: audience.named.clone() };
    InboxRowView::new(viewer, &row, &audience.shown.people)
}

/// One event as JSON: for each of those who see more of it than others, and for these.
#[derive(Debug)]
pub struct Events {
    own: HashMap<UserId, Arc<str>>,
    others: Arc<str>,
}

impl Events {
    /// A message was sent: only its sender is told by which key.
    pub fn sent(message: &Message, audience: &Audience) -> Result<Self, Error> {
        Self::rendered([message.sender], |viewer| EventView::sent(viewer, message, audience))
    }

    /// A change was made; nothing for a void.
    pub fn changed(change: &Change, audience: &Audience) -> Result<Option<Self>, Error> {
        // Who sees more than others: of a message its sender, of themselves those who come and go.
        let special = match change.kind {
            ChangeKind::MessageEdited { message, .. } => match audience.shown.messages.get(&message) {
                Some(Entry::Message(message)) => Some(message.sender),
                _ => None,
            },
            ChangeKind::ParticipantAdded { user, .. } | ChangeKind::ParticipantRemoved { user, .. } => Some(user),
            ChangeKind::MessageDeleted { .. } | ChangeKind::ConversationUpdated { .. } => None,
            ChangeKind::Void => return Ok(None),
        };
        let events = Self::rendered(special, |viewer| {
            let see = |user: &User| Ok(UserView::beside(viewer, user));
            let view = ChangeView::new(viewer, audience.conversation.id, change, &audience.shown, &see)?;
            let view = view.ok_or_else(|| Error::Internal("a void was to be told".to_owned()))?;
            EventView::changed(viewer, view, audience)
        });
        events.map(Some)
    }

    /// A conversation was started; it is told as it is now.
    pub fn started(audience: &Audience) -> Result<Self, Error> {
        let Conversation { id, messages, changes, .. } = &audience.conversation;
        Self::same_for_all(EventView::ConversationCreated {
            conversation: id.to_string(),
            number: messages.get(),
            change: changes.get(),
            summary: Box::new(summary(NOBODY, audience)?),
        })
    }

    /// A conversation is gone.
    pub fn removed(conversation: ConversationId) -> Result<Self, Error> {
        Self::same_for_all(EventView::ConversationDeleted { conversation: conversation.to_string() })
    }

    /// A person's read mark moved.
    pub fn read(membership: &Membership) -> Result<Self, Error> {
        Self::same_for_all(EventView::ConversationRead {
            conversation: membership.conversation.to_string(),
            number: membership.read_number.get(),
            user: membership.user.to_string(),
        })
    }

    pub fn typing(conversation: ConversationId, user: UserId) -> Result<Self, Error> {
        Self::same_for_all(EventView::Typing { conversation: conversation.to_string(), user: user.to_string() })
    }

    pub fn presence(user: UserId, online: bool, at: Timestamp) -> Result<Self, Error> {
        Self::same_for_all(EventView::Presence { user: user.to_string(), online, at: at.to_string() })
    }

    pub fn seen_by(&self, viewer: UserId) -> Arc<str> {
        self.own.get(&viewer).unwrap_or(&self.others).clone()
    }

    fn rendered(
        special: impl IntoIterator<Item = UserId>,
        render: impl Fn(UserId) -> Result<EventView, Error>,
    ) -> Result<Self, Error> {
        let json = |viewer| Ok::<_, Error>(Arc::from(render(viewer)?.to_json()?));
        let own = special.into_iter().map(|user| Ok((user, json(user)?))).collect::<Result<_, Error>>()?;
        Ok(Self { own, others: json(NOBODY)? })
    }

    fn same_for_all(event: EventView) -> Result<Self, Error> {
        Ok(Self { own: HashMap::new(), others: Arc::from(event.to_json()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::examples::Scene;
    use super::*;

    #[test]
    fn only_its_sender_is_told_by_which_key_a_message_was_sent() {
        let Scene { message, audience, grace, .. } = Scene::saying("Hello");
        let events = Events::sent(&message, &audience).expect("events");
        assert!(events.seen_by(message.sender).contains(r#""client_key":"first""#));
        assert!(events.seen_by(grace).contains(r#""client_key":null"#));
    }

    #[test]
    fn a_message_too_long_for_a_frame_is_announced() {
        let Scene { message, audience, grace, .. } = Scene::saying(&"\u{1F600}".repeat(LONGEST_EVENT / 4));
        let event = Events::sent(&message, &audience).expect("events").seen_by(grace);
        assert!(event.len() < 400, "{event}");
        let event: serde_json::Value = serde_json::from_str(&event).expect("JSON");
        assert_eq!(event["message"], serde_json::Value::Null);
        assert_eq!(event["message_url"], format!("/api/messages/{}/", message.id));
        assert_eq!(event["number"], 1);
    }

    #[test]
    fn a_change_is_told_as_the_log_of_changes_tells_it() {
        let scene = Scene::saying("Hello");
        for change in scene.changes() {
            let events = Events::changed(&change, &scene.audience).expect("events").expect("no void");
            let told: serde_json::Value = serde_json::from_str(&events.seen_by(scene.grace)).expect("JSON");
            let see = |user: &User| Ok(UserView::beside(scene.grace, user));
            let id = scene.audience.conversation.id;
            let view = ChangeView::new(scene.grace, id, &change, &scene.audience.shown, &see).expect("a view");
            let mut logged = serde_json::to_value(view).expect("JSON");
            logged["type"] = logged["kind"].take();
            logged.as_object_mut().expect("an object").remove("kind");
            for (name, value) in logged.as_object().expect("an object") {
                assert_eq!(told[name], *value, "{name} of {change:?}");
            }
        }
    }

    #[test]
    fn who_joins_is_told_what_they_joined_and_nobody_else_is() {
        let scene = Scene::saying("Hello");
        let joining =
            scene.changes().into_iter().find(|change| matches!(change.kind, ChangeKind::ParticipantAdded { .. }));
        let events =
            Events::changed(&joining.expect("somebody joins"), &scene.audience).expect("events").expect("no void");
        assert!(events.seen_by(scene.grace).contains("summary"));
        assert!(!events.seen_by(scene.message.sender).contains("summary"));
    }
}
