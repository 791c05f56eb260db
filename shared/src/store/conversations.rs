//! Starting conversations, and showing them: in full, and in the inbox.

use super::Store;
use super::accounts::{People, people_in};
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader, Writer, conversation_to_item, membership_to_item, nonce_value, participant_set, text};
use super::keys::{Key, PK, SK, conversation_partition};
use super::messages::senders;
use crate::domain::conversation::{Conversation, Kind, Membership, NewConversation};
use crate::domain::id::{ConversationId, Nonce, Number, UserId};
use crate::domain::message::Message;
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp};

/// How many memberships fit into the transaction that makes a conversation, beside META and the direct pair.
const MEMBERS_IN_ONE_TRANSACTION: usize = 98;

/// How many of the latest messages the detail carries.
const EMBEDDED_MESSAGES: usize = 50;

/// How many log items are cleared with a conversation at once.
const CLEARED_AT_ONCE: i32 = 500;

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
        let (people, existing) = self
            .admit(caller, async {
                tokio::try_join!(self.active_people(&new.participants), self.direct_conversation(&new))
            })
            .await?;
        if let Some(existing) = existing {
            return Ok(Started { detail: self.detail(caller.user, existing, now).await?, existed: true });
        }
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
            })
            .collect();
        match self.write_conversation(&conversation, &memberships).await? {
            None => {
                let settled_to = (Number::ZERO, Number::ZERO);
                Ok(Started {
                    detail: Detail { conversation, memberships, messages: Vec::new(), people, settled_to },
                    existed: false,
                })
            }
            Some(twin) => Ok(Started { detail: self.detail(caller.user, twin, now).await?, existed: true }),
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
            Err(Failure::Cancelled(blocked)) => match blocked.get(1).and_then(Option::as_ref) {
                Some(pair) if conversation.kind == Kind::Direct && Reader(pair).nonce("nonce") != Some(nonce) => {
                    Reader(pair).parsed("conversation", ConversationId::parse).map(Some)
                }
                Some(_) if conversation.kind == Kind::Direct => Ok(None),
                _ => Err(Error::Internal("a new conversation's id was taken".to_owned())),
            },
            Err(failure) => Err(failure.into()),
        }
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
        let settled_to =
            (holes.pending.first().map_or(conversation.messages, |pending| pending.minus(1)), changes_settled_to?);
        Ok(Detail { memberships: memberships?, messages, people: people?, conversation, settled_to })
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

    /// Removes a group for everybody, on condition that nobody came or left since it was read; whether it did. META goes
    /// first, after which nobody can see any of it, then the rest.
    pub(super) async fn remove_group(&self, group: &Conversation) -> Result<bool, Error> {
        let participants = participant_set(&group.participants);
        if !self.delete_if(Key::conversation(group.id), "participants", participants).await? {
            return Ok(false);
        }
        self.delete_all(group.participants.iter().map(|user| Key::membership(*user, group.id)).collect()).await?;
        while self.clear_log(group.id).await? {}
        Ok(true)
    }

    /// One step of clearing what a removed conversation leaves behind; whether there may be more.
    async fn clear_log(&self, id: ConversationId) -> Result<bool, Error> {
        let query = self
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :conversation"))
            .expression_attribute_values(":conversation", text(conversation_partition(id)))
            .projection_expression(format!("{PK}, {SK}"))
            .limit(CLEARED_AT_ONCE);
        let rows = self.rows(query).await?;
        let keys = rows.items.iter().map(|item| Reader(item).key());
        self.delete_all(keys.collect::<Result<_, Error>>()?).await?;
        Ok(rows.next.is_some())
    }
}
