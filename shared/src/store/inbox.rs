//! The inbox: somebody's conversations in order, with what is new in each.

use std::collections::{BTreeSet, HashMap};

use super::Store;
use super::accounts::People;
use super::calls::Consistency;
use super::item::{Reader, text};
use super::keys::{Key, MEMBER_PREFIX, PK, SK, user_partition};
use super::messages::last_visible;
use crate::domain::conversation::{Conversation, LAST_MESSAGE_DEPTH, Membership};
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::log::WRITER_LIFETIME;
use crate::domain::message::Message;
use crate::domain::page::{Page, Slice, slice};
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp};

/// How many people a row of the inbox names.
const PEOPLE_PER_ROW: usize = 20;

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

    pub(super) async fn memberships_of(&self, user: UserId) -> Result<Vec<Membership>, Error> {
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
        let conversations = self.conversations_behind(memberships).await?;
        let living: HashMap<_, _> =
            conversations.into_iter().map(|conversation| (conversation.id, conversation)).collect();
        for membership in memberships {
            if living.contains_key(&membership.conversation) {
                continue;
            }
            if now.since(membership.joined_at) > WRITER_LIFETIME {
                let key = Key::membership(membership.user, membership.conversation);
                self.delete_if(key, "joined_at", text(membership.joined_at)).await?;
            }
        }
        Ok(living)
    }

    /// The conversations behind one person's memberships that are there and know the person.
    pub(super) async fn conversations_behind(&self, memberships: &[Membership]) -> Result<Vec<Conversation>, Error> {
        let keys = memberships.iter().map(|membership| Key::conversation(membership.conversation)).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let conversations =
            items.iter().map(|item| Conversation::try_from(Reader(item))).collect::<Result<Vec<_>, Error>>()?;
        let user = memberships.first().map(|membership| membership.user);
        Ok(conversations.into_iter().filter(|conversation| user.is_some_and(|user| conversation.has(user))).collect())
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
}

/// The people that a row of the inbox names: its owner and some others.
fn people_shown(conversation: &Conversation, owner: UserId) -> impl Iterator<Item = UserId> {
    let others = conversation.participants.iter().copied().filter(move |user| *user != owner);
    std::iter::once(owner).chain(others).take(PEOPLE_PER_ROW)
}
