//! Changing what was written: edits and deletes, each together with a change that has a number of its own.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::attempts::pause;
use super::changes::Recording;
use super::item::{entry_kind, integer, text};
use super::keys::Key;
use crate::domain::change::ChangeKind;
use crate::domain::id::{ConversationId, MessageId, Number};
use crate::domain::message::{Message, MessageBody};
use crate::domain::session::Caller;
use crate::domain::user::User;
use crate::domain::{Error, Resource, Timestamp, permission};

/// How many earlier bodies go in the transaction that deletes a message.
pub(super) const EDITS_IN_ONE_TRANSACTION: usize = 90;

impl Store {
    /// Fails unless the caller may edit the message.
    pub async fn may_edit(&self, caller: &Caller, id: MessageId) -> Result<(), Error> {
        let (_, message) = self.admit(caller, self.message_seen_by(caller.user, id)).await?;
        if permission::may_edit_message(caller.user, &message) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Replaces a message's body; the earlier one is kept in the change. An edit that changes nothing is no change.
    pub async fn edit(
        &self,
        caller: &Caller,
        id: MessageId,
        body: &MessageBody,
        now: Timestamp,
    ) -> Result<(Message, User), Error> {
        // Only its sender edits a message, so the name to be shown beside it is the caller's.
        let both = async { Ok(tokio::join!(self.message_seen_by(caller.user, id), self.decorating(caller.user))) };
        let (seen, sender) = self.admit(caller, both).await?;
        let ((_, mut message), sender) = (seen?, sender?);
        let recording = Recording::new(id.conversation, caller.user, now);
        let mut attempt = 0;
        loop {
            if !permission::may_edit_message(caller.user, &message) {
                return Err(Error::Forbidden);
            }
            if message.body == *body {
                return Ok((message, sender));
            }
            let earlier = Some(message.version());
            let kind = ChangeKind::MessageEdited { message: id.number, by: caller.user, earlier };
            let replaced = |number| vec![self.editing(&message, body, number, now)];
            if let Some(number) = self.record(&recording, kind, replaced).await.map_err(of_message)? {
                message.edits.push(number);
                return Ok((Message { body: body.clone(), edited_at: Some(now), ..message }, sender));
            }
            pause(&mut attempt).await?;
            (_, message) = self.message_seen_by(caller.user, id).await?;
        }
    }

    /// On condition that the message is as it was read: so the change holds the very body that was replaced.
    fn editing(&self, message: &Message, body: &MessageBody, change: Number, now: Timestamp) -> TransactWriteItem {
        let appended = AttributeValue::L(vec![integer(change)]);
        self.updating(
            Key::message(message.id),
            "SET body = :body, edited_at = :now, edits = list_append(if_not_exists(edits, :none), :change)",
            &unchanged_since_read(message),
            unchanged_values(message).chain([
                (":body", text(body.as_str())),
                (":now", text(now)),
                (":change", appended),
                (":none", AttributeValue::L(Vec::new())),
            ]),
        )
    }

    /// Leaves a tombstone where a message was, and takes its earlier bodies with it.
    pub async fn delete_message(&self, caller: &Caller, id: MessageId, now: Timestamp) -> Result<(), Error> {
        let seen = async { tokio::try_join!(self.message_seen_by(caller.user, id), self.user(caller.user)) };
        let ((_, mut message), user) = self.admit(caller, seen).await?;
        if !permission::may_delete_message(&user, &message) {
            return Err(Error::Forbidden);
        }
        let recording = Recording::new(id.conversation, caller.user, now);
        let mut attempt = 0;
        loop {
            self.forget_all_but_the_last_edits(&message).await?;
            let kind = ChangeKind::MessageDeleted { message: id.number, by: caller.user };
            let deleted = |_| self.deleting_message(&message, now);
            if self.record(&recording, kind, deleted).await.map_err(of_message)?.is_some() {
                return Ok(());
            }
            pause(&mut attempt).await?;
            (_, message) = self.message_seen_by(caller.user, id).await?;
        }
    }

    fn deleting_message(&self, message: &Message, now: Timestamp) -> Vec<TransactWriteItem> {
        let conversation = message.id.conversation;
        let tombstone = self.updating(
            Key::message(message.id),
            "SET kind = :tombstone, deleted_at = :now REMOVE body, edited_at, edits",
            &unchanged_since_read(message),
            unchanged_values(message).chain([(":tombstone", text(entry_kind::TOMBSTONE)), (":now", text(now))]),
        );
        let hidden = self.updating(
            Key::conversation(conversation),
            "ADD hidden_messages :one",
            "attribute_exists(PK)",
            [(":one", integer(1))],
        );
        let (_, last) = last_edits(message);
        let forgotten = last.iter().map(|number| self.forgetting(conversation, *number));
        [tombstone, hidden].into_iter().chain(forgotten).collect()
    }

    /// More earlier bodies than go in the transaction that deletes the message go just before it.
    async fn forget_all_but_the_last_edits(&self, message: &Message) -> Result<(), Error> {
        let (early, _) = last_edits(message);
        for numbers in early.chunks(EDITS_IN_ONE_TRANSACTION) {
            let forgotten = numbers.iter().map(|number| self.forgetting(message.id.conversation, *number));
            self.transact(forgotten.collect()).await?;
        }
        Ok(())
    }

    fn forgetting(&self, conversation: ConversationId, change: Number) -> TransactWriteItem {
        self.updating(Key::change(conversation, change), "REMOVE earlier_body", "attribute_exists(PK)", [])
    }
}

fn last_edits(message: &Message) -> (&[Number], &[Number]) {
    message.edits.split_at(message.edits.len().saturating_sub(EDITS_IN_ONE_TRANSACTION))
}

/// A message of which nothing may be seen any more is not told apart from one that never was.
pub(super) fn of_message(error: Error) -> Error {
    match error {
        Error::NotFound(_) => Error::NotFound(Resource::Message),
        other => other,
    }
}

fn unchanged_since_read(message: &Message) -> String {
    // Edits are only ever appended, so their count tells whether there was another.
    let edits = if message.edits.is_empty() { "attribute_not_exists(edits)" } else { "size(edits) = :edits" };
    format!("kind = :message AND {edits}")
}

fn unchanged_values(message: &Message) -> impl Iterator<Item = (&'static str, AttributeValue)> + use<> {
    let edits = (!message.edits.is_empty()).then(|| (":edits", integer(message.edits.len())));
    [(":message", text(entry_kind::MESSAGE))].into_iter().chain(edits)
}
