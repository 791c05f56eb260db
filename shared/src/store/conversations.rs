//! Starting conversations, and showing them: in full, and in the inbox.

use std::collections::{BTreeSet, HashMap};

use super::Store;
use super::accounts::{People, people_in};
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader, Writer, conversation_to_item, membership_to_item, nonce_value, text};
use super::keys::{CHANGE_PREFIX, Key, MEMBER_PREFIX, PK, SK, conversation_partition, user_partition};
use super::messages::{last_visible, senders};
use crate::domain::conversation::{Conversation, Kind, LAST_MESSAGE_DEPTH, Membership, NewConversation};
use crate::domain::id::{ConversationId, Nonce, Number, UserId};
use crate::domain::log::{Counter, WRITER_LIFETIME, holes};
use crate::domain::message::Message;
use crate::domain::page::{Page, Slice, slice};
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp};

/// How many memberships fit into the transaction that makes a conversation, beside META and the direct pair.
const MEMBERS_IN_ONE_TRANSACTION: usize = 98;

/// How many of the latest messages the detail carries.
const EMBEDDED_MESSAGES: usize = 50;

/// How many people a row of the inbox names.
const PEOPLE_PER_ROW: usize = 20;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxOrder {
    CreatedAt,
    LastActivity,
}

/// A place in the inbox: the time that it is ordered by; ties are broken by id.
pub type InboxPosition = (Timestamp, ConversationId);

/// One conversation as the inbox shows it.
#[derive(Debug)]
pub struct InboxRow {
    pub conversation: Conversation,
    pub membership: Membership,
    pub last_message: Option<Message>,
    /// Some of those who take part, the owner of the inbox among them.
    pub participants: Vec<UserId>,
}

#[derive(Debug)]
pub struct Inbox {
    pub page: Page<InboxRow, InboxPosition>,
    pub people: People,
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

    /// The last change before the first that is still pending. Only where the counter moved lately can any be.
    async fn changes_settled_to(&self, conversation: &Conversation, now: Timestamp) -> Result<Number, Error> {
        let counter = Counter { last: conversation.changes, moved_at: conversation.changed_at };
        if counter.last == Number::ZERO || now.since(counter.moved_at) > WRITER_LIFETIME {
            return Ok(counter.last);
        }
        let present = self.latest_changes(conversation.id).await?;
        let first = present.first().map_or(Number::ZERO.next(), |(number, _)| *number);
        let holes = holes(first, counter.last, present, counter, now);
        Ok(holes.pending.first().map_or(counter.last, |pending| pending.minus(1)))
    }

    /// The numbers of the latest changes, rising, with the time at which each was made.
    async fn latest_changes(&self, id: ConversationId) -> Result<Vec<(Number, Timestamp)>, Error> {
        let query = self
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :conversation AND begins_with({SK}, :change)"))
            .expression_attribute_values(":conversation", text(conversation_partition(id)))
            .expression_attribute_values(":change", text(CHANGE_PREFIX))
            .scan_index_forward(false)
            .limit(EMBEDDED_MESSAGES as i32);
        let rows = self.rows(query).await?.items;
        rows.iter().rev().map(|item| Ok((Reader(item).sort_number()?, Reader(item).instant("at")?))).collect()
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

    /// The caller's conversations, with what is new in each.
    pub async fn inbox(
        &self,
        caller: &Caller,
        order: InboxOrder,
        newest_first: bool,
        wanted: &Slice<InboxPosition>,
        now: Timestamp,
    ) -> Result<Inbox, Error> {
        let memberships = self.admit(caller, self.memberships_of(caller.user)).await?;
        let mut living = HashMap::new();
        let mut places: Vec<(InboxPosition, Membership)> = match order {
            InboxOrder::CreatedAt => memberships
                .into_iter()
                .map(|member| ((member.conversation_created_at, member.conversation), member))
                .collect(),
            InboxOrder::LastActivity => {
                living = self.living(&memberships, now).await?;
                let place = |member: Membership| {
                    Some(((living.get(&member.conversation)?.last_activity, member.conversation), member))
                };
                memberships.into_iter().filter_map(place).collect()
            }
        };
        places.sort_unstable_by_key(|(position, _)| *position);
        if newest_first {
            places.reverse();
        }
        let page = slice(places, |(position, _)| *position, wanted, newest_first);
        let memberships: Vec<Membership> = page.rows.iter().map(|(_, membership)| *membership).collect();
        if order == InboxOrder::CreatedAt {
            living = self.living(&memberships, now).await?;
        }
        let shown: Vec<(Conversation, Membership)> = memberships
            .into_iter()
            .filter_map(|membership| Some((living.remove(&membership.conversation)?, membership)))
            .collect();
        let named: BTreeSet<UserId> =
            shown.iter().flat_map(|(conversation, _)| people_shown(conversation, caller.user)).collect();
        let (last_messages, people) = tokio::join!(self.last_messages(&shown), self.people_named(named));
        let (mut last_messages, mut people) = (last_messages?, people?);
        let strangers = last_messages
            .values()
            .map(|message| message.sender)
            .filter(|sender| !people.contains_key(sender))
            .collect::<Vec<_>>();
        people.extend(self.people_named(strangers).await?);
        let rows = shown.into_iter().map(|(conversation, membership)| InboxRow {
            last_message: last_messages.remove(&conversation.id),
            participants: people_shown(&conversation, caller.user).collect(),
            conversation,
            membership,
        });
        Ok(Inbox {
            page: Page { rows: rows.collect(), previous: page.previous, next: page.next, count: page.count },
            people,
        })
    }

    async fn memberships_of(&self, user: UserId) -> Result<Vec<Membership>, Error> {
        let query = self
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :user AND begins_with({SK}, :member)"))
            .expression_attribute_values(":user", text(user_partition(user)))
            .expression_attribute_values(":member", text(MEMBER_PREFIX));
        self.all_rows(query).await?.iter().map(|item| Membership::try_from(Reader(item))).collect()
    }

    /// The conversations behind one person's memberships. A membership whose conversation is not there, or does not
    /// know the person, belongs to a conversation being made, or was left by somebody who died half-way: then it is
    /// cleared, unless it was renewed meanwhile.
    async fn living(
        &self,
        memberships: &[Membership],
        now: Timestamp,
    ) -> Result<HashMap<ConversationId, Conversation>, Error> {
        let keys = memberships.iter().map(|membership| Key::conversation(membership.conversation)).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let conversations =
            items.iter().map(|item| Conversation::try_from(Reader(item))).collect::<Result<Vec<_>, Error>>()?;
        let mut living: HashMap<_, _> =
            conversations.into_iter().map(|conversation| (conversation.id, conversation)).collect();
        for membership in memberships {
            if living.get(&membership.conversation).is_some_and(|conversation| conversation.has(membership.user)) {
                continue;
            }
            living.remove(&membership.conversation);
            if now.since(membership.joined_at) > WRITER_LIFETIME {
                let key = Key::membership(membership.user, membership.conversation);
                self.delete_if(key, "joined_at", text(membership.joined_at)).await?;
            }
        }
        Ok(living)
    }

    /// The newest message of each conversation that is neither deleted nor void: almost always the one at its last
    /// number, else looked for among the numbers before.
    async fn last_messages(
        &self,
        conversations: &[(Conversation, Membership)],
    ) -> Result<HashMap<ConversationId, Message>, Error> {
        let started = conversations
            .iter()
            .map(|(conversation, _)| conversation)
            .filter(|conversation| conversation.messages > Number::ZERO);
        let keys =
            started.clone().map(|conversation| Key::message(conversation.id.message(conversation.messages))).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let mut last = HashMap::new();
        for item in items {
            if let Some(message) = last_visible(std::slice::from_ref(&item))? {
                last.insert(message.id.conversation, message);
            }
        }
        let without: Vec<_> = started.filter(|conversation| !last.contains_key(&conversation.id)).collect();
        let found = futures::future::try_join_all(
            without.iter().map(|conversation| self.latest(conversation.id, LAST_MESSAGE_DEPTH as usize)),
        )
        .await?;
        for latest in found {
            last.extend(latest.into_messages().pop().map(|message| (message.id.conversation, message)));
        }
        Ok(last)
    }

    /// Removes a conversation for everybody: its META first, after which nobody can see any of it, then the rest.
    pub(super) async fn remove_conversation(&self, conversation: &Conversation) -> Result<(), Error> {
        let id = conversation.id;
        let mut actions = vec![self.deleting(Key::conversation(id))];
        if let (Kind::Direct, [one, other]) =
            (conversation.kind, &conversation.participants.iter().copied().collect::<Vec<_>>()[..])
        {
            actions.push(self.deleting(Key::direct(*one, *other)));
        }
        self.transact(actions).await?;
        self.delete_all(conversation.participants.iter().map(|user| Key::membership(*user, id)).collect()).await?;
        while self.clear_log(id).await? {}
        Ok(())
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
        let keys = rows
            .items
            .iter()
            .map(|item| Ok(Key { pk: Reader(item).text(PK)?.to_owned(), sk: Reader(item).text(SK)?.to_owned() }));
        self.delete_all(keys.collect::<Result<_, Error>>()?).await?;
        Ok(rows.next.is_some())
    }
}

/// The people that a row of the inbox names: its owner and some others.
fn people_shown(conversation: &Conversation, owner: UserId) -> impl Iterator<Item = UserId> {
    let others = conversation.participants.iter().copied().filter(move |user| *user != owner);
    std::iter::once(owner).chain(others).take(PEOPLE_PER_ROW)
}
