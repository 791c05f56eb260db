//! People's parts in a conversation: joining, reading, leaving.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::Store;
use super::attempts::pause;
use super::changes::Recording;
use super::item::{bytes, integer, membership_to_item, participant_set, text};
use super::keys::Key;
use crate::domain::change::ChangeKind;
use crate::domain::conversation::{Conversation, Kind, MOST_PARTICIPANTS, Membership};
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::session::Caller;
use crate::domain::user::User;
use crate::domain::{Error, Resource, Timestamp, permission};

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

    /// Who else takes part in a conversation of the caller.
    pub async fn others_in(&self, caller: &Caller, id: ConversationId) -> Result<Vec<UserId>, Error> {
        let conversation = self.admit(caller, self.conversation_seen_by(caller.user, id)).await?;
        Ok(conversation.participants.into_iter().filter(|user| *user != caller.user).collect())
    }

    /// Fails unless the caller may add people, and the conversation is one that people are added to.
    pub async fn may_add(&self, caller: &Caller, id: ConversationId) -> Result<(), Error> {
        let (conversation, user) = self.admit(caller, self.conversation_judged_by(caller.user, id)).await?;
        if permission::may_add(&user, &conversation) { conversation.check_can_grow() } else { Err(Error::Forbidden) }
    }

    /// Fails unless the caller may take people out, and the conversation is one that people are taken out of.
    pub async fn may_remove(&self, caller: &Caller, id: ConversationId) -> Result<(), Error> {
        let (conversation, user) = self.admit(caller, self.conversation_judged_by(caller.user, id)).await?;
        if permission::may_remove(&user, &conversation) {
            conversation.check_can_shrink()
        } else {
            Err(Error::Forbidden)
        }
    }

    /// Adds an active person to a group. Who joins sees all of it, and has nothing unread.
    pub async fn add_participant(
        &self,
        caller: &Caller,
        id: ConversationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (mut conversation, judged, joiner) = self.seen_with(caller, id, user).await?;
        let recording = Recording::new(id, caller.user, now);
        let mut attempt = 0;
        loop {
            if !permission::may_add(&judged, &conversation) {
                return Err(Error::Forbidden);
            }
            conversation.check_can_grow()?;
            if joiner.as_ref().is_none_or(|joiner| !joiner.active) {
                return Err(Error::NotFound(Resource::User));
            }
            conversation.check_can_take_in(user)?;
            let kind = ChangeKind::ParticipantAdded { user, by: caller.user };
            let taken_in = |number| self.taking_in(&conversation, caller.user, user, number, now).into();
            if self.record(&recording, kind, taken_in).await?.is_some() {
                return Ok(());
            }
            pause(&mut attempt).await?;
            conversation = self.conversation_seen_by(caller.user, id).await?;
        }
    }

    /// A conversation and the caller, whose rights in it are to be judged, and another person, if they are there.
    async fn seen_with(
        &self,
        caller: &Caller,
        id: ConversationId,
        other: UserId,
    ) -> Result<(Conversation, User, Option<User>), Error> {
        let seen = async {
            let (judged, other) = tokio::join!(self.conversation_judged_by(caller.user, id), self.user(other));
            let (conversation, user) = judged?;
            match other {
                Ok(other) => Ok((conversation, user, Some(other))),
                Err(Error::NotFound(_)) => Ok((conversation, user, None)),
                Err(error) => Err(error),
            }
        };
        self.admit(caller, seen).await
    }

    /// On condition that the caller still takes part with the same rights, that the joiner does not, that there is
    /// room, and that no removal has a higher number: so the joiner's own last one has a lower one. A membership that
    /// somebody left behind who died half-way is overwritten.
    fn taking_in(
        &self,
        conversation: &Conversation,
        by: UserId,
        joiner: UserId,
        number: Number,
        now: Timestamp,
    ) -> [TransactWriteItem; 2] {
        let participants = self.updating(
            Key::conversation(conversation.id),
            "ADD participants :joiner",
            "created_by = :creator AND contains(participants, :by) AND NOT contains(participants, :user) \
             AND size(participants) < :most \
             AND (attribute_not_exists(last_removal) OR last_removal < :number)",
            [
                (":joiner", participant_set([&joiner])),
                (":creator", text(conversation.created_by)),
                (":by", bytes(by.as_bytes())),
                (":user", bytes(joiner.as_bytes())),
                (":most", integer(MOST_PARTICIPANTS)),
                (":number", integer(number)),
            ],
        );
        let membership = Membership {
            conversation: conversation.id,
            conversation_created_at: conversation.created_at,
            user: joiner,
            joined_at: now,
            position: 0,
            read_number: conversation.messages,
            addition: Some(number),
        };
        [participants, self.putting(membership_to_item(&membership))]
    }

    /// Takes somebody else out of a group. If that is its creator, their rights go to whoever has been there longest.
    pub async fn remove_participant(
        &self,
        caller: &Caller,
        id: ConversationId,
        user: UserId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (mut conversation, judged, leaver) = self.seen_with(caller, id, user).await?;
        let recording = Recording::new(id, caller.user, now);
        let mut attempt = 0;
        loop {
            if !permission::may_remove(&judged, &conversation) {
                return Err(Error::Forbidden);
            }
            conversation.check_can_shrink()?;
            if !conversation.has(user) && leaver.as_ref().is_none_or(|leaver| !leaver.active) {
                return Err(Error::NotFound(Resource::User));
            }
            conversation.check_can_lose(user, caller.user)?;
            if self.take_out(&conversation, user, caller.user, &recording).await? {
                return Ok(());
            }
            pause(&mut attempt).await?;
            conversation = self.conversation_seen_by(caller.user, id).await?;
        }
    }

    /// Takes the caller out of a group. The creator's rights go to whoever has been there longest; the last one to
    /// leave takes the conversation along.
    pub async fn leave(&self, caller: &Caller, id: ConversationId, now: Timestamp) -> Result<(), Error> {
        let mut conversation = self.admit(caller, self.conversation_seen_by(caller.user, id)).await?;
        if conversation.kind == Kind::Direct {
            return Err(Error::refused("A direct conversation cannot be left."));
        }
        let recording = Recording::new(id, caller.user, now);
        let mut attempt = 0;
        loop {
            let has_left = if conversation.participants.len() == 1 {
                self.remove(&conversation, now).await?
            } else {
                self.take_out(&conversation, caller.user, caller.user, &recording).await?
            };
            if has_left {
                return Ok(());
            }
            pause(&mut attempt).await?;
            conversation = self.conversation_seen_by(caller.user, id).await?;
        }
    }

    /// Takes somebody out who is not the last, on condition that nobody came or left since the conversation was read;
    /// whether it did.
    async fn take_out(
        &self,
        conversation: &Conversation,
        leaver: UserId,
        by: UserId,
        recording: &Recording,
    ) -> Result<bool, Error> {
        let Some(heir) = self.heir(conversation, leaver).await? else { return Ok(false) };
        let kind = ChangeKind::ParticipantRemoved { user: leaver, by };
        let taken_out = |number| self.taking_out(conversation, leaver, heir, number).into();
        Ok(self.record(recording, kind, taken_out).await?.is_some())
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

    /// On condition that the same people take part as when the conversation was read, so that somebody always stays
    /// behind, and the heir is among them; and that neither a removal nor the leaver's addition has a higher number. They
    /// may have been taken out and added again meanwhile.
    fn taking_out(
        &self,
        conversation: &Conversation,
        leaver: UserId,
        heir: UserId,
        number: Number,
    ) -> [TransactWriteItem; 2] {
        let participants = self.updating(
            Key::conversation(conversation.id),
            "DELETE participants :leaver SET created_by = :heir, last_removal = :number",
            "participants = :participants AND created_by = :creator \
             AND (attribute_not_exists(last_removal) OR last_removal < :number)",
            [
                (":leaver", participant_set([&leaver])),
                (":heir", text(heir)),
                (":participants", participant_set(&conversation.participants)),
                (":creator", text(conversation.created_by)),
                (":number", integer(number)),
            ],
        );
        let membership = self.deleting_if(
            Key::membership(leaver, conversation.id),
            "attribute_not_exists(addition) OR addition < :number",
            [(":number", integer(number))],
        );
        [participants, membership]
    }
}
