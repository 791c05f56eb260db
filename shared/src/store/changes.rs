//! Recording changes: each takes a number from its conversation's second counter, and stands in the log of changes
//! together with what it changed, or not at all. What a dead writer left empty is voided, as in the log of messages.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::Store;
use super::calls::{Consistency, Failure};
use super::item::{Reader, change_to_item, integer};
use super::keys::Key;
use super::log::Log;
use super::meter::{Happened, Meter};
use super::stretch::{Found, Stretch};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, Nonce, Number, UserId};
use crate::domain::log::holes;
use crate::domain::{Error, Timestamp};

/// How many numbers a writer takes before it gives up, having found each of them voided.
const MOST_NUMBERS: usize = 5;

/// How many of the latest changes are looked through for one that is still pending.
const LATEST_CHANGES: u64 = 50;

/// Who makes a change, and when. Its nonce tells a write whose answer was lost.
pub(super) struct Recording {
    conversation: ConversationId,
    by: UserId,
    at: Timestamp,
    nonce: Nonce,
}

impl Recording {
    pub(super) fn new(conversation: ConversationId, by: UserId, at: Timestamp) -> Self {
        Self { conversation, by, at, nonce: Nonce::unique() }
    }
}

impl Store {
    /// Writes a change together with the actions that it takes, which are on condition that what they change is as it
    /// was read. Returns its number; nothing if it no longer is, and should be read again. What is read again takes another
    /// number: so the changes of one message are numbered in the order in which they were made.
    pub(super) async fn record(
        &self,
        recording: &Recording,
        kind: ChangeKind,
        actions: impl Fn(Number) -> Vec<TransactWriteItem>,
    ) -> Result<Option<Number>, Error> {
        let Recording { conversation, by, at, nonce } = *recording;
        for _ in 0..MOST_NUMBERS {
            let number = self.take(Log::Changes, conversation, by, Nonce::unique(), at).await?;
            let change = Change { number, at, kind: kind.clone() };
            let mut all = vec![self.putting_new(change_to_item(conversation, &change, nonce))];
            all.extend(actions(number));
            match self.transact(all).await {
                Ok(()) => return Ok(Some(number)),
                Err(Failure::Cancelled(blocked)) => match blocked.first().and_then(Option::as_ref) {
                    Some(item) if Reader(item).nonce("nonce") == Some(nonce) => return Ok(Some(number)),
                    // A reader took the writer for dead.
                    Some(_) => {}
                    None => {
                        self.void_useless(conversation, number, at).await;
                        return Ok(None);
                    }
                },
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable("every number taken was voided".to_owned()))
    }

    /// Voids a number that came to be of no use, for others made a change first. Else readers would wait for its writer.
    async fn void_useless(&self, conversation: ConversationId, number: Number, at: Timestamp) {
        tracing::info!(%conversation, "voiding change {number}: it came to be of no use");
        if let Err(error) = self.void_change(conversation, number, at).await {
            tracing::warn!(%conversation, "change {number} stays pending: {error}");
        }
    }

    /// The last change before the first that is still pending, as far as the latest ones tell.
    pub(super) async fn changes_settled_to(
        &self,
        conversation: &Conversation,
        now: Timestamp,
    ) -> Result<Number, Error> {
        let counter = conversation.change_counter();
        if counter.last == Number::ZERO {
            return Ok(counter.last);
        }
        let latest = Stretch {
            from: counter.last,
            to: counter.last.minus(LATEST_CHANGES - 1).max(Number::ZERO.next()),
            rising: false,
        };
        let found: Found<Change> =
            self.stretch(Log::Changes, conversation.id, latest, LATEST_CHANGES as usize, Consistency::Strong).await?;
        let present = found.entries.iter().rev().map(|change| (change.number, change.at));
        let holes = holes(found.through, counter.last, present, counter, now);
        self.settle_changes(conversation.id, holes.overdue, now).await?;
        Ok(holes.pending.first().map_or(counter.last, |pending| pending.minus(1)))
    }

    /// Writes voids where dead writers left holes; returns what stands there then: voids, unless a writer came at last.
    pub(super) async fn settle_changes(
        &self,
        conversation: ConversationId,
        overdue: Vec<Number>,
        now: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        let mut settled = Vec::with_capacity(overdue.len());
        for number in overdue {
            tracing::info!(%conversation, "voiding change {number}: its writer is dead");
            settled.push(self.void_change(conversation, number, now).await?);
        }
        Ok(settled)
    }

    async fn void_change(&self, conversation: ConversationId, number: Number, now: Timestamp) -> Result<Change, Error> {
        let void = Change { number, at: now, kind: ChangeKind::Void };
        // Nothing is counted here; the action only makes sure that nothing is left behind in a conversation that is gone.
        let standing = self.updating(
            Key::conversation(conversation),
            "ADD hidden_messages :none",
            "attribute_exists(PK)",
            [(":none", integer(0))],
        );
        let written = self.putting_new(change_to_item(conversation, &void, Nonce::unique()));
        match self.transact(vec![written, standing]).await {
            Ok(()) => {
                Meter::note(Happened::Void);
                Ok(void)
            }
            // If nothing stands there, the conversation is gone.
            Err(Failure::Cancelled(blocked)) => match blocked.first().and_then(Option::as_ref) {
                Some(item) => Change::try_from(Reader(item)),
                None => Ok(void),
            },
            Err(failure) => Err(failure.into()),
        }
    }
}
