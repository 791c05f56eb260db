//! What changed since, while writers die and linger: nothing is proven that is still pending, and nothing comes after
//! what was proven.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::domain::id::{ConversationId, Number};
use shared::domain::log::{Numbered, WRITER_LIFETIME, Walk};
use shared::domain::message::{Draft, Entry, MessageBody};
use shared::store::{Feed, Store};
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{InProcess, admin, caller, conversation_id, host, store, store_at};
use tests::{Person, two_people};
use tokio::task::JoinHandle;

fn body(text: &str) -> MessageBody {
    MessageBody::parse(text).expect("a body")
}

fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

/// When every writer of today is dead.
fn later() -> Timestamp {
    now() + WRITER_LIFETIME + std::time::Duration::from_secs(1)
}

fn plain(numbers: &[Number]) -> Vec<u64> {
    numbers.iter().copied().map(Number::get).collect()
}

async fn feed(store: &Store, person: &Person, id: ConversationId, walk: Walk, limit: usize, at: Timestamp) -> Feed {
    store.changes_since(&caller(person), id, walk, limit, at).await.expect("takes part")
}

/// A send that has taken its number and does not fill it before the proxy lets it.
async fn held_send(ada: &Person, id: ConversationId) -> (Proxy, JoinHandle<u64>) {
    let (proxy, calling) = (Proxy::start().await, caller(ada));
    let store = store_at(proxy.address()).await;
    proxy.expect(|call| if call.operation == "PutItem" { Fate::Hold } else { Fate::Pass });
    let draft = Draft { body: body("slow"), key: None };
    let writer =
        tokio::spawn(async move { store.send(&calling, id, draft, now()).await.expect("sent").id.number.get() });
    proxy.until_held().await;
    (proxy, writer)
}

/// An edit of message 1 that has taken its number and is not made before the proxy lets it.
async fn held_edit(ada: &Person, id: ConversationId) -> (Proxy, JoinHandle<()>) {
    let (proxy, calling) = (Proxy::start().await, caller(ada));
    let store = store_at(proxy.address()).await;
    proxy.expect(|call| if call.operation == "TransactWriteItems" { Fate::Hold } else { Fate::Pass });
    let message = id.message(Number::ZERO.next());
    let writer =
        tokio::spawn(async move { drop(store.edit(&calling, message, &body("slow"), now()).await.expect("edited")) });
    proxy.until_held().await;
    (proxy, writer)
}

#[tokio::test]
async fn a_number_on_its_way_is_pending_on_page_one_and_not_proven_on_any_page() {
    let (ada, grace, conversation) = two_people().await;
    let (id, store) = (conversation_id(&conversation), store().await);
    ada.say(&conversation, "before").await;
    let (proxy, writer) = held_send(&ada, id).await;
    for _ in 0..5 {
        ada.say(&conversation, "after").await;
    }
    let (mut walk, mut met, mut pending) = (Walk::default(), Vec::new(), Vec::new());
    loop {
        let page = feed(&store, &grace, id, walk, 2, now()).await;
        met.extend(page.entries.iter().map(|entry| entry.number().get()));
        pending.extend(plain(&page.pending));
        walk = page.walk;
        assert_eq!(walk.messages.proven.get(), 1);
        if !page.has_more {
            break;
        }
    }
    assert_eq!((met, pending), (vec![1, 3, 4, 5, 6, 7], vec![2]));

    proxy.release();
    assert_eq!(writer.await.expect("not aborted"), 2, "a reader that finds it pending leaves it alone");
    let walk = Walk { messages: shared::domain::log::Progress::proven_to(walk.messages.proven), ..walk };
    let page = feed(&store, &grace, id, walk, 100, now()).await;
    assert_eq!(page.entries.first().map(|entry| entry.number().get()), Some(2), "what was proven lies before it");
    assert_eq!(page.walk.messages.proven.get(), 7);
}

#[tokio::test]
async fn a_number_whose_writer_died_is_void_in_the_end_and_the_writer_takes_another() {
    let (ada, grace, conversation) = two_people().await;
    let (id, store) = (conversation_id(&conversation), store().await);
    let (proxy, writer) = held_send(&ada, id).await;
    ada.say(&conversation, "after").await;
    let page = feed(&store, &grace, id, Walk::default(), 100, now()).await;
    assert_eq!((plain(&page.pending), page.walk.messages.proven), (vec![1], Number::ZERO));
    for _ in 0..2 {
        let page = feed(&store, &grace, id, Walk::default(), 100, later()).await;
        assert!(matches!(page.entries[..], [Entry::Void(_), Entry::Message(_)]), "{:?}", page.entries);
        assert_eq!((plain(&page.pending), page.walk.messages.proven.get()), (vec![], 2));
    }
    proxy.release();
    assert_eq!(writer.await.expect("not aborted"), 3);
    let shown = grace.client.get(&format!("/api/conversations/{conversation}/changes/")).await.expect(200).json();
    assert_eq!(shown["messages"][0], json!({ "number": 1, "void": true }));
    assert_eq!(shown["messages"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_change_on_its_way_is_not_proven_and_one_whose_writer_died_is_void_in_the_end() {
    let (ada, grace, conversation) = two_people().await;
    let (id, store) = (conversation_id(&conversation), store().await);
    ada.say(&conversation, "original").await;
    let other = ada.say(&conversation, "other").await;
    let (proxy, writer) = held_edit(&ada, id).await;
    let path = format!("/api/messages/{}/", other["message_id"].as_str().expect("an id"));
    ada.client.patch(&path, json!({ "message_body": "edited" })).await.expect(200);

    let changes = |page: &Feed| page.changes.iter().map(|change| change.number.get()).collect::<Vec<_>>();
    let page = feed(&store, &grace, id, Walk::default(), 100, now()).await;
    assert_eq!((changes(&page), plain(&page.pending_changes)), (vec![2], vec![1]));
    assert_eq!((page.has_more, page.walk.changes.proven), (false, Number::ZERO));
    let page = feed(&store, &grace, id, Walk::default(), 100, later()).await;
    assert_eq!((changes(&page), plain(&page.pending_changes)), (vec![2], vec![]));
    assert_eq!(page.walk.changes.proven.get(), 2);

    proxy.release();
    writer.await.expect("edited in the end, with a number of its own");
    let page = feed(&store, &grace, id, page.walk, 100, now()).await;
    assert_eq!(changes(&page), [3], "it comes after what was proven");
    let shown: Value =
        grace.client.get(&format!("/api/conversations/{conversation}/changes/")).await.expect(200).json();
    assert_eq!(shown["changes"].as_array().map(Vec::len), Some(2), "voids are not shown: {shown}");
}

#[tokio::test]
async fn an_edit_that_others_came_before_is_numbered_after_theirs() {
    let (ada, grace, conversation) = two_people().await;
    let (id, store) = (conversation_id(&conversation), store().await);
    let message = ada.say(&conversation, "original").await;
    let (proxy, writer) = held_edit(&ada, id).await;
    let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    ada.client.patch(&path, json!({ "message_body": "quick" })).await.expect(200);
    proxy.release();
    writer.await.expect("edited");
    let page = feed(&store, &grace, id, Walk::default(), 100, now()).await;
    let numbers: Vec<u64> = page.changes.iter().map(|change| change.number.get()).collect();
    assert_eq!((numbers, plain(&page.pending_changes)), (vec![2, 3], vec![]));
    let history = grace.client.get(&format!("{path}history/")).await.expect(200).json();
    let said: Vec<_> = history["results"].as_array().into_iter().flatten().map(|said| &said["message_body"]).collect();
    assert_eq!(said, ["original", "quick", "slow"]);
}

#[tokio::test]
async fn the_details_cursor_proves_no_change_that_can_still_be_made() {
    let (ada, grace, conversation) = two_people().await;
    let (id, store) = (conversation_id(&conversation), store().await);
    ada.say(&conversation, "original").await;
    let (proxy, writer) = held_edit(&ada, id).await;
    let detail = store.conversation(&caller(&grace), id, now()).await.expect("takes part");
    assert_eq!(detail.settled_to.1, Number::ZERO);
    let detail = store.conversation(&caller(&grace), id, later()).await.expect("takes part");
    assert_eq!(detail.settled_to.1.get(), 1, "it is void now");
    proxy.release();
    writer.await.expect("edited in the end");
    let detail = grace.conversation(&conversation).await;
    assert_eq!(detail["messages"][0]["message_body"], "slow");
    assert_eq!(feed(&store, &grace, id, Walk::default(), 100, now()).await.walk.changes.proven.get(), 2);
}

#[tokio::test]
async fn an_outsider_has_the_same_read_as_whoever_asks_for_nothing() {
    let (ada, _, conversation) = two_people().await;
    let message = ada.say(&conversation, "Hello").await;
    let outsider = Person::new("Mallory").await;
    let (proxy, calls) = (Proxy::start().await, Arc::new(Mutex::new(Vec::new())));
    let functions = InProcess::on(store_at(proxy.address()).await);
    let noting = calls.clone();
    proxy.expect(move |call| {
        noting.lock().expect("no test panics here").push(call.operation.to_owned());
        Fate::Pass
    });
    let message = message["message_id"].as_str().expect("an id");
    let nothing = "0195d2a4-6f0e-8000-8000-00000000000";
    for (path, foreign, unknown) in [
        ("/api/conversations/ID/changes/", &*conversation, format!("{nothing}0")),
        ("/api/conversations/ID/messages/?search=hello", &conversation, format!("{nothing}0")),
        ("/api/conversations/ID/messages/?sent_after=2026-01-01", &conversation, format!("{nothing}0")),
        ("/api/conversations/ID/messages/?page=2", &conversation, format!("{nothing}0")),
        ("/api/messages/?conversation_id=ID", &conversation, format!("{nothing}0")),
        ("/api/messages/ID/history/", message, format!("{nothing}1")),
    ] {
        let mut asked = Vec::new();
        for id in [foreign, &unknown] {
            calls.lock().expect("no test panics here").clear();
            let (status, body, _) = functions.send(&outsider, "GET", &path.replace("ID", id), &[], None).await;
            assert_eq!(status, 404, "{path}: {body}");
            let mut calls = calls.lock().expect("no test panics here").clone();
            calls.sort_unstable();
            asked.push((body["detail"].clone(), calls));
        }
        assert_eq!(asked[0], asked[1], "{path}");
    }
}

#[tokio::test]
async fn admins_delete_the_messages_of_others_where_they_take_part_and_hosts_do_not() {
    let (admin, host, ada) = tokio::join!(admin(), host(), Person::new("Ada"));
    let group = ada.start(&[&admin, &host], Some("Engines")).await;
    let elsewhere = ada.start(&[&host], None).await;
    let (message, other) = (ada.say(&group, "Hello").await, ada.say(&elsewhere, "Hello").await);
    let path = |message: &Value| format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    host.client.delete(&path(&message)).await.expect(403);
    admin.client.patch(&path(&message), json!({ "message_body": "mine" })).await.expect(403);
    admin.client.delete(&path(&other)).await.expect(404);
    admin.client.delete(&path(&message)).await.expect(204);
    ada.client.get(&path(&message)).await.expect(404);
    let told = ada.client.get(&format!("/api/conversations/{group}/changes/")).await.expect(200).json();
    let change = &told["changes"][0];
    assert_eq!((&change["kind"], &change["by"]), (&json!("message.deleted"), &json!(admin.id)));
    assert_eq!((&change["message"]["deleted"], &change["message"]["sender"]), (&json!(true), &json!(ada.id)));
}
