//! What changed in a conversation after a point: the next stretch of its logs, in one round trip, and what is needed to
//! show it, in another. However many conversations are looked into, it is these two.

mod everywhere;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;

use super::Store;
use super::accounts::People;
use super::calls::Consistency;
use super::item::Reader;
use super::keys::Key;
use super::log::Log;
use super::messages::senders_of;
use super::stretch::{Found, Stretch};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::{Conversation, Membership, Title};
use crate::domain::id::{ConversationId, MessageId, Number, UserId};
use crate::domain::log::{Counter, Numbered, Progress, Step, Walk};
use crate::domain::message::Entry;
use crate::domain::session::Caller;
use crate::domain::{Error, Resource, Timestamp};

pub use everywhere::{Everywhere, Moved, Reach};

/// One step of a walk along what changed.
#[derive(Debug)]
pub struct Feed {
    pub entries: Vec<Entry>,
    /// Without voids.
    pub changes: Vec<Change>,
    /// Message numbers whose writer may still be under way.
    pub pending: Vec<Number>,
    /// Change numbers whose writer may still be under way.
    pub pending_changes: Vec<Number>,
    pub walk: Walk,
    /// Whether the logs go on.
    pub has_more: bool,
    pub shown: Shown,
}

/// What entries and changes point at, as it is now: read after them, so that nobody is told of a change with what
/// stood before it.
#[derive(Debug)]
pub struct Shown {
    /// Of other conversations too, if there are others beside.
    pub people: Arc<People>,
    pub messages: HashMap<Number, Entry>,
    /// Of those who were added, unless they left since.
    pub memberships: HashMap<UserId, Membership>,
    pub title: Option<Title>,
}

/// Where a walk stands, and which logs are read on from there.
#[derive(Clone, Copy, Debug)]
struct Onward {
    conversation: ConversationId,
    walk: Walk,
    messages: bool,
    changes: bool,
}

/// What was read of a conversation for one step.
struct Looked {
    conversation: Conversation,
    walk: Walk,
    messages: Option<Found<Entry>>,
    changes: Option<Found<Change>>,
}

/// A step, before anything is shown of it.
struct Stepped {
    conversation: Conversation,
    entries: Vec<Entry>,
    changes: Vec<Change>,
    pending: Vec<Number>,
    pending_changes: Vec<Number>,
    walk: Walk,
}

impl Feed {
    /// Whether something on the way may still appear.
    fn is_pending(&self) -> bool {
        !(self.pending.is_empty() && self.pending_changes.is_empty())
    }
}

impl Store {
    /// The next at most `limit` messages and changes of a walk, if the caller takes part.
    pub async fn changes_since(
        &self,
        caller: &Caller,
        id: ConversationId,
        walk: Walk,
        limit: usize,
        now: Timestamp,
    ) -> Result<Feed, Error> {
        let onward = Onward { conversation: id, walk, messages: true, changes: true };
        let looked = self.admit(caller, self.look_onward(caller.user, onward, limit)).await?;
        let stepped = self.step(looked, limit, now).await?;
        let shown = self.shown(caller, std::slice::from_ref(&stepped)).await?;
        let shown = shown.into_iter().next().flatten().ok_or(Error::NotFound(Resource::Conversation))?;
        Ok(stepped.with(shown))
    }

    /// The next at most `limit` of the logs that are asked for, if that person takes part. All of it is read whoever asks:
    /// outsiders cost what they cost where nothing is.
    async fn look_onward(&self, user: UserId, onward: Onward, limit: usize) -> Result<Looked, Error> {
        let Onward { conversation: id, walk, .. } = onward;
        let (conversation, messages, changes) = tokio::join!(
            self.conversation_seen_by(user, id),
            self.next_in(Log::Messages, id, walk.messages, onward.messages, limit),
            self.next_in(Log::Changes, id, walk.changes, onward.changes, limit)
        );
        Ok(Looked { conversation: conversation?, walk, messages: messages?, changes: changes? })
    }

    async fn next_in<T>(
        &self,
        log: Log,
        id: ConversationId,
        stand: Progress,
        asked_for: bool,
        limit: usize,
    ) -> Result<Option<Found<T>>, Error>
    where
        T: for<'a> TryFrom<Reader<'a>, Error = Error>,
    {
        if !asked_for {
            return Ok(None);
        }
        self.stretch(log, id, Stretch::after(stand.read), limit, Consistency::Strong).await.map(Some)
    }

    /// Goes on by what was read. A log that was not read stays where it was.
    async fn step(&self, looked: Looked, limit: usize, now: Timestamp) -> Result<Stepped, Error> {
        let Looked { conversation, walk, messages, changes } = looked;
        let id = conversation.id;
        let messages = step(walk.messages, messages, conversation.message_counter(), limit, now);
        let changes = step(walk.changes, changes, conversation.change_counter(), limit, now);
        let walk = Walk { messages: messages.progress, changes: changes.progress };
        let entries = merged(messages.entries, self.settle(id, messages.holes.overdue, now).await?);
        let pending_changes = changes.holes.pending;
        let mut changes = merged(changes.entries, self.settle_changes(id, changes.holes.overdue, now).await?);
        changes.retain(|change| change.kind != ChangeKind::Void);
        Ok(Stepped { conversation, entries, changes, pending: messages.holes.pending, pending_changes, walk })
    }

    /// What is shown beside each of these steps, all of it in one round trip. Nothing for a conversation that ended or that
    /// the caller was taken out of, as far as it is seen here.
    async fn shown(&self, caller: &Caller, steps: &[Stepped]) -> Result<Vec<Option<Shown>>, Error> {
        let pointed_at: Vec<PointedAt> = steps.iter().map(|step| PointedAt::by(caller.user, step)).collect();
        let ids = || steps.iter().map(|step| step.conversation.id);
        let named: BTreeSet<UserId> = pointed_at.iter().flat_map(|to| &to.people).copied().collect();
        let messages = ids().zip(&pointed_at).flat_map(|(id, to)| to.messages.iter().map(move |n| id.message(*n)));
        let added = ids().zip(&pointed_at).flat_map(|(id, to)| to.added.iter().map(move |user| (id, *user)));
        let titled = ids().zip(&pointed_at).filter(|(_, to)| to.title).map(|(id, _)| id);
        let (people, mut messages, mut memberships, mut titles) = tokio::try_join!(
            self.people_named(named),
            self.entries_at(messages.collect()),
            self.memberships_at(added.collect()),
            self.titles_seen_by(caller.user, titled.collect())
        )?;
        let people = Arc::new(people);
        let shown = ids().zip(pointed_at).map(|(id, to)| {
            let messages = messages.remove(&id).unwrap_or_default();
            let title = titles.remove(&id);
            // Nothing but the end of the conversation takes away what stands at a number.
            let is_there = messages.len() == to.messages.len() && title.is_some() == to.title;
            is_there.then(|| Shown {
                people: people.clone(),
                messages,
                memberships: memberships.remove(&id).unwrap_or_default(),
                title: title.flatten(),
            })
        });
        Ok(shown.collect())
    }

    /// What stands at these numbers, each of which has been filled.
    pub(super) async fn entries_at(
        &self,
        ids: Vec<MessageId>,
    ) -> Result<HashMap<ConversationId, HashMap<Number, Entry>>, Error> {
        let items = self.batch_get(ids.into_iter().map(Key::message).collect(), Consistency::Strong).await?;
        let mut entries: HashMap<_, HashMap<_, _>> = HashMap::new();
        for item in &items {
            let entry = Entry::try_from(Reader(item))?;
            entries.entry(Reader(item).conversation_partition()?).or_default().insert(entry.number(), entry);
        }
        Ok(entries)
    }

    pub(super) async fn memberships_at(
        &self,
        added: Vec<(ConversationId, UserId)>,
    ) -> Result<HashMap<ConversationId, HashMap<UserId, Membership>>, Error> {
        let keys = added.into_iter().map(|(id, user)| Key::membership(user, id)).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let mut memberships: HashMap<_, HashMap<_, _>> = HashMap::new();
        for item in &items {
            let membership = Membership::try_from(Reader(item))?;
            memberships.entry(membership.conversation).or_default().insert(membership.user, membership);
        }
        Ok(memberships)
    }

    /// What those of these conversations are called in which that person takes part.
    async fn titles_seen_by(
        &self,
        user: UserId,
        ids: Vec<ConversationId>,
    ) -> Result<HashMap<ConversationId, Option<Title>>, Error> {
        let seen =
            try_join_all(ids.into_iter().map(|id| self.conversation_seen_by(user, id)).map(
                async |seen| match seen.await {
                    Err(Error::NotFound(_)) => Ok(None),
                    seen => seen.map(|conversation| Some((conversation.id, conversation.title))),
                },
            ));
        Ok(seen.await?.into_iter().flatten().collect())
    }
}

/// What a step's entries and changes point at.
#[derive(Default)]
pub(super) struct PointedAt {
    pub(super) people: BTreeSet<UserId>,
    pub(super) messages: BTreeSet<Number>,
    pub(super) added: BTreeSet<UserId>,
    title: bool,
}

impl PointedAt {
    fn by(viewer: UserId, step: &Stepped) -> Self {
        let mut to = Self { people: senders_of(&step.entries), ..Self::default() };
        step.changes.iter().for_each(|change| to.point_at(change));
        // How much of another is shown depends on who looks.
        let names_people = |change: &Change| {
            matches!(change.kind, ChangeKind::ParticipantAdded { .. } | ChangeKind::ParticipantRemoved { .. })
        };
        to.people.extend(step.changes.iter().any(names_people).then_some(viewer));
        to
    }

    pub(super) fn point_at(&mut self, change: &Change) {
        match change.kind {
            // Only its sender edits a message.
            ChangeKind::MessageEdited { message, by, .. } => {
                self.messages.insert(message);
                self.people.insert(by);
            }
            ChangeKind::MessageDeleted { message, .. } => drop(self.messages.insert(message)),
            ChangeKind::ParticipantAdded { user, .. } => {
                self.added.insert(user);
                self.people.insert(user);
            }
            ChangeKind::ParticipantRemoved { user, .. } => drop(self.people.insert(user)),
            ChangeKind::ConversationUpdated { .. } => self.title = true,
            ChangeKind::Void => {}
        }
    }
}

impl Stepped {
    /// Whether a log goes on.
    fn has_more(&self) -> bool {
        self.walk.messages.read < self.conversation.messages || self.walk.changes.read < self.conversation.changes
    }

    fn with(self, shown: Shown) -> Feed {
        let has_more = self.has_more();
        let Self { entries, changes, pending, pending_changes, walk, .. } = self;
        Feed { entries, changes, pending, pending_changes, walk, has_more, shown }
    }
}

fn step<T: Numbered>(
    stand: Progress,
    found: Option<Found<T>>,
    counter: Counter,
    limit: usize,
    now: Timestamp,
) -> Step<T> {
    match found {
        Some(Found { entries, more, .. }) => Step::from(stand, limit as u64, entries, more, counter, now),
        None => Step::standing(stand),
    }
}

/// Both in the order of their numbers.
fn merged<T: Numbered>(mut entries: Vec<T>, settled: Vec<T>) -> Vec<T> {
    entries.extend(settled);
    entries.sort_unstable_by_key(Numbered::number);
    entries
}
