//! Conversations: starting, listing, reading, renaming, deleting them, and who takes part. Their messages are the
//! function `messages`' part.

mod add_participant;
mod delete;
mod leave;
mod list;
mod mark_read;
mod participant;
mod read;
mod remove_participant;
mod rename;
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
            Endpoint::new("Conversation Instance", Access::SignedIn)
                .get(read::read)
                .put(rename::rename)
                .patch(rename::rename)
                .delete(delete::delete),
        )
        .at(
            "/api/conversations/{conversation_id}/add_participant",
            Endpoint::new("Add Participant", Access::SignedIn).post(add_participant::add_participant),
        )
        .at(
            "/api/conversations/{conversation_id}/remove_participant",
            Endpoint::new("Remove Participant", Access::SignedIn).post(remove_participant::remove_participant),
        )
        .at("/api/conversations/{conversation_id}/leave", Endpoint::new("Leave", Access::SignedIn).post(leave::leave))
        .at(
            "/api/conversations/{conversation_id}/read",
            Endpoint::new("Read", Access::SignedIn).put(mark_read::mark_read),
        )
}
