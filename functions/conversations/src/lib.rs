//! Conversations: starting, listing, reading, leaving them. Their messages are the function `messages`' part.

mod leave;
mod list;
mod mark_read;
mod read;
mod start;

use shared::http::view::{ConversationView, InboxRowView};
use shared::http::{Access, Endpoint, Operation, Routes};

use mark_read::{MarkRead, Marked};
use start::Start;

pub fn routes() -> Routes {
    Routes::new()
        .at(
            "/api/conversations",
            Endpoint::new("Conversation List", Access::SignedIn)
                .get(
                    list::list,
                    Operation::new("List conversations")
                        .about("The caller's.")
                        .ordering(list::ORDERINGS)
                        .pages::<InboxRowView>("Some of the caller's conversations."),
                )
                .post(
                    start::start,
                    Operation::new("Start a conversation")
                        .about("Two people without a title get the one direct conversation that they have.")
                        .takes::<Start>()
                        .answers::<ConversationView>(200, "The direct conversation that was there.")
                        .answers::<ConversationView>(201, "A new conversation."),
                ),
        )
        .at(
            "/api/conversations/{conversation_id}",
            Endpoint::new("Conversation Instance", Access::SignedIn).get(
                read::read,
                Operation::new("Show a conversation").answers::<ConversationView>(200, "The conversation."),
            ),
        )
        .at(
            "/api/conversations/{conversation_id}/leave",
            Endpoint::new("Leave", Access::SignedIn).post(
                leave::leave,
                Operation::new("Leave a conversation")
                    .about("The creator's rights go to whoever has been there longest; the last one deletes it.")
                    .answers_nothing(204, "Left.")
                    .refuses(400, "A direct conversation cannot be left."),
            ),
        )
        .at(
            "/api/conversations/{conversation_id}/read",
            Endpoint::new("Read", Access::SignedIn).put(
                mark_read::mark_read,
                Operation::new("Mark as read")
                    .about("The mark never goes back: a lower number changes nothing.")
                    .takes::<MarkRead>()
                    .answers::<Marked>(200, "Where the mark stands."),
            ),
        )
}
