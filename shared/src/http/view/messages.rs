//! The lesser shapes of messages: as rows among those of all conversations, and as what they said before.

use serde::Serialize;
use utoipa::ToSchema;

use super::named;
use crate::domain::Error;
use crate::domain::message::{Message, Version};
use crate::domain::user::User;
use crate::store::People;

/// A message among those of all conversations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageRow)]
pub struct MessageRowView {
    #[schema(format = Uuid)]
    message_id: String,
    sender_summary: SenderView,
    #[schema(format = DateTime)]
    sent_at: String,
    #[schema(example = "Hello Grace!")]
    message_body: String,
    #[schema(format = Uuid)]
    conversation: String,
    #[schema(minimum = 1)]
    number: u64,
}

/// Who sent a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sender)]
struct SenderView {
    #[schema(format = Uuid)]
    user_id: String,
    #[schema(example = "Ada Lovelace")]
    name: String,
    #[schema(example = "ada@example.com")]
    email: String,
}

impl MessageRowView {
    pub fn all(messages: &[Message], people: &People) -> Result<Vec<Self>, Error> {
        messages.iter().map(|message| Ok(Self::new(message, named(people, message.sender)?))).collect()
    }

    fn new(message: &Message, sender: &User) -> Self {
        Self {
            message_id: message.id.to_string(),
            sender_summary: SenderView {
                user_id: sender.id.to_string(),
                name: format!("{} {}", sender.first_name.as_str(), sender.last_name.as_str()),
                email: sender.email.as_str().to_owned(),
            },
            sent_at: message.sent_at.to_string(),
            message_body: message.body.as_str().to_owned(),
            conversation: message.id.conversation.to_string(),
            number: message.id.number.get(),
        }
    }
}

/// What a message said, and since when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Version)]
pub struct VersionView {
    #[schema(example = "Hello Grace!")]
    message_body: String,
    #[schema(format = DateTime)]
    at: String,
}

impl VersionView {
    pub fn new(version: &Version) -> Self {
        Self { message_body: version.body.as_str().to_owned(), at: version.at.to_string() }
    }
}
