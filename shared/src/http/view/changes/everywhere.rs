//! What changed in all of somebody's conversations.

use serde::Serialize;
use utoipa::ToSchema;

use super::{AFTER, ChangesView};
use crate::domain::Error;
use crate::domain::cursor::BadCursor;
use crate::domain::id::{ConversationId, UserId};
use crate::domain::positions::Positions;
use crate::http::links::Host;
use crate::http::pages::Query;
use crate::store::{Everywhere, Moved};

/// What happened in all of one's conversations after a point.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangesEverywhere)]
pub struct EverywhereView {
    /// Those that moved, and those that the cursor does not know; what moved last comes first.
    conversations: Vec<MovedView>,
    /// All of one's conversations, if the cursor knows one that is no longer among them.
    #[schema(required, value_type = Option<Vec<uuid::Uuid>>)]
    remaining: Option<Vec<String>>,
    /// From where to ask the next time.
    cursor: String,
    /// Whether others moved, too: ask again with this cursor.
    has_more: bool,
}

/// A conversation that moved, or that the cursor does not know.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Moved)]
struct MovedView {
    #[schema(format = Uuid)]
    conversation: String,
    last_number: u64,
    last_change: u64,
    read_number: u64,
    /// The last number minus the number read.
    unread_count: u64,
    /// Null where the cursor does not know it: one just joined, one of which more was left to tell, or one too many.
    #[schema(required)]
    changes: Option<ChangesView>,
}

impl EverywhereView {
    pub fn new(viewer: UserId, told: &Everywhere, host: &Host) -> Result<Self, Error> {
        let conversations = told.conversations.iter().map(|moved| MovedView::new(viewer, moved, host));
        Ok(Self {
            conversations: conversations.collect::<Result<_, Error>>()?,
            remaining: told.remaining.as_ref().map(|ids| ids.iter().map(ConversationId::to_string).collect()),
            cursor: told.positions.encode(viewer),
            has_more: told.has_more,
        })
    }
}

impl MovedView {
    fn new(viewer: UserId, moved: &Moved, host: &Host) -> Result<Self, Error> {
        let Moved { conversation, membership, feed } = moved;
        let id = conversation.id;
        let address = |cursor: &str| host.link(&format!("/api/conversations/{id}/changes/?{AFTER}={cursor}"));
        let changes = feed.as_ref().map(|feed| ChangesView::going_on_at(viewer, id, feed, address));
        Ok(Self {
            conversation: id.to_string(),
            last_number: conversation.messages.get(),
            last_change: conversation.changes.get(),
            read_number: membership.read_number.get(),
            unread_count: membership.unread(conversation),
            changes: changes.transpose()?,
        })
    }
}

/// Where a request for what changed everywhere begins: at its cursor, or where nothing is known.
pub fn positions_after(user: UserId, query: &Query) -> Result<Positions, BadCursor> {
    query.text(AFTER).map_or(Ok(Positions::default()), |cursor| Positions::decode(user, cursor))
}
