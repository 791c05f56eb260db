//! Messages: sending, paging, reading, editing, deleting; each at its own address and below its conversation.

mod delete;
mod edit;
mod list;
mod read;
mod send;

use shared::http::{Access, Endpoint, Routes};

pub fn routes() -> Routes {
    let instance = Endpoint::new("Message Instance", Access::SignedIn)
        .get(read::read)
        .put(edit::replace)
        .patch(edit::amend)
        .delete(delete::delete);
    Routes::new()
        .at("/api/messages", Endpoint::new("Message List", Access::SignedIn).post(send::send))
        .at("/api/messages/{message_id}", instance.clone())
        .at(
            "/api/conversations/{conversation_id}/messages",
            Endpoint::new("Message List", Access::SignedIn).get(list::list).post(send::send_into),
        )
        .at("/api/conversations/{conversation_id}/messages/{message_id}", instance)
}
