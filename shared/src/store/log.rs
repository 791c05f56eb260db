//! Writing the numbered log: a number is taken from the conversation's counter, then filled, write-once.
//!
//! Whatever dies in between leaves a hole, and a hole becomes a void (see [`crate::domain::log`]). No lock is held and
//! no clock decides: what stands at a number stands there because a condition let it.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::Store;
use super::accounts::People;
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader, Writer, integer, message_to_item, nonce_value, text, void_to_item};
use super::keys::{EXPIRES_AT, Key, change_sort, message_sort};
use super::meter::{Happened, Meter};
use crate::domain::id::{ConversationId, MessageId, Nonce, Number, UserId};
use crate::domain::message::{ClientKey, Draft, Entry, Message, MessageBody, Void};
use crate::domain::session::Caller;
use crate::domain::user::User;
use crate::domain::{Error, Resource, Timestamp};

/// How long a client key is remembered; DynamoDB may take some days more to forget it.
pub(super) const KEY_LIFETIME: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 60 * 60);

/// How many numbers a writer takes before it gives up, having found each of them voided.
const MOST_NUMBERS: usize = 5;

/// What became of a send.
#[derive(Debug)]
pub struct Sent {
    pub id: MessageId,
    /// None if a repeated send finds it deleted.
    pub message: Option<Message>,
    pub sender: User,
    /// Whether an earlier send with the same client key had written it.
    pub repeated: bool,
}

/// One of a conversation's two counters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Messages,
    Changes,
}

impl Log {
    fn counter(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Changes => "changes",
        }
    }

    /// The sort key of what stands at a number.
    pub(super) fn sort(self, number: Number) -> String {
        match self {
            Self::Messages => message_sort(number),
            Self::Changes => change_sort(number),
        }
    }

    /// When the counter moved last, and the nonce of who moved it.
    fn moved(self) -> (&'static str, &'static str) {
        match self {
            Self::Messages => ("last_activity", "last_sender"),
            Self::Changes => ("changed_at", "last_changer"),
        }
    }
}

impl Sent {
    fn new(message: Message, sender: User) -> Self {
        Self { id: message.id, message: Some(message), sender, repeated: false }
    }
}

/// How a send ended.
enum Outcome {
    Written(Message),
    /// Another send with the same client key had come first; the number taken is of no use.
    Twin {
        unused: Number,
        stored: StoredKey,
    },
}

/// How filling a number ended.
enum Filled {
    Written,
    /// A reader took the writer for dead and voided the number.
    Voided,
    /// Another send with the same client key had come first: that number, that body.
    Twin(StoredKey),
}

struct StoredKey {
    number: Number,
    body_digest: Vec<u8>,
    nonce: Option<Nonce>,
}

impl Store {
    /// Appends a message to a conversation in which the caller takes part.
    pub async fn send(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Sent, Error> {
        match &draft.key {
            None => self.send_once(caller, conversation, draft, now).await,
            Some(key) => self.send_keyed(caller, conversation, &draft, key, now).await,
        }
    }

    async fn send_once(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Sent, Error> {
        let nonce = Nonce::unique();
        let (alive, sender, taken) = tokio::join!(
            self.alive(caller),
            self.decorating(caller.user),
            self.take(Log::Messages, conversation, caller.user, nonce, now)
        );
        let admitted = alive.and(sender);
        if let (Err(refusal), Ok(number)) = (&admitted, &taken) {
            tracing::info!(%conversation, "voiding number {number}: {refusal}");
            self.void(conversation.message(*number), now).await?;
        }
        let sender = admitted?;
        match self.fill(caller, conversation, &draft, taken?, nonce, now).await? {
            Outcome::Written(message) => Ok(Sent::new(message, sender)),
            Outcome::Twin { .. } => Err(Error::Internal("a send without a key met a twin".to_owned())),
        }
    }

    async fn send_keyed(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        draft: &Draft,
        key: &ClientKey,
        now: Timestamp,
    ) -> Result<Sent, Error> {
        let nonce = Nonce::unique();
        let (stored, sender) = self
            .admit(caller, async {
                tokio::try_join!(self.stored_key(conversation, caller.user, key), self.decorating(caller.user))
            })
            .await?;
        if let Some(stored) = stored {
            return self.repeat(conversation, draft, stored, sender).await;
        }
        let number = self.take(Log::Messages, conversation, caller.user, nonce, now).await?;
        match self.fill(caller, conversation, draft, number, nonce, now).await? {
            Outcome::Written(message) => Ok(Sent::new(message, sender)),
            Outcome::Twin { unused, stored } => {
                let (voided, repeated) = tokio::join!(
                    self.void(conversation.message(unused), now),
                    self.repeat(conversation, draft, stored, sender)
                );
                voided?;
                repeated
            }
        }
    }

    /// Fills `number`, or the next one that can be taken if that was voided meanwhile. The sender has read what the
    /// sender has sent: the read mark moves beside.
    async fn fill(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        draft: &Draft,
        mut number: Number,
        nonce: Nonce,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        for _ in 0..MOST_NUMBERS {
            let message = Message {
                id: conversation.message(number),
                sender: caller.user,
                body: draft.body.clone(),
                sent_at: now,
                edited_at: None,
                key: draft.key.clone(),
                edits: Vec::new(),
            };
            let (filled, marked) =
                tokio::join!(self.write(&message, nonce, now), self.move_read_mark(caller.user, conversation, number));
            if let Err(error) = marked {
                tracing::warn!(%conversation, "a sender's read mark stays behind: {error}");
            }
            match filled? {
                Filled::Voided => {
                    number = self.take(Log::Messages, conversation, caller.user, Nonce::unique(), now).await?
                }
                Filled::Written => return Ok(Outcome::Written(message)),
                Filled::Twin(stored) => return Ok(Outcome::Twin { unused: number, stored }),
            }
        }
        Err(Error::Unavailable("every number taken was voided".to_owned()))
    }

    /// Takes the next number, on condition that `user` takes part. Repeated by the SDK after an answer was lost, it
    /// recognises itself by its nonce and takes no second one.
    pub(super) async fn take(
        &self,
        log: Log,
        conversation: ConversationId,
        user: UserId,
        nonce: Nonce,
        now: Timestamp,
    ) -> Result<Number, Error> {
        let (counter, (moved_at, moved_by)) = (log.counter(), log.moved());
        let request = self
            .update(Key::conversation(conversation))
            .update_expression(format!("SET {moved_at} = :now, {moved_by} = :nonce ADD {counter} :one"))
            .condition_expression(format!(
                "contains(participants, :user) AND (attribute_not_exists({moved_by}) OR {moved_by} <> :nonce)"
            ))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":nonce", nonce_value(nonce))
            .expression_attribute_values(":one", integer(1))
            .expression_attribute_values(":user", super::item::bytes(user.as_bytes()))
            .return_values(ReturnValue::UpdatedNew);
        match self.updated(request).await {
            Ok(item) => Reader(&item).number(counter),
            Err(Failure::Condition(Some(item))) if Reader(&item).nonce(moved_by) == Some(nonce) => {
                Reader(&item).number(counter)
            }
            Err(Failure::Condition(_)) => Err(Error::NotFound(Resource::Conversation)),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn write(&self, message: &Message, nonce: Nonce, now: Timestamp) -> Result<Filled, Error> {
        match &message.key {
            None => self.put_message(message, nonce).await,
            Some(key) => self.put_message_and_key(message, key, nonce, now).await,
        }
    }

    async fn put_message(&self, message: &Message, nonce: Nonce) -> Result<Filled, Error> {
        match self.put_new(message_to_item(message, nonce)).await {
            Ok(()) => Ok(Filled::Written),
            Err(Failure::Condition(Some(item))) => Ok(found_instead(&item, nonce)),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn put_message_and_key(
        &self,
        message: &Message,
        key: &ClientKey,
        nonce: Nonce,
        now: Timestamp,
    ) -> Result<Filled, Error> {
        let remembered = Writer::at(Key::client_key(message.id.conversation, message.sender, key))
            .integer("number", message.id.number)
            .set("body_digest", AttributeValue::B(body_digest(&message.body).into()))
            .set("nonce", nonce_value(nonce))
            .integer(EXPIRES_AT, (now + KEY_LIFETIME).epoch_seconds())
            .build();
        match self.transact(vec![self.putting_new(message_to_item(message, nonce)), self.putting_new(remembered)]).await
        {
            Ok(()) => Ok(Filled::Written),
            Err(Failure::Cancelled(blocked)) => match &blocked[..] {
                [_, Some(key)] => {
                    let stored = StoredKey::try_from(Reader(key))?;
                    Ok(if stored.nonce == Some(nonce) { Filled::Written } else { Filled::Twin(stored) })
                }
                [Some(item), None] => Ok(found_instead(item, nonce)),
                _ => Err(Error::Internal("a keyed send was cancelled for no reason".to_owned())),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    async fn stored_key(
        &self,
        conversation: ConversationId,
        sender: UserId,
        key: &ClientKey,
    ) -> Result<Option<StoredKey>, Error> {
        let item = self.get(Key::client_key(conversation, sender, key), Consistency::Strong).await?;
        item.map(|item| StoredKey::try_from(Reader(&item))).transpose()
    }

    /// Answers a send whose key is known with the message that it led to, if the sender still takes part.
    async fn repeat(
        &self,
        conversation: ConversationId,
        draft: &Draft,
        stored: StoredKey,
        sender: User,
    ) -> Result<Sent, Error> {
        let id = conversation.message(stored.number);
        let (seen, item) = tokio::join!(
            self.conversation_seen_by(sender.id, conversation),
            self.get(Key::message(id), Consistency::Strong)
        );
        seen?;
        if stored.body_digest != body_digest(&draft.body) {
            return Err(Error::KeyReused);
        }
        // The key was written with the message: if that is gone, so is the conversation.
        let item = item?.ok_or(Error::NotFound(Resource::Conversation))?;
        let message = Entry::try_from(Reader(&item))?.into_message();
        Ok(Sent { id, message, sender, repeated: true })
    }

    /// Settles a number whose writer is dead or has no use for it: nothing else will ever stand there. Does nothing if
    /// something stands there already. Returns what stands there then.
    pub(super) async fn void(&self, id: MessageId, now: Timestamp) -> Result<Entry, Error> {
        let hidden = self.updating(
            Key::conversation(id.conversation),
            "ADD hidden_messages :one",
            "attribute_exists(PK)",
            [(":one", integer(1))],
        );
        let void = Entry::Void(Void { number: id.number, at: now });
        match self.transact(vec![self.putting_new(void_to_item(id, now)), hidden]).await {
            Ok(()) => {
                Meter::note(Happened::Void);
                Ok(void)
            }
            // If nothing stands there, the conversation is gone.
            Err(Failure::Cancelled(blocked)) => match blocked.first().and_then(Option::as_ref) {
                Some(item) => Entry::try_from(Reader(item)),
                None => Ok(void),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    /// Moves a person's read mark forward to `number`; it never goes back. Returns where it stands then, if the
    /// person takes part.
    pub(super) async fn move_read_mark(
        &self,
        user: UserId,
        conversation: ConversationId,
        number: Number,
    ) -> Result<Option<Number>, Error> {
        let request = self
            .update(Key::membership(user, conversation))
            .update_expression("SET read_number = :number")
            .condition_expression("read_number < :number")
            .expression_attribute_values(":number", integer(number));
        match self.updated(request).await {
            Ok(_) => Ok(Some(number)),
            Err(Failure::Condition(membership)) => {
                membership.map(|membership| Reader(&membership).number("read_number")).transpose()
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// The sender as shown beside the message: a decoration, read at half the price.
    pub(super) async fn decorating(&self, user: UserId) -> Result<User, Error> {
        let mut people: People = self.people_named([user]).await?;
        people.remove(&user).ok_or(Error::NotFound(Resource::User))
    }
}

/// What a writer makes of the item that stands at its number.
fn found_instead(item: &Item, nonce: Nonce) -> Filled {
    if Reader(item).nonce("nonce") == Some(nonce) { Filled::Written } else { Filled::Voided }
}

impl TryFrom<Reader<'_>> for StoredKey {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        let number = item.number("number")?;
        let digest = item.0.get("body_digest").and_then(|value| value.as_b().ok());
        let body_digest =
            digest.ok_or_else(|| Error::Internal("a client key has no digest".to_owned()))?.as_ref().to_vec();
        Ok(Self { number, body_digest, nonce: item.nonce("nonce") })
    }
}

/// Tells bodies apart without keeping a copy (SHA-256).
fn body_digest(body: &MessageBody) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, body.as_str().as_bytes()).as_ref().to_vec()
}
