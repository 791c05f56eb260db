//! Reading messages, and changing what was written: edits and deletes, each with a change of its own number.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

use super::Store;
use super::accounts::People;
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader, change_to_item, entry_kind, integer, text};
use super::keys::{Key, PK, SK, conversation_partition, message_sort};
use super::log::Log;
use crate::domain::change::{Change, ChangeKind, EarlierBody};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, MessageId, Nonce, Number, UserId};
use crate::domain::log::{Counter, Holes, holes};
use crate::domain::message::{Entry, Message, MessageBody};
use crate::domain::page::{Anchor, Page, Slice};
use crate::domain::session::Caller;
use crate::domain::user::User;
use crate::domain::{Error, Resource, Timestamp, permission};

/// How many queries a page of messages may take when many numbers in it are deleted or void.
const MOST_QUERIES: usize = 4;

/// How many earlier bodies go in the transaction that deletes a message; older ones beyond that go just before it.
const EDITS_IN_ONE_TRANSACTION: usize = 90;

/// How often an edit or a delete is tried against others of the same message.
const MOST_ATTEMPTS: usize = 10;

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

/// A stretch of the log in the direction of reading: the next `limit` numbers from `from` on, no further than `to`.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Number,
    to: Number,
    rising: bool,
}

impl Stretch {
    fn bounds(&self) -> (Number, Number) {
        if self.rising { (self.from, self.to) } else { (self.to, self.from) }
    }

    fn is_empty(&self) -> bool {
        let (low, high) = self.bounds();
        low > high
    }
}

/// What was found on a stretch.
struct Found {
    entries: Vec<Entry>,
    /// The last number that was looked at.
    through: Number,
}

impl Store {
    /// A message by id, with its sender, if the caller takes part in its conversation.
    pub async fn message(&self, caller: &Caller, id: MessageId) -> Result<(Message, User), Error> {
        let (_, message) = self.admit(caller, self.message_seen_by(caller.user, id)).await?;
        let sender = self.sender_of(&message).await?;
        Ok((message, sender))
    }

    async fn sender_of(&self, message: &Message) -> Result<User, Error> {
        self.people_named([message.sender]).await?.remove(&message.sender).ok_or(Error::NotFound(Resource::User))
    }

    /// Loading is authorising; the reads are the same whether the message is another's, deleted or not there.
    async fn message_seen_by(&self, user: UserId, id: MessageId) -> Result<(Conversation, Message), Error> {
        let (conversation, item) = tokio::join!(
            self.conversation_seen_by(user, id.conversation),
            self.get(Key::message(id), Consistency::Strong)
        );
        let not_found = || Error::NotFound(Resource::Message);
        let conversation =
            conversation.map_err(|error| if matches!(error, Error::NotFound(_)) { not_found() } else { error })?;
        let entry = item?.map(|item| Entry::try_from(Reader(&item))).transpose()?;
        Ok((conversation, entry.and_then(Entry::into_message).ok_or_else(not_found)?))
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
            tokio::try_join!(self.conversation_seen_by(caller.user, id), self.stretch(id, stretch, window.slice.limit))
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
        mut found: Found,
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
            found = self.stretch(conversation.id, rest, limit - messages.len()).await?;
        }
        Ok((messages, found.through, overdue))
    }

    /// The latest messages, oldest first, and the numbers among them whose writer is dead: for the detail.
    pub(super) async fn latest(&self, id: ConversationId, limit: usize) -> Result<Latest, Error> {
        let stretch = Stretch { from: Number::MAX, to: Number::ZERO.next(), rising: false };
        self.stretch(id, stretch, limit).await.map(Latest)
    }

    async fn stretch(&self, id: ConversationId, stretch: Stretch, limit: usize) -> Result<Found, Error> {
        let (low, high) = stretch.bounds();
        if stretch.is_empty() {
            return Ok(Found { entries: Vec::new(), through: stretch.to });
        }
        let query = self
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :conversation AND {SK} BETWEEN :low AND :high"))
            .expression_attribute_values(":conversation", text(conversation_partition(id)))
            .expression_attribute_values(":low", text(message_sort(low)))
            .expression_attribute_values(":high", text(message_sort(high)))
            .scan_index_forward(stretch.rising)
            .limit(limit as i32);
        let rows = self.rows(query).await?;
        let entries = rows.items.iter().map(|item| Entry::try_from(Reader(item))).collect::<Result<Vec<_>, Error>>()?;
        let through = match (&rows.next, entries.last()) {
            (Some(_), Some(last)) => last.number(),
            _ => stretch.to,
        };
        Ok(Found { entries, through })
    }

    /// Writes voids where dead writers left holes.
    pub(super) async fn settle(
        &self,
        conversation: ConversationId,
        overdue: Vec<Number>,
        now: Timestamp,
    ) -> Result<(), Error> {
        for number in overdue {
            tracing::info!(%conversation, "voiding number {number}: its writer is dead");
            self.void(conversation.message(number), now).await?;
        }
        Ok(())
    }

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
        let (_, mut message) = self.admit(caller, self.message_seen_by(caller.user, id)).await?;
        let (mut number, nonce) = (None, Nonce::unique());
        for _ in 0..MOST_ATTEMPTS {
            if !permission::may_edit_message(caller.user, &message) {
                return Err(Error::Forbidden);
            }
            if message.body == *body {
                return Ok((message.clone(), self.sender_of(&message).await?));
            }
            let taken = match number {
                Some(number) => number,
                None => self
                    .take(Log::Changes, id.conversation, caller.user, Nonce::unique(), now)
                    .await
                    .map_err(of_message)?,
            };
            let earlier = EarlierBody { body: message.body.clone(), at: message.edited_at.unwrap_or(message.sent_at) };
            let kind = ChangeKind::MessageEdited { message: id.number, by: caller.user, earlier: Some(earlier) };
            let change = Change { number: taken, at: now, kind };
            let replaced = self.editing(&message, body, taken, now);
            match self.record(id.conversation, &change, nonce, vec![replaced]).await? {
                Recorded::Done => {
                    message.edits.push(taken);
                    message.body = body.clone();
                    message.edited_at = Some(now);
                    return Ok((message.clone(), self.sender_of(&message).await?));
                }
                Recorded::NumberVoided => number = None,
                Recorded::Overtaken => {
                    number = Some(taken);
                    (_, message) = self.message_seen_by(caller.user, id).await?;
                }
            }
        }
        Err(Error::Unavailable("a message is being edited all the time".to_owned()))
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
        let (mut number, nonce) = (None, Nonce::unique());
        for _ in 0..MOST_ATTEMPTS {
            let taken = match number {
                Some(number) => number,
                None => self
                    .take(Log::Changes, id.conversation, caller.user, Nonce::unique(), now)
                    .await
                    .map_err(of_message)?,
            };
            let change = Change {
                number: taken,
                at: now,
                kind: ChangeKind::MessageDeleted { message: id.number, by: caller.user },
            };
            let actions = self.deleting_message(&message, now).await?;
            match self.record(id.conversation, &change, nonce, actions).await? {
                Recorded::Done => return Ok(()),
                Recorded::NumberVoided => number = None,
                Recorded::Overtaken => {
                    number = Some(taken);
                    (_, message) = self.message_seen_by(caller.user, id).await?;
                }
            }
        }
        Err(Error::Unavailable("a message is being edited all the time".to_owned()))
    }

    async fn deleting_message(&self, message: &Message, now: Timestamp) -> Result<Vec<TransactWriteItem>, Error> {
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
        let (early, last) = message.edits.split_at(message.edits.len().saturating_sub(EDITS_IN_ONE_TRANSACTION));
        for number in early.chunks(EDITS_IN_ONE_TRANSACTION) {
            self.transact(number.iter().map(|number| self.forgetting(conversation, *number)).collect()).await?;
        }
        let forgotten = last.iter().map(|number| self.forgetting(conversation, *number));
        Ok([tombstone, hidden].into_iter().chain(forgotten).collect())
    }

    fn forgetting(&self, conversation: ConversationId, change: Number) -> TransactWriteItem {
        self.updating(Key::change(conversation, change), "REMOVE earlier_body", "attribute_exists(PK)", [])
    }

    /// Writes a change at its number, together with `actions`, the first of which is on condition that the thing
    /// changed is as it was read.
    pub(super) async fn record(
        &self,
        conversation: ConversationId,
        change: &Change,
        nonce: Nonce,
        actions: Vec<TransactWriteItem>,
    ) -> Result<Recorded, Error> {
        let mut all = vec![self.putting_new(change_to_item(conversation, change, nonce))];
        all.extend(actions);
        match self.transact(all).await {
            Ok(()) => Ok(Recorded::Done),
            Err(Failure::Cancelled(blocked)) => Ok(match blocked.first().and_then(Option::as_ref) {
                Some(item) if Reader(item).nonce("nonce") == Some(nonce) => Recorded::Done,
                Some(_) => Recorded::NumberVoided,
                None => Recorded::Overtaken,
            }),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// How recording a change ended.
pub(super) enum Recorded {
    Done,
    /// A reader took the writer for dead: another number is needed.
    NumberVoided,
    /// What was to be changed is no longer as it was read.
    Overtaken,
}

/// The end of a log, read without knowing how far it goes.
pub(super) struct Latest(Found);

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
fn holes_on(conversation: &Conversation, from: Number, found: &Found, now: Timestamp) -> Holes {
    let mut present: Vec<_> = found.entries.iter().map(|entry| (entry.number(), entry.at())).collect();
    present.sort_unstable_by_key(|(number, _)| *number);
    let (first, last) = (from.min(found.through), from.max(found.through));
    let counter = Counter { last: conversation.messages, moved_at: conversation.last_activity };
    holes(first, last, present, counter, now)
}

/// A message of which nothing may be seen any more is not told apart from one that never was.
fn of_message(error: Error) -> Error {
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

/// Everybody who sent one of these messages.
pub(super) fn senders(messages: &[Message]) -> BTreeSet<UserId> {
    messages.iter().map(|message| message.sender).collect()
}
