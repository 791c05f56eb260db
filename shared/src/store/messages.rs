//! Reading messages: one, a page, the latest; and voiding what dead writers left.

use std::collections::BTreeSet;

use super::Store;
use super::accounts::People;
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
use crate::domain::page::{Anchor, Page, Slice};
use crate::domain::session::Caller;
use crate::domain::user::User;
use crate::domain::{Error, Resource, Timestamp};

/// How many queries a page of messages may take when many numbers in it are deleted or void.
const MOST_QUERIES: usize = 4;

/// Which messages are asked for, and in which order.
#[derive(Clone, Debug)]
pub struct Window {
    /// Only numbers above this one.
    pub above: Number,
    /// Only numbers below this one.
    pub below: Option<Number>,
    pub newest_first: bool,
    pub slice: Slice<Number>,
}

/// Messages of one conversation, with those who sent them.
#[derive(Debug)]
pub struct MessagePage {
    pub page: Page<Message, Number>,
    pub senders: People,
}

impl Store {
    /// A message by id, with its sender, if the caller takes part in its conversation.
    pub async fn message(&self, caller: &Caller, id: MessageId) -> Result<(Message, User), Error> {
        let (_, message) = self.admit(caller, self.message_seen_by(caller.user, id)).await?;
        let sender = self.sender_of(&message).await?;
        Ok((message, sender))
    }

    pub(super) async fn sender_of(&self, message: &Message) -> Result<User, Error> {
        self.people_named([message.sender]).await?.remove(&message.sender).ok_or(Error::NotFound(Resource::User))
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

    /// A page of a conversation's messages, if the caller takes part.
    pub async fn messages(
        &self,
        caller: &Caller,
        id: ConversationId,
        window: &Window,
        now: Timestamp,
    ) -> Result<MessagePage, Error> {
        let stretch = window.stretch();
        let seen = async {
            tokio::try_join!(self.conversation_seen_by(caller.user, id), self.entries(id, stretch, window.slice.limit))
        };
        let (conversation, found) = self.admit(caller, seen).await?;
        let (messages, through, overdue) =
            self.fill_page(&conversation, stretch, found, window.slice.limit, now).await?;
        let (senders, settled) = tokio::join!(
            self.people_named(messages.iter().map(|message| message.sender)),
            self.settle(id, overdue, now)
        );
        settled?;
        Ok(MessagePage { page: window.page(messages, stretch, through, &conversation), senders: senders? })
    }

    /// Reads on past what is not to be shown until the page is full, within bounds.
    async fn fill_page(
        &self,
        conversation: &Conversation,
        stretch: Stretch,
        mut found: Found<Entry>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Message>, Number, Vec<Number>), Error> {
        let (mut messages, mut overdue) = (Vec::new(), Vec::new());
        if stretch.is_empty() {
            return Ok((messages, found.through, overdue));
        }
        let mut rest = stretch;
        for query in 1.. {
            overdue.extend(holes_on(conversation, rest.from, &found, now).overdue);
            messages.extend(found.entries.into_iter().filter_map(Entry::into_message));
            let ended = found.through == rest.to || (rest.rising && found.through >= conversation.messages);
            if messages.len() >= limit || ended || query == MOST_QUERIES {
                break;
            }
            rest.from = if rest.rising { found.through.next() } else { found.through.minus(1) };
            found = self.entries(conversation.id, rest, limit - messages.len()).await?;
        }
        Ok((messages, found.through, overdue))
    }

    /// The latest messages, oldest first, and the numbers among them whose writer is dead: for the detail.
    pub(super) async fn latest(&self, id: ConversationId, limit: usize) -> Result<Latest, Error> {
        self.entries(id, Stretch::back_from(Number::MAX), limit).await.map(Latest)
    }

    async fn entries(&self, id: ConversationId, stretch: Stretch, limit: usize) -> Result<Found<Entry>, Error> {
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
fn holes_on(conversation: &Conversation, from: Number, found: &Found<Entry>, now: Timestamp) -> Holes {
    let mut present: Vec<_> = found.entries.iter().map(|entry| (entry.number(), entry.at())).collect();
    present.sort_unstable_by_key(|(number, _)| *number);
    let (first, last) = (from.min(found.through), from.max(found.through));
    holes(first, last, present, conversation.message_counter(), now)
}

impl Window {
    /// The first number asked for and the last, in the direction of reading.
    fn stretch(&self) -> Stretch {
        let low = self.above.next();
        let high = self.below.map_or(Number::MAX, |below| below.minus(1));
        // The page before a position is read backwards from it.
        let (rising, low, high) = match self.slice.anchor {
            Anchor::Start => (!self.newest_first, low, high),
            Anchor::After(number) if self.newest_first => (false, low, high.min(number.minus(1))),
            Anchor::After(number) => (true, low.max(number.next()), high),
            Anchor::Before(number) if self.newest_first => (true, low.max(number.next()), high),
            Anchor::Before(number) => (false, low, high.min(number.minus(1))),
        };
        if rising { Stretch { from: low, to: high, rising } } else { Stretch { from: high, to: low, rising } }
    }

    fn page(
        &self,
        mut messages: Vec<Message>,
        stretch: Stretch,
        through: Number,
        conversation: &Conversation,
    ) -> Page<Message, Number> {
        let backwards = matches!(self.slice.anchor, Anchor::Before(_));
        let ended =
            if stretch.rising { through >= stretch.to.min(conversation.messages) } else { through <= stretch.to };
        let far = (!ended).then_some(through);
        // Behind the first one read lies what the anchor stands for, unless the window ends there.
        let behind = |number: &Number| {
            if stretch.rising {
                *number > self.above.next()
            } else {
                self.below.is_none_or(|below| number.next() < below)
            }
        };
        let near = messages
            .first()
            .map(|message| message.id.number)
            .filter(|number| self.slice.anchor != Anchor::Start && behind(number));
        if backwards {
            messages.reverse();
        }
        let (previous, next) = if backwards { (far, near) } else { (near, far) };
        let whole = self.above == Number::ZERO && self.below.is_none();
        let count = whole.then(|| conversation.visible_messages());
        Page { rows: messages, previous, next, count }
    }
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
