//! Recording changes: each takes a number from its conversation's second counter, and stands in the log of changes
//! together with what it changed, or not at all.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::Store;
use super::calls::Failure;
use super::item::{Reader, change_to_item};
use super::log::Log;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::id::{ConversationId, Nonce, Number, UserId};
use crate::domain::{Error, Timestamp};

/// How many numbers a writer takes before it gives up, having found each of them voided.
const MOST_NUMBERS: usize = 5;

/// A change on its way. It keeps the number that it took until that is used.
pub(super) struct Recording {
    conversation: ConversationId,
    by: UserId,
    at: Timestamp,
    nonce: Nonce,
    number: Option<Number>,
}

impl Recording {
    pub(super) fn new(conversation: ConversationId, by: UserId, at: Timestamp) -> Self {
        Self { conversation, by, at, nonce: Nonce::unique(), number: None }
    }
}

impl Store {
    /// Writes a change together with the actions that it takes, which are on condition that what they change is as it
    /// was read. Returns its number; nothing if it no longer is, and should be read again.
    pub(super) async fn record(
        &self,
        recording: &mut Recording,
        kind: ChangeKind,
        actions: impl Fn(Number) -> Vec<TransactWriteItem>,
    ) -> Result<Option<Number>, Error> {
        for _ in 0..MOST_NUMBERS {
            let number = self.number_of(recording).await?;
            let change = Change { number, at: recording.at, kind: kind.clone() };
            let mut all = vec![self.putting_new(change_to_item(recording.conversation, &change, recording.nonce))];
            all.extend(actions(number));
            match self.transact(all).await {
                Ok(()) => return Ok(Some(number)),
                Err(Failure::Cancelled(blocked)) => match blocked.first().and_then(Option::as_ref) {
                    Some(item) if Reader(item).nonce("nonce") == Some(recording.nonce) => return Ok(Some(number)),
                    // A reader took the writer for dead.
                    Some(_) => recording.number = None,
                    None => return Ok(None),
                },
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(Error::Unavailable("every number taken was voided".to_owned()))
    }

    async fn number_of(&self, recording: &mut Recording) -> Result<Number, Error> {
        let Recording { conversation, by, at, .. } = *recording;
        match recording.number {
            Some(number) => Ok(number),
            None => {
                let number = self.take(Log::Changes, conversation, by, Nonce::unique(), at).await?;
                Ok(*recording.number.insert(number))
            }
        }
    }
}
