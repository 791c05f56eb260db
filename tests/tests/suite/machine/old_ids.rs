//! What is called by a UUID that Confab did not give: what that costs, and that it tells nothing.

use serde_json::{Value, json};
use tests::machine::InProcess;
use tests::{Person, two_people};
use uuid::Uuid;

/// A UUID of the shape that conversations have here, and none that there is.
fn unknown_native() -> String {
    shared::domain::id::ConversationId::unique().to_string()
}

fn unknown_foreign() -> String {
    Uuid::new_v4().to_string()
}

/// The answer with the id that was asked for taken out, and its round trips. (Capacity is not compared: of reads side
/// by side, those under way when one refuses are not waited for.)
async fn ask(person: &Person, method: &str, path: &str, id: &str, body: Value) -> (u16, String, u32) {
    let functions = InProcess::new().await;
    let (status, answer, spent) = functions.send(person, method, path, &[], Some(body)).await;
    (status, answer.to_string().replace(id, "the id"), spent.round_trips)
}

#[tokio::test]
async fn a_foreign_id_of_a_conversation_is_answered_as_a_native_one_that_is_not_there_is() {
    let (ada, grace, _) = two_people().await;
    let others = grace.start(&[&Person::new("Alan").await], None).await;
    for (method, suffix, body) in [
        ("GET", "", json!({})),
        ("GET", "messages/", json!({})),
        ("GET", "messages/?before=x", json!({})),
        ("POST", "messages/", json!({ "message_body": "Hello" })),
        ("POST", "messages/", json!({})),
        ("PUT", "read/", json!({ "number": 1 })),
        ("POST", "leave/", json!({})),
    ] {
        let mut answers = Vec::new();
        for id in [unknown_native(), unknown_foreign(), others.clone(), others.replacen("-8", "-4", 1)] {
            let path = format!("/api/conversations/{id}/{suffix}");
            answers.push(ask(&ada, method, &path, &id, body.clone()).await);
        }
        assert_eq!(answers[0].0, 404, "{answers:?}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {suffix}: {answers:?}");
    }
    let mut answers = Vec::new();
    for id in [unknown_native(), unknown_foreign(), others] {
        let send = json!({ "conversation": id, "message_body": "Hello" });
        answers.push(ask(&ada, "POST", "/api/messages/", &id, send).await);
    }
    assert_eq!(answers[0].1, r#"{"conversation":["Invalid pk \"the id\" - object does not exist."]}"#);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_foreign_id_of_a_message_that_leads_nowhere_costs_one_round_trip_more_and_is_answered_alike() {
    let (ada, _, conversation) = two_people().await;
    for (method, body) in
        [("GET", json!({})), ("PUT", json!({ "message_body": "Hi" })), ("PATCH", json!({})), ("DELETE", json!({}))]
    {
        for prefix in ["/api/messages".to_owned(), format!("/api/conversations/{conversation}/messages")] {
            let native = format!("{}{}", &conversation[..conversation.len() - 1], "9");
            let foreign = unknown_foreign();
            let (status, told, round_trips) =
                ask(&ada, method, &format!("{prefix}/{native}/"), &native, body.clone()).await;
            let called = ask(&ada, method, &format!("{prefix}/{foreign}/"), &foreign, body.clone()).await;
            assert_eq!((status, told.as_str()), (404, r#"{"detail":"No Message matches the given query."}"#));
            // The alias is read, and the session beside it.
            assert_eq!(called, (status, told, round_trips + 1), "{method} {prefix}");
        }
    }
}

#[tokio::test]
async fn an_ended_session_is_told_before_where_an_old_id_leads() {
    let ada = Person::new("Ada").await;
    ada.client.post("/api/auth/logout/", json!({})).await.expect(204);
    ada.client.get(&format!("/api/messages/{}/", unknown_foreign())).await.says(401, "Invalid or expired session.");
}
