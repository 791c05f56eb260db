//! Real time through the front door: people who listen with the client library, and end with all that is there, whatever
//! happens to their connections.

mod away;
mod crowd;
mod cuts;
mod delivery;
mod frames;
mod machine;
mod sessions;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::Person;
use tests::sockets::{Seen, Watcher};

/// People who have registered.
async fn people<const COUNT: usize>() -> [Person; COUNT] {
    let people = join_all((0..COUNT).map(|_| Person::new("Ada"))).await;
    people.try_into().unwrap_or_else(|_| unreachable!("as many as were asked for"))
}

/// Several clients of one person.
async fn clients(person: &Person, count: usize) -> Vec<Watcher> {
    join_all((0..count).map(|_| Watcher::of(person))).await
}

async fn start_group(person: &Person, others: &[&Person]) -> String {
    person.start(others, Some("Engines")).await
}

/// Does something to a conversation: `add_participant`, `remove_participant`.
async fn manage(person: &Person, conversation: &str, what: &str, whom: &Person) {
    let path = format!("/api/conversations/{conversation}/{what}/");
    let answer = person.client.post(&path, json!({ "user_id": whom.id })).await;
    assert!(answer.status < 300, "{}", answer.text);
}

async fn edit(person: &Person, message: &Value, text: &str) {
    person.client.patch(&path(message), json!({ "message_body": text })).await.expect(200);
}

async fn delete(person: &Person, message: &Value) {
    person.client.delete(&path(message)).await.expect(204);
}

fn path(message: &Value) -> String {
    format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"))
}

/// Where a conversation stands: its last message, its last change.
async fn standing(person: &Person, conversation: &str) -> (u64, u64) {
    let answer = person.client.get("/api/changes/").await.expect(200).json();
    let rows = answer["conversations"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["conversation"] == conversation).expect("a conversation of theirs");
    let last = |name: &str| row[name].as_u64().expect("a number");
    (last("last_number"), last("last_change"))
}

/// Waits until each of these clients was told all that there is, and checks that they were told it once, in order, and
/// that their screens show what the API hands out.
async fn assert_complete<'w>(person: &Person, conversation: &str, watchers: impl IntoIterator<Item = &'w Watcher>) {
    let (messages, changes) = standing(person, conversation).await;
    let there = person.all_messages(conversation, "ordering=number").await;
    let there: Vec<(u64, String)> = there
        .iter()
        .map(|message| {
            let text = message["message_body"].as_str().expect("a body");
            (message["number"].as_u64().expect("a number"), text.to_owned())
        })
        .collect();
    for watcher in watchers {
        let is_there = |seen: &Seen| (seen.messages(conversation), seen.changes(conversation)) == (messages, changes);
        watcher.until(&format!("{messages} messages and {changes} changes are told"), is_there).await;
        let seen = watcher.seen();
        assert_eq!(seen.numbers(conversation), (1..=messages).collect::<Vec<_>>());
        assert_eq!(seen.change_numbers(conversation), (1..=changes).collect::<Vec<_>>());
        assert_eq!(seen.screen(conversation).into_iter().collect::<Vec<_>>(), there);
    }
}
