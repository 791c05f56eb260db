//! Messages: sending, paging, searching, reading, editing and deleting them.

mod edits;
mod history;
mod paging;
mod search;
mod sending;
mod timeline;

use serde_json::{Value, json};
use tests::{Answer, Person, two_people};

const MESSAGES: &str = "/api/messages/";
const NO_CONVERSATION: &str = "No Conversation matches the given query.";
const NO_MESSAGE: &str = "No Message matches the given query.";
const FORBIDDEN: &str = "You do not have permission to perform this action.";
const BLANK: &str = "This field may not be blank.";

/// The id of a conversation that never was.
const UNKNOWN: &str = "0195d2a4-6f0e-8000-8000-000000000000";

/// The id of its first message.
const UNKNOWN_MESSAGE: &str = "0195d2a4-6f0e-8000-8000-000000000001";

async fn send(person: &Person, body: Value) -> Answer {
    person.client.post(MESSAGES, body).await
}

async fn read(person: &Person, message: &Value) -> Answer {
    person.client.get(&path_of(message)).await
}

async fn edit(person: &Person, message: &Value, body: &str) -> Answer {
    person.client.patch(&path_of(message), json!({ "message_body": body })).await
}

async fn delete(person: &Person, message: &Value) -> Answer {
    person.client.delete(&path_of(message)).await
}

fn path_of(message: &Value) -> String {
    format!("{MESSAGES}{}/", id_of(message))
}

fn id_of(message: &Value) -> &str {
    message["message_id"].as_str().expect("an id")
}

fn messages_of(conversation: &str) -> String {
    format!("/api/conversations/{conversation}/messages/")
}

/// Two people whose direct conversation has that many messages from the first of them.
async fn two_people_with(count: usize) -> (Person, Person, String, Vec<Value>) {
    let (ada, grace, conversation) = two_people().await;
    let mut sent = Vec::new();
    for number in 1..=count {
        sent.push(ada.say(&conversation, &format!("message {number}")).await);
    }
    (ada, grace, conversation, sent)
}

async fn page(person: &Person, path: &str) -> Value {
    person.client.get(path).await.expect(200).json()
}

fn numbers(page: &Value) -> Vec<u64> {
    let rows = page["results"].as_array().expect("a list");
    rows.iter().map(|message| message["number"].as_u64().expect("a number")).collect()
}
