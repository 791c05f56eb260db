//! Messages: sending, paging, reading, editing, deleting; each at its own address and below its conversation.

mod delete;
mod edit;
mod filter;
mod history;
mod list;
mod list_all;
mod read;
mod send;

use shared::http::view::{MessageRowView, MessageView, SentView, VersionView};
use shared::http::{Access, Endpoint, Operation, Routes};

use edit::{Amendment, Replacement};
use filter::filtered;
use send::{Send, SendTo};

const NOT_ITS_SENDER: &str = "The message is another's.";

pub fn routes() -> Routes {
    Routes::new()
        .at(
            "/api/messages",
            Endpoint::new("Message List", Access::SignedIn)
                .get(
                    list_all::list_all,
                    filtered(Operation::new("List messages"))
                        .about("Over all of the caller's conversations, newest first.")
                        .query("conversation_id", "Only messages of this conversation.")
                        .pages::<MessageRowView>("Some of the caller's messages.")
                        .refuses(404, "There is no such conversation that the caller may see, or no such page."),
                )
                .post(send::send, sending("Send a message").takes::<SendTo>()),
        )
        .at("/api/messages/{message_id}", instance())
        .at(
            "/api/messages/{message_id}/history",
            Endpoint::new("Message History", Access::SignedIn).get(
                history::history,
                Operation::new("Show what a message said before")
                    .about("Oldest first, the present wording last; gone when the message is deleted.")
                    .query("page", "A page by its number, the first being 1.")
                    .pages::<VersionView>("Some of what it said."),
            ),
        )
        .at(
            "/api/conversations/{conversation_id}/messages",
            Endpoint::new("Message List", Access::SignedIn)
                .get(
                    list::list,
                    filtered(Operation::new("List the messages of a conversation"))
                        .ordering(list::ORDERINGS)
                        .query("after", "Only numbers above this one.")
                        .query("before", "Only numbers below this one; the page is the one nearest to it.")
                        .query("page", "A page by its number, the first being 1; of all messages, oldest first.")
                        .pages::<MessageView>("Some of its messages."),
                )
                .post(send::send_into, sending("Send a message into a conversation").takes::<Send>()),
        )
        .at("/api/conversations/{conversation_id}/messages/{message_id}", instance())
}

fn sending(summary: &'static str) -> Operation {
    Operation::new(summary)
        .header("Idempotency-Key", "1 to 255 printable characters. For 7 days, the same key is the same message.")
        .answers::<SentView>(201, "The message.")
        .answers::<SentView>(200, "What an earlier send with this key made.")
        .refuses(422, "The key was used for a message with another body.")
}

fn instance() -> Endpoint {
    Endpoint::new("Message Instance", Access::SignedIn)
        .get(read::read, Operation::new("Show a message").answers::<MessageView>(200, "The message."))
        .put(
            edit::replace,
            Operation::new("Replace a message")
                .about("Its earlier bodies stay in its history.")
                .takes::<Replacement>()
                .answers::<MessageView>(200, "The message as it is now.")
                .refuses(403, NOT_ITS_SENDER),
        )
        .patch(
            edit::amend,
            Operation::new("Edit a message")
                .about("Its earlier bodies stay in its history.")
                .takes::<Amendment>()
                .answers::<MessageView>(200, "The message as it is now.")
                .refuses(403, NOT_ITS_SENDER),
        )
        .delete(
            delete::delete,
            Operation::new("Delete a message")
                .about("For its sender, and for admins who take part.")
                .answers_nothing(204, "Deleted, with its history.")
                .refuses(403, NOT_ITS_SENDER),
        )
}
