//! Conversations of two, and groups.

use std::collections::BTreeSet;

use futures::join;
use local::costs::Sizes;
use serde_json::json;

use super::{Scene, TWO, conversation_path, naming};

pub(super) async fn measure() -> BTreeSet<&'static str> {
    let (direct, group, feed, searched) =
        join!(Box::pin(direct()), Box::pin(group()), Box::pin(what_changed()), Box::pin(searched()));
    direct.into_iter().chain(group).chain(feed).chain(searched).collect()
}

async fn direct() -> BTreeSet<&'static str> {
    let scene = Scene::new().await;
    let started = scene.starting(&[&scene.grace], None).await.costs("start a direct conversation", &TWO);
    let path = conversation_path(&started);
    scene.starting(&[&scene.grace], None).await.costs("start a direct conversation that is there", &TWO);
    scene.say(&scene.grace, &path).await.succeeded();
    let said = Sizes { messages: 1, page: 1, ..TWO };
    scene.get(&path).await.costs("conversation", &said);
    scene.get("/api/conversations/").await.costs("list conversations", &said);
    let by_activity = "/api/conversations/?ordering=-last_activity";
    scene.get(by_activity).await.costs("list conversations by activity", &said);
    scene.ada("PUT", &format!("{path}read/"), json!({ "number": 1 })).await.costs("mark read", &said);
    for _ in 0..2 {
        scene.say(&scene.grace, &path).await.succeeded();
    }
    let said = Sizes { messages: 3, ..said };
    scene.ada("DELETE", &path, json!({})).await.costs("delete a conversation", &said);
    scene.measured()
}

async fn group() -> BTreeSet<&'static str> {
    let scene = Scene::new().await;
    let edsger = scene.table.person("Edsger").await;
    let three = Sizes { participants: 3, title: 5, ..TWO };
    let started = scene.starting(&[&edsger, &scene.grace], Some("Looms")).await.costs("start a group", &three);
    let path = conversation_path(&started);
    let emmy = scene.table.person("Emmy").await;
    let four = Sizes { participants: 4, ..three };
    scene.ada("POST", &format!("{path}add_participant/"), naming(&emmy)).await.costs("add a participant", &four);
    let once = Sizes { changes: 1, ..four };
    scene.ada("PATCH", &path, json!({ "title": "Loom" })).await.costs("rename", &once);
    scene.ada("PUT", &path, json!({ "title": "Loom" })).await.costs("rename to what it is called", &once);
    let removing = format!("{path}remove_participant/");
    scene.ada("POST", &removing, naming(&emmy)).await.costs("remove a participant", &four);
    let leaving = format!("{path}leave/");
    scene.ask(&edsger, "POST", &leaving, None, None).await.costs("leave", &three);
    let two = Sizes { participants: 2, ..three };
    scene.ask(&scene.ada, "POST", &leaving, None, None).await.costs("leave as the creator", &two);
    // Five changes stand in the log.
    let alone = Sizes { participants: 1, changes: 5, ..three };
    scene.ask(&scene.grace, "POST", &leaving, None, None).await.costs("leave as the last one", &alone);
    scene.measured()
}

async fn what_changed() -> BTreeSet<&'static str> {
    let scene = Scene::new().await;
    let path = scene.start(&[&scene.grace], None).await;
    let changes = format!("{path}changes/");
    let page = scene.get(&changes).await.costs("what changed, if nothing did", &TWO);
    let known = scene.get("/api/changes/").await.costs("how far everything has come", &TWO);
    let everywhere = format!("/api/changes/?after={}", known["cursor"].as_str().expect("a cursor"));
    scene.get(&everywhere).await.costs("what changed everywhere, if nothing did", &TWO);
    for person in [&scene.ada, &scene.grace] {
        let message = super::message_path(&scene.say(person, &path).await.succeeded().answer);
        let edit = json!({ "message_body": "hello" });
        scene.ask(person, "PATCH", &message, None, Some(edit)).await.succeeded();
    }
    let after = format!("{changes}?after={}", page["cursor"].as_str().expect("a cursor"));
    let told = Sizes { messages: 2, page: 2, edits: 2, ..TWO };
    let page = scene.get(&after).await.costs("what changed", &told);
    let lengths = ["messages", "changes"].map(|list| page[list].as_array().map(Vec::len));
    assert_eq!(lengths, [Some(2); 2]);
    scene.get(&everywhere).await.costs("what changed everywhere", &Sizes { moved: 1, ..told });
    // Outsiders cost what they cost where nothing is.
    let mallory = scene.table.person("Mallory").await;
    let refused = scene.ask(&mallory, "GET", &changes, None, None).await;
    assert_eq!(refused.status, 404);
    refused.spends("what changed, if nothing did", &TWO);
    scene.measured()
}

/// The newest 100 of 110 are looked through; of these, two match.
async fn searched() -> BTreeSet<&'static str> {
    let scene = Scene::new().await;
    let titles: Vec<_> = (0..110).map(|turn| if turn % 50 == 5 { "Looms" } else { "Engines" }).collect();
    scene.table.fill_with_conversations(&scene.ada, &scene.grace, &titles).await;
    let sizes = Sizes { title: 5, page: 2, conversations: 110, ..TWO };
    let found = scene.get("/api/conversations/?search=looms").await.costs("search the conversations", &sizes);
    assert_eq!(found["results"].as_array().map(Vec::len), Some(2));
    let rest = scene.get(found["next"].as_str().expect("an address")).await.succeeded().answer;
    assert_eq!((rest["results"].as_array().map(Vec::len), &rest["next"]), (Some(1), &json!(null)));
    scene.measured()
}
