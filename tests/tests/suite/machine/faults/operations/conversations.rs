//! Starting, renaming and removing conversations; coming, reading and going.

use futures::FutureExt;
use serde_json::{Value, json};
use shared::domain::id::{ConversationId, UserId};
use tests::machine::cast::Actor;

use super::{Ask, Effect, Operation, Stage, Trial, changes_of_kind, gone};

const CONVERSATIONS: &str = "/api/conversations/";

const FUNCTION: &str = "conversations";

pub(in super::super) const OPERATIONS: [Operation; 11] = [
    Operation { name: "create direct", function: FUNCTION, prepare: |stage| create_direct(stage).boxed() },
    Operation { name: "create group", function: FUNCTION, prepare: |stage| create_group(stage).boxed() },
    Operation { name: "create large group", function: FUNCTION, prepare: |stage| create_large_group(stage).boxed() },
    Operation { name: "rename", function: FUNCTION, prepare: |stage| rename(stage).boxed() },
    Operation { name: "add participant", function: FUNCTION, prepare: |stage| add(stage).boxed() },
    Operation { name: "remove participant", function: FUNCTION, prepare: |stage| remove(stage).boxed() },
    Operation { name: "leave", function: FUNCTION, prepare: |stage| leave(stage).boxed() },
    Operation { name: "leave as creator", function: FUNCTION, prepare: |stage| leave_as_creator(stage).boxed() },
    Operation { name: "leave as the last", function: FUNCTION, prepare: |stage| leave_as_the_last(stage).boxed() },
    Operation { name: "delete conversation", function: FUNCTION, prepare: |stage| delete(stage).boxed() },
    Operation { name: "mark read", function: FUNCTION, prepare: |stage| mark_read(stage).boxed() },
];

/// A group, with something in its log.
async fn group(stage: &Stage) -> (Actor, Actor, ConversationId) {
    let (ada, grace) = tokio::join!(stage.somebody(), stage.somebody());
    let id = ada.start(&stage.store, &[grace.id()]).await;
    ada.say(&stage.store, id).await;
    (ada, grace, id)
}

fn path(id: ConversationId, rest: &str) -> String {
    format!("{CONVERSATIONS}{id}/{rest}")
}

/// How many conversations a person has.
fn conversations_of(person: Actor) -> Effect {
    Box::new(move |stage| {
        let person = person.clone();
        async move {
            let (_, inbox) = stage.shown(&person, CONVERSATIONS).await;
            inbox["results"].as_array().map_or(0, Vec::len) as u64
        }
        .boxed()
    })
}

fn creation(ada: &Actor, others: &[UserId], title: Option<&str>) -> Ask {
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    Ask::of(ada, "POST", CONVERSATIONS, json!({ "participant_ids": others, "title": title }))
}

async fn create_direct(stage: &Stage) -> Trial {
    let (ada, grace) = tokio::join!(stage.somebody(), stage.somebody());
    Trial::of(creation(&ada, &[grace.id()], None), [201, 200], conversations_of(ada.clone()))
}

async fn create_group(stage: &Stage) -> Trial {
    let (ada, grace) = tokio::join!(stage.somebody(), stage.somebody());
    let ask = creation(&ada, &[grace.id(), stage.admin.id()], Some("Engines"));
    Trial::of(ask, [201, 201], conversations_of(ada.clone())).again()
}

async fn create_large_group(stage: &Stage) -> Trial {
    let (ada, crowd) = tokio::join!(stage.somebody(), stage.crowd());
    Trial::of(creation(&ada, crowd, Some("Engines")), [201, 201], conversations_of(ada.clone())).again()
}

async fn rename(stage: &Stage) -> Trial {
    let (ada, _, id) = group(stage).await;
    let ask = Ask::of(&ada, "PATCH", path(id, ""), json!({ "title": "Looms" }));
    Trial::of(ask, [200, 200], changes_of_kind(ada.clone(), id, "conversation.updated")).with_log(&ada, id)
}

async fn add(stage: &Stage) -> Trial {
    let (ada, _, id) = group(stage).await;
    let ask = Ask::of(&ada, "POST", path(id, "add_participant/"), json!({ "user_id": stage.admin.id().to_string() }));
    Trial::of(ask, [200, 400], changes_of_kind(ada.clone(), id, "participant.added")).with_log(&ada, id)
}

async fn remove(stage: &Stage) -> Trial {
    let (ada, grace, id) = group(stage).await;
    let ask = Ask::of(&ada, "POST", path(id, "remove_participant/"), json!({ "user_id": grace.id().to_string() }));
    Trial::of(ask, [200, 400], changes_of_kind(ada.clone(), id, "participant.removed")).with_log(&ada, id)
}

async fn leave(stage: &Stage) -> Trial {
    let (ada, grace, id) = group(stage).await;
    let ask = Ask::of(&grace, "POST", path(id, "leave/"), json!({}));
    Trial::of(ask, [204, 404], changes_of_kind(ada.clone(), id, "participant.removed")).with_log(&ada, id)
}

/// The rights go to somebody else.
async fn leave_as_creator(stage: &Stage) -> Trial {
    let (ada, grace, id) = group(stage).await;
    let ask = Ask::of(&ada, "POST", path(id, "leave/"), json!({}));
    Trial::of(ask, [204, 404], changes_of_kind(grace.clone(), id, "participant.removed")).with_log(&grace, id)
}

/// The conversation goes, too.
async fn leave_as_the_last(stage: &Stage) -> Trial {
    let (ada, grace, id) = group(stage).await;
    grace.leave(&stage.store, id).await;
    let ask = Ask::of(&ada, "POST", path(id, "leave/"), json!({}));
    Trial::of(ask, [204, 404], gone(ada, path(id, "")))
}

async fn delete(stage: &Stage) -> Trial {
    let (ada, _, id) = group(stage).await;
    Trial::of(Ask::of(&ada, "DELETE", path(id, ""), Value::Null), [204, 404], gone(ada, path(id, "")))
}

async fn mark_read(stage: &Stage) -> Trial {
    let (_, grace, id) = group(stage).await;
    let ask = Ask::of(&grace, "PUT", path(id, "read/"), json!({ "number": 1 }));
    let reader = grace.clone();
    let read: Effect = Box::new(move |stage| {
        let reader = reader.clone();
        async move {
            let (_, shown) = stage.shown(&reader, &path(id, "")).await;
            shown["read_number"].as_u64().expect("a read mark")
        }
        .boxed()
    });
    Trial::of(ask, [200, 200], read).with_log(&grace, id)
}
