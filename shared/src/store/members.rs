//! One person's part in a conversation: reading and leaving.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::Store;
use super::changes::Recording;
use super::item::{participant_set, text};
use super::keys::Key;
use crate::domain::change::ChangeKind;
use crate::domain::conversation::{Conversation, Kind};
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::session::Caller;
use crate::domain::{Error, Resource, Timestamp};

/// How often leaving is tried against others who come and go.
const MOST_ATTEMPTS: usize = 10;

impl Store {
    /// Moves the caller's read mark forward to `number`; returns where it stands then, and how many are unread.
    pub async fn mark_read(&self, caller: &Caller, id: ConversationId, number: Number) -> Result<(Number, u64), Error> {
        let conversation = self.admit(caller, self.conversation_seen_by(caller.user, id)).await?;
        if number > conversation.messages {
            return Err(Error::refused(format!(
                "Ensure this value is less than or equal to {}.",
                conversation.messages
            )));
        }
        let mark =
            self.move_read_mark(caller.user, id, number).await?.ok_or(Error::NotFound(Resource::Conversation))?;
        Ok((mark, conversation.messages.distance_from(mark)))
    }

    /// Takes the caller out of a group. The creator's rights go to whoever has been there longest; the last one to
    /// leave takes the conversation along.
    pub async fn leave(&self, caller: &Caller, id: ConversationId, now: Timestamp) -> Result<(), Error> {
        let mut conversation = self.admit(caller, self.conversation_seen_by(caller.user, id)).await?;
        if conversation.kind == Kind::Direct {
            return Err(Error::refused("A direct conversation cannot be left."));
        }
        let mut recording = Recording::new(id, caller.user, now);
        for _ in 0..MOST_ATTEMPTS {
            if conversation.participants.len() == 1 {
                if self.remove_group(&conversation).await? {
                    return Ok(());
                }
            } else if let Some(heir) = self.heir(&conversation, caller.user).await? {
                let kind = ChangeKind::ParticipantRemoved { user: caller.user, by: caller.user };
                let taken_out = |_| {
                    let membership = self.deleting(Key::membership(caller.user, id));
                    vec![self.taking_out(&conversation, caller.user, heir), membership]
                };
                if self.record(&mut recording, kind, taken_out).await?.is_some() {
                    return Ok(());
                }
            }
            conversation = self.conversation_seen_by(caller.user, id).await?;
        }
        Err(Error::Unavailable("people come and go all the time".to_owned()))
    }

    /// To whom the creator's rights go when `leaver` leaves; nobody if all others have left since the conversation
    /// was read.
    async fn heir(&self, conversation: &Conversation, leaver: UserId) -> Result<Option<UserId>, Error> {
        if conversation.created_by != leaver {
            return Ok(Some(conversation.created_by));
        }
        let memberships = self.memberships(conversation).await?;
        Ok(memberships.iter().map(|membership| membership.user).find(|user| *user != leaver))
    }

    /// On condition that nobody came or left since the conversation was read: so somebody always stays behind, and
    /// the heir is among them.
    fn taking_out(&self, conversation: &Conversation, leaver: UserId, heir: UserId) -> TransactWriteItem {
        self.updating(
            Key::conversation(conversation.id),
            "DELETE participants :leaver SET created_by = :heir",
            "participants = :participants AND created_by = :creator",
            [
                (":leaver", participant_set([&leaver])),
                (":heir", text(heir)),
                (":participants", participant_set(&conversation.participants)),
                (":creator", text(conversation.created_by)),
            ],
        )
    }
}
