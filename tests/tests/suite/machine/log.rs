//! The numbered log under races and deaths: every number ends as exactly one of message, tombstone, void.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::domain::id::Number;
use shared::domain::log::WRITER_LIFETIME;
use shared::domain::message::{ClientKey, Draft, MessageBody};
use shared::domain::page::{Anchor, Slice};
use shared::store::{Store, Window};
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{caller, conversation_id, store, store_at};
use tests::{Person, each};

fn draft(body: &str, key: Option<&str>) -> Draft {
    let key = key.map(|key| ClientKey::parse(key).expect("a key"));
    Draft { body: MessageBody::parse(body).expect("a body"), key }
}

fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

/// When every writer of today is dead.
fn later() -> Timestamp {
    now() + WRITER_LIFETIME + Duration::from_secs(1)
}

fn everything() -> Window {
    Window { slice: Slice { anchor: Anchor::Start, limit: 100 }, ..Window::default() }
}

async fn pair() -> (Person, Person, String) {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let conversation = ada.start(&[&grace], None).await;
    (ada, grace, conversation)
}

/// Reads the whole log at that time, as somebody who takes part.
async fn read_at(store: &Store, person: &Person, conversation: &str, at: Timestamp) -> Vec<u64> {
    let found =
        store.messages(&caller(person), conversation_id(conversation), &everything(), at).await.expect("takes part");
    found.page.rows.iter().map(|message| message.id.number.get()).collect()
}

fn numbers(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| message["number"].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn thirty_two_writers_at_once_leave_1_to_n_each_exactly_once() {
    const EACH: usize = 4;
    let people = join_all((0..32).map(|_| Person::new("Writer"))).await;
    let (first, others) = people.split_first().expect("32 people");
    let conversation = first.start(&others.iter().collect::<Vec<_>>(), None).await;
    let sent = join_all(people.iter().enumerate().flat_map(|(writer, person)| {
        let conversation = &conversation;
        (0..EACH).map(move |turn| async move { person.say(conversation, &format!("{writer}/{turn}")).await })
    }))
    .await;
    let expected: Vec<u64> = (1..=(32 * EACH) as u64).collect();
    assert_eq!(numbers(&sent).into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), expected);
    let read = first.all_messages(&conversation, "page_size=50").await;
    assert_eq!(numbers(&read), expected);
    let bodies: BTreeSet<String> = each(&read, "message_body").iter().map(Value::to_string).collect();
    assert_eq!(bodies.len(), 32 * EACH);
}

#[tokio::test]
async fn the_same_key_sent_50_times_at_once_yields_one_message_and_equal_answers() {
    let (ada, _, conversation) = pair().await;
    let answers = join_all((0..50).map(|_| ada.say_with_key(&conversation, "Hello", "the same"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 49);
    assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
    assert_eq!(ada.all_messages(&conversation, "").await, [answers[0].json()]);
}

#[tokio::test]
async fn twins_that_race_past_each_other_leave_one_message_and_voids() {
    let (ada, grace, conversation) = pair().await;
    let (store, ada_calling) = (store().await, caller(&ada));
    let id = conversation_id(&conversation);
    let sends = join_all((0..50).map(|_| store.send(&ada_calling, id, draft("Hello", Some("the same")), now()))).await;
    let messages: Vec<_> = sends.into_iter().map(|sent| sent.expect("every repeat succeeds").message).collect();
    assert!(messages[0].is_some() && messages.iter().all(|message| *message == messages[0]));
    let seen = grace.conversation(&conversation).await;
    assert_eq!(seen["messages"].as_array().map(Vec::len), Some(1));
    // Whoever took a number for nothing has voided it before answering: nothing is left pending.
    let count = grace.client.get(&format!("/api/conversations/{conversation}/messages/")).await.json()["count"].clone();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn a_writer_stopped_between_its_two_writes_leaves_a_void_and_nothing_else() {
    for key in [None, Some("a key")] {
        let (ada, grace, conversation) = pair().await;
        ada.say(&conversation, "before").await;
        let (proxy, id, ada_calling) = (Proxy::start().await, conversation_id(&conversation), caller(&ada));
        let doomed = store_at(proxy.address()).await;
        // What fills a number is a PutItem, or with a key a transaction.
        proxy.expect(
            |call| if matches!(call.operation, "PutItem" | "TransactWriteItems") { Fate::Hold } else { Fate::Pass },
        );
        let writer = tokio::spawn(async move { doomed.send(&ada_calling, id, draft("lost", key), now()).await });
        proxy.until_held().await;
        writer.abort();
        ada.say(&conversation, "after").await;

        let store = store().await;
        assert_eq!(read_at(&store, &grace, &conversation, now()).await, [1, 3], "a reader goes on past the hole");
        let pending = grace.client.get(&format!("/api/conversations/{conversation}/messages/")).await.json();
        assert_eq!(pending["count"], 3, "the number is still counted: its writer may be under way");
        assert_eq!(read_at(&store, &grace, &conversation, later()).await, [1, 3]);
        let settled = grace.client.get(&format!("/api/conversations/{conversation}/messages/")).await.json();
        assert_eq!(settled["count"], 2, "the void is not");
        assert_eq!(
            grace.conversation(&conversation).await["unread_count"],
            3,
            "a void counts as unread, like a tombstone"
        );
        assert_eq!(grace.conversation(&conversation).await["last_number"], 3);
        if let Some(key) = key {
            let repeated = ada.say_with_key(&conversation, "lost", key).await.expect(201).json();
            assert_eq!(repeated["number"], 4, "the key was not used up");
        }
    }
}

#[tokio::test]
async fn a_page_is_read_though_no_void_can_be_written() {
    let (ada, grace, conversation) = pair().await;
    let (proxy, id) = (Proxy::start().await, conversation_id(&conversation));
    let behind = store_at(proxy.address()).await;
    // Nothing that fills a number gets through: neither a message nor a void.
    proxy.expect(
        |call| if matches!(call.operation, "PutItem" | "TransactWriteItems") { Fate::Fail } else { Fate::Pass },
    );
    behind.send(&caller(&ada), id, draft("lost", None), now()).await.expect_err("it is not written");
    ada.say(&conversation, "after").await;
    assert_eq!(read_at(&behind, &grace, &conversation, later()).await, [2]);
    let pending = ada.client.get(&format!("/api/conversations/{conversation}/messages/")).await.json();
    assert_eq!(pending["count"], 2, "the hole is there still");
    proxy.release();
    assert_eq!(read_at(&behind, &grace, &conversation, later()).await, [2]);
    let settled = ada.client.get(&format!("/api/conversations/{conversation}/messages/")).await.json();
    assert_eq!(settled["count"], 1);
}

#[tokio::test]
async fn a_hole_at_the_end_of_the_log_is_voided_too() {
    let (ada, grace, conversation) = pair().await;
    let (proxy, id, ada_calling) = (Proxy::start().await, conversation_id(&conversation), caller(&ada));
    let doomed = store_at(proxy.address()).await;
    proxy.expect(|call| if call.operation == "PutItem" { Fate::Hold } else { Fate::Pass });
    let writer = tokio::spawn(async move { doomed.send(&ada_calling, id, draft("lost", None), now()).await });
    proxy.until_held().await;
    writer.abort();
    let store = store().await;
    store.conversation(&caller(&grace), id, later()).await.expect("takes part");
    let page = grace.client.get(&format!("/api/conversations/{conversation}/messages/")).await.json();
    assert_eq!((&page["count"], &page["results"]), (&json!(0), &json!([])));
    assert_eq!(ada.say(&conversation, "next").await["number"], 2);
}

#[tokio::test]
async fn a_slow_writer_that_finds_its_number_voided_takes_a_new_one() {
    for key in [None, Some("a key")] {
        let (ada, grace, conversation) = pair().await;
        let (proxy, id, ada_calling) = (Proxy::start().await, conversation_id(&conversation), caller(&ada));
        let slow = store_at(proxy.address()).await;
        proxy.expect(
            |call| if matches!(call.operation, "PutItem" | "TransactWriteItems") { Fate::Hold } else { Fate::Pass },
        );
        let writer = tokio::spawn(async move { slow.send(&ada_calling, id, draft("slow", key), now()).await });
        proxy.until_held().await;
        assert_eq!(read_at(&store().await, &grace, &conversation, later()).await, [0; 0]);
        proxy.release();
        let sent = writer.await.expect("not aborted").expect("sent in the end");
        assert_eq!(sent.id.number.get(), 2);
        assert_eq!(numbers(&grace.all_messages(&conversation, "").await), [2]);
    }
}

#[tokio::test]
async fn whichever_answer_is_lost_the_message_is_sent_once_and_no_number_is_wasted() {
    for key in [None, Some("a key")] {
        let (ada, grace, conversation) = pair().await;
        let (proxy, id, ada_calling) = (Proxy::start().await, conversation_id(&conversation), caller(&ada));
        let store = store_at(proxy.address()).await;
        store.send(&ada_calling, id, draft("0", None), now()).await.expect("sent");
        proxy.expect(|_| Fate::Pass);
        store.send(&ada_calling, id, draft("1", key), now()).await.expect("sent");
        let calls = proxy.calls();
        for lost in 0..calls {
            let fresh = key.map(|key| format!("{key} {lost}"));
            proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
            store
                .send(&ada_calling, id, draft(&format!("answer {lost} lost"), fresh.as_deref()), now())
                .await
                .expect("sent");
        }
        let expected: Vec<u64> = (1..=(calls + 2) as u64).collect();
        assert_eq!(numbers(&grace.all_messages(&conversation, "").await), expected, "{key:?}");
    }
}

#[tokio::test]
async fn a_revoked_session_that_took_a_number_leaves_a_void_at_once() {
    let (ada, grace, conversation) = pair().await;
    ada.client.post("/api/auth/logout/", json!({})).await.expect(204);
    ada.client
        .post("/api/messages/", json!({ "conversation": conversation, "message_body": "too late" }))
        .await
        .expect(401);
    assert_eq!(grace.client.get(&format!("/api/conversations/{conversation}/messages/")).await.json()["count"], 0);
}

#[tokio::test]
async fn edits_at_once_are_all_kept_and_the_last_one_wins() {
    let (ada, _, conversation) = pair().await;
    let message = ada.say(&conversation, "original").await;
    let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    let edits =
        join_all((0..12).map(|edit| ada.client.patch(&path, json!({ "message_body": format!("edit {edit}") })))).await;
    assert!(edits.iter().all(|answer| answer.status == 200));
    let id = conversation_id(&conversation).message(Number::ZERO.next());
    let (stored, _) = store().await.message(&caller(&ada), id).await.expect("there");
    assert_eq!(stored.edits.len(), 12);
    assert!(stored.body.as_str().starts_with("edit "));
}

#[tokio::test]
async fn an_edit_never_brings_a_deleted_message_back() {
    let (ada, _, conversation) = pair().await;
    for round in 0..5 {
        let message = ada.say(&conversation, "original").await;
        let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
        let edits = join_all(
            (0..4).map(|edit| ada.client.patch(&path, json!({ "message_body": format!("edit {edit} of {round}") }))),
        );
        let (edits, deleted) = tokio::join!(edits, ada.client.delete(&path));
        deleted.expect(204);
        assert!(edits.iter().all(|answer| [200, 404].contains(&answer.status)));
        ada.client.get(&path).await.expect(404);
    }
    assert_eq!(ada.all_messages(&conversation, "").await, [Value::Null; 0]);
}

#[tokio::test]
async fn two_who_start_a_direct_conversation_at_once_get_the_same_one() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let started = join_all((0..10).map(|turn| {
        let (one, other) = if turn % 2 == 0 { (&ada, &grace) } else { (&grace, &ada) };
        async move { one.client.post("/api/conversations/", json!({ "participant_ids": [other.id] })).await }
    }))
    .await;
    assert_eq!(started.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(started.iter().all(|answer| answer.json()["conversation_id"] == started[0].json()["conversation_id"]));
    assert_eq!(ada.client.get("/api/conversations/").await.json()["count"], 1);
}

#[tokio::test]
async fn the_last_two_who_leave_at_once_take_the_conversation_along() {
    for _ in 0..5 {
        let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
        let conversation = ada.start(&[&grace], Some("Engines")).await;
        ada.say(&conversation, "Hello").await;
        let path = format!("/api/conversations/{conversation}/leave/");
        let (one, other) = tokio::join!(ada.client.post(&path, json!({})), grace.client.post(&path, json!({})));
        assert_eq!((one.status, other.status), (204, 204), "{} {}", one.text, other.text);
        for person in [&ada, &grace] {
            person.client.get(&format!("/api/conversations/{conversation}/")).await.expect(404);
            assert_eq!(person.client.get("/api/conversations/").await.json()["count"], 0);
        }
    }
}

#[tokio::test]
async fn whichever_answer_is_lost_the_last_to_leave_leaves_and_nothing_stays_behind() {
    for lost in 0..8 {
        let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
        let conversation = ada.start(&[&grace], Some("Engines")).await;
        ada.say(&conversation, "Hello").await;
        let proxy = Proxy::start().await;
        let store = store_at(proxy.address()).await;
        let id = conversation_id(&conversation);
        proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
        store.leave(&caller(&ada), id, now()).await.expect("left");
        proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
        store.leave(&caller(&grace), id, now()).await.expect("left");
        for person in [&ada, &grace] {
            assert_eq!(person.client.get("/api/conversations/").await.expect(200).json()["count"], 0);
        }
    }
}
