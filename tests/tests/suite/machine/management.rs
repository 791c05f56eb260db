//! Admins at work: who there is, what they may do, whether they may come in; and that somebody can always do that.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};
use shared::domain::user::{Email, PersonName, Role, UserChange};
use shared::store::{Migration, Spent, Store};
use tests::machine::own_table::OwnTable;
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{InProcess, admin, caller, database_accounts_as_aws, host, person_in, store, store_at, user_id};
use tests::{Answer, Client, PASSWORD, Person, target};
use uuid::Uuid;

const USERS: &str = "/api/users/";
const FORBIDDEN: &str = "You do not have permission to perform this action.";
const NOT_THERE: &str = "No User matches the given query.";
const LAST_ADMIN: &str = "The last active admin can be neither demoted nor deactivated.";

fn path_of(person: &Person) -> String {
    format!("{USERS}{}/", person.id)
}

fn somebody_new() -> Value {
    let email = format!("{}@example.com", Uuid::new_v4());
    json!({ "first_name": "Emmy", "last_name": "Noether", "email": email, "password": PASSWORD })
}

async fn log_in(email: &Value) -> Answer {
    Client::anonymous().post("/api/auth/login/", json!({ "email": email, "password": PASSWORD })).await
}

#[tokio::test]
async fn an_admin_makes_people_of_any_role() {
    let admin = admin().await;
    for (role, expected) in
        [(json!({}), "guest"), (json!({ "role": "host" }), "host"), (json!({ "role": "admin" }), "admin")]
    {
        let mut body = somebody_new();
        body.as_object_mut().expect("fields").extend(role.as_object().expect("fields").clone());
        body["phone_number"] = json!("+4915112345678");
        let answer = admin.client.post(USERS, body.clone()).await.expect(201);
        let made = answer.json();
        assert_eq!(
            (&made["role"], &made["email"], &made["phone_number"]),
            (&json!(expected), &body["email"], &body["phone_number"])
        );
        let path = format!("{USERS}{}/", made["user_id"].as_str().expect("an id"));
        assert_eq!(answer.header("location"), Some(format!("{}{path}", target()).as_str()));
        assert_eq!(admin.client.get(&path).await.expect(200).json(), made);
        assert_eq!(log_in(&body["email"]).await.expect(200).json()["user"], made);
        admin.client.post(USERS, body).await.refuses("email", "A user with this email already exists.");
    }
}

#[tokio::test]
async fn whoever_is_made_inactive_cannot_come_in_until_they_are_activated() {
    let admin = admin().await;
    let mut body = somebody_new();
    body["is_active"] = json!(false);
    let made = admin.client.post(USERS, body.clone()).await.expect(201).json();
    log_in(&body["email"]).await.expect(400);
    let path = format!("{USERS}{}/", made["user_id"].as_str().expect("an id"));
    admin.client.patch(&path, json!({ "is_active": true })).await.expect(200);
    log_in(&body["email"]).await.expect(200);
}

#[tokio::test]
async fn every_wrong_field_of_a_new_person_is_named_at_once() {
    let admin = admin().await;
    let refusal = admin.client.post(USERS, json!({ "role": "owner", "is_active": "perhaps" })).await.expect(400);
    let required = json!(["This field is required."]);
    let expected = json!({
        "first_name": required, "last_name": required, "email": required, "password": required,
        "role": ["\"owner\" is not a valid choice."], "is_active": ["Must be a valid boolean."],
    });
    assert_eq!(refusal.json(), expected);
    let nulls = json!({ "first_name": null, "role": null, "is_active": null });
    let refusal = admin.client.patch(&path_of(&admin), nulls).await.expect(400);
    let null = json!(["This field may not be null."]);
    assert_eq!(refusal.json(), json!({ "first_name": &null, "role": &null, "is_active": &null }));
}

#[tokio::test]
async fn an_admin_changes_people_by_json_and_by_form() {
    let (admin, ada) = tokio::join!(admin(), Person::new("Ada"));
    let change =
        json!({ "first_name": "Augusta", "phone_number": "+4915112345678", "role": "host", "email": "x@y.zz" });
    let changed = admin.client.patch(&path_of(&ada), change).await.expect(200).json();
    assert_eq!(
        (&changed["first_name"], &changed["last_name"], &changed["phone_number"], &changed["role"]),
        (&json!("Augusta"), &json!("Tester"), &json!("+4915112345678"), &json!("host"))
    );
    assert_eq!(changed["email"], ada.email, "an e-mail address is not for changing");
    assert_eq!(ada.client.get("/api/users/me/").await.expect(200).json(), changed, "and the session goes on");

    let form = ("application/x-www-form-urlencoded", b"phone_number=&is_active=on&last_name=King".to_vec());
    let changed = admin.client.send(reqwest::Method::PATCH, &path_of(&ada), Some(form)).await.expect(200).json();
    assert_eq!((&changed["last_name"], &changed["phone_number"]), (&json!("King"), &Value::Null));
    assert_eq!(admin.client.patch(&path_of(&ada), json!({})).await.expect(200).json(), changed);
}

#[tokio::test]
async fn a_deactivated_person_is_out_until_reactivated_and_deactivating_again_is_no_error() {
    let (admin, ada, grace) = tokio::join!(admin(), Person::new("Ada"), Person::new("Grace"));
    let phone = ada.sign_in_again().await;
    for _ in 0..2 {
        assert_eq!(admin.client.delete(&path_of(&ada)).await.expect(204).text, "");
    }
    for client in [&ada.client, &phone.client] {
        client.get("/api/users/me/").await.says(401, "Invalid or expired session.");
    }
    log_in(&json!(ada.email)).await.expect(400);
    grace.client.get(&path_of(&ada)).await.says(404, NOT_THERE);
    admin.client.get(&path_of(&ada)).await.expect(200);

    admin.client.patch(&path_of(&ada), json!({ "is_active": "true" })).await.expect(200);
    ada.sign_in_again().await.client.get("/api/users/me/").await.expect(200);
    ada.client.get("/api/users/me/").await.expect(401);
    grace.client.get(&path_of(&ada)).await.expect(200);
}

#[tokio::test]
async fn who_is_unknown_cannot_be_changed() {
    let admin = admin().await;
    let path = format!("{USERS}{}/", Uuid::now_v7());
    admin.client.patch(&path, json!({ "role": 1 })).await.says(404, NOT_THERE);
    admin.client.delete(&path).await.says(404, NOT_THERE);
    admin.client.delete(&format!("{USERS}abc/")).await.says(404, "Not found.");
}

#[tokio::test]
async fn nobody_but_admins_manages_people_and_the_barred_look_like_nobody() {
    let (admin, host, guest, ada) = tokio::join!(admin(), host(), Person::new("Bob"), Person::new("Ada"));
    let barred = Person::new("Grace").await;
    admin.client.delete(&path_of(&barred)).await.expect(204);
    let unknown = format!("{USERS}{}/", Uuid::now_v7());
    let functions = InProcess::new().await;
    for person in [&host, &guest] {
        person.client.post(USERS, somebody_new()).await.says(403, FORBIDDEN);
        person.client.post(USERS, json!({ "role": 1 })).await.says(403, FORBIDDEN);
        for body in [json!({ "role": "admin" }), json!({ "role": "owner" })] {
            for path in [path_of(&ada), path_of(person)] {
                person.client.patch(&path, body.clone()).await.says(403, FORBIDDEN);
                person.client.delete(&path).await.says(403, FORBIDDEN);
            }
            for method in ["PATCH", "DELETE"] {
                let mut outcomes = Vec::new();
                for path in [&path_of(&barred), &unknown] {
                    let (status, answer, spent) = functions.send(person, method, path, &[], Some(body.clone())).await;
                    let rru = if database_accounts_as_aws() { spent.rru } else { 0.0 };
                    outcomes.push((status, answer, Spent { rru, ..spent }));
                }
                assert_eq!(outcomes[0], outcomes[1], "{method}");
                assert_eq!((outcomes[0].0, &outcomes[0].1["detail"]), (404, &json!(NOT_THERE)));
            }
        }
        let me = person.client.get("/api/users/me/").await.expect(200).json();
        assert_ne!(me["role"], "admin");
    }
}

#[tokio::test]
async fn edits_at_once_lose_nothing_of_each_other() {
    let (admin, ada) = tokio::join!(admin(), Person::new("Ada"));
    let path = path_of(&ada);
    let (mine, theirs, role) = tokio::join!(
        ada.client.patch("/api/users/me/", json!({ "first_name": "Augusta" })),
        admin.client.patch(&path, json!({ "last_name": "King" })),
        admin.client.patch(&path, json!({ "role": "host", "phone_number": "+4915112345678" })),
    );
    for answer in [mine, theirs, role] {
        answer.expect(200);
    }
    let me = ada.client.get("/api/users/me/").await.expect(200).json();
    let expected =
        json!({ "first_name": "Augusta", "last_name": "King", "role": "host", "phone_number": "+4915112345678" });
    for (name, value) in expected.as_object().expect("fields") {
        assert_eq!(me[name], *value, "{name}");
    }
}

/// On a table of its own, with as many admins.
async fn admins(count: usize) -> (InProcess, Vec<Person>) {
    let store = OwnTable::new().await.store();
    let admins = join_all((0..count).map(|_| person_in(&store, Role::Admin))).await;
    (InProcess::on(store), admins)
}

#[tokio::test]
async fn the_last_active_admin_stays_one() {
    let (functions, admins) = admins(2).await;
    let [ada, grace] = &admins[..] else { panic!("two admins") };
    let ask = async |method: &str, whom: &Person, body: Value| {
        let (status, answer, _) = functions.send(ada, method, &path_of(whom), &[], Some(body)).await;
        (status, answer)
    };
    assert_eq!(ask("PATCH", grace, json!({ "is_active": false })).await.0, 200);
    let refused = (400, json!({ "detail": LAST_ADMIN }));
    assert_eq!(ask("PATCH", ada, json!({ "role": "host" })).await, refused);
    assert_eq!(ask("PATCH", ada, json!({ "is_active": false, "first_name": "Augusta" })).await, refused);
    assert_eq!(ask("DELETE", ada, json!({})).await, refused);
    // An inactive admin is no help: only one who can come in counts.
    assert_eq!(ask("PATCH", grace, json!({ "role": "guest" })).await.0, 200);
    assert_eq!(ask("PATCH", ada, json!({ "first_name": "Augusta", "role": "admin" })).await.0, 200);
    assert_eq!(ask("PATCH", grace, json!({ "role": "admin", "is_active": true })).await.0, 200);
    let (status, me) = ask("PATCH", ada, json!({ "role": "guest" })).await;
    assert_eq!((status, &me["role"], &me["first_name"]), (200, &json!("guest"), &json!("Augusta")));
}

#[tokio::test]
async fn of_admins_who_remove_each_other_at_once_one_remains() {
    for (method, body) in [("PATCH", json!({ "role": "guest" })), ("DELETE", json!({}))] {
        let (functions, admins) = admins(4).await;
        let pairs = admins.iter().flat_map(|by| admins.iter().map(move |whom| (by, whom)));
        let acts = pairs
            .map(|(by, whom)| async { functions.send(by, method, &path_of(whom), &[], Some(body.clone())).await.0 });
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        for status in join_all(acts).await {
            *statuses.entry(status).or_default() += 1;
        }
        assert!(statuses.keys().all(|status| [200, 204, 400, 401, 403].contains(status)), "{statuses:?}");
        let mut left = Vec::new();
        for person in &admins {
            let (status, me, _) = functions.send(person, "GET", "/api/users/me/", &[], None).await;
            left.extend((status == 200 && me["role"] == "admin").then_some(&person.id));
        }
        assert!(!left.is_empty(), "{method}: {statuses:?}");
        assert!(left.len() < 4, "{method}: {statuses:?}");
    }
}

#[tokio::test]
async fn where_the_list_of_admins_is_missing_nobody_is_demoted_until_it_is_completed() {
    let store = OwnTable::new().await.store();
    let (ada, grace) = (person_in(&store, Role::Admin).await, person_in(&store, Role::Admin).await);
    forget_admins(&store).await;
    let functions = InProcess::on(store.clone());
    let demote =
        async || functions.send(&ada, "PATCH", &path_of(&grace), &[], Some(json!({ "role": "guest" }))).await.0;
    assert_eq!(demote().await, 400);
    store.migrate().await.expect("completed");
    assert_eq!(demote().await, 200);
    assert_eq!(store.migrate().await.expect("nothing to do"), Migration::Unchanged);
}

/// As in a table that is older than the list.
async fn forget_admins(store: &Store) {
    let key = json!({ "PK": { "S": "ADMINS" }, "SK": { "S": "ADMINS" } });
    let body = json!({ "TableName": store.table_name(), "Key": key });
    tests::machine::ask_database("DeleteItem", &body).await;
}

#[tokio::test]
async fn every_change_of_a_person_whose_answer_is_lost_is_known_to_be_done() {
    let admin = admin().await;
    let proxy = Proxy::start().await;
    let functions = InProcess::on(store_at(proxy.address()).await);
    let ask = async |method: &str, path: &str, body: Value| {
        proxy.lose_first("TransactWriteItems");
        let (status, answer, _) = functions.send(&admin, method, path, &[], Some(body)).await;
        (status, answer)
    };
    let mut body = somebody_new();
    body["role"] = json!("admin");
    let (status, made) = ask("POST", USERS, body.clone()).await;
    assert_eq!(status, 201, "{made}");
    let path = format!("{USERS}{}/", made["user_id"].as_str().expect("an id"));
    for change in [
        json!({ "first_name": "Amalie" }),
        json!({ "role": "host" }),
        json!({ "role": "admin", "phone_number": "+4915112345678" }),
        json!({ "is_active": false }),
        json!({ "is_active": true, "phone_number": null }),
    ] {
        let (status, changed) = ask("PATCH", &path, change.clone()).await;
        assert_eq!(status, 200, "{change}: {changed}");
        for (name, value) in change.as_object().expect("fields").iter().filter(|(name, _)| *name != "is_active") {
            assert_eq!(changed[name], *value, "{change}");
        }
    }
    let (status, answer) = ask("DELETE", &path, json!({})).await;
    assert_eq!(status, 204, "{answer}");
    log_in(&body["email"]).await.expect(400);
}

#[tokio::test]
async fn a_login_whose_answer_is_lost_is_one_session() {
    let ada = Person::new("Ada").await;
    let proxy = Proxy::start().await;
    let functions = InProcess::on(store_at(proxy.address()).await);
    proxy.lose_first("TransactWriteItems");
    let (status, body, _) = functions.log_in_from("192.0.2.1", &ada.email, PASSWORD).await;
    assert_eq!(status, 200, "{body}");
    let sessions = ada.client.get("/api/auth/sessions/").await.expect(200).json();
    assert_eq!(sessions["count"], 2, "the one of the registration and this one");
}

#[tokio::test]
async fn a_change_that_was_read_before_a_deactivation_does_not_undo_it() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    let proxy = Proxy::start().await;
    let held = store_at(proxy.address()).await;
    proxy.expect(|call| if call.operation == "TransactWriteItems" { Fate::Hold } else { Fate::Pass });
    let ada_calls = caller(&ada);
    let name = PersonName::parse("Augusta").expect("a name");
    let change = UserChange { first_name: Some(name), ..UserChange::default() };
    let changing = held.change_me(&ada_calls, &change);
    let deactivating = async {
        proxy.until_held().await;
        let email = Email::parse(&ada.email).expect("an address");
        store.deactivate(&email).await.expect("deactivated");
        proxy.release();
    };
    let (changed, ()) = tokio::join!(changing, deactivating);
    changed.expect("it is a change of a name only");
    let user = store.user(user_id(&ada.id)).await.expect("there");
    assert_eq!((user.first_name.as_str(), user.active), ("Augusta", false));
    ada.client.get("/api/users/me/").await.expect(401);
}

#[tokio::test]
async fn where_registration_is_closed_nobody_registers_and_admins_make_people() {
    let (admin, functions) = tokio::join!(admin(), InProcess::closed());
    let (status, body, _) = functions.send(&admin, "POST", "/api/auth/register/", &[], Some(somebody_new())).await;
    assert_eq!((status, body), (403, json!({ "detail": FORBIDDEN })));
    let (status, body, _) = functions.send(&admin, "POST", USERS, &[], Some(somebody_new())).await;
    assert_eq!(status, 201, "{body}");
}
