//! Conversations: starting, listing, reading, renaming, deleting them, who takes part, and what changed. Their messages are the
//! function `messages`' part.

mod add_participant;
mod changes;
mod changes_everywhere;
mod delete;
mod leave;
mod list;
mod mark_read;
mod participant;
mod read;
mod remove_participant;
mod rename;
mod start;

use shared::http::view::{ChangesView, ConversationView, EverywhereView, InboxRowView};
use shared::http::{Access, Endpoint, Operation, Routes};

use mark_read::{MarkRead, Marked};
use participant::{Done, Named};
use rename::Rename;
use start::Start;

const NOT_ALLOWED: &str = "The caller takes part, and may not do this.";

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
                        .query("search", "Words: each begins a word of the title, or of the name of somebody else.")
                        .query("page", "Which page by its number, or `last`; not together with `search`.")
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
            Endpoint::new("Conversation Instance", Access::SignedIn)
                .get(
                    read::read,
                    Operation::new("Show a conversation").answers::<ConversationView>(200, "The conversation."),
                )
                .put(rename::rename, renaming("Rename a conversation"))
                .patch(rename::rename, renaming("Change a conversation"))
                .delete(
                    delete::delete,
                    Operation::new("Delete a conversation")
                        .about("For everybody. Its creator may, and admins who take part.")
                        .answers_nothing(204, "Deleted.")
                        .refuses(403, NOT_ALLOWED),
                ),
        )
        .at(
            "/api/conversations/{conversation_id}/add_participant",
            Endpoint::new("Add Participant", Access::SignedIn).post(
                add_participant::add_participant,
                Operation::new("Add a participant")
                    .about("To a group: its creator may, and hosts and admins who take part. Who joins sees all of it.")
                    .takes::<Named>()
                    .answers::<Done>(200, "Added.")
                    .refuses(403, NOT_ALLOWED),
            ),
        )
        .at(
            "/api/conversations/{conversation_id}/remove_participant",
            Endpoint::new("Remove Participant", Access::SignedIn).post(
                remove_participant::remove_participant,
                Operation::new("Remove a participant")
                    .about("From a group: its creator may, and hosts and admins who take part. Oneself one takes out by leaving.")
                    .takes::<Named>()
                    .answers::<Done>(200, "Removed.")
                    .refuses(403, NOT_ALLOWED),
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
            "/api/conversations/{conversation_id}/changes",
            Endpoint::new("Changes", Access::SignedIn).get(
                changes::changes,
                Operation::new("Show what changed in a conversation")
                    .about(
                        "Follow `next` to the end, apply the messages, which come as they are now, then the changes in \
                         order, and keep `cursor` for next time: it lies before everything that is pending.",
                    )
                    .query(
                        "after",
                        "The cursor kept from an earlier answer or from the conversation; else all is told.",
                    )
                    .query("page_size", "How many messages, and how many changes: 1 to 100, 100 by default.")
                    .answers::<ChangesView>(200, "Messages and changes after the cursor.")
                    .refuses(400, "The cursor is of something else."),
            ),
        )
        .at(
            "/api/changes",
            Endpoint::new("Changes Everywhere", Access::SignedIn).get(
                changes_everywhere::changes_everywhere,
                Operation::new("Show what changed in all conversations")
                    .about(
                        "Ask again with the new `cursor` while `has_more`, follow each `next`, and fetch what is told \
                         without its changes unless it is known that far; then keep the last `cursor` for next time.",
                    )
                    .query("after", "The cursor kept from an earlier answer; without it, only how far each has come is told.")
                    .answers::<EverywhereView>(200, "What moved after the cursor.")
                    .refuses(400, "The cursor is of something else."),
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

fn renaming(summary: &'static str) -> Operation {
    Operation::new(summary)
        .about("Its title, that is: a group's creator may, and hosts and admins who take part.")
        .takes::<Rename>()
        .answers::<ConversationView>(200, "The conversation as it is now.")
        .refuses(403, NOT_ALLOWED)
}
