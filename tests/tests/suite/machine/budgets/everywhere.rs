//! What changed in all conversations takes as many round trips among one, a hundred and a thousand, and half an RRU more
//! for each; and what was said in some of them costs what it costs there, whatever others there are.

use local::costs::Sizes;
use serde_json::{Value, json};
use tests::machine::database_accounts_as_aws;

use super::{Asked, Scene, TWO, message_path};

fn after(told: &Value) -> String {
    format!("/api/changes/?after={}", told["cursor"].as_str().expect("a cursor"))
}

/// How many are told with their changes.
fn told_with_changes(told: &Value) -> usize {
    let rows = told["conversations"].as_array().expect("a list").iter();
    rows.filter(|row| row["changes"].is_object()).count()
}

#[track_caller]
fn spends_exactly(asked: &Asked, round_trips: u32, rru: f64) {
    let spent = asked.spent;
    assert_eq!(spent.round_trips, round_trips, "{spent:?}");
    if database_accounts_as_aws() {
        assert_eq!((spent.rru, spent.wru), (rru, 0.0), "{spent:?}");
    }
}

#[tokio::test]
async fn what_changed_everywhere_takes_the_same_round_trips_and_half_a_unit_for_each_conversation() {
    // One unit for the session, one for each 20 memberships, a half for each conversation.
    for (conversations, units) in [(1, 2.5), (100, 56.0), (1000, 549.0)] {
        let scene = Scene::new().await;
        scene.table.fill_with_conversations(&scene.ada, &scene.grace, &vec!["Looms"; conversations]).await;
        let sizes = Sizes { title: 5, conversations: conversations as u64, messages: 1, ..TWO };
        let first = scene.get("/api/changes/").await;
        spends_exactly(&first, 2, units);
        let first = first.costs("how far everything has come", &sizes);
        assert_eq!(first["conversations"].as_array().map(Vec::len), Some(conversations));
        let quiet = scene.get(&after(&first)).await;
        spends_exactly(&quiet, 2, units);
        let quiet = quiet.costs("what changed everywhere, if nothing did", &sizes);

        let moved = conversations.min(5);
        let latest = scene.get(&format!("/api/conversations/?ordering=-last_activity&page_size={moved}")).await;
        for row in latest.succeeded().answer["results"].as_array().expect("a list") {
            let path = super::conversation_path(row);
            for _ in 0..2 {
                scene.say(&scene.grace, &path).await.succeeded();
            }
        }
        let told = scene.get(&after(&quiet)).await;
        // In each that moved: one unit for what authorises, one for its messages; and who sent them, once.
        spends_exactly(&told, 4, units + 2.0 * moved as f64 + 0.5);
        let two_each = Sizes { moved: moved as u64, page: 2, senders: 1, messages: 3, ..sizes };
        let told = told.costs("what changed everywhere", &two_each);
        assert_eq!((told_with_changes(&told), &told["has_more"]), (moved, &json!(false)));
        let again = scene.get(&after(&told)).await.costs("what changed everywhere, if nothing did", &two_each);
        assert_eq!(told_with_changes(&again), 0);
        // They moved within the last half minute.
        scene.get("/api/changes/").await.costs("how far everything has come", &two_each);
    }
}

#[tokio::test]
async fn only_the_log_that_moved_is_read() {
    let scene = Scene::new().await;
    let path = scene.start(&[&scene.grace], None).await;
    let message = message_path(&scene.say(&scene.grace, &path).await.succeeded().answer);
    let known = scene.get("/api/changes/").await.succeeded().answer;
    let edit = json!({ "message_body": "hello" });
    scene.ask(&scene.grace, "PATCH", &message, None, Some(edit)).await.succeeded();
    let edited = scene.get(&after(&known)).await;
    // Session, memberships, half a META; META, the changes; the message and who edited it.
    spends_exactly(&edited, 4, 2.5 + 2.0 + 1.5);
    let known = edited.succeeded().answer;
    scene.say(&scene.grace, &path).await.succeeded();
    let said = scene.get(&after(&known)).await;
    spends_exactly(&said, 4, 2.5 + 2.0 + 0.5);
    let said = said.succeeded().answer;
    scene.get(&after(&said)).await.costs("what changed everywhere, if nothing did", &TWO);
}
