//! What changed in a conversation, or in all of them, and the cursors that lead along it.

mod everywhere;

use serde::Serialize;
use utoipa::ToSchema;

pub use self::everywhere::{EverywhereView, positions_after};
use super::{MessageView, ParticipantView, UserView, named};
use crate::domain::Error;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::Title;
use crate::domain::cursor;
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::log::{Progress, Walk};
use crate::domain::message::{Entry, Tombstone};
use crate::domain::user::User;
use crate::http::pages::PageRequest;
use crate::store::{Feed, People, Shown};

/// The parameter that carries cursors of changes.
const AFTER: &str = "after";

/// What happened in a conversation after a point: apply the messages, then the changes in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Changes)]
pub struct ChangesView {
    /// Each number after the cursor but the pending ones, in order.
    messages: Vec<EntryView>,
    changes: Vec<ChangeView>,
    /// Numbers of messages that may still appear.
    pending: Vec<u64>,
    /// Numbers of changes that may still appear.
    pending_changes: Vec<u64>,
    /// The proven point, to keep for next time: it lies before everything that is pending.
    cursor: String,
    /// Walks on to the end, past what is pending.
    #[schema(required)]
    next: Option<String>,
    has_more: bool,
}

/// What stands at a number: a message as it is now, what is left of a deleted one, or nothing for good.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Entry)]
pub enum EntryView {
    Message(Box<MessageView>),
    Deleted(DeletedView),
    Void {
        #[schema(minimum = 1)]
        number: u64,
        void: bool,
    },
}

/// What is left of a deleted message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletedMessage)]
pub struct DeletedView {
    #[schema(format = Uuid)]
    message_id: String,
    #[schema(minimum = 1)]
    number: u64,
    deleted: bool,
    #[schema(format = Uuid)]
    sender: String,
    #[schema(format = DateTime)]
    deleted_at: String,
}

/// An edit, a delete, somebody coming or going, or a new title.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(super) struct ChangeView {
    #[schema(minimum = 1)]
    pub(super) change: u64,
    #[serde(flatten)]
    pub(super) what: WhatView,
}

/// What happened, with what it happened to as that is now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind")]
#[schema(as = ChangeKind)]
pub(super) enum WhatView {
    #[serde(rename = "message.edited")]
    MessageEdited { at: String, by: String, message: EntryView },
    #[serde(rename = "message.deleted")]
    MessageDeleted { at: String, by: String, message: EntryView },
    #[serde(rename = "participant.added")]
    ParticipantAdded { at: String, by: String, participant: Box<ParticipantView> },
    #[serde(rename = "participant.removed")]
    ParticipantRemoved { at: String, by: String, user: Box<UserView> },
    #[serde(rename = "conversation.updated")]
    ConversationUpdated {
        at: String,
        by: String,
        #[schema(required)]
        title: Option<String>,
    },
}

impl ChangesView {
    pub fn new(viewer: UserId, id: ConversationId, feed: &Feed, request: &PageRequest) -> Result<Self, Error> {
        Self::going_on_at(viewer, id, feed, |cursor| request.address_with(AFTER, cursor))
    }

    /// With the address at which the walk goes on from a cursor.
    fn going_on_at(
        viewer: UserId,
        id: ConversationId,
        feed: &Feed,
        address: impl Fn(&str) -> String,
    ) -> Result<Self, Error> {
        let messages = feed.entries.iter().map(|entry| EntryView::new(viewer, entry, &feed.shown.people));
        let see = |user: &User| Ok(UserView::seen_by(named(&feed.shown.people, viewer)?, user));
        let changes =
            feed.changes.iter().filter_map(|change| ChangeView::new(viewer, id, change, &feed.shown, &see).transpose());
        let plain = |numbers: &[Number]| numbers.iter().copied().map(Number::get).collect();
        Ok(Self {
            messages: messages.collect::<Result<_, Error>>()?,
            changes: changes.collect::<Result<_, Error>>()?,
            pending: plain(&feed.pending),
            pending_changes: plain(&feed.pending_changes),
            cursor: cursor_at(id, (feed.walk.messages.proven, feed.walk.changes.proven)),
            next: feed.has_more.then(|| address(&cursor_along(id, feed.walk))),
            has_more: feed.has_more,
        })
    }
}

impl EntryView {
    fn new(viewer: UserId, entry: &Entry, people: &People) -> Result<Self, Error> {
        Ok(match entry {
            Entry::Message(message) => {
                Self::Message(Box::new(MessageView::new(viewer, message, named(people, message.sender)?)))
            }
            Entry::Tombstone(tombstone) => Self::Deleted(DeletedView::new(tombstone)),
            Entry::Void(void) => Self::Void { number: void.number.get(), void: true },
        })
    }
}

#[cfg(feature = "openapi")]
impl EntryView {
    /// What is left of a message.
    pub(super) fn of_deleted(message: &crate::domain::message::Message, deleted_at: crate::domain::Timestamp) -> Self {
        let (id, sender, sent_at) = (message.id, message.sender, message.sent_at);
        Self::Deleted(DeletedView::new(&Tombstone { id, sender, sent_at, deleted_at }))
    }
}

impl DeletedView {
    fn new(tombstone: &Tombstone) -> Self {
        Self {
            message_id: tombstone.id.to_string(),
            number: tombstone.id.number.get(),
            deleted: true,
            sender: tombstone.sender.to_string(),
            deleted_at: tombstone.deleted_at.to_string(),
        }
    }
}

impl ChangeView {
    /// Nothing for a void. How much of people `viewer` sees, `see` decides.
    pub(super) fn new(
        viewer: UserId,
        id: ConversationId,
        change: &Change,
        shown: &Shown,
        see: &dyn Fn(&User) -> Result<UserView, Error>,
    ) -> Result<Option<Self>, Error> {
        let at = change.at.to_string();
        let message = |number: &Number| {
            let entry = shown.messages.get(number);
            let entry = entry.ok_or_else(|| Error::Internal("a changed message was not loaded".to_owned()))?;
            EntryView::new(viewer, entry, &shown.people)
        };
        let what = match &change.kind {
            ChangeKind::MessageEdited { message: number, by, .. } => {
                WhatView::MessageEdited { at, by: by.to_string(), message: message(number)? }
            }
            ChangeKind::MessageDeleted { message: number, by } => {
                WhatView::MessageDeleted { at, by: by.to_string(), message: message(number)? }
            }
            ChangeKind::ParticipantAdded { user, by } => {
                let joined_at = shown.memberships.get(user).map(|membership| membership.joined_at);
                let participant = see(named(&shown.people, *user)?)?;
                let participant = Box::new(ParticipantView::new(id, *user, participant, joined_at));
                WhatView::ParticipantAdded { at, by: by.to_string(), participant }
            }
            ChangeKind::ParticipantRemoved { user, by } => {
                let user = Box::new(see(named(&shown.people, *user)?)?);
                WhatView::ParticipantRemoved { at, by: by.to_string(), user }
            }
            ChangeKind::ConversationUpdated { by } => {
                let title = shown.title.as_ref().map(Title::as_str).map(str::to_owned);
                WhatView::ConversationUpdated { at, by: by.to_string(), title }
            }
            ChangeKind::Void => return Ok(None),
        };
        Ok(Some(Self { change: change.number.get(), what }))
    }
}

/// Cursors name their list, so that one cannot be taken to another.
fn list(id: ConversationId) -> String {
    format!("changes of {id}")
}

/// A point in both logs, to go on from another time.
pub(super) fn cursor_at(id: ConversationId, (messages, changes): (Number, Number)) -> String {
    cursor::encode(&list(id), &format!("{messages}.{changes}"))
}

/// How far a walk has come, and what is proven on it.
fn cursor_along(id: ConversationId, Walk { messages, changes }: Walk) -> String {
    let place = format!("{}.{}.{}.{}", messages.read, changes.read, messages.proven, changes.proven);
    cursor::encode(&list(id), &place)
}

/// Where a request for changes begins: at its cursor, or at the beginning. Nothing if that is no cursor of this list.
pub fn walk_from(id: ConversationId, request: &PageRequest) -> Option<Walk> {
    let Some(text) = request.text(AFTER) else { return Some(Walk::default()) };
    let place = cursor::decode(&list(id), text).ok()?;
    let numbers: Option<Vec<Number>> = place.split('.').map(|text| text.parse().ok().and_then(Number::new)).collect();
    let progress = |read, proven| (proven <= read).then_some(Progress { read, proven });
    match numbers?[..] {
        [messages, changes] => {
            Some(Walk { messages: Progress::proven_to(messages), changes: Progress::proven_to(changes) })
        }
        [messages, changes, proven_messages, proven_changes] => {
            Some(Walk { messages: progress(messages, proven_messages)?, changes: progress(changes, proven_changes)? })
        }
        _ => None,
    }
}
