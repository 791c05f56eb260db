//! Least privilege: what each function does to the table, seen at the wire, against what the template allows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use local::gateway::Limits;
use serde_json::{Value, json};
use shared::domain::session::Session;
use shared::domain::user::Email;
use shared::store::Store;
use tests::machine::live::Live;
use tests::machine::own_table::OwnTable;
use tests::machine::proxy::{Call, Fate, Proxy};
use tests::machine::{InProcess, admin, all_routes, store, store_at};
use tests::{PASSWORD, Person};

type Actions = Arc<Mutex<BTreeSet<String>>>;

/// Every function behind a proxy of its own that notes what is done.
struct Watched {
    functions: InProcess,
    stores: BTreeMap<&'static str, Store>,
    done: BTreeMap<&'static str, Actions>,
}

impl Watched {
    async fn new() -> Self {
        let (mut stores, mut done) = (BTreeMap::new(), BTreeMap::new());
        for (function, _) in all_routes() {
            let (proxy, actions) = (Proxy::start().await, Actions::default());
            let noting = actions.clone();
            proxy.expect(move |call| {
                noting.lock().expect("no test panics here").extend(actions_of(call));
                Fate::Pass
            });
            stores.insert(function, store_at(proxy.address()).await);
            done.insert(function, actions);
        }
        Self { functions: InProcess::each_on(|function| stores[function].clone()), stores, done }
    }

    async fn ask(&self, person: &Person, method: &str, path: &str, body: Value) -> Value {
        let (status, answer, _) = self.functions.send(person, method, path, &[], Some(body)).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }
}

/// The actions that AWS asks permission for: a transaction is the sum of what it does.
fn actions_of(call: &Call<'_>) -> BTreeSet<String> {
    let body: Value = serde_json::from_str(call.body).expect("the SDK asks in JSON");
    match (call.operation, body["IndexName"].as_str()) {
        ("TransactWriteItems", _) => {
            let actions = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
            actions.flat_map(|action| action.keys().map(|kind| format!("{kind}Item")).collect::<Vec<_>>()).collect()
        }
        (operation, Some(index)) => [format!("{index}/{operation}")].into(),
        (operation, None) => [operation.to_owned()].into(),
    }
}

/// More logins than end in one transaction, so that some of them end in a batch.
async fn sign_in_often(person: &Person) {
    let store = store().await;
    let email = Email::parse(&person.email).expect("an address");
    for _ in 0..95 {
        let account = store.account(&email).await.expect("readable").expect("there");
        let now = std::time::SystemTime::now().into();
        store.begin_session(&account, &Session::begin(account.user, now, None, None), None).await.expect("begun");
    }
}

#[tokio::test]
async fn functions_are_allowed_all_that_they_do_and_nothing_else() {
    let (watched, ada, grace) = tokio::join!(Watched::new(), Person::new("Ada"), Person::new("Grace"));
    for store in watched.stores.values() {
        store.warm().await.expect("the database answers");
    }
    sign_in_often(&ada).await;
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    watched.ask(&ada, "POST", "/api/auth/login/", credentials).await;
    let passwords = json!({ "old_password": PASSWORD, "new_password": "another-long-password" });
    watched.ask(&ada, "POST", "/api/auth/password/", passwords).await;

    watched.ask(&ada, "GET", "/api/auth/sessions/", json!({})).await;

    let (admin, barred) = tokio::join!(admin(), Person::new("Mallory"));
    let email = format!("{}@example.com", uuid::Uuid::new_v4());
    let person = json!({ "first_name": "Emmy", "last_name": "Noether", "email": email, "password": PASSWORD });
    watched.ask(&admin, "POST", "/api/users/", person).await;
    sign_in_often(&barred).await;
    watched.ask(&admin, "DELETE", &format!("/api/users/{}/", barred.id), json!({})).await;
    watched.ask(&ada, "PATCH", "/api/users/me/", json!({ "first_name": "Augusta" })).await;
    watched.ask(&ada, "GET", "/api/users/", json!({})).await;
    watched.ask(&ada, "GET", &format!("/api/users/{}/", grace.id), json!({})).await;

    let members = join_all((0..98).map(|_| Person::new("Member"))).await;
    let everybody: Vec<&str> = members.iter().chain([&grace]).map(|person| person.id.as_str()).collect();
    watched.ask(&ada, "POST", "/api/conversations/", json!({ "participant_ids": everybody })).await;
    let group = json!({ "participant_ids": [grace.id], "title": "Engines" });
    let group = watched.ask(&ada, "POST", "/api/conversations/", group).await;
    let group = group["conversation_id"].as_str().expect("an id");
    let send = json!({ "conversation": group, "message_body": "Hello" });
    let message = watched.ask(&ada, "POST", "/api/messages/", send).await;
    let message = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    watched.ask(&ada, "PATCH", &message, json!({ "message_body": "Hello again" })).await;
    watched.ask(&ada, "GET", &format!("/api/conversations/{group}/messages/"), json!({})).await;
    watched.ask(&ada, "GET", &format!("{message}history/"), json!({})).await;
    watched.ask(&ada, "GET", "/api/messages/", json!({})).await;
    watched.ask(&ada, "GET", &format!("/api/conversations/{group}/changes/"), json!({})).await;
    watched.ask(&ada, "GET", "/api/changes/", json!({})).await;
    watched.ask(&ada, "DELETE", &message, json!({})).await;
    watched.ask(&ada, "GET", "/api/conversations/", json!({})).await;
    watched.ask(&ada, "PUT", &format!("/api/conversations/{group}/read/"), json!({ "number": 1 })).await;
    let path = format!("/api/conversations/{group}/");
    watched.ask(&ada, "POST", &format!("{path}add_participant/"), json!({ "user_id": members[0].id })).await;
    watched.ask(&ada, "PATCH", &path, json!({ "title": "Looms" })).await;
    watched.ask(&ada, "POST", &format!("{path}remove_participant/"), json!({ "user_id": members[0].id })).await;
    let another = watched.ask(&ada, "POST", "/api/conversations/", json!({ "participant_ids": [grace.id] })).await;
    let another = another["conversation_id"].as_str().expect("an id");
    watched.ask(&ada, "DELETE", &format!("/api/conversations/{another}/"), json!({})).await;
    watched.ask(&ada, "GET", "/api/conversations/?search=looms", json!({})).await;
    for person in [&ada, &grace] {
        watched.ask(person, "POST", &format!("/api/conversations/{group}/leave/"), json!({})).await;
    }
    watched.ask(&ada, "POST", "/api/auth/logout/", json!({})).await;

    let done = watched
        .done
        .iter()
        .map(|(function, actions)| ((*function).to_owned(), actions.lock().expect("no test panics here").clone()));
    let mut allowed = crate::agreement::actions_allowed();
    allowed.retain(|function, _| watched.stores.contains_key(&**function));
    assert_eq!(done.collect::<BTreeMap<_, _>>(), allowed);
}

/// The same of those that answer no requests.
#[tokio::test]
async fn those_who_hold_sockets_are_allowed_all_that_they_do_and_nothing_else() {
    let table = OwnTable::new().await;
    let [ada, grace] = [table.person("Ada").await, table.person("Grace").await];
    let mut done = Vec::new();
    let mut stores = Vec::new();
    for _ in 0..2 {
        let (proxy, actions) = (Proxy::start().await, Actions::default());
        let noting = actions.clone();
        proxy.expect(move |call| {
            noting.lock().expect("no test panics here").extend(actions_of(call));
            Fate::Pass
        });
        stores.push(table.store_at(proxy.address()).await);
        done.push(actions);
    }
    let settings = realtime::Settings { most_connections: 1, ..realtime::Settings::default() };
    let live = Live::with_stores(table, settings, Limits::default(), [&stores[0], &stores[1]]).await;
    for store in &stores {
        store.warm().await.expect("the database answers");
    }
    let group = live.start(&ada, &[&grace]).await;
    let mut first = live.open(&ada).await;
    first.ask(json!({ "type": "watch", "users": [grace.id] })).await;
    first.ask(json!({ "type": "typing", "conversation": group, "id": "t" })).await;
    live.say_aloud(&grace, &group, "Hello").await;
    first.told().await;
    first.ask(json!({ "type": "read", "conversation": group, "number": 1 })).await;
    let second = live.open(&ada).await;
    live.tell().await;
    let graces = live.open(&grace).await;
    live.tell().await;
    live.ask(&ada, "POST", "/api/auth/logout/", json!({})).await;
    live.tell().await;
    drop((first, second, graces));
    live.until_open(0).await;
    let allowed = crate::agreement::actions_allowed();
    for (function, done) in ["realtime", "fanout"].into_iter().zip(done) {
        assert_eq!(*done.lock().expect("no test panics here"), allowed[function], "{function}");
    }
}
