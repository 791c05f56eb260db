//! What groups of 2, 10, 50 and 250 cost. Who takes part stands in the conversation, at 16 bytes each: of what writes it,
//! the price grows by a unit for each 64 people, and of what shows everybody, by 1.5 for each.

use local::costs::Sizes;
use serde_json::json;
use tests::Person;
use uuid::Uuid;

use super::{Scene, TWO, conversation_path, hello, message_path, naming};

#[tokio::test]
async fn a_group_costs_what_its_size_says() {
    let scene = Scene::new().await;
    // One more than take part, to come and go.
    let people = scene.table.people(249).await;
    for participants in [2, 10, 50, 250] {
        let others: Vec<&Person> = people.iter().take(participants - 1).collect();
        let title = (participants > 2).then_some("Looms");
        let sizes = Sizes { participants: participants as u64, title: title.map_or(0, str::len) as u64, ..TWO };
        let started = scene.starting(&others, title).await;
        let name = if title.is_some() { "start a group" } else { "start a direct conversation" };
        let path = conversation_path(&started.costs(name, &sizes));
        talk(&scene, &path, &sizes).await;
        if title.is_some() {
            come_and_go(&scene, &path, &sizes, others[0]).await;
        }
        let last = Sizes { messages: 2, changes: if title.is_some() { 7 } else { 2 }, keys: 1, ..sizes };
        scene.ada("DELETE", &path, json!({})).await.costs("delete a conversation", &last);
    }
}

async fn talk(scene: &Scene, path: &str, sizes: &Sizes) {
    let messages = format!("{path}messages/");
    let said = scene.ada("POST", &messages, hello()).await.costs("send", sizes);
    let key = Uuid::new_v4().to_string();
    for name in ["send with client key", "repeat of a keyed send"] {
        scene.ask(&scene.ada, "POST", &messages, Some(&key), Some(hello())).await.costs(name, sizes);
    }
    let two = Sizes { messages: 2, page: 2, senders: 1, ..*sizes };
    let message = message_path(&said);
    scene.get(&message).await.costs("message by id", &two);
    scene.get(&messages).await.costs("page of messages", &two);
    scene.get(path).await.costs("conversation", &two);
    scene.get(&format!("{path}changes/")).await.costs("what changed", &two);
    let listed = Sizes { page: 1, listed: sizes.participants.min(20), ..two };
    scene.get("/api/conversations/").await.costs("list conversations", &listed);
    scene.ada("PATCH", &message, json!({ "message_body": "hello" })).await.costs("edit", &two);
    let once = Sizes { edits: 1, ..two };
    scene.ada("DELETE", &message, json!({})).await.costs("delete a message", &once);
}

async fn come_and_go(scene: &Scene, path: &str, sizes: &Sizes, member: &Person) {
    let said = Sizes { messages: 2, changes: 3, ..*sizes };
    scene.ada("PATCH", path, json!({ "title": "Loomy" })).await.costs("rename", &said);
    let leaving = format!("{path}leave/");
    scene.ask(member, "POST", &leaving, None, None).await.costs("leave", sizes);
    let adding = format!("{path}add_participant/");
    scene.ada("POST", &adding, naming(member)).await.costs("add a participant", sizes);
    let removing = format!("{path}remove_participant/");
    scene.ada("POST", &removing, naming(member)).await.costs("remove a participant", sizes);
    scene.ada("POST", &adding, naming(member)).await.costs("add a participant", sizes);
}
