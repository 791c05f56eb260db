//! What a database does on bad days, and what clients notice of it.

mod imports;
mod killed;
mod operations;
mod sweep;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use shared::store::{Migration, Settings, Store};
use tests::Person;
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{InProcess, store_at};

/// The functions, with something between them and the database.
async fn behind_a_proxy() -> (Proxy, InProcess) {
    let proxy = Proxy::start().await;
    let functions = InProcess::on(store_at(proxy.address()).await);
    (proxy, functions)
}

async fn pair() -> (Person, Person, String) {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let conversation = ada.start(&[&grace], None).await;
    (ada, grace, conversation)
}

#[tokio::test]
async fn a_send_whose_answers_are_all_lost_is_503_and_can_be_repeated() {
    let (ada, _, conversation) = pair().await;
    let (proxy, functions) = behind_a_proxy().await;
    proxy.expect(|call| if call.operation == "TransactWriteItems" { Fate::LoseAnswer } else { Fate::Pass });
    let send = json!({ "conversation": conversation, "message_body": "Hello" });
    let key = [("idempotency-key", "a key")];
    let (status, body, _) = functions.send(&ada, "POST", "/api/messages/", &key, Some(send.clone())).await;
    assert_eq!(status, 503, "{body}");
    assert!(
        body["request_id"].is_string() && body["detail"].as_str().is_some_and(|detail| detail.contains("Repeat")),
        "{body}"
    );
    proxy.release();
    let (status, body, _) = functions.send(&ada, "POST", "/api/messages/", &key, Some(send)).await;
    assert_eq!((status, &body["number"]), (200, &json!(1)), "it had been applied: {body}");
}

#[tokio::test]
async fn a_transaction_that_is_throttled_is_tried_again() {
    let (ada, _, conversation) = pair().await;
    let (proxy, functions) = behind_a_proxy().await;
    let refused = AtomicUsize::new(0);
    proxy.expect(move |call| {
        let strikes = Fate::CancelThrottle.befalls(call.operation) && refused.fetch_add(1, Ordering::Relaxed) < 3;
        if strikes { Fate::CancelThrottle } else { Fate::Pass }
    });
    let send = json!({ "conversation": conversation, "message_body": "Hello" });
    let (status, body, _) =
        functions.send(&ada, "POST", "/api/messages/", &[("idempotency-key", "a key")], Some(send)).await;
    assert_eq!((status, &body["number"]), (201, &json!(1)), "{body}");
}

#[tokio::test]
async fn a_request_that_cannot_be_served_in_time_is_503() {
    let (ada, _, _) = pair().await;
    let (proxy, functions) = behind_a_proxy().await;
    proxy.expect(|_| Fate::Hold);
    let (status, body, _) = functions.send(&ada, "GET", "/api/users/me/", &[], None).await;
    assert_eq!(status, 503, "{body}");
    proxy.release();
    let (status, _, _) = functions.send(&ada, "GET", "/api/users/me/", &[], None).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn batches_that_come_back_unprocessed_are_finished() {
    let members = futures::future::join_all((0..9).map(|_| Person::new("Member"))).await;
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let ada = Person::new("Ada").await;
    let (proxy, functions) = behind_a_proxy().await;
    proxy.expect(|call| if call.operation.starts_with("Batch") { Fate::ServeOne } else { Fate::Pass });
    let start = json!({ "participant_ids": ids, "title": "Engines" });
    let (status, started, _) = functions.send(&ada, "POST", "/api/conversations/", &[], Some(start)).await;
    assert_eq!(status, 201, "{started}");
    let path = format!("/api/conversations/{}/", started["conversation_id"].as_str().expect("an id"));
    let (status, read, _) = functions.send(&ada, "GET", &path, &[], None).await;
    assert_eq!((status, read["participants_details"].as_array().map(Vec::len)), (200, Some(10)), "{read}");
    assert!(proxy.calls() > 20, "each of the batches came back nine times");
}

#[tokio::test]
async fn what_loses_against_another_transaction_is_tried_again() {
    let (ada, _, conversation) = pair().await;
    let (proxy, functions) = behind_a_proxy().await;
    proxy.expect(|call| if call.operation == "UpdateItem" && call.index < 3 { Fate::Conflict } else { Fate::Pass });
    let send = json!({ "conversation": conversation, "message_body": "Hello" });
    let (status, sent, _) = functions.send(&ada, "POST", "/api/messages/", &[], Some(send)).await;
    assert_eq!((status, &sent["number"]), (201, &json!(1)), "{sent}");
}

#[tokio::test]
async fn a_large_group_whose_maker_dies_before_its_last_write_is_seen_by_nobody() {
    let ada = Person::new("Ada").await;
    let members = futures::future::join_all((0..99).map(|_| Person::new("Member"))).await;
    let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
    let (proxy, functions) = behind_a_proxy().await;
    proxy.expect(|call| if call.operation == "PutItem" { Fate::Hold } else { Fate::Pass });
    let start = json!({ "participant_ids": ids, "title": "Engines" });
    tokio::select! {
        (status, body, _) = functions.send(&ada, "POST", "/api/conversations/", &[], Some(start)) => panic!("{status} {body}"),
        () = proxy.until_held() => {}
    }
    for person in [&ada, &members[0], &members[98]] {
        let inbox = person.client.get("/api/conversations/").await.expect(200).json();
        assert_eq!(inbox["results"], json!([]));
    }
}

#[tokio::test]
async fn a_table_is_made_whichever_answer_is_lost() {
    let proxy = Proxy::start().await;
    for lost in 0.. {
        proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
        let table_name = format!("test-{}", uuid::Uuid::new_v4().simple());
        let store = Store::connect(Settings { table_name, endpoint: Some(proxy.address().to_owned()) }).await;
        store.migrate().await.unwrap_or_else(|error| panic!("call {lost}: {error}"));
        if proxy.calls() <= lost {
            break;
        }
        assert_eq!(store.migrate().await.expect("a table"), Migration::Unchanged, "call {lost}");
    }
}
