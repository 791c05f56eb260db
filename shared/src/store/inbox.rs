//! The inbox: somebody's conversations in order, with what is new in each.

use std::collections::{BTreeSet, HashMap};

use super::Store;
use super::accounts::People;
use super::calls::Consistency;
use super::item::{Reader, text};
use super::keys::{Key, MEMBER_PREFIX, PK, SK, user_partition};
use super::messages::last_visible;
use crate::domain::conversation::{Conversation, LAST_MESSAGE_DEPTH, Membership, Title};
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::log::WRITER_LIFETIME;
use crate::domain::message::Message;
use crate::domain::page::{Anchor, Page, PageNumber, Slice, numbered, slice};
use crate::domain::search::Search;
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp};

/// How many people a row of the inbox names.
const PEOPLE_PER_ROW: usize = 20;

/// How many conversations one request of a search looks through, and the names of about how many people.
const MOST_LOOKED_THROUGH: usize = 100;
const MOST_NAMES: usize = 1000;

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

/// Which part of an inbox is asked for.
#[derive(Clone, Debug)]
pub struct InboxQuery {
    pub order: InboxOrder,
    pub newest_first: bool,
    pub slice: Slice<InboxPosition>,
    /// A page by its number, instead of the slice's anchor; not together with a search.
    pub page: Option<PageNumber>,
    pub search: Option<Search>,
}

/// One conversation of an inbox, before it is shown.
type Place = (InboxPosition, Membership);

/// What was loaded on the way to a page.
#[derive(Default)]
struct Loaded {
    /// By the memberships that were looked behind.
    living: HashMap<ConversationId, Conversation>,
    people: People,
}

impl Store {
    /// The caller's conversations, with what is new in each; nothing if there is no page of that number.
    pub async fn inbox(&self, caller: &Caller, query: &InboxQuery, now: Timestamp) -> Result<Option<Inbox>, Error> {
        let memberships = self.admit(caller, self.memberships_of(caller.user)).await?;
        let mut loaded = Loaded::default();
        let mut places: Vec<Place> = match query.order {
            InboxOrder::CreatedAt => memberships
                .into_iter()
                .map(|member| ((member.conversation_created_at, member.conversation), member))
                .collect(),
            InboxOrder::LastActivity => {
                loaded.living = self.living(&memberships, now).await?;
                let place = |member: Membership| {
                    Some(((loaded.living.get(&member.conversation)?.last_activity, member.conversation), member))
                };
                memberships.into_iter().filter_map(place).collect()
            }
        };
        places.sort_unstable_by_key(position);
        if query.newest_first {
            places.reverse();
        }
        let mut page = match (&query.search, query.page) {
            (Some(search), _) => self.matching(caller.user, search, places, query, &mut loaded, now).await?,
            (None, None) => slice(places, position, &query.slice, query.newest_first),
            (None, Some(number)) => match numbered(places, position, number, query.slice.limit) {
                Some(page) => page,
                None => return Ok(None),
            },
        };
        if query.order == InboxOrder::CreatedAt && query.search.is_none() {
            loaded.living = self.living(&memberships_at(&page.rows), now).await?;
        }
        let before = page.rows.len();
        page.rows.retain(|(_, membership)| loaded.living.contains_key(&membership.conversation));
        // Conversations that were removed, and are still to be cleared, are not counted where they are met.
        page.count = page.count.map(|count| count - (before - page.rows.len()) as u64);
        self.rows_of(caller.user, page, loaded).await.map(Some)
    }

    /// Looks through a bounded number of conversations, from the anchor on, for those that match.
    async fn matching(
        &self,
        owner: UserId,
        search: &Search,
        places: Vec<Place>,
        query: &InboxQuery,
        loaded: &mut Loaded,
        now: Timestamp,
    ) -> Result<Page<Place, InboxPosition>, Error> {
        let bounded = Slice { anchor: query.slice.anchor.clone(), limit: MOST_LOOKED_THROUGH };
        let Page { rows: mut places, previous, next, .. } = slice(places, position, &bounded, query.newest_first);
        if query.order == InboxOrder::CreatedAt {
            loaded.living = self.living(&memberships_at(&places), now).await?;
        }
        let backwards = matches!(query.slice.anchor, Anchor::Before(_));
        if backwards {
            places.reverse();
        }
        let (near, mut far) = if backwards { (next, previous) } else { (previous, next) };
        let named = names_to_look_through(&mut places, &loaded.living, &mut far);
        loaded.people = self.people_named(named).await?;
        let mut rows = Vec::new();
        let mut looked_through = places.iter().peekable();
        while let Some(place) = looked_through.next() {
            let conversation = loaded.living.get(&place.1.conversation);
            if conversation.is_some_and(|conversation| matches(search, conversation, owner, &loaded.people)) {
                rows.push(*place);
            }
            if rows.len() == query.slice.limit && looked_through.peek().is_some() {
                far = Some(place.0);
                break;
            }
        }
        if backwards {
            rows.reverse();
        }
        let (previous, next) = if backwards { (far, near) } else { (near, far) };
        Ok(Page { rows, previous, next, count: None })
    }

    /// What a page shows of its conversations.
    async fn rows_of(
        &self,
        owner: UserId,
        page: Page<Place, InboxPosition>,
        Loaded { mut living, mut people }: Loaded,
    ) -> Result<Inbox, Error> {
        let shown: Vec<(Conversation, Membership)> = page
            .rows
            .iter()
            .filter_map(|(_, membership)| Some((living.remove(&membership.conversation)?, *membership)))
            .collect();
        let named: BTreeSet<UserId> = shown
            .iter()
            .flat_map(|(conversation, _)| people_shown(conversation, owner))
            .filter(|user| !people.contains_key(user))
            .collect();
        let (last_messages, named) = tokio::join!(self.last_messages(&shown), self.people_named(named));
        let mut last_messages = last_messages?;
        people.extend(named?);
        let strangers = last_messages
            .values()
            .map(|message| message.sender)
            .filter(|sender| !people.contains_key(sender))
            .collect::<Vec<_>>();
        people.extend(self.people_named(strangers).await?);
        let rows = shown.into_iter().map(|(conversation, membership)| InboxRow {
            last_message: last_messages.remove(&conversation.id),
            participants: people_shown(&conversation, owner).collect(),
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
    pub(super) async fn living(
        &self,
        memberships: &[Membership],
        now: Timestamp,
    ) -> Result<HashMap<ConversationId, Conversation>, Error> {
        let conversations = self.conversations_behind(memberships, Consistency::Strong).await?;
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
    pub(super) async fn conversations_behind(
        &self,
        memberships: &[Membership],
        consistency: Consistency,
    ) -> Result<Vec<Conversation>, Error> {
        let keys = memberships.iter().map(|membership| Key::conversation(membership.conversation)).collect();
        let items = self.batch_get(keys, consistency).await?;
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

fn position((position, _): &Place) -> InboxPosition {
    *position
}

fn memberships_at(places: &[Place]) -> Vec<Membership> {
    places.iter().map(|(_, membership)| *membership).collect()
}

/// The people of the conversations that are to be looked through, in that order, within bounds: conversations beyond
/// them are taken out, and `far` is set to where to go on.
fn names_to_look_through(
    places: &mut Vec<Place>,
    living: &HashMap<ConversationId, Conversation>,
    far: &mut Option<InboxPosition>,
) -> BTreeSet<UserId> {
    let mut named = BTreeSet::new();
    for index in 0..places.len() {
        named.extend(living.get(&places[index].1.conversation).into_iter().flat_map(|found| &found.participants));
        if named.len() > MOST_NAMES && index + 1 < places.len() {
            *far = Some(places[index].0);
            places.truncate(index + 1);
            break;
        }
    }
    named
}

/// Whether a conversation's title or the names of the others match.
fn matches(search: &Search, conversation: &Conversation, owner: UserId, people: &People) -> bool {
    let others = conversation.participants.iter().filter(|user| **user != owner).filter_map(|user| people.get(user));
    let names = others.flat_map(|user| [user.first_name.as_str(), user.last_name.as_str()]);
    search.matches(conversation.title.as_ref().map(Title::as_str).into_iter().chain(names))
}
