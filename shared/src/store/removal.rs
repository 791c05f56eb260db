//! Removing conversations. META goes first, after which nobody can see any of it; the rest is cleared afterwards, in
//! steps that may stop anywhere.
//!
//! The transaction that removes META leaves an item that says what is still to be cleared. It goes when nothing is left
//! and whoever was sending meanwhile must be dead: until then something may still come to stand in the log. So it is
//! a later removal that takes it away, and each removal helps with one step of what earlier ones left.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use futures::future::try_join_all;

use super::Store;
use super::attempts::pause;
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader, Writer, participant_set, text};
use super::keys::{CLEARING, Key, PK, SK, conversation_partition};
use crate::domain::conversation::{Conversation, Kind};
use crate::domain::id::{ConversationId, UserId};
use crate::domain::log::WRITER_LIFETIME;
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp, permission};

/// How many items of a log one step clears.
const CLEARED_AT_ONCE: i32 = 250;

/// How many steps of its own log a removal takes; what is more is left to later removals.
const STEPS_OF_ONES_OWN: usize = 4;

/// With how many earlier removals one helps: more than one, so that what is left cannot pile up.
const HELPED_AT_ONCE: i32 = 2;

/// What a removed conversation left behind.
struct Remains {
    conversation: ConversationId,
    /// When the last of its writers must be dead.
    due: Timestamp,
    /// Whose memberships are still to be cleared.
    participants: BTreeSet<UserId>,
}

impl Remains {
    fn of(conversation: &Conversation, now: Timestamp) -> Self {
        let participants = conversation.participants.clone();
        Self { conversation: conversation.id, due: now + WRITER_LIFETIME, participants }
    }

    fn key(&self) -> Key {
        Key::clearing(self.due, self.conversation)
    }

    fn to_item(&self) -> Item {
        Writer::at(self.key())
            .text("conversation", self.conversation)
            .text("due", self.due)
            .set("participants", participant_set(&self.participants))
            .build()
    }
}

impl TryFrom<Reader<'_>> for Remains {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        let participants = if item.has("participants") { item.user_set("participants")? } else { BTreeSet::new() };
        let conversation = item.parsed("conversation", ConversationId::parse)?;
        Ok(Self { conversation, due: item.instant("due")?, participants })
    }
}

impl Store {
    /// Removes a conversation for everybody.
    pub async fn delete_conversation(&self, caller: &Caller, id: ConversationId, now: Timestamp) -> Result<(), Error> {
        let (mut conversation, user) = self.admit(caller, self.conversation_judged_by(caller.user, id)).await?;
        let mut attempt = 0;
        loop {
            if !permission::may_delete_conversation(&user, &conversation) {
                return Err(Error::Forbidden);
            }
            if self.remove(&conversation, now).await? {
                return Ok(());
            }
            pause(&mut attempt).await?;
            conversation = self.conversation_seen_by(caller.user, id).await?;
        }
    }

    /// Removes a conversation, on condition that nobody came or left since it was read; whether it is gone.
    pub(super) async fn remove(&self, conversation: &Conversation, now: Timestamp) -> Result<bool, Error> {
        let remains = Remains::of(conversation, now);
        match self.transact(self.removing(conversation, &remains)).await {
            Ok(()) => {}
            Err(Failure::Cancelled(blocked)) => match blocked.first() {
                // This call was repeated after its answer was lost, or somebody else was faster.
                Some(Some(standing)) if standing.is_empty() => {}
                Some(Some(_)) => return Ok(false),
                _ => return Err(Error::Internal(format!("{} is not its pair's conversation", conversation.id))),
            },
            Err(failure) => return Err(failure.into()),
        }
        // It is gone: what fails from here on is left to later removals.
        let (own, earlier) = tokio::join!(self.clear(&remains, STEPS_OF_ONES_OWN), self.help_to_clear(now));
        if let Err(error) = own.map(drop).and(earlier) {
            tracing::warn!(conversation = %conversation.id, "something is left to be cleared: {error}");
        }
        Ok(true)
    }

    fn removing(&self, conversation: &Conversation, remains: &Remains) -> Vec<TransactWriteItem> {
        let meta = self.deleting_if(
            Key::conversation(conversation.id),
            "participants = :participants",
            [(":participants", participant_set(&conversation.participants))],
        );
        let mut actions = vec![meta, self.putting(remains.to_item())];
        let mut pair = conversation.participants.iter();
        if let (Kind::Direct, Some(one), Some(other)) = (conversation.kind, pair.next(), pair.next()) {
            actions.push(self.deleting_if(
                Key::direct(*one, *other),
                "conversation = :conversation",
                [(":conversation", text(conversation.id))],
            ));
        }
        actions
    }

    /// Clears memberships and, at most so many steps, the log; whether nothing was left.
    async fn clear(&self, remains: &Remains, steps: usize) -> Result<bool, Error> {
        let log = async {
            for _ in 0..steps {
                if self.clear_step(remains.conversation).await? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let ((), log_is_empty) = tokio::try_join!(self.clear_memberships(remains), log)?;
        Ok(log_is_empty)
    }

    async fn clear_memberships(&self, remains: &Remains) -> Result<(), Error> {
        if remains.participants.is_empty() {
            return Ok(());
        }
        let memberships = remains.participants.iter().map(|user| Key::membership(*user, remains.conversation));
        self.delete_all(memberships.collect()).await?;
        let done = self
            .update(remains.key())
            .update_expression("REMOVE participants")
            .condition_expression(format!("attribute_exists({PK})"));
        match self.updated(done).await {
            // Somebody else has cleared everything meanwhile.
            Ok(_) | Err(Failure::Condition(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// One step of clearing a log; whether it was the last.
    async fn clear_step(&self, id: ConversationId) -> Result<bool, Error> {
        let query = self
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :conversation"))
            .expression_attribute_values(":conversation", text(conversation_partition(id)))
            .projection_expression(format!("{PK}, {SK}"))
            .limit(CLEARED_AT_ONCE);
        let rows = self.rows(query).await?;
        let keys = rows.items.iter().map(|item| Reader(item).key());
        self.delete_all(keys.collect::<Result<_, Error>>()?).await?;
        Ok(rows.next.is_none())
    }

    /// One step of clearing for each of the longest-standing of what earlier removals left.
    async fn help_to_clear(&self, now: Timestamp) -> Result<(), Error> {
        let earlier = self.earlier_remains(now).await?;
        try_join_all(earlier.iter().map(|remains| self.help_with(remains))).await.map(drop)
    }

    async fn help_with(&self, remains: &Remains) -> Result<(), Error> {
        if self.clear(remains, 1).await? {
            self.delete(remains.key()).await?;
        }
        Ok(())
    }

    async fn earlier_remains(&self, now: Timestamp) -> Result<Vec<Remains>, Error> {
        let query = self
            .query(Consistency::Eventual)
            .key_condition_expression(format!("{PK} = :clearing AND {SK} < :now"))
            .expression_attribute_values(":clearing", text(CLEARING))
            .expression_attribute_values(":now", text(now))
            .limit(HELPED_AT_ONCE);
        self.rows(query).await?.items.iter().map(|item| Remains::try_from(Reader(item))).collect()
    }
}
