//! Messages of two people.

use std::collections::BTreeSet;

use local::costs::Sizes;
use serde_json::json;
use uuid::Uuid;

use super::{Scene, TWO, hello, message_path};

pub(super) async fn measure() -> BTreeSet<&'static str> {
    let scene = Scene::new().await;
    let conversation = scene.start(&[&scene.grace], None).await;
    let messages = format!("{conversation}messages/");
    let id = conversation.split('/').nth(3).expect("an id");
    let send = json!({ "conversation": id, "message_body": "Hello" });
    let first = scene.ada("POST", "/api/messages/", send).await.costs("send", &TWO);
    scene.ada("POST", &messages, hello()).await.costs("send", &TWO);
    let key = Uuid::new_v4().to_string();
    for name in ["send with client key", "repeat of a keyed send"] {
        scene.ask(&scene.ada, "POST", &messages, Some(&key), Some(hello())).await.costs(name, &TWO);
    }
    scene.say(&scene.grace, &conversation).await.succeeded();
    let said = Sizes { messages: 4, page: 4, ..TWO };
    read(&scene, &messages, &message_path(&first), &said).await;
    change(&scene, &messages, &said).await;
    scene.measured()
}

async fn read(scene: &Scene, messages: &str, message: &str, said: &Sizes) {
    let below_its_conversation = message.replace("/api/messages/", messages);
    for path in [message, &below_its_conversation] {
        scene.get(path).await.costs("message by id", said);
    }
    let old = Uuid::new_v4();
    scene.table.put_alias(old, message.split('/').nth(3).expect("an id")).await;
    scene.get(&format!("/api/messages/{old}/")).await.costs("message by the id it had before an import", said);
    for query in ["", "?ordering=-number", "?page=1", "?before=5", "?after=0", "?page_size=4"] {
        let page = scene.get(&format!("{messages}{query}")).await.costs("page of messages", said);
        assert_eq!(page["results"].as_array().map(Vec::len), Some(4));
    }
    scene.get(&format!("{messages}?search=hello")).await.costs("search of a conversation", said);
    scene.get(&format!("{messages}?search=good")).await.costs("search of a conversation that finds nothing", said);
    let since = scene.get(&format!("{messages}?sent_after=2026-01-01")).await.costs("page of messages by time", said);
    assert_eq!(since["results"].as_array().map(Vec::len), Some(4));
    let id = messages.split('/').nth(3).expect("an id");
    scene.get(&format!("/api/messages/?conversation_id={id}")).await.costs("messages of one conversation", said);
    scene.get("/api/messages/").await.costs("messages over all conversations", said);
}

async fn change(scene: &Scene, messages: &str, said: &Sizes) {
    let message = message_path(&scene.ada("POST", messages, hello()).await.succeeded().answer);
    let below_its_conversation = message.replace("/api/messages/", messages);
    let edits = [("PATCH", &message, "hello"), ("PUT", &below_its_conversation, "HELLO")];
    for ((method, path, body), edits) in edits.into_iter().zip(0..) {
        let body = json!({ "message_body": body });
        scene.ada(method, path, body).await.costs("edit", &Sizes { edits, ..*said });
    }
    let edited = Sizes { edits: 2, ..*said };
    let history = scene.get(&format!("{message}history/")).await.costs("history of a message", &edited);
    assert_eq!(history["count"], 3);
    scene.ada("DELETE", &message, json!({})).await.costs("delete a message", &edited);
}
