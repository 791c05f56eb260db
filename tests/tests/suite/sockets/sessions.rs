//! Sockets end with the session that opened them, and their clients know that it is for good.

use serde_json::json;
use tests::sockets::Watcher;
use tests::{PASSWORD, two_people};

#[tokio::test]
async fn who_signs_out_is_told_nothing_more_and_does_not_come_back() {
    let (ada, grace, conversation) = two_people().await;
    let elsewhere = grace.sign_in_again().await;
    let (ended, stays) = (Watcher::of(&grace).await, Watcher::of(&elsewhere).await);
    grace.client.post("/api/auth/logout/", json!({})).await.expect(204);
    ended.until("the client has stopped", |seen| seen.has_ended && seen.has_stopped).await;
    ada.say(&conversation, "for one of the two").await;
    stays.until("the other is told", |seen| seen.kinds(&conversation) == ["message.created"]).await;
    assert_eq!(ended.seen().shown.len(), 0);
    assert!(stays.seen().losses.is_empty());
}

#[tokio::test]
async fn a_change_of_password_ends_the_clients_of_all_other_sessions() {
    let (ada, grace, conversation) = two_people().await;
    let elsewhere = grace.sign_in_again().await;
    let (ended, stays) = (Watcher::of(&elsewhere).await, Watcher::of(&grace).await);
    let change = json!({ "old_password": PASSWORD, "new_password": "another-long-enough-password" });
    let answer = grace.client.post("/api/auth/password/", change).await;
    assert!(answer.status < 300, "{}", answer.text);
    ended.until("the client has stopped", |seen| seen.has_ended && seen.has_stopped).await;
    ada.say(&conversation, "for one of the two").await;
    stays.until("the other is told", |seen| seen.kinds(&conversation) == ["message.created"]).await;
    assert_eq!(ended.seen().shown.len(), 0);
}
