//! One's own logins: seen, and ended from afar.

use serde_json::{Value, json};
use tests::{Client, PASSWORD, Person, is_instant, keys};
use uuid::Uuid;

const SESSIONS: &str = "/api/auth/sessions/";
const ME: &str = "/api/users/me/";

async fn sessions_of(person: &Person) -> Vec<Value> {
    let page = person.client.get(SESSIONS).await.expect(200).json();
    page["results"].as_array().expect("a list").clone()
}

fn path_of(session: &Value) -> String {
    format!("{SESSIONS}{}/", session["session_id"].as_str().expect("an id"))
}

#[tokio::test]
async fn my_sessions_are_listed_the_latest_first_with_the_current_one_marked() {
    let here = Person::new("Ada").await;
    let agent = Client::anonymous().with("user-agent", "Analytical Engine/1.0");
    agent.post("/api/auth/login/", json!({ "email": here.email, "password": PASSWORD })).await.expect(200);

    let answer = here.client.get(SESSIONS).await.expect(200);
    let shape = answer.in_order();
    assert_eq!(keys(&shape), ["count", "next", "previous", "results"]);
    assert_eq!(keys(&shape["results"][0]), ["session_id", "created_at", "last_seen_at", "ip", "user_agent", "current"]);
    let page = answer.json();
    assert_eq!((&page["count"], &page["next"], &page["previous"]), (&json!(2), &Value::Null, &Value::Null));
    assert_eq!(tests::each(page["results"].as_array().expect("a list"), "current"), [false, true]);
    let latest = &page["results"][0];
    assert_eq!(latest["user_agent"], "Analytical Engine/1.0");
    assert!(is_instant(&latest["created_at"]) && is_instant(&latest["last_seen_at"]), "{latest}");
    assert!(latest["ip"].is_string(), "{latest}");
    assert!(Uuid::parse_str(latest["session_id"].as_str().expect("an id")).is_ok());
}

#[tokio::test]
async fn sessions_come_in_pages() {
    let here = Person::new("Ada").await;
    for _ in 0..2 {
        here.sign_in_again().await;
    }
    let all = sessions_of(&here).await;
    let (mut path, mut walked) = (format!("{SESSIONS}?page_size=1"), Vec::new());
    loop {
        let page = here.client.get(&path).await.expect(200).json();
        walked.extend(page["results"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { break };
        path = next.to_owned();
    }
    assert_eq!((walked.len(), walked), (3, all));
    here.client.get(&format!("{SESSIONS}?cursor=abc")).await.says(404, "Invalid page.");
}

#[tokio::test]
async fn a_session_that_i_end_is_dead_at_once() {
    let here = Person::new("Ada").await;
    let there = here.sign_in_again().await;
    let listed = sessions_of(&here).await;
    assert_eq!(here.client.delete(&path_of(&listed[0])).await.expect(204).text, "");
    there.client.get(ME).await.says(401, "Invalid or expired session.");
    assert_eq!(sessions_of(&here).await, listed[1..]);
    here.client.delete(&path_of(&listed[0])).await.says(404, "No Session matches the given query.");

    here.client.delete(&path_of(&listed[1])).await.expect(204);
    here.client.get(ME).await.says(401, "Invalid or expired session.");
}

#[tokio::test]
async fn ending_all_others_keeps_the_current_session() {
    let here = Person::new("Ada").await;
    let (there, elsewhere) = (here.sign_in_again().await, here.sign_in_again().await);
    assert_eq!(here.client.delete(SESSIONS).await.expect(204).text, "");
    for ended in [there, elsewhere] {
        ended.client.get(ME).await.says(401, "Invalid or expired session.");
    }
    assert_eq!(tests::each(&sessions_of(&here).await, "current"), [true]);
    here.client.delete(SESSIONS).await.expect(204);
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_there() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let hers = path_of(&sessions_of(&grace).await[0]);
    let unknown = ada.client.delete(&format!("{SESSIONS}{}/", Uuid::new_v4())).await;
    let unknown = unknown.says(404, "No Session matches the given query.");
    assert_eq!(ada.client.delete(&hers).await.likeness(), unknown.likeness());
    ada.client.delete(&format!("{SESSIONS}abc/")).await.says(404, "Not found.");
    grace.client.get(ME).await.expect(200);
}
