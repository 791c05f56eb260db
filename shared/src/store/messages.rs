//! Reading messages: one, the latest; and voiding what dead writers left.

use std::collections::BTreeSet;

use super::Store;
use super::calls::Consistency;
use super::edits::of_message;
use super::item::{Item, Reader};
use super::keys::Key;
use super::log::Log;
use super::stretch::{Found, Stretch};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, MessageId, Number, UserId};
use crate::domain::log::{Holes, Numbered, holes};
use crate::domain::message::{Entry, Message};
use crate::domain::session::Caller;
use crate::domain::user::User;
use crate::domain::{Error, Resource, Timestamp};

impl Store {
    /// A message by id, with its sender, if the caller takes part in its conversation.
    pub async fn message(&self, caller: &Caller, id: MessageId) -> Result<(Message, User), Error> {
        let (_, message) = self.admit(caller, self.message_seen_by(caller.user, id)).await?;
        let sender = self.decorating(message.sender).await?;
        Ok((message, sender))
    }

    /// Loading is authorising; the reads are the same whether the message is another's, deleted or not there.
    pub(super) async fn message_seen_by(&self, user: UserId, id: MessageId) -> Result<(Conversation, Message), Error> {
        let (conversation, item) = tokio::join!(
            self.conversation_seen_by(user, id.conversation),
            self.get(Key::message(id), Consistency::Strong)
        );
        let conversation = conversation.map_err(of_message)?;
        let entry = item?.map(|item| Entry::try_from(Reader(&item))).transpose()?;
        Ok((conversation, entry.and_then(Entry::into_message).ok_or(Error::NotFound(Resource::Message))?))
    }

    /// The latest messages, oldest first, and the numbers among them whose writer is dead: for the detail.
    pub(super) async fn latest(&self, id: ConversationId, limit: usize) -> Result<Latest, Error> {
        self.entries(id, Stretch::back_from(Number::MAX), limit).await.map(Latest)
    }

    pub(super) async fn entries(
        &self,
        id: ConversationId,
        stretch: Stretch,
        limit: usize,
    ) -> Result<Found<Entry>, Error> {
        self.stretch(Log::Messages, id, stretch, limit, Consistency::Strong).await
    }

    /// Writes voids where dead writers left holes; returns what stands there then: voids, unless a writer came at last.
    pub(super) async fn settle(
        &self,
        conversation: ConversationId,
        overdue: Vec<Number>,
        now: Timestamp,
    ) -> Result<Vec<Entry>, Error> {
        let mut settled = Vec::with_capacity(overdue.len());
        for number in overdue {
            tracing::info!(%conversation, "voiding number {number}: its writer is dead");
            settled.push(self.void(conversation.message(number), now).await?);
        }
        Ok(settled)
    }
}

/// The end of a log, read without knowing how far it goes.
pub(super) struct Latest(Found<Entry>);

impl Latest {
    pub(super) fn holes(&self, conversation: &Conversation, now: Timestamp) -> Holes {
        holes_on(conversation, conversation.messages, &self.0, now)
    }

    /// Oldest first.
    pub(super) fn into_messages(self) -> Vec<Message> {
        self.0.entries.into_iter().rev().filter_map(Entry::into_message).collect()
    }
}

/// The numbers between `from` and where reading came to that are empty.
pub(super) fn holes_on(conversation: &Conversation, from: Number, found: &Found<Entry>, now: Timestamp) -> Holes {
    let mut present: Vec<_> = found.entries.iter().map(|entry| (entry.number(), entry.at())).collect();
    present.sort_unstable_by_key(|(number, _)| *number);
    let (first, last) = (from.min(found.through), from.max(found.through));
    holes(first, last, present, conversation.message_counter(), now)
}

/// The numbers whose entries neither list nor detail shows.
pub(super) fn last_visible(items: &[Item]) -> Result<Option<Message>, Error> {
    let entries = items.iter().map(|item| Entry::try_from(Reader(item))).collect::<Result<Vec<_>, Error>>()?;
    Ok(entries.into_iter().filter_map(Entry::into_message).max_by_key(|message| message.id.number))
}

/// Everybody who sent a message among these entries.
pub(super) fn senders_of(entries: &[Entry]) -> BTreeSet<UserId> {
    let sender = |entry: &Entry| if let Entry::Message(message) = entry { Some(message.sender) } else { None };
    entries.iter().filter_map(sender).collect()
}

/// Everybody who sent one of these messages.
pub(super) fn senders(messages: &[Message]) -> BTreeSet<UserId> {
    messages.iter().map(|message| message.sender).collect()
}
