//! Who is told what happened in a conversation, and what it takes to show it to them.

use std::collections::BTreeSet;

use super::Store;
use super::calls::Consistency;
use super::connections::Sockets;
use super::feed::Shown;
use super::item::Reader;
use super::keys::Key;
use crate::domain::Error;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, UserId};
use crate::domain::message::Message;

/// How many people the summary of a new conversation names.
const PEOPLE_NAMED: usize = 20;

/// What happened in one conversation, to be told.
#[derive(Debug, Default)]
pub struct Told<'a> {
    pub sent: Vec<&'a Message>,
    pub changes: Vec<&'a Change>,
    /// Whether somebody is to be told of the conversation itself: that it was started, or that they were let in.
    pub introduced: bool,
}

/// A conversation as it is now, with those who take part as they can be reached.
#[derive(Debug)]
pub struct Audience {
    pub conversation: Conversation,
    pub shown: Shown,
    pub sockets: Sockets,
    /// Whom a summary names.
    pub named: Vec<UserId>,
}

impl Store {
    /// The audience of what happened in a conversation: those who take part now, and those whom it took out. Nothing if
    /// the conversation is gone. Everything was written before this reads it, so that nobody is told of a change with
    /// what stood before it, and nobody who was out by then is told anything.
    pub async fn audience(&self, id: ConversationId, told: &Told<'_>) -> Result<Option<Audience>, Error> {
        let Some(item) = self.get(Key::conversation(id), Consistency::Strong).await? else { return Ok(None) };
        let conversation = Conversation::try_from(Reader(&item))?;
        let mut named: BTreeSet<UserId> = told.sent.iter().map(|message| message.sender).collect();
        let (mut numbers, mut added) = (BTreeSet::new(), BTreeSet::new());
        let mut reached = conversation.participants.clone();
        for change in &told.changes {
            match change.kind {
                // Only its sender edits a message.
                ChangeKind::MessageEdited { message, by, .. } => {
                    numbers.insert(message);
                    named.insert(by);
                }
                ChangeKind::MessageDeleted { message, .. } => drop(numbers.insert(message)),
                ChangeKind::ParticipantAdded { user, .. } => {
                    added.insert(user);
                    named.insert(user);
                }
                ChangeKind::ParticipantRemoved { user, .. } => {
                    reached.insert(user);
                    named.insert(user);
                }
                ChangeKind::ConversationUpdated { .. } | ChangeKind::Void => {}
            }
        }
        let in_summary: Vec<UserId> = if told.introduced { people_named(&conversation) } else { Vec::new() };
        named.extend(&in_summary);
        let (people, messages, memberships, sockets) = tokio::try_join!(
            self.people_named(named),
            self.entries_at(id, numbers),
            self.memberships_in(id, added),
            self.sockets_of(reached)
        )?;
        let title = conversation.title.clone();
        let shown = Shown { people, messages, memberships, title };
        Ok(Some(Audience { conversation, shown, sockets, named: in_summary }))
    }
}

/// Its creator, and some others.
fn people_named(conversation: &Conversation) -> Vec<UserId> {
    let creator = conversation.created_by;
    let others = conversation.participants.iter().copied().filter(|user| *user != creator);
    std::iter::once(creator).chain(others).take(PEOPLE_NAMED).collect()
}
