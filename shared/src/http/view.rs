//! The JSON shapes of people, messages and conversations, in the contract's order of keys.

mod changes;
mod events;
mod messages;

use std::collections::HashMap;

use ring::digest::{SHA256, digest};
use serde::Serialize;
use utoipa::ToSchema;

use super::links::Host;
use crate::domain::conversation::{Membership, Title};
use crate::domain::id::{ConversationId, UserId};
use crate::domain::message::{ClientKey, Message};
use crate::domain::permission::may_see_phone_number;
use crate::domain::session::{Caller, Session};
use crate::domain::user::{PhoneNumber, User};
use crate::domain::{Error, Timestamp};
use crate::store::{Detail, InboxRow, People, Sent};

pub use changes::{ChangesView, EverywhereView, positions_after, walk_from};
#[cfg(feature = "openapi")]
pub(crate) use events::examples::all as event_examples;
pub use events::{EventView, Events, LONGEST_EVENT};
pub use messages::{MessageRowView, VersionView};

/// A person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    #[schema(format = Uuid)]
    user_id: String,
    #[schema(example = "Ada")]
    first_name: String,
    #[schema(example = "Lovelace")]
    last_name: String,
    #[schema(example = "ada@example.com")]
    email: String,
    /// Null for others than oneself and admins.
    #[schema(required, example = "+15550100200")]
    phone_number: Option<String>,
    #[schema(example = "guest")]
    role: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
}

impl UserView {
    /// A person as another sees them.
    pub fn seen_by(viewer: &User, user: &User) -> Self {
        Self::new(user, may_see_phone_number(viewer, user.id))
    }

    /// A person as themselves.
    pub fn own(user: &User) -> Self {
        Self::new(user, true)
    }

    /// A person beside something else, where the viewer's role was not loaded.
    fn beside(viewer: UserId, user: &User) -> Self {
        Self::new(user, viewer == user.id)
    }

    fn new(user: &User, with_phone_number: bool) -> Self {
        Self {
            user_id: user.id.to_string(),
            first_name: user.first_name.as_str().to_owned(),
            last_name: user.last_name.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            phone_number: user
                .phone_number
                .as_ref()
                .filter(|_| with_phone_number)
                .map(PhoneNumber::as_str)
                .map(str::to_owned),
            role: user.role.as_str(),
            created_at: user.created_at.to_string(),
        }
    }
}

/// One of the caller's own logins.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    #[schema(format = Uuid)]
    session_id: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// To the hour.
    #[schema(format = DateTime)]
    last_seen_at: String,
    #[schema(required, example = "192.0.2.1")]
    ip: Option<String>,
    #[schema(required, example = "Mozilla/5.0")]
    user_agent: Option<String>,
    /// Whether it is the one that this is asked by.
    current: bool,
}

impl SessionView {
    pub fn new(caller: &Caller, session: &Session) -> Self {
        Self {
            session_id: session.caller.session.to_string(),
            created_at: session.created_at.to_string(),
            last_seen_at: session.last_seen_at.to_string(),
            ip: session.address.clone(),
            user_agent: session.agent.clone(),
            current: session.caller.session == caller.session,
        }
    }
}

/// A message.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    #[schema(format = Uuid)]
    message_id: String,
    #[schema(format = Uuid)]
    sender: String,
    sender_details: UserView,
    #[schema(format = Uuid)]
    conversation: String,
    #[schema(example = "Hello Grace!")]
    message_body: String,
    #[schema(format = DateTime)]
    sent_at: String,
    /// Its place in the conversation: 1, 2, 3 …
    #[schema(minimum = 1)]
    number: u64,
    #[schema(required, format = DateTime)]
    edited_at: Option<String>,
    /// What its sender called the send (`Idempotency-Key`); null to everybody else.
    #[schema(required)]
    client_key: Option<String>,
}

impl MessageView {
    pub fn new(viewer: UserId, message: &Message, sender: &User) -> Self {
        Self {
            message_id: message.id.to_string(),
            sender: message.sender.to_string(),
            sender_details: UserView::beside(viewer, sender),
            conversation: message.id.conversation.to_string(),
            message_body: message.body.as_str().to_owned(),
            sent_at: message.sent_at.to_string(),
            number: message.id.number.get(),
            edited_at: message.edited_at.as_ref().map(Timestamp::to_string),
            client_key: message
                .key
                .as_ref()
                .filter(|_| message.sender == viewer)
                .map(ClientKey::as_str)
                .map(str::to_owned),
        }
    }

    /// Where it is found alone.
    fn url(&self) -> String {
        format!("/api/messages/{}/", self.message_id)
    }

    pub fn all(viewer: UserId, messages: &[Message], people: &People) -> Result<Vec<Self>, Error> {
        messages.iter().map(|message| Ok(Self::new(viewer, message, named(people, message.sender)?))).collect()
    }
}

/// What a send led to; if that was deleted since, where it stood.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Sent)]
pub enum SentView {
    Message(Box<MessageView>),
    Deleted {
        #[schema(format = Uuid)]
        message_id: String,
        number: u64,
        deleted: bool,
    },
}

impl SentView {
    pub fn new(viewer: UserId, sent: &Sent) -> Self {
        match &sent.message {
            Some(message) => Self::Message(Box::new(MessageView::new(viewer, message, &sent.sender))),
            None => Self::Deleted { message_id: sent.id.to_string(), number: sent.id.number.get(), deleted: true },
        }
    }
}

/// Somebody's part in a conversation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Participant)]
pub struct ParticipantView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    user: String,
    user_details: UserView,
    /// Null in a change, if they left since.
    #[schema(required, format = DateTime)]
    joined_at: Option<String>,
}

impl ParticipantView {
    fn is_of(&self, user: UserId) -> bool {
        self.user == user.to_string()
    }

    fn new(conversation: ConversationId, user: UserId, details: UserView, joined_at: Option<Timestamp>) -> Self {
        Self {
            id: participant_id(conversation, user),
            user: user.to_string(),
            user_details: details,
            joined_at: joined_at.as_ref().map(Timestamp::to_string),
        }
    }
}

/// A conversation in full.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub struct ConversationView {
    #[schema(format = Uuid)]
    conversation_id: String,
    /// In order of joining.
    participants_details: Vec<ParticipantView>,
    /// The latest 50, oldest first.
    messages: Vec<MessageView>,
    participant_count: usize,
    #[schema(required)]
    last_message: Option<MessageView>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, example = "Engines")]
    title: Option<String>,
    #[schema(format = Uuid)]
    created_by: String,
    /// The last number minus the number read.
    unread_count: u64,
    read_number: u64,
    last_number: u64,
    messages_url: String,
    /// The cursor from which on `changes` tells what is not in here.
    changes: String,
}

impl ConversationView {
    pub fn new(viewer: &User, detail: &Detail, host: &Host) -> Result<Self, Error> {
        let conversation = &detail.conversation;
        let own = detail.memberships.iter().find(|membership| membership.user == viewer.id);
        let own =
            own.ok_or_else(|| Error::Internal(format!("a participant of {} has no membership", conversation.id)))?;
        let participant = |membership: &Membership| {
            let details = UserView::seen_by(viewer, named(&detail.people, membership.user)?);
            Ok(ParticipantView::new(conversation.id, membership.user, details, Some(membership.joined_at)))
        };
        let messages = MessageView::all(viewer.id, &detail.messages, &detail.people)?;
        let shows_last = detail.messages.last().is_some_and(|last| conversation.shows_as_last(last.id.number));
        Ok(Self {
            conversation_id: conversation.id.to_string(),
            participants_details: detail.memberships.iter().map(participant).collect::<Result<_, Error>>()?,
            last_message: messages.last().filter(|_| shows_last).cloned(),
            messages,
            participant_count: conversation.participants.len(),
            created_at: conversation.created_at.to_string(),
            title: conversation.title.as_ref().map(Title::as_str).map(str::to_owned),
            created_by: conversation.created_by.to_string(),
            unread_count: own.unread(conversation),
            read_number: own.read_number.get(),
            last_number: conversation.messages.get(),
            messages_url: host.link(&format!("/api/conversations/{}/messages/", conversation.id)),
            changes: changes::cursor_at(conversation.id, detail.settled_to),
        })
    }
}

/// The contract gives a participation an id of its own: it is derived from whose it is and in what.
fn participant_id(conversation: ConversationId, user: UserId) -> String {
    let digest = digest(&SHA256, format!("{conversation}/{user}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// A person by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonName)]
struct NamedView {
    #[schema(format = Uuid)]
    user_id: String,
    first_name: String,
    last_name: String,
}

/// A conversation as the inbox shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConversationSummary)]
pub struct InboxRowView {
    #[schema(format = Uuid)]
    conversation_id: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required)]
    title: Option<String>,
    participant_count: usize,
    /// The newest that is neither deleted nor void, among the last 20 numbers.
    #[schema(required)]
    last_message: Option<MessageView>,
    #[schema(format = DateTime)]
    last_activity: String,
    unread_count: u64,
    /// The caller and up to 19 others.
    participants: Vec<NamedView>,
    #[schema(format = Uuid)]
    created_by: String,
}

impl InboxRowView {
    pub fn new(viewer: UserId, row: &InboxRow, people: &People) -> Result<Self, Error> {
        let conversation = &row.conversation;
        let last_message =
            |message: &Message| Ok::<_, Error>(MessageView::new(viewer, message, named(people, message.sender)?));
        let participant = |id: &UserId| {
            let user = named(people, *id)?;
            Ok(NamedView {
                user_id: id.to_string(),
                first_name: user.first_name.as_str().to_owned(),
                last_name: user.last_name.as_str().to_owned(),
            })
        };
        Ok(Self {
            conversation_id: conversation.id.to_string(),
            created_at: conversation.created_at.to_string(),
            title: conversation.title.as_ref().map(Title::as_str).map(str::to_owned),
            participant_count: conversation.participants.len(),
            last_message: row.last_message.as_ref().map(last_message).transpose()?,
            last_activity: conversation.last_activity.to_string(),
            created_by: conversation.created_by.to_string(),
            unread_count: row.membership.unread(conversation),
            participants: row.participants.iter().map(participant).collect::<Result<_, Error>>()?,
        })
    }
}

fn named(people: &HashMap<UserId, User>, id: UserId) -> Result<&User, Error> {
    people.get(&id).ok_or_else(|| Error::Internal(format!("user {id} is shown but was not loaded")))
}
