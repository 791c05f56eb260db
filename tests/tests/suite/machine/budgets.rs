//! What each operation may cost: sequential round trips and capacity units, counted at the SDK's boundary.

mod groups;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::session::Caller;
use shared::store::{Meter, Spent};
use tests::Person;
use tests::machine::proxy::{Call, Fate, Proxy};
use tests::machine::{InProcess, admin, caller, database_accounts_transactions, now, store, store_at};

/// The most that an operation may spend.
struct Budget {
    round_trips: u32,
    wru: f64,
    rru: f64,
}

fn budget(round_trips: u32, wru: f64, rru: f64) -> Budget {
    Budget { round_trips, wru, rru }
}

impl Budget {
    #[track_caller]
    fn holds(&self, operation: &str, spent: Spent) {
        println!("{operation}: {spent:?}");
        assert!(
            spent.round_trips <= self.round_trips,
            "{operation}: {} round trips, at most {}",
            spent.round_trips,
            self.round_trips
        );
        assert!(spent.rru <= self.rru, "{operation}: {} RRU, at most {}", spent.rru, self.rru);
        assert!(spent.rru > 0.0, "{operation} reads at least the session");
        // DynamoDB Local counts a transaction's writes once where AWS counts them twice.
        let wru = if database_accounts_transactions() { self.wru } else { self.wru.max(spent.wru) };
        assert!(spent.wru <= wru, "{operation}: {} WRU, at most {}", spent.wru, self.wru);
    }
}

struct Scene {
    functions: InProcess,
    ada: Person,
    grace: Person,
}

impl Scene {
    async fn new() -> Self {
        let (functions, ada, grace) = tokio::join!(InProcess::new(), Person::new("Ada"), Person::new("Grace"));
        Self { functions, ada, grace }
    }

    async fn ada(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value, Spent) {
        self.functions.send(&self.ada, method, path, &[], body).await
    }
}

#[tokio::test]
async fn reading_costs_what_its_budget_says() {
    let scene = Scene::new().await;
    let conversation = scene.ada.start(&[&scene.grace], None).await;
    let (_, _, spent) = scene.ada("GET", "/api/users/me/", None).await;
    budget(1, 0.0, 2.0).holds("me", spent);
    for body in ["one", "two", "three"] {
        scene.grace.say(&conversation, body).await;
    }
    let message = scene.ada.say(&conversation, "four").await;
    let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    let (_, _, spent) = scene.ada("GET", &path, None).await;
    budget(2, 0.0, 3.5).holds("message by id", spent);
    let (_, _, spent) = scene.ada("GET", &format!("/api/conversations/{conversation}/messages/"), None).await;
    budget(2, 0.0, 2.0 + 1.0 + 2.0 * 0.5).holds("page of messages", spent);
    let (_, _, spent) =
        scene.ada("PUT", &format!("/api/conversations/{conversation}/read/"), Some(json!({ "number": 3 }))).await;
    budget(2, 1.0, 2.0).holds("mark read", spent);
}

#[tokio::test]
async fn sending_costs_what_its_budget_says() {
    let scene = Scene::new().await;
    let conversation = scene.ada.start(&[&scene.grace], None).await;
    let send = |body: &str| Some(json!({ "conversation": conversation, "message_body": body }));
    let (status, _, spent) = scene.ada("POST", "/api/messages/", send("Hello")).await;
    assert_eq!(status, 201);
    budget(2, 3.0, 1.5).holds("send", spent);
    let key = [("idempotency-key", "a key")];
    let (status, _, spent) = scene.functions.send(&scene.ada, "POST", "/api/messages/", &key, send("Hello")).await;
    assert_eq!(status, 201);
    budget(3, 6.0, 2.5).holds("send with client key", spent);
    let (status, _, spent) = scene.functions.send(&scene.ada, "POST", "/api/messages/", &key, send("Hello")).await;
    assert_eq!(status, 200);
    // One more RRU than the message alone: whoever has left is told nothing, not even what they said.
    budget(2, 0.0, 4.5).holds("repeat of a keyed send", spent);
}

#[tokio::test]
async fn signing_in_costs_what_its_budget_says() {
    let scene = Scene::new().await;
    let (status, _, spent) = scene
        .ada("POST", "/api/auth/login/", Some(json!({ "email": scene.ada.email, "password": tests::PASSWORD })))
        .await;
    assert_eq!(status, 200);
    // Three more WRU than a bare write of the session: the transaction that lets no login slip past a deactivation.
    // The reads of a failed login, too, which must not differ from it; 1.5 more of the failures before.
    budget(2, 4.0, 3.5).holds("login", spent);
    let origin = "192.0.2.77";
    let (status, _, spent) = scene.functions.log_in_from(origin, &scene.ada.email, "not-the-password").await;
    assert_eq!(status, 400);
    budget(2, 2.0, 2.5).holds("failed login", spent);
    let (status, _, spent) = scene.functions.log_in_from(origin, &scene.ada.email, tests::PASSWORD).await;
    assert_eq!(status, 200);
    budget(2, 4.0, 3.5).holds("login after a failed one", spent);
}

#[tokio::test]
async fn sessions_cost_what_their_budget_says() {
    let scene = Scene::new().await;
    let other = scene.ada.sign_in_again().await;
    for _ in 0..8 {
        scene.ada.sign_in_again().await;
    }
    let (_, sessions, spent) = scene.ada("GET", "/api/auth/sessions/", None).await;
    assert_eq!(sessions["count"], 10);
    budget(1, 0.0, 2.0).holds("list of 10 sessions", spent);
    let path = format!("/api/auth/sessions/{}/", caller(&other).session);
    let (status, _, spent) = scene.ada("DELETE", &path, None).await;
    assert_eq!(status, 204);
    budget(2, 1.0, 2.0).holds("end one session", spent);
    let (status, _, spent) = scene.ada("DELETE", "/api/auth/sessions/", None).await;
    assert_eq!(status, 204);
    budget(2, 8.0, 2.0).holds("end 8 other sessions", spent);
    let late = Caller { at: now() + Duration::from_secs(2 * 60 * 60), ..caller(&scene.ada) };
    let (store, meter) = (store().await, Meter::default());
    meter.measure(store.me(&late)).await.expect("alive");
    budget(2, 1.0, 2.0).holds("me, once an hour", meter.spent());
}

#[tokio::test]
async fn changing_people_costs_what_its_budget_says() {
    let (scene, admin) = tokio::join!(Scene::new(), admin());
    let ask = async |method: &str, path: &str, body: Value| {
        let (status, answer, spent) = scene.functions.send(&admin, method, path, &[], Some(body)).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        (answer, spent)
    };
    let (_, spent) = ask("PATCH", "/api/users/me/", json!({ "first_name": "Augusta" })).await;
    budget(2, 2.0 + 1.0, 2.0).holds("change of one's names", spent);
    let (_, spent) = ask("PATCH", "/api/users/me/", json!({ "first_name": "Augusta" })).await;
    budget(1, 0.0, 2.0).holds("change that changes nothing", spent);
    let path = format!("/api/users/{}/", scene.ada.id);
    let (_, spent) = ask("PATCH", &path, json!({ "role": "host" })).await;
    budget(2, 2.0 + 1.0, 3.0).holds("change of role", spent);
    let (_, spent) = ask("DELETE", &path, json!({})).await;
    // Guard, person, one session; and the person in the index.
    budget(4, 3.0 * 2.0 + 1.0, 5.0).holds("deactivation", spent);
    let email = format!("{}@example.com", uuid::Uuid::new_v4());
    let person = json!({ "first_name": "Emmy", "last_name": "Noether", "email": email, "password": tests::PASSWORD });
    let (_, spent) = ask("POST", "/api/users/", person).await;
    budget(2, 2.0 * 2.0 + 1.0, 2.0).holds("new person", spent);
}

#[tokio::test]
async fn a_search_among_people_costs_what_its_budget_says_however_little_it_finds() {
    let scene = Scene::new().await;
    let (_, _, spent) = scene.ada("GET", "/api/users/?search=nobody-is-called-so", None).await;
    // Four times 100 people of at most 330 bytes.
    budget(4, 0.0, 2.0 + 4.0 * 4.5).holds("search among people", spent);
}

#[tokio::test]
async fn starting_a_conversation_costs_what_its_budget_says() {
    let scene = Scene::new().await;
    let (status, _, spent) =
        scene.ada("POST", "/api/conversations/", Some(json!({ "participant_ids": [scene.grace.id] }))).await;
    assert_eq!(status, 201);
    budget(2, 2.0 * (3.0 + 2.0), 4.0).holds("create conversation of 2", spent);
}

#[tokio::test]
async fn showing_conversations_costs_what_its_budget_says() {
    let scene = Scene::new().await;
    let others = futures::future::join_all((0..9).map(|_| Person::new("Member"))).await;
    let group = scene.ada.start(&others.iter().collect::<Vec<_>>(), Some("Engines")).await;
    scene.ada.say(&group, "Hello").await;
    let (_, _, spent) = scene.ada("GET", &format!("/api/conversations/{group}/"), None).await;
    budget(2, 0.0, 17.0 + 1.0).holds("conversation with 10 participants and 1 message", spent);
    for title in 0..19 {
        let conversation = scene.ada.start(&[&scene.grace], Some(&format!("Engine {title}"))).await;
        scene.ada.say(&conversation, "Hello").await;
    }
    let (_, inbox, spent) = scene.ada("GET", "/api/conversations/", None).await;
    assert_eq!(inbox["results"].as_array().map(Vec::len), Some(20));
    budget(3, 0.0, 45.0 + 11.0 * 0.5).holds("list of 20 conversations", spent);
}

#[tokio::test]
async fn telling_what_changed_costs_what_its_budget_says() {
    let scene = Scene::new().await;
    let conversation = scene.ada.start(&[&scene.grace], None).await;
    let path = format!("/api/conversations/{conversation}/changes/");
    let (_, page, spent) = scene.ada("GET", &path, None).await;
    // The session, META, and a range of each log, of which nothing is read.
    budget(1, 0.0, 4.0).holds("what changed, if nothing did", spent);
    let after = format!("{path}?after={}", page["cursor"].as_str().expect("a cursor"));
    for person in [&scene.ada, &scene.grace] {
        let message = person.say(&conversation, "Hello").await;
        let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
        person.client.patch(&path, json!({ "message_body": "Hello again" })).await.expect(200);
    }
    let (_, page, spent) = scene.ada("GET", &after, None).await;
    assert_eq!(
        (page["messages"].as_array().map(Vec::len), page["changes"].as_array().map(Vec::len)),
        (Some(2), Some(2))
    );
    // Each edited message once more, as it is after the edit; and two names.
    budget(2, 0.0, 4.0 + 2.0 + 2.0 * 0.5).holds("what changed since", spent);
    let (status, _, spent) = scene.functions.send(&Person::new("Mallory").await, "GET", &path, &[], None).await;
    assert_eq!(status, 404);
    budget(1, 0.0, 4.0).holds("what changed, for an outsider", spent);
}

#[tokio::test]
async fn listing_what_was_said_costs_what_its_budget_says() {
    let scene = Scene::new().await;
    let conversation = scene.ada.start(&[&scene.grace], None).await;
    let message = scene.ada.say(&conversation, "one").await;
    let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    for body in ["two", "three", "four"] {
        scene.ada.client.patch(&path, json!({ "message_body": body })).await.expect(200);
    }
    let (_, history, spent) = scene.ada("GET", &format!("{path}history/"), None).await;
    assert_eq!(history["count"], 4);
    budget(2, 0.0, 3.0 + 3.0).holds("history of 4 wordings", spent);
    scene.grace.say(&conversation, "five").await;
    let (_, page, spent) = scene.ada("GET", "/api/messages/", None).await;
    assert_eq!(page["results"].as_array().map(Vec::len), Some(2));
    // The session and the memberships; META; the log; two names.
    budget(4, 0.0, 2.0 + 1.0 + 1.0 + 1.0).holds("messages over all conversations", spent);
    let one = format!("/api/messages/?conversation_id={conversation}");
    let (_, _, spent) = scene.ada("GET", &one, None).await;
    budget(3, 0.0, 2.0 + 1.0 + 1.0).holds("messages of one conversation, newest first", spent);
    let searched = format!("/api/conversations/{conversation}/messages/?search=five");
    let (_, _, spent) = scene.ada("GET", &searched, None).await;
    budget(2, 0.0, 2.0 + 1.0 + 0.5).holds("search of a conversation", spent);
    let numbered = format!("/api/conversations/{conversation}/messages/?page=1");
    let (_, _, spent) = scene.ada("GET", &numbered, None).await;
    budget(2, 0.0, 2.0 + 1.0 + 1.0).holds("numbered page of messages", spent);
}

#[tokio::test]
async fn the_price_of_what_changed_and_of_a_history_does_not_grow_with_the_conversation() {
    let scene = Scene::new().await;
    let conversation = scene.ada.start(&[&scene.grace], None).await;
    let send = async || {
        let body = json!({ "conversation": conversation, "message_body": "Hello" });
        let (status, sent, _) = scene.ada("POST", "/api/messages/", Some(body)).await;
        assert_eq!(status, 201);
        format!("/api/messages/{}/", sent["message_id"].as_str().expect("an id"))
    };
    let changes = format!("/api/conversations/{conversation}/changes/?page_size=10");
    let mut prices = Vec::new();
    for count in [10, 990] {
        let first = send().await;
        for _ in 1..count / 10 {
            futures::future::join_all((0..10).map(|_| send())).await;
        }
        scene.ada("PATCH", &first, Some(json!({ "message_body": "edited" }))).await;
        let (_, detail, _) = scene.ada("GET", &format!("/api/conversations/{conversation}/"), None).await;
        let last = futures::future::join_all((0..10).map(|_| send())).await.swap_remove(9);
        scene.ada("PATCH", &last, Some(json!({ "message_body": "edited" }))).await;
        let after = format!("{changes}&after={}", detail["changes"].as_str().expect("a cursor"));
        let (_, page, since) = scene.ada("GET", &after, None).await;
        assert_eq!((page["messages"].as_array().map(Vec::len), &page["has_more"]), (Some(10), &json!(false)));
        let history = scene.ada("GET", &format!("{last}history/"), None).await.2;
        prices.push((since, history, scene.ada("GET", &changes, None).await.2.round_trips));
    }
    println!("at 20 and 1020 messages: {prices:?}");
    assert_eq!(prices[0], prices[1]);
}

#[tokio::test]
async fn the_price_of_a_send_and_of_a_page_does_not_grow_with_the_conversation() {
    let scene = Scene::new().await;
    let conversation = scene.ada.start(&[&scene.grace], None).await;
    let send = || Some(json!({ "conversation": conversation, "message_body": "Hello" }));
    let page = format!("/api/conversations/{conversation}/messages/?ordering=-number");
    let mut prices = Vec::new();
    for _ in 0..3 {
        for _ in 0..40 {
            scene.ada("POST", "/api/messages/", send()).await;
        }
        prices.push((scene.ada("POST", "/api/messages/", send()).await.2, scene.ada("GET", &page, None).await.2));
    }
    assert!(prices.iter().all(|price| *price == prices[0]), "{prices:?}");
}

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
