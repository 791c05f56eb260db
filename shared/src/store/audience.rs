//! Who is told what happened in a conversation, and what it takes to show it to them.

use super::Store;
use super::calls::Consistency;
use super::connections::Sockets;
use super::feed::{PointedAt, Shown};
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
        let mut to = PointedAt::default();
        to.people.extend(told.sent.iter().map(|message| message.sender));
        let mut reached = conversation.participants.clone();
        for change in &told.changes {
            to.point_at(change);
            if let ChangeKind::ParticipantRemoved { user, .. } = change.kind {
                reached.insert(user);
            }
        }
        let in_summary: Vec<UserId> = if told.introduced { people_named(&conversation) } else { Vec::new() };
        to.people.extend(&in_summary);
        let (people, mut messages, mut memberships, sockets) = tokio::try_join!(
            self.people_named(to.people),
            self.entries_at(to.messages.into_iter().map(|number| id.message(number)).collect()),
            self.memberships_at(to.added.into_iter().map(|user| (id, user)).collect()),
            self.sockets_of(reached)
        )?;
        let shown = Shown {
            people: people.into(),
            messages: messages.remove(&id).unwrap_or_default(),
            memberships: memberships.remove(&id).unwrap_or_default(),
            title: conversation.title.clone(),
        };
        Ok(Some(Audience { conversation, shown, sockets, named: in_summary }))
    }
}

/// Its creator, and some others.
fn people_named(conversation: &Conversation) -> Vec<UserId> {
    let creator = conversation.created_by;
    let others = conversation.participants.iter().copied().filter(|user| *user != creator);
    std::iter::once(creator).chain(others).take(PEOPLE_NAMED).collect()
}
