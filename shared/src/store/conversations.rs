//! Starting conversations, showing them in full, and renaming them.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::Store;
use super::accounts::{People, people_in};
use super::attempts::pause;
use super::calls::{Consistency, Failure};
use super::changes::Recording;
use super::item::{Item, Reader, Writer, bytes, conversation_to_item, membership_to_item, nonce_value, text};
use super::keys::Key;
use super::messages::senders;
use crate::domain::change::ChangeKind;
use crate::domain::conversation::{Conversation, Kind, Membership, NewConversation, Title};
use crate::domain::id::{ConversationId, Nonce, Number, UserId};
use crate::domain::message::Message;
use crate::domain::session::Caller;
use crate::domain::{Error, Resource, Timestamp, permission};

/// How many memberships fit into the transaction that makes a conversation, beside META and the direct pair.
const MEMBERS_IN_ONE_TRANSACTION: usize = 98;

/// How many of the latest messages the detail carries.
const EMBEDDED_MESSAGES: usize = 50;

/// A conversation in full.
#[derive(Debug)]
pub struct Detail {
    pub conversation: Conversation,
    /// In order of joining.
    pub memberships: Vec<Membership>,
    /// The latest, oldest first.
    pub messages: Vec<Message>,
    /// Everybody who takes part or sent one of the messages.
    pub people: People,
    /// The last message number and the last change number before the first that is still pending: what comes after
    /// is told by the changes.
    pub settled_to: (Number, Number),
}

/// What became of a conversation to be started.
#[derive(Debug)]
pub struct Started {
    pub detail: Detail,
    /// Whether the two had their direct conversation already.
    pub existed: bool,
}

impl Store {
    /// Makes a conversation; two people without a title get the one that they have, if they have it.
    pub async fn start_conversation(
        &self,
        caller: &Caller,
        new: NewConversation,
        now: Timestamp,
    ) -> Result<Started, Error> {
        let (people, mut existing) = self
            .admit(caller, async {
                tokio::try_join!(self.active_people(&new.participants), self.direct_conversation(&new))
            })
            .await?;
        let conversation = Conversation {
            id: new.id,
            kind: new.kind,
            participants: new.participants.iter().copied().collect(),
            title: new.title.clone(),
            created_by: new.created_by,
            created_at: now,
            messages: Number::ZERO,
            hidden: 0,
            last_activity: now,
            changes: Number::ZERO,
            changed_at: now,
        };
        let memberships: Vec<Membership> = (0..)
            .zip(&new.participants)
            .map(|(position, user)| Membership {
                conversation: new.id,
                conversation_created_at: now,
                user: *user,
                joined_at: now,
                position,
                read_number: Number::ZERO,
                addition: None,
            })
            .collect();
        let mut attempt = 0;
        loop {
            let found = match existing {
                Some(id) => id,
                None => match self.write_conversation(&conversation, &memberships).await? {
                    Some(twin) => twin,
                    None => {
                        let settled_to = (Number::ZERO, Number::ZERO);
                        let detail = Detail { conversation, memberships, messages: Vec::new(), people, settled_to };
                        return Ok(Started { detail, existed: false });
                    }
                },
            };
            match self.detail(caller.user, found, now).await {
                // It was removed meanwhile: the two start anew.
                Err(Error::NotFound(_)) => existing = None,
                detail => return Ok(Started { detail: detail?, existed: true }),
            }
            pause(&mut attempt).await?;
        }
    }

    async fn active_people(&self, ids: &[UserId]) -> Result<People, Error> {
        let items = self.batch_get(ids.iter().map(|id| Key::user(*id)).collect(), Consistency::Strong).await?;
        let people = people_in(&items)?;
        let all_active = ids.iter().all(|id| people.get(id).is_some_and(|user| user.active));
        if all_active { Ok(people) } else { Err(Error::UnknownParticipants) }
    }

    async fn direct_conversation(&self, new: &NewConversation) -> Result<Option<ConversationId>, Error> {
        let (Kind::Direct, [one, other]) = (new.kind, &new.participants[..]) else { return Ok(None) };
        let item = self.get(Key::direct(*one, *other), Consistency::Strong).await?;
        item.map(|item| Reader(&item).parsed("conversation", ConversationId::parse)).transpose()
    }

    /// Writes all of a conversation or nothing that anybody could see; returns the direct conversation that another
    /// request made first, if there is one.
    async fn write_conversation(
        &self,
        conversation: &Conversation,
        memberships: &[Membership],
    ) -> Result<Option<ConversationId>, Error> {
        let nonce = Nonce::unique();
        let meta = conversation_to_item(conversation, nonce);
        let members: Vec<Item> = memberships.iter().map(membership_to_item).collect();
        if members.len() > MEMBERS_IN_ONE_TRANSACTION {
            // A membership without its conversation is ignored, so the conversation comes last.
            self.put_all(members).await?;
            return match self.put_new(meta).await {
                Ok(()) => Ok(None),
                Err(Failure::Condition(Some(item))) if Reader(&item).nonce("nonce") == Some(nonce) => Ok(None),
                Err(failure) => Err(failure.into()),
            };
        }
        let mut actions = vec![self.putting_new(meta)];
        if let (Kind::Direct, [one, other]) = (conversation.kind, memberships) {
            let pair = Writer::at(Key::direct(one.user, other.user))
                .text("conversation", conversation.id)
                .set("nonce", nonce_value(nonce));
            actions.push(self.putting_new(pair.build()));
        }
        actions.extend(members.into_iter().map(|member| self.putting_new(member)));
        match self.transact(actions).await {
            Ok(()) => Ok(None),
            Err(Failure::Cancelled(blocked)) => match &blocked[..] {
                [Some(meta), ..] if Reader(meta).nonce("nonce") == Some(nonce) => Ok(None),
                [_, Some(pair), ..] if conversation.kind == Kind::Direct => {
                    Reader(pair).parsed("conversation", ConversationId::parse).map(Some)
                }
                _ => Err(Error::Internal("a new conversation's id was taken".to_owned())),
            },
            Err(failure) => Err(failure.into()),
        }
    }

    /// Fails unless the caller may say what the conversation is called.
    pub async fn may_rename(&self, caller: &Caller, id: ConversationId) -> Result<(), Error> {
        let (conversation, user) = self.admit(caller, self.conversation_judged_by(caller.user, id)).await?;
        if permission::may_rename(&user, &conversation) { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// Gives a group another title, or none. A title that it has already is no change.
    pub async fn rename(
        &self,
        caller: &Caller,
        id: ConversationId,
        title: Option<&Title>,
        now: Timestamp,
    ) -> Result<Detail, Error> {
        let (mut conversation, user) = self.admit(caller, self.conversation_judged_by(caller.user, id)).await?;
        let recording = Recording::new(id, caller.user, now);
        let mut attempt = 0;
        loop {
            if !permission::may_rename(&user, &conversation) {
                return Err(Error::Forbidden);
            }
            if conversation.title.as_ref() == title {
                return self.detail(caller.user, id, now).await;
            }
            conversation.check_can_be_called(title)?;
            let kind = ChangeKind::ConversationUpdated { by: caller.user };
            let renamed = |_| vec![self.renaming(caller.user, id, title)];
            if self.record(&recording, kind, renamed).await?.is_some() {
                return self.detail(caller.user, id, now).await;
            }
            pause(&mut attempt).await?;
            conversation = self.conversation_seen_by(caller.user, id).await?;
        }
    }

    fn renaming(&self, by: UserId, id: ConversationId, title: Option<&Title>) -> TransactWriteItem {
        let by = (":by", bytes(by.as_bytes()));
        let title = title.map(|title| (":title", text(title.as_str())));
        self.updating(
            Key::conversation(id),
            if title.is_some() { "SET title = :title" } else { "REMOVE title" },
            "contains(participants, :by)",
            [by].into_iter().chain(title),
        )
    }

    /// A conversation in full, if the caller takes part.
    pub async fn conversation(&self, caller: &Caller, id: ConversationId, now: Timestamp) -> Result<Detail, Error> {
        self.detail_beside(caller.user, id, now, self.alive(caller)).await
    }

    async fn detail(&self, user: UserId, id: ConversationId, now: Timestamp) -> Result<Detail, Error> {
        self.detail_beside(user, id, now, async { Ok(()) }).await
    }

    /// The detail, unless `admission`, which runs in the first round trip, refuses.
    async fn detail_beside(
        &self,
        user: UserId,
        id: ConversationId,
        now: Timestamp,
        admission: impl Future<Output = Result<(), Error>>,
    ) -> Result<Detail, Error> {
        let (admitted, conversation, latest) =
            tokio::join!(admission, self.conversation_seen_by(user, id), self.latest(id, EMBEDDED_MESSAGES));
        admitted?;
        let (conversation, latest) = (conversation?, latest?);
        let holes = latest.holes(&conversation, now);
        let messages = latest.into_messages();
        let named = conversation.participants.iter().copied().chain(senders(&messages));
        let (memberships, people, changes_settled_to, voided) = tokio::join!(
            self.memberships(&conversation),
            self.people_named(named),
            self.changes_settled_to(&conversation, now),
            self.settle(id, holes.overdue, now)
        );
        voided?;
        let memberships = memberships?;
        // Whoever has no membership by now is out, or the conversation is being cleared.
        if memberships.iter().all(|membership| membership.user != user) {
            return Err(Error::NotFound(Resource::Conversation));
        }
        let settled_to =
            (holes.pending.first().map_or(conversation.messages, |pending| pending.minus(1)), changes_settled_to?);
        Ok(Detail { memberships, messages, people: people?, conversation, settled_to })
    }

    /// Everybody's part in a conversation, in order of joining.
    pub(super) async fn memberships(&self, conversation: &Conversation) -> Result<Vec<Membership>, Error> {
        let keys = conversation.participants.iter().map(|user| Key::membership(*user, conversation.id)).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let mut memberships =
            items.iter().map(|item| Membership::try_from(Reader(item))).collect::<Result<Vec<_>, Error>>()?;
        memberships.sort_unstable_by_key(|membership| (membership.joined_at, membership.position, membership.user));
        Ok(memberships)
    }
}
