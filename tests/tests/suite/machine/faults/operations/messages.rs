//! Sending, editing, deleting.

use futures::FutureExt;
use serde_json::{Value, json};
use shared::domain::id::{ConversationId, MessageId};
use tests::machine::cast::Actor;

use super::{Ask, Effect, Operation, Stage, Trial, gone};

pub(in super::super) const OPERATIONS: [Operation; 4] = [
    Operation { name: "send", function: "messages", prepare: |stage| send(stage, None).boxed() },
    Operation { name: "keyed send", function: "messages", prepare: |stage| send(stage, Some("a key")).boxed() },
    Operation { name: "edit", function: "messages", prepare: |stage| edit(stage).boxed() },
    Operation { name: "delete message", function: "messages", prepare: |stage| delete(stage).boxed() },
];

async fn scene(stage: &Stage) -> (Actor, ConversationId) {
    let (ada, grace) = tokio::join!(stage.somebody(), stage.somebody());
    let id = ada.start(&stage.store, &[grace.id()]).await;
    (ada, id)
}

async fn send(stage: &Stage, key: Option<&'static str>) -> Trial {
    let (ada, id) = scene(stage).await;
    let body = json!({ "conversation": id.to_string(), "message_body": "Hello" });
    let ask = Ask { key, ..Ask::of(&ada, "POST", "/api/messages/", body) };
    let trial = Trial::of(ask, [201, if key.is_some() { 200 } else { 201 }], sent(ada.clone(), id)).with_log(&ada, id);
    if key.is_some() { trial } else { trial.again() }
}

fn sent(reader: Actor, id: ConversationId) -> Effect {
    Box::new(move |stage| {
        let reader = reader.clone();
        async move {
            let (_, page) = stage.shown(&reader, &format!("/api/conversations/{id}/messages/")).await;
            page["results"].as_array().map_or(0, Vec::len) as u64
        }
        .boxed()
    })
}

async fn message(stage: &Stage) -> (Actor, ConversationId, MessageId, String) {
    let (ada, id) = scene(stage).await;
    let message = ada.say(&stage.store, id).await;
    (ada, id, message, format!("/api/messages/{message}/"))
}

async fn edit(stage: &Stage) -> Trial {
    let (ada, id, _, path) = message(stage).await;
    let ask = Ask::of(&ada, "PATCH", path.clone(), json!({ "message_body": "Hello again" }));
    let reader = ada.clone();
    let edited: Effect = Box::new(move |stage| {
        let (reader, path) = (reader.clone(), format!("{path}history/"));
        async move {
            let (_, history) = stage.shown(&reader, &path).await;
            history["results"].as_array().map_or(0, Vec::len).saturating_sub(1) as u64
        }
        .boxed()
    });
    Trial::of(ask, [200, 200], edited).with_log(&ada, id)
}

/// Of a message that was edited before.
async fn delete(stage: &Stage) -> Trial {
    let (ada, id, _, path) = message(stage).await;
    let (status, _) = stage.ask(&Ask::of(&ada, "PATCH", path.clone(), json!({ "message_body": "Hi" }))).await;
    assert_eq!(status, 200);
    let ask = Ask::of(&ada, "DELETE", path.clone(), Value::Null);
    Trial::of(ask, [204, 404], gone(ada.clone(), path)).with_log(&ada, id)
}
