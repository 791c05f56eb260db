//! What changed in a conversation after a point: the next stretch of both of its logs, in one round trip, and what is
//! needed to show them, in another.

use std::collections::{BTreeSet, HashMap};

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
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::log::{Numbered, Step, Walk};
use crate::domain::message::Entry;
use crate::domain::session::Caller;
use crate::domain::{Error, Resource, Timestamp};

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
    pub people: People,
    pub messages: HashMap<Number, Entry>,
    /// Of those who were added, unless they left since.
    pub memberships: HashMap<UserId, Membership>,
    pub title: Option<Title>,
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
        // All of it is read whoever asks: outsiders cost what they cost where nothing is.
        let seen = async {
            let (conversation, messages, changes) = tokio::join!(
                self.conversation_seen_by(caller.user, id),
                self.stretch(Log::Messages, id, Stretch::after(walk.messages.read), limit, Consistency::Strong),
                self.stretch(Log::Changes, id, Stretch::after(walk.changes.read), limit, Consistency::Strong)
            );
            Ok((conversation?, messages?, changes?))
        };
        let (conversation, messages, changes) = self.admit(caller, seen).await?;
        let Found { entries, more, .. } = messages;
        let messages = Step::from(walk.messages, limit as u64, entries, more, conversation.message_counter(), now);
        let Found { entries, more, .. } = changes;
        let changes = Step::from(walk.changes, limit as u64, entries, more, conversation.change_counter(), now);
        let walk = Walk { messages: messages.progress, changes: changes.progress };
        let entries = merged(messages.entries, self.settle(id, messages.holes.overdue, now).await?);
        let pending_changes = changes.holes.pending;
        let mut changes = merged(changes.entries, self.settle_changes(id, changes.holes.overdue, now).await?);
        changes.retain(|change| change.kind != ChangeKind::Void);
        let shown = self.shown(caller, &conversation, &entries, &changes).await?;
        let has_more = walk.messages.read < conversation.messages || walk.changes.read < conversation.changes;
        let pending = messages.holes.pending;
        Ok(Feed { entries, changes, pending, pending_changes, walk, has_more, shown })
    }

    async fn shown(
        &self,
        caller: &Caller,
        conversation: &Conversation,
        entries: &[Entry],
        changes: &[Change],
    ) -> Result<Shown, Error> {
        let mut named = senders_of(entries);
        let (mut numbers, mut added, mut updated) = (BTreeSet::new(), BTreeSet::new(), false);
        for change in changes {
            match change.kind {
                // Only its sender edits a message.
                ChangeKind::MessageEdited { message, by, .. } => {
                    numbers.insert(message);
                    named.insert(by);
                }
                ChangeKind::MessageDeleted { message, .. } => drop(numbers.insert(message)),
                // How much of another is shown depends on who looks.
                ChangeKind::ParticipantAdded { user, .. } => {
                    added.insert(user);
                    named.extend([user, caller.user]);
                }
                ChangeKind::ParticipantRemoved { user, .. } => named.extend([user, caller.user]),
                ChangeKind::ConversationUpdated { .. } => updated = true,
                ChangeKind::Void => {}
            }
        }
        let (people, messages, memberships, title) = tokio::try_join!(
            self.people_named(named),
            self.entries_at(conversation.id, numbers),
            self.memberships_in(conversation.id, added),
            self.title_now(caller, conversation, updated)
        )?;
        Ok(Shown { people, messages, memberships, title })
    }

    /// What stands at these numbers, each of which has been filled.
    pub(super) async fn entries_at(
        &self,
        id: ConversationId,
        numbers: BTreeSet<Number>,
    ) -> Result<HashMap<Number, Entry>, Error> {
        let keys: Vec<Key> = numbers.iter().map(|number| Key::message(id.message(*number))).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let entries = items.iter().map(|item| Entry::try_from(Reader(item)).map(|entry| (entry.number(), entry)));
        let entries = entries.collect::<Result<HashMap<_, _>, Error>>()?;
        // Nothing but the end of the conversation takes away what stands at a number.
        if entries.len() == numbers.len() { Ok(entries) } else { Err(Error::NotFound(Resource::Conversation)) }
    }

    pub(super) async fn memberships_in(
        &self,
        id: ConversationId,
        users: BTreeSet<UserId>,
    ) -> Result<HashMap<UserId, Membership>, Error> {
        let keys = users.iter().map(|user| Key::membership(*user, id)).collect();
        let items = self.batch_get(keys, Consistency::Strong).await?;
        let memberships =
            items.iter().map(|item| Membership::try_from(Reader(item)).map(|member| (member.user, member)));
        memberships.collect()
    }

    async fn title_now(
        &self,
        caller: &Caller,
        conversation: &Conversation,
        updated: bool,
    ) -> Result<Option<Title>, Error> {
        if updated { Ok(self.conversation_seen_by(caller.user, conversation.id).await?.title) } else { Ok(None) }
    }
}

/// Both in the order of their numbers.
fn merged<T: Numbered>(mut entries: Vec<T>, settled: Vec<T>) -> Vec<T> {
    entries.extend(settled);
    entries.sort_unstable_by_key(Numbered::number);
    entries
}
