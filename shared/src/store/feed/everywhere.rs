//! What changed in all of somebody's conversations, in a constant number of round trips: their memberships, then every
//! META, then the logs that moved, then what is shown beside.
//!
//! Every META is read eventually consistent, for half the price, and is believed only where it cannot harm:
//!
//! - It may be old: then a conversation seems not to have moved, and is told the next time. Nothing is skipped, since a
//!   position is moved on by what was read in the log, never by a counter. (Where the cursor takes in a conversation that
//!   it did not know, see `full_to`.)
//! - It may not know somebody who just came, or not be there yet: then it is read once more, strongly.
//! - It may know somebody who was just taken out. The memberships are read strongly, so whoever asks took part when the
//!   request began, or the conversation is being removed: its counters tell nothing new. What is in its log is only handed
//!   out to whom META knows when it is read strongly, beside the log, as everywhere.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures::future::try_join_all;

use super::{Feed, Onward, Stepped};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::{Conversation, Membership};
use crate::domain::id::{ConversationId, Number};
use crate::domain::log::{Counter, Numbered, Progress, Walk, full_to};
use crate::domain::message::Entry;
use crate::domain::positions::{MOST_CHARACTERS, Position, Positions};
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp};
use crate::store::Store;
use crate::store::calls::Consistency;
use crate::store::item::Reader;
use crate::store::log::Log;
use crate::store::stretch::{Found, Stretch};

/// How many of the latest numbers of a log are looked at for one that is still pending.
const LATEST: u64 = 50;

/// About how many bytes an entry or a change is shown in, beside the message's text.
const BESIDE_TEXT: usize = 1000;

/// How much one call tells.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Into how many conversations it looks.
    pub conversations: usize,
    /// How many messages and how many changes it tells of each.
    pub entries: usize,
    /// About how many bytes it tells in all, but one conversation in any case.
    pub bytes: usize,
    /// How long its cursor may be.
    pub cursor: usize,
}

impl Default for Reach {
    /// Lambda answers with 6 MB at most.
    fn default() -> Self {
        Self { conversations: 25, entries: 50, bytes: 2_000_000, cursor: MOST_CHARACTERS }
    }
}

/// What changed in all of somebody's conversations.
#[derive(Debug)]
pub struct Everywhere {
    /// Those that moved, and those that the cursor did not know; what moved last comes first.
    pub conversations: Vec<Moved>,
    /// All that the caller takes part in, if the cursor knew another one.
    pub remaining: Option<Vec<ConversationId>>,
    /// From where to ask the next time.
    pub positions: Positions,
    /// Whether others moved, too.
    pub has_more: bool,
}

/// One conversation that is not as the cursor knew it.
#[derive(Debug)]
pub struct Moved {
    pub conversation: Conversation,
    pub membership: Membership,
    /// Nothing where the cursor did not know it.
    pub feed: Option<Feed>,
}

/// The caller's conversations, as far as they have been found out.
struct Known {
    memberships: HashMap<ConversationId, Membership>,
    seen: HashMap<ConversationId, Conversation>,
    positions: HashMap<ConversationId, Position>,
}

impl Store {
    /// What changed in all of the caller's conversations after these positions; of those that they do not tell of, only how
    /// far they have come.
    ///
    /// What moved longest ago is told first. So all of it is told in the end, however many go on moving: a conversation
    /// whose position cannot move on, since a writer is under way in it, moved just now.
    pub async fn changes_everywhere(
        &self,
        caller: &Caller,
        after: &Positions,
        reach: &Reach,
        now: Timestamp,
    ) -> Result<Everywhere, Error> {
        let memberships = self.admit(caller, self.memberships_of(caller.user)).await?;
        let seen = self.conversations_behind(&memberships, Consistency::Eventual).await?;
        let mut all = Known::new(memberships, seen, after);
        let mut moved = all.moved();
        let mut has_more = moved.len() > reach.conversations;
        moved.truncate(reach.conversations);
        let unseen = all.unseen();
        let (mut feeds, taken_in, found) = tokio::try_join!(
            self.feeds(caller, &moved, reach.entries, now),
            try_join_all(
                all.new_to_it(reach.conversations, now).map(|conversation| self.position_in(conversation, now))
            ),
            self.living(&unseen, now)
        )?;
        all.find(&unseen, found);
        // If not all of it fits into the answer, what can move on comes before what has to be told again.
        moved.sort_by_key(|onward| feeds.get(&onward.conversation).is_some_and(|(_, feed)| feed.is_pending()));
        let mut conversations = all.rows_of_unknown();
        let mut bytes = 0;
        for onward in moved {
            let Some((conversation, feed)) = feeds.remove(&onward.conversation) else {
                all.forget(onward.conversation);
                continue;
            };
            bytes += size_of(&feed);
            if bytes > reach.bytes && conversations.iter().any(|row| row.feed.is_some()) {
                has_more = true;
                break;
            }
            conversations.extend(all.go_on(onward, conversation, feed));
        }
        all.positions.extend(taken_in.into_iter().flatten());
        conversations.sort_unstable_by_key(|row| Reverse((row.conversation.moved_at(), row.conversation.id)));
        let remaining = after.know_another_than(all.memberships.keys().copied()).then(|| all.ids());
        Ok(Everywhere { conversations, remaining, positions: all.positions_within(reach.cursor), has_more })
    }

    /// The next of each of these, with what is shown beside. Nothing of those that the caller is no longer part of.
    async fn feeds(
        &self,
        caller: &Caller,
        onward: &[Onward],
        limit: usize,
        now: Timestamp,
    ) -> Result<HashMap<ConversationId, (Conversation, Feed)>, Error> {
        let steps = onward.iter().map(async |onward| match self.look_onward(caller.user, *onward, limit).await {
            Err(Error::NotFound(_)) => Ok(None),
            looked => self.step(looked?, limit, now).await.map(Some),
        });
        let steps: Vec<Stepped> = try_join_all(steps).await?.into_iter().flatten().collect();
        let shown = self.shown(caller, &steps).await?;
        let feeds = steps.into_iter().zip(shown).filter_map(|(step, shown)| {
            let conversation = step.conversation.clone();
            Some((conversation.id, (conversation, step.with(shown?))))
        });
        Ok(feeds.collect())
    }

    /// From where a cursor can tell what comes next in a conversation that it did not know.
    async fn position_in(
        &self,
        conversation: &Conversation,
        now: Timestamp,
    ) -> Result<Option<(ConversationId, Position)>, Error> {
        let id = conversation.id;
        let (messages, changes) = tokio::try_join!(
            self.full_to::<Entry>(Log::Messages, id, conversation.message_counter(), now),
            self.full_to::<Change>(Log::Changes, id, conversation.change_counter(), now)
        )?;
        Ok(messages.zip(changes).map(|(messages, changes)| (id, Position { messages, changes })))
    }

    /// Up to where nothing is under way in a log, as far as that is known.
    ///
    /// Whoever is told of a conversation without its content fetches it, and meets what is pending there; but they may
    /// keep only this cursor, which then must not lie behind that. What is older than any writer is settled. Of the rest,
    /// what is seen there is there for good, so that it may be read at half the price.
    async fn full_to<T>(
        &self,
        log: Log,
        id: ConversationId,
        counter: Counter,
        now: Timestamp,
    ) -> Result<Option<Number>, Error>
    where
        T: Numbered + for<'a> TryFrom<Reader<'a>, Error = Error>,
    {
        if counter.is_quiet(now) {
            return Ok(Some(counter.last));
        }
        let from = counter.last.minus(LATEST - 1).max(Number::ZERO.next());
        let latest = Stretch { from, to: counter.last, rising: true };
        let found: Found<T> = self.stretch(log, id, latest, LATEST as usize, Consistency::Eventual).await?;
        Ok(full_to(from, found.entries.iter().map(|entry| (entry.number(), entry.at())), now))
    }
}

impl Known {
    fn new(memberships: Vec<Membership>, seen: Vec<Conversation>, after: &Positions) -> Self {
        let ids: Vec<ConversationId> = memberships.iter().map(|membership| membership.conversation).collect();
        Self {
            positions: after.known_of(&ids),
            memberships: ids.into_iter().zip(memberships).collect(),
            seen: seen.into_iter().map(|conversation| (conversation.id, conversation)).collect(),
        }
    }

    /// Those that moved on from where the cursor knew them, or were not seen; what moved longest ago comes first.
    fn moved(&self) -> Vec<Onward> {
        let onward = self.positions.iter().map(|(id, position)| {
            let seen = self.seen.get(id);
            let walk = Walk {
                messages: Progress::proven_to(position.messages),
                changes: Progress::proven_to(position.changes),
            };
            Onward {
                conversation: *id,
                walk,
                messages: seen.is_none_or(|seen| seen.messages > position.messages),
                changes: seen.is_none_or(|seen| seen.changes > position.changes),
            }
        });
        let mut moved: Vec<Onward> = onward.filter(|onward| onward.messages || onward.changes).collect();
        moved.sort_unstable_by_key(|onward| (self.moved_at(onward.conversation), onward.conversation));
        moved
    }

    /// Those that neither the cursor knew nor anybody saw.
    fn unseen(&self) -> Vec<Membership> {
        let unknown = self.memberships.values().filter(|of| !self.positions.contains_key(&of.conversation));
        unknown.filter(|of| !self.seen.contains_key(&of.conversation)).copied().collect()
    }

    /// Those that the cursor did not know and may take in: what is quiet, and so many of the others.
    fn new_to_it(&self, most: usize, now: Timestamp) -> impl Iterator<Item = &Conversation> {
        let (quiet, mut busy): (Vec<_>, Vec<_>) = self.unknown().partition(|conversation| is_quiet(conversation, now));
        busy.sort_unstable_by_key(|conversation| Reverse(conversation.moved_at()));
        quiet.into_iter().chain(busy.into_iter().take(most))
    }

    fn unknown(&self) -> impl Iterator<Item = &Conversation> {
        self.seen.values().filter(|conversation| !self.positions.contains_key(&conversation.id))
    }

    fn rows_of_unknown(&self) -> Vec<Moved> {
        self.unknown().filter_map(|conversation| self.row(conversation.clone(), None)).collect()
    }

    fn row(&self, conversation: Conversation, feed: Option<Feed>) -> Option<Moved> {
        let membership = *self.memberships.get(&conversation.id)?;
        Some(Moved { conversation, membership, feed })
    }

    /// Of those that were not seen, these are there.
    fn find(&mut self, unseen: &[Membership], mut found: HashMap<ConversationId, Conversation>) {
        for Membership { conversation: id, .. } in unseen {
            match found.remove(id) {
                Some(conversation) => drop(self.seen.insert(*id, conversation)),
                None => self.forget(*id),
            }
        }
    }

    fn forget(&mut self, id: ConversationId) {
        self.memberships.remove(&id);
        self.seen.remove(&id);
        self.positions.remove(&id);
    }

    /// Moves a position on to what is proven. A conversation of which more is left to tell leaves the cursor: whoever
    /// follows its own `next` would be told the same once more, at each call to come. The next one tells how far it is.
    fn go_on(&mut self, onward: Onward, conversation: Conversation, feed: Feed) -> Option<Moved> {
        let Walk { messages, changes } = feed.walk;
        let is_behind = (onward.messages && messages.read < conversation.messages)
            || (onward.changes && changes.read < conversation.changes);
        if is_behind {
            self.positions.remove(&conversation.id);
        } else {
            let position = Position { messages: messages.proven, changes: changes.proven };
            self.positions.insert(conversation.id, position);
        }
        self.seen.insert(conversation.id, conversation.clone());
        let from = onward.walk;
        let has_moved = conversation.messages > from.messages.read || conversation.changes > from.changes.read;
        self.row(conversation, Some(feed)).filter(|_| has_moved)
    }

    fn ids(&self) -> Vec<ConversationId> {
        let mut ids: Vec<_> = self.memberships.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    fn moved_at(&self, id: ConversationId) -> Option<Timestamp> {
        self.seen.get(&id).map(Conversation::moved_at)
    }

    /// As many as there is room for, what moved last before the others.
    fn positions_within(&self, characters: usize) -> Positions {
        let mut ids = self.ids();
        ids.sort_by_key(|id| {
            let moved_at = self.moved_at(*id);
            (moved_at.is_some(), Reverse(moved_at))
        });
        let positions = ids.into_iter().map(|id| (id, self.positions.get(&id).copied()));
        Positions::within(characters, &positions.collect::<Vec<_>>())
    }
}

fn is_quiet(conversation: &Conversation, now: Timestamp) -> bool {
    conversation.message_counter().is_quiet(now) && conversation.change_counter().is_quiet(now)
}

/// About how many bytes it is told in.
fn size_of(feed: &Feed) -> usize {
    let text = |entry: &Entry| if let Entry::Message(message) = entry { message.body.as_str().len() } else { 0 };
    let changed = feed.changes.iter().filter_map(|change| match change.kind {
        ChangeKind::MessageEdited { message, .. } => feed.shown.messages.get(&message).map(text),
        _ => None,
    });
    let texts: usize = feed.entries.iter().map(text).chain(changed).sum();
    texts + BESIDE_TEXT * (feed.entries.len() + feed.changes.len())
}
