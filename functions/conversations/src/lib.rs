//! Conversations: starting, listing, reading, leaving them. Their messages are the function `messages`' part.

mod changes;
mod leave;
mod list;
mod mark_read;
mod read;
mod start;

use shared::http::{Access, Endpoint, Routes};

pub fn routes() -> Routes {
    Routes::new()
        .at(
            "/api/conversations",
            Endpoint::new("Conversation List", Access::SignedIn).get(list::list).post(start::start),
        )
        .at(
            "/api/conversations/{conversation_id}",
            Endpoint::new("Conversation Instance", Access::SignedIn).get(read::read),
        )
        .at(
            "/api/conversations/{conversation_id}/changes",
            Endpoint::new("Changes", Access::SignedIn).get(changes::changes),
        )
        .at("/api/conversations/{conversation_id}/leave", Endpoint::new("Leave", Access::SignedIn).post(leave::leave))
        .at(
            "/api/conversations/{conversation_id}/read",
            Endpoint::new("Read", Access::SignedIn).put(mark_read::mark_read),
        )
}
