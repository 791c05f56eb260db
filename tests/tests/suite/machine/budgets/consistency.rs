//! What authorises and what was acknowledged is read strongly, at twice the price of what only decorates. No database on a
//! machine shows stale reads, so what is asked for is looked at; and in how many calls.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::Person;
use tests::machine::proxy::{Call, Fate, Proxy};
use tests::machine::{InProcess, store_at};

/// What a read asks for, by the first part of its sort keys, and whether it must not be stale.
fn reads_of(call: &Call<'_>) -> Vec<(String, bool)> {
    let body: Value = serde_json::from_str(call.body).expect("the SDK asks in JSON");
    let kind = |sort: &Value| sort.as_str().and_then(|sort| sort.split('#').next()).unwrap_or_default().to_owned();
    match call.operation {
        "GetItem" => vec![(kind(&body["Key"]["SK"]["S"]), body["ConsistentRead"] == true)],
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flat_map(serde_json::Map::values);
            let keys = tables.flat_map(|table| {
                let keys = table["Keys"].as_array().into_iter().flatten();
                keys.map(|key| (kind(&key["SK"]["S"]), table["ConsistentRead"] == true))
            });
            keys.collect()
        }
        "Query" if body["IndexName"].is_null() => {
            let values = body["ExpressionAttributeValues"].as_object().into_iter().flat_map(serde_json::Map::values);
            let sorts = values.map(|value| kind(&value["S"])).filter(|kind| !["CONV", "USER"].contains(&kind.as_str()));
            sorts.map(|kind| (kind, body["ConsistentRead"] == true)).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn what_authorises_and_what_was_acknowledged_is_read_strongly_and_names_are_not() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let (proxy, reads) = (Proxy::start().await, Arc::new(Mutex::new(BTreeSet::new())));
    let functions = InProcess::on(store_at(proxy.address()).await);
    let noting = reads.clone();
    proxy.expect(move |call| {
        noting.lock().expect("no test panics here").extend(reads_of(call));
        Fate::Pass
    });
    let start = json!({ "participant_ids": [grace.id] });
    let (_, started, _) = functions.send(&ada, "POST", "/api/conversations/", &[], Some(start)).await;
    // Starting reads strongly whether people are active; from here on they are names.
    reads.lock().expect("no test panics here").clear();
    let conversation = started["conversation_id"].as_str().expect("an id");
    let send = json!({ "conversation": conversation, "message_body": "Hello" });
    for _ in 0..2 {
        let key = [("idempotency-key", "a key")];
        functions.send(&ada, "POST", "/api/messages/", &key, Some(send.clone())).await;
    }
    let path = format!("/api/conversations/{conversation}/");
    for path in
        ["/api/conversations/", &path, &format!("{path}messages/"), &format!("{path}messages/?ordering=-number")]
    {
        let (status, body, _) = functions.send(&grace, "GET", path, &[], None).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    let expected = ["KEY", "MEMBER", "META", "MSG", "SESSION"].map(|kind| (kind.to_owned(), true));
    let expected = BTreeSet::from_iter(expected.into_iter().chain([("PROFILE".to_owned(), false)]));
    assert_eq!(*reads.lock().expect("no test panics here"), expected);
}

#[tokio::test]
async fn which_conversations_moved_may_be_stale_and_what_is_handed_out_of_them_may_not() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let conversation = ada.start(&[&grace], None).await;
    let first = ada.say(&conversation, "Hello").await;
    let known = grace.client.get("/api/changes/").await.expect(200).json();
    ada.say(&conversation, "Hello").await;
    let edited = format!("/api/messages/{}/", first["message_id"].as_str().expect("an id"));
    ada.client.patch(&edited, json!({ "message_body": "hello" })).await.expect(200);

    let (proxy, reads) = (Proxy::start().await, Arc::new(Mutex::new(BTreeSet::new())));
    let functions = InProcess::on(store_at(proxy.address()).await);
    let noting = reads.clone();
    proxy.expect(move |call| {
        noting.lock().expect("no test panics here").extend(reads_of(call));
        Fate::Pass
    });
    let cursor = known["cursor"].as_str().expect("a cursor");
    let expected = [
        // META as it is for all of them, and as it is where something is handed out.
        (
            format!("/api/changes/?after={cursor}"),
            &["CHG", "MEMBER", "META", "MSG", "SESSION"][..],
            &["META", "PROFILE"][..],
        ),
        // What was there a moment ago is there now, and nothing of it is shown.
        ("/api/changes/".to_owned(), &["MEMBER", "SESSION"], &["CHG", "META", "MSG"]),
    ];
    for (path, strong, stale) in expected {
        reads.lock().expect("no test panics here").clear();
        let (status, body, _) = functions.send(&grace, "GET", &path, &[], None).await;
        assert_eq!(status, 200, "{path}: {body}");
        let strong = strong.iter().map(|kind| ((*kind).to_owned(), true));
        let stale = stale.iter().map(|kind| ((*kind).to_owned(), false));
        assert_eq!(*reads.lock().expect("no test panics here"), strong.chain(stale).collect(), "{path}");
    }
}

#[tokio::test]
async fn what_is_got_at_the_same_time_is_got_in_one_call() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let conversation = ada.start(&[&grace], None).await;
    let message = ada.say(&conversation, "Hello").await;
    let message = message["message_id"].as_str().expect("an id");
    let (proxy, calls) = (Proxy::start().await, Arc::new(Mutex::new(Vec::new())));
    let functions = InProcess::on(store_at(proxy.address()).await);
    let noting = calls.clone();
    proxy.expect(move |call| {
        noting.lock().expect("no test panics here").push((call.operation.to_owned(), reads_of(call).len()));
        Fate::Pass
    });
    let expected = [
        // The session, and the caller.
        ("/api/users/me/".to_owned(), vec![("BatchGetItem", 2)]),
        // The session, META and the message; then the sender's name.
        (format!("/api/messages/{message}/"), vec![("BatchGetItem", 3), ("BatchGetItem", 1)]),
        // The session, who is looked at, and the caller, whose role decides whether they may.
        (format!("/api/users/{}/", grace.id), vec![("BatchGetItem", 3)]),
    ];
    for (path, expected) in expected {
        calls.lock().expect("no test panics here").clear();
        let (status, body, _) = functions.send(&ada, "GET", &path, &[], None).await;
        assert_eq!(status, 200, "{path}: {body}");
        let expected: Vec<_> = expected.into_iter().map(|(operation, items)| (operation.to_owned(), items)).collect();
        assert_eq!(*calls.lock().expect("no test panics here"), expected, "{path}");
    }
}
