//! What it costs to change groups and to search the inbox. On a table of their own, where nobody else's removals are
//! helped with.

use serde_json::{Value, json};
use shared::store::Spent;
use tests::Person;
use tests::machine::InProcess;
use tests::machine::own_table::OwnTable;

use super::budget;

/// Judged, removed, and two more round trips for memberships and log, which are cleared side by side: the meter counts
/// another one if the log's second begins after the memberships' has ended.
const CLEARING: u32 = 5;

/// The functions on a table of their own.
struct OwnScene {
    table: OwnTable,
    functions: InProcess,
    ada: Person,
    grace: Person,
}

impl OwnScene {
    async fn new() -> Self {
        let table = OwnTable::new().await;
        let functions = InProcess::on(table.store());
        let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
        Self { table, functions, ada, grace }
    }

    async fn ada(&self, method: &str, path: &str, body: Value) -> (Value, Spent) {
        let (status, answer, spent) = self.functions.send(&self.ada, method, path, &[], Some(body)).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        (answer, spent)
    }

    /// A conversation that Ada starts.
    async fn start(&self, others: &[&Person], title: Option<&str>) -> String {
        let others: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
        let body = json!({ "participant_ids": others, "title": title });
        let (conversation, _) = self.ada("POST", "/api/conversations/", body).await;
        format!("/api/conversations/{}/", conversation["conversation_id"].as_str().expect("an id"))
    }
}

fn naming(person: &Person) -> Value {
    json!({ "user_id": person.id })
}

#[tokio::test]
async fn coming_and_going_cost_what_their_budgets_say() {
    let scene = OwnScene::new().await;
    let group = scene.start(&[&scene.table.person("Edsger").await], Some("Engines")).await;
    let (_, spent) = scene.ada("POST", &format!("{group}add_participant/"), naming(&scene.grace)).await;
    budget(3, 1.0 + 2.0 * 3.0, 4.0).holds("add a participant", spent);
    let (_, spent) = scene.ada("PATCH", &group, json!({ "title": "Looms" })).await;
    // Three reads that judge, then the conversation in full: it and its latest messages, three memberships, three names,
    // and whether the change before this one is settled.
    budget(5, 1.0 + 2.0 * 2.0, 3.0 + 2.0 + 3.0 + 1.5 + 1.0).holds("rename", spent);
    let (_, spent) = scene.ada("PATCH", &group, json!({ "title": "Looms" })).await;
    budget(3, 0.0, 3.0 + 2.0 + 3.0 + 1.5 + 1.0).holds("rename to what it is called", spent);
    let (_, spent) = scene.ada("POST", &format!("{group}remove_participant/"), naming(&scene.grace)).await;
    budget(3, 1.0 + 2.0 * 3.0, 4.0).holds("remove a participant", spent);
    let (_, spent) = scene.ada("POST", &format!("{group}leave/"), json!({})).await;
    budget(4, 1.0 + 2.0 * 3.0, 2.0 + 2.0).holds("leave, as the creator", spent);
}

#[tokio::test]
async fn deleting_a_conversation_costs_what_its_budget_says() {
    let scene = OwnScene::new().await;
    let direct = scene.start(&[&scene.grace], None).await;
    for body in ["one", "two", "three"] {
        let id = direct.split('/').nth(3).expect("an id");
        scene.ada("POST", "/api/messages/", json!({ "conversation": id, "message_body": body })).await;
    }
    let (_, spent) = scene.ada("DELETE", &direct, json!({})).await;
    // The conversation with its entry in the index, what is left to do, the pair; then that it was done, two memberships
    // and three messages.
    budget(CLEARING, 2.0 * 4.0 + 1.0 + 2.0 + 3.0, 3.0 + 1.0 + 0.5).holds("delete a direct conversation", spent);

    let group = scene.start(&[&scene.grace], Some("Engines")).await;
    scene.functions.send(&scene.grace, "POST", &format!("{group}leave/"), &[], None).await;
    let (_, spent) = scene.ada("POST", &format!("{group}leave/"), json!({})).await;
    budget(CLEARING, 2.0 * 3.0 + 1.0 + 1.0 + 1.0, 2.0 + 1.0 + 0.5).holds("leave as the last one", spent);
}

#[tokio::test]
async fn the_largest_group_costs_what_its_size_says() {
    let scene = OwnScene::new().await;
    let members = scene.table.people(248).await;
    let group = scene.start(&members.iter().collect::<Vec<_>>(), Some("Everybody")).await;
    let (_, spent) = scene.ada("POST", &format!("{group}add_participant/"), naming(&scene.grace)).await;
    budget(3, 5.0 + 2.0 * (5.0 + 2.0), 5.0).holds("add the 250th participant", spent);
    let (_, spent) = scene.ada("DELETE", &group, json!({})).await;
    // Twice 5 KB, and each membership.
    budget(CLEARING, 2.0 * (5.0 + 1.0 + 5.0) + 5.0 + 250.0 + 1.0, 4.0 + 1.0 + 0.5)
        .holds("delete a group of 250", spent);
}

#[tokio::test]
async fn searching_the_inbox_costs_what_was_looked_through_and_no_more() {
    let scene = OwnScene::new().await;
    for turn in 0..105 {
        let title = if turn % 50 == 0 { "Looms" } else { "Engines" };
        scene.start(&[&scene.grace], Some(title)).await;
    }
    let (found, spent) = scene.ada("GET", "/api/conversations/?search=looms", json!({})).await;
    // The newest 100 of 105 were looked through: the one of turn 0 is beyond.
    assert_eq!(found["results"].as_array().map(Vec::len), Some(2));
    assert!(found["next"].is_string(), "{found}");
    // The session, the memberships, 100 conversations, two names; nothing was said in the two that are shown.
    budget(4, 0.0, 1.0 + 5.0 + 100.0 + 1.0 + 2.0).holds("search the inbox", spent);
    let (rest, _) = scene.ada("GET", found["next"].as_str().expect("an address"), json!({})).await;
    assert_eq!(rest["results"].as_array().map(Vec::len), Some(1));
    assert!(rest["next"].is_null());
}
