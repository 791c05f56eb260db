//! Moving from the Django app, and between tables: by the tool itself, seen through the front door and in the table.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use shared::domain::user::Email;
use tests::machine::django::{DjangoApp, DjangoConversation, DjangoUser, OLD_HASH, OLD_PASSWORD};
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::tool::{Table, scratch_file};
use tests::machine::{InProcess, now, store};
use tests::{Client, Person, each};
use uuid::Uuid;

/// Signs in with the password of the old app.
async fn sign_in(user: &DjangoUser) -> Person {
    let credentials = json!({ "email": user.email, "password": OLD_PASSWORD });
    let answer = Client::anonymous().post("/api/auth/login/", credentials).await.expect(200).json();
    let token = answer["token"].as_str().expect("a token").to_owned();
    Person { client: Client::with_token(&token), token, id: user.id.to_string(), email: user.email.clone() }
}

/// Two people with some messages, and a group with one more, whose messages go in three lots.
struct Scene {
    app: DjangoApp,
    ada: DjangoUser,
    grace: DjangoUser,
}

impl Scene {
    fn new() -> Self {
        let [ada, grace, alan] = ["Ada", "Grace", "Alan"].map(DjangoUser::new);
        let direct = DjangoConversation::between(&[&ada, &grace])
            .say(&grace, "second", 2000)
            .say(&ada, " first ", 1000)
            .say(&ada, "drei ✓", 3000);
        let group = (0..130).fold(DjangoConversation::between(&[&alan, &ada, &grace]), |group, index| {
            group.say(&alan, &format!("message {index}"), index * 100)
        });
        let app = DjangoApp { users: vec![ada.clone(), grace.clone(), alan], conversations: vec![direct, group] };
        Self { app, ada, grace }
    }
}

/// The reasons that a report gives for one thing, by its id.
fn reasons(report: &[Value], id: Uuid) -> Vec<&str> {
    let about = report
        .iter()
        .filter(|line| line["id"] == json!(id.to_string()) || line["id"] == json!(id.simple().to_string()));
    about.map(|line| line["reason"].as_str().expect("a reason")).collect()
}

#[tokio::test]
async fn people_sign_in_with_their_old_passwords_which_are_hashed_anew() {
    let scene = Scene::new();
    assert_eq!(Table::under_test().import(&scene.app.write_sqlite()).await, [Value::Null; 0]);
    let email = Email::parse(&scene.ada.email).expect("an address");
    let hash = async || store().await.account(&email).await.expect("readable").expect("there").password_hash;
    assert_eq!(hash().await.as_str(), OLD_HASH);
    let wrong = json!({ "email": scene.ada.email, "password": "another old password" });
    Client::anonymous().post("/api/auth/login/", wrong).await.expect(400);
    let ada = sign_in(&scene.ada).await;
    assert!(hash().await.as_str().starts_with("$argon2id$"));
    sign_in(&scene.ada).await;
    let me = ada.client.get("/api/users/me/").await.expect(200).json();
    assert_eq!(me["user_id"], json!(scene.ada.id.to_string()));
    assert_eq!(me["created_at"], "2024-01-01T12:00:00.123000Z");
}

#[tokio::test]
async fn conversations_come_over_whole_and_old_ids_lead_to_them() {
    let scene = Scene::new();
    Table::under_test().import(&scene.app.write_sqlite()).await;
    let (ada, direct) = (sign_in(&scene.ada).await, &scene.app.conversations[0]);

    let shown = ada.conversation(&direct.id.to_string()).await;
    assert_eq!(each(shown["messages"].as_array().expect("a list"), "message_body"), ["first", "second", "drei ✓"]);
    assert_eq!(each(shown["messages"].as_array().expect("a list"), "number"), [1, 2, 3]);
    assert_eq!((&shown["unread_count"], &shown["created_at"]), (&json!(0), &json!("2024-01-31T00:00:00.000000Z")));
    assert_eq!(shown["messages"][2]["sent_at"], "2024-02-01T00:00:03.000000Z");
    let native = shown["conversation_id"].as_str().expect("an id");
    assert_ne!(native, direct.id.to_string());
    assert_eq!(ada.conversation(&direct.id.simple().to_string().to_uppercase()).await, shown);

    let old = direct.messages[1].id;
    let by_native = ada
        .client
        .get(&format!("/api/messages/{}/", shown["messages"][0]["message_id"].as_str().expect("an id")))
        .await;
    for path in [
        format!("/api/messages/{old}/"),
        format!("/api/messages/{}", old.simple()),
        format!("/api/conversations/{}/messages/{old}/", direct.id),
        format!("/api/conversations/{native}/messages/{old}/"),
    ] {
        assert_eq!(ada.client.get(&path).await.expect(200).likeness(), by_native.likeness(), "{path}");
    }
    let group = scene.app.conversations[1].id;
    let elsewhere = ada.client.get(&format!("/api/conversations/{group}/messages/{old}/")).await;
    elsewhere.says(404, "No Message matches the given query.");

    let sent = ada.say(&direct.id.to_string(), "fourth").await;
    assert_eq!((&sent["number"], &sent["conversation"]), (&json!(4), &json!(native)));
    let edited =
        ada.client.patch(&format!("/api/messages/{old}/"), json!({ "message_body": "First" })).await.expect(200).json();
    assert_eq!(edited["number"], 1);
    // The two start no other conversation: they have this one.
    assert_eq!(ada.start(&[&sign_in(&scene.grace).await], None).await, native);

    let stranger = Person::new("Stranger").await;
    for path in [format!("/api/messages/{old}/"), format!("/api/messages/{}/", Uuid::new_v4())] {
        stranger.client.get(&path).await.says(404, "No Message matches the given query.");
    }
    stranger.client.get(&format!("/api/conversations/{}/", direct.id)).await.expect(404);
}

#[tokio::test]
async fn an_old_id_of_a_conversation_costs_what_a_native_one_costs_and_a_messages_one_round_trip_more() {
    let (scene, table) = (Scene::new(), Table::new().await);
    table.import(&scene.app.write_sqlite()).await;
    let functions = InProcess::on(table.store().await);
    let nobody = Person { client: Client::anonymous(), token: String::new(), id: String::new(), email: String::new() };
    let credentials = json!({ "email": scene.ada.email, "password": OLD_PASSWORD });
    let (_, session, _) = functions.send(&nobody, "POST", "/api/auth/login/", &[], Some(credentials)).await;
    let ada = Person { token: session["token"].as_str().expect("a token").to_owned(), ..nobody };
    let get = async |path: String| functions.send(&ada, "GET", &path, &[], None).await;
    let direct = &scene.app.conversations[0];
    let (_, shown, by_old) = get(format!("/api/conversations/{}/", direct.id)).await;
    let (_, _, by_native) =
        get(format!("/api/conversations/{}/", shown["conversation_id"].as_str().expect("an id"))).await;
    assert_eq!(by_old, by_native);
    let (status, message, by_old) = get(format!("/api/messages/{}/", direct.messages[0].id)).await;
    assert_eq!((status, &message["message_body"]), (200, &json!("second")));
    let (_, _, by_native) = get(format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"))).await;
    assert_eq!(by_old.round_trips, by_native.round_trips + 1);
    // The alias, and the session beside it.
    assert!((by_old.rru - by_native.rru - 2.0).abs() < 0.01, "{by_old:?} {by_native:?}");
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_with_its_reason() {
    let registered = Person::new("Registered").await;
    let [ada, grace] = ["Ada", "Grace"].map(DjangoUser::new);
    let twin = DjangoUser {
        email: ada.email.to_uppercase(),
        created_at: "2024-06-01 00:00:00".to_owned(),
        ..DjangoUser::new("Twin")
    };
    let namesake = DjangoUser { email: registered.email.clone(), ..DjangoUser::new("Namesake") };
    let no_address = DjangoUser { email: "nobody".to_owned(), ..DjangoUser::new("Nobody") };
    let root = DjangoUser {
        first_name: String::new(),
        phone_number: Some("call me".to_owned()),
        is_superuser: true,
        password: "!abc".to_owned(),
        ..DjangoUser::new("Root")
    };
    let gone = DjangoUser { is_active: false, ..DjangoUser::new("Gone") };
    let early = DjangoConversation::between(&[&grace, &ada]).say(&ada, "early", 1000);
    let late = DjangoConversation::between(&[&ada, &grace])
        .say(&gone, "no longer here", 1000)
        .say(&twin, "hello", 1500)
        .say(&ada, "\u{200B}", 1600)
        .say(&ada, &"x".repeat(20_001), 1700)
        .say(&grace, "late", 2000);
    let strangers = DjangoConversation::between(&[&twin, &no_address]).say(&twin, "hello", 1000);
    let app = DjangoApp {
        users: [&ada, &twin, &grace, &namesake, &no_address, &root, &gone].map(Clone::clone).to_vec(),
        conversations: vec![early.clone(), late.clone(), strangers.clone()],
    };
    for file in [app.write_sqlite(), app.write_dump()] {
        let report = Table::under_test().import(&file).await;
        for (id, count) in [
            (twin.id, 1),
            (namesake.id, 1),
            (no_address.id, 1),
            (root.id, 2),
            (late.messages[1].id, 1),
            (late.messages[2].id, 1),
            (late.messages[3].id, 1),
            (strangers.id, 1),
            (strangers.messages[0].id, 1),
        ] {
            assert_eq!(reasons(&report, id).len(), count, "{id}: {report:?}");
        }
        // And two participants of the conversation of strangers.
        assert_eq!(report.len(), 12, "{report:?}");
    }
    let ada = sign_in(&ada).await;
    let shown = ada.conversation(&late.id.to_string()).await;
    assert_eq!(each(shown["messages"].as_array().expect("a list"), "message_body"), ["no longer here", "late"]);
    assert_eq!(
        each(shown["messages"].as_array().expect("a list"), "sender"),
        [gone.id.to_string(), grace.id.to_string()]
    );
    // The pair's last active conversation is their direct one: it cannot be left, the other can.
    ada.client.post(&format!("/api/conversations/{}/leave/", late.id), json!({})).await.expect(400);
    ada.client.post(&format!("/api/conversations/{}/leave/", early.id), json!({})).await.expect(204);
    for user in [&gone, &root, &twin] {
        let credentials = json!({ "email": user.email, "password": OLD_PASSWORD });
        let status = Client::anonymous().post("/api/auth/login/", credentials).await.status;
        // The twin's address is that of the one who came first, with the same password.
        assert_eq!(status, if user.id == twin.id { 200 } else { 400 });
    }
    assert_eq!(
        store().await.user(tests::machine::user_id(&root.id.to_string())).await.expect("there").role.as_str(),
        "admin"
    );
}

/// The kinds of lines of an export.
fn kinds(lines: &[String]) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for line in lines {
        let line: Value = serde_json::from_str(line).expect("JSON");
        *kinds.entry(line["kind"].as_str().expect("a kind").to_owned()).or_default() += 1;
    }
    kinds
}

/// What an export says of all that an import writes the same every time: accounts carry the nonce of their writer.
fn comparable(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.contains(r#""kind":"account""#)).collect()
}

/// Compares without printing all of both.
#[track_caller]
fn assert_same(left: &[String], right: &[String]) {
    let surplus: Vec<_> = left.iter().filter(|line| !right.contains(line)).collect();
    let missing: Vec<_> = right.iter().filter(|line| !left.contains(line)).collect();
    assert!(left == right, "surplus: {surplus:#?}, missing: {missing:#?}");
}

async fn imported_at_once(app: &DjangoApp) -> Vec<String> {
    let table = Table::new().await;
    table.import(&app.write_sqlite()).await;
    comparable(table.exported().await)
}

#[tokio::test]
async fn a_dump_a_file_and_a_second_import_of_either_lead_to_the_same() {
    let (app, table) = (Scene::new().app, Table::new().await);
    let dry = table.run(&["import", app.write_dump().to_str().expect("UTF-8"), "--dry-run"]).await.expect("read");
    assert!(dry.contains("messages") && dry.contains("133"), "{dry}");
    assert_eq!(table.exported().await, [""; 0], "a dry run writes nothing");
    table.import(&app.write_dump()).await;
    let first = table.exported().await;
    assert_same(&comparable(first.clone()), &imported_at_once(&app).await);
    for file in [app.write_dump(), app.write_sqlite()] {
        assert_eq!(table.import(&file).await, [Value::Null; 0]);
        assert_same(&table.exported().await, &first);
    }
    let expected = [("account", 3), ("alias", 133), ("conversation", 2), ("direct_pair", 1), ("import", 2)];
    let expected = expected.into_iter().chain([("membership", 5), ("message", 133), ("person", 3)]);
    assert_eq!(kinds(&first), expected.map(|(kind, count)| (kind.to_owned(), count)).collect());
}

/// Imports until that many writes were made, and dies.
async fn import_and_die(table: &Table, file: &Path, writes: usize) {
    let made = AtomicUsize::new(0);
    import_and_die_before(table, file, move |_| made.fetch_add(1, Ordering::SeqCst) >= writes).await;
}

/// Starts an import, and kills it before the first write that is `fatal`.
async fn import_and_die_before(table: &Table, file: &Path, fatal: impl Fn(&str) -> bool + Send + Sync + 'static) {
    let proxy = Proxy::start().await;
    proxy.expect(move |call| {
        let writes_something = !["GetItem", "BatchGetItem", "Query", "Scan"].contains(&call.operation);
        if writes_something && fatal(call.body) { Fate::Hold } else { Fate::Pass }
    });
    let mut tool = table.by_way_of(proxy.address()).start(&["import", file.to_str().expect("UTF-8")]);
    tokio::select! {
        () = proxy.until_held() => tool.kill().await.expect("killed"),
        ended = tool.wait() => panic!("it ended before it was to die: {ended:?}"),
    }
}

#[tokio::test]
async fn an_import_that_dies_at_any_point_shows_nothing_half_made_and_is_finished_by_another() {
    let app = Scene::new().app;
    let (file, whole) = (app.write_sqlite(), imported_at_once(&app).await);
    // 3 people; for each conversation its note, its lots of messages, and itself.
    for writes in [1, 3, 4, 6, 8, 9, 10] {
        let table = Table::new().await;
        import_and_die(&table, &file, writes).await;
        assert_sound(&table).await;
        let left = kinds(&table.exported().await);
        // A conversation stands with all of its messages and members, or not at all.
        let standing = left.get("conversation").copied().unwrap_or_default();
        assert!(standing == 0 || left["membership"] >= 2 * standing, "after {writes} writes: {left:?}");
        assert_eq!(table.import(&file).await, [Value::Null; 0]);
        assert_same(&comparable(table.exported().await), &whole);
        assert_sound(&table).await;
    }
}

async fn assert_sound(table: &Table) {
    let audit = Box::pin(table.store().await.audit(now())).await.expect("an audit");
    assert_eq!(audit.violations, []);
}

#[tokio::test]
async fn an_import_that_died_is_finished_with_what_the_app_holds_by_then() {
    let (mut scene, table) = (Scene::new(), Table::new().await);
    import_and_die(&table, &scene.app.write_sqlite(), 8).await;
    let group = scene.app.conversations[1].clone();
    let ada = scene.ada.clone();
    scene.app.conversations[1] = group.say(&ada, "between", 150);
    scene.app.conversations[1].messages.remove(30);
    scene.app.conversations[1].messages.remove(0);
    table.import(&scene.app.write_sqlite()).await;
    assert_same(&comparable(table.exported().await), &imported_at_once(&scene.app).await);
}

#[tokio::test]
async fn two_imports_at_once_lead_to_what_one_leads_to() {
    let (app, table) = (Scene::new().app, Table::new().await);
    let file = app.write_sqlite();
    tokio::join!(table.import(&file), table.import(&file), table.import(&file));
    assert_same(&comparable(table.exported().await), &imported_at_once(&app).await);
}

#[tokio::test]
async fn what_changed_here_since_stays_and_what_is_new_there_comes_over() {
    let mut scene = Scene::new();
    let table = Table::under_test();
    table.import(&scene.app.write_sqlite()).await;
    let (ada, [direct, group]) =
        (sign_in(&scene.ada).await, [0, 1].map(|index| scene.app.conversations[index].clone()));
    ada.client.delete(&format!("/api/messages/{}/", direct.messages[1].id)).await.expect(204);
    ada.say(&direct.id.to_string(), "new here").await;
    for person in [&scene.app.users[2], &scene.grace, &scene.ada].map(sign_in) {
        person.await.client.post(&format!("/api/conversations/{}/leave/", group.id), json!({})).await.expect(204);
    }
    let newcomer = DjangoUser::new("Newcomer");
    let third = DjangoConversation::between(&[&newcomer, &scene.ada]).say(&newcomer, "Hello", 1000);
    let another = DjangoConversation::between(&[&scene.grace, &scene.ada]).say(&scene.grace, "Later", 9000);
    scene.app.users.push(newcomer);
    scene.app.conversations[0] = direct.clone().say(&scene.grace, "new there", 5000);
    scene.app.conversations.extend([third.clone(), another.clone()]);
    let report = table.import(&scene.app.write_sqlite()).await;
    assert_eq!(reasons(&report, direct.id), ["it was imported before, and has changed in the old app since"]);
    assert_eq!(report.len(), 1, "{report:?}");
    let shown = ada.conversation(&direct.id.to_string()).await;
    assert_eq!(each(shown["messages"].as_array().expect("a list"), "message_body"), ["second", "drei ✓", "new here"]);
    ada.client.get(&format!("/api/conversations/{}/", group.id)).await.expect(404);
    assert_eq!(ada.conversation(&third.id.to_string()).await["messages"][0]["message_body"], "Hello");
    // The two have a direct conversation already.
    ada.client.post(&format!("/api/conversations/{}/leave/", another.id), json!({})).await.expect(204);
}

#[tokio::test]
async fn a_large_group_comes_over_with_everybody_though_it_dies_between_its_last_writes() {
    let users: Vec<DjangoUser> = (0..120).map(|_| DjangoUser::new("Member")).collect();
    let group = DjangoConversation::between(&users.iter().collect::<Vec<_>>()).say(&users[0], "Hello", 1000);
    let app = DjangoApp { users, conversations: vec![group] };
    let (file, table) = (app.write_sqlite(), Table::new().await);
    // After the conversation come those of its memberships that did not fit into its transaction.
    let placed = AtomicBool::new(false);
    import_and_die_before(&table, &file, move |write| {
        let places = write.contains("\"META\"");
        placed.fetch_or(places, Ordering::SeqCst) && !places
    })
    .await;
    let whole = imported_at_once(&app).await;
    assert_eq!(kinds(&table.exported().await)["conversation"], 1);
    table.import(&file).await;
    assert_same(&comparable(table.exported().await), &whole);
    assert_eq!(kinds(&whole)["membership"], 120);
}

#[tokio::test]
async fn an_export_read_back_elsewhere_is_the_same_table() {
    let (scene, table, other) = (Scene::new(), Table::new().await, Table::new().await);
    table.import(&scene.app.write_sqlite()).await;
    // What the API makes beside: edits, a tombstone, a client key, sessions, which stay behind.
    let functions = InProcess::on(table.store().await);
    let nobody = Person { client: Client::anonymous(), token: String::new(), id: String::new(), email: String::new() };
    let credentials = json!({ "email": scene.ada.email, "password": OLD_PASSWORD });
    let (_, session, _) = functions.send(&nobody, "POST", "/api/auth/login/", &[], Some(credentials)).await;
    let ada = Person { token: session["token"].as_str().expect("a token").to_owned(), ..nobody };
    let direct = &scene.app.conversations[0];
    let send = json!({ "conversation": direct.id.to_string(), "message_body": "new\n\u{2028}" });
    let key = [("idempotency-key", "a key")];
    assert_eq!(functions.send(&ada, "POST", "/api/messages/", &key, Some(send)).await.0, 201);
    let [old, deleted] = [1, 2].map(|index| format!("/api/messages/{}/", direct.messages[index].id));
    assert_eq!(functions.send(&ada, "PATCH", &old, &[], Some(json!({ "message_body": "First" }))).await.0, 200);
    assert_eq!(functions.send(&ada, "DELETE", &deleted, &[], None).await.0, 204);

    let file = scratch_file("export.jsonl");
    let path = file.to_str().expect("UTF-8");
    table.run(&["export", path]).await.expect("exported");
    let exported = table.exported().await;
    let kinds = kinds(&exported);
    assert_eq!([kinds["change"], kinds["client_key"], kinds["tombstone"]], [2, 1, 1], "{kinds:?}");
    assert!(!exported.iter().any(|line| line.contains("SESSION#")));

    other.run(&["import", path, "--dry-run"]).await.expect("read");
    assert_eq!(other.exported().await, [""; 0]);
    for _ in 0..2 {
        assert_eq!(other.import(&file).await, [Value::Null; 0]);
        assert_same(&other.exported().await, &exported);
    }
    let elsewhere = InProcess::on(other.store().await);
    let credentials = json!({ "email": scene.ada.email, "password": OLD_PASSWORD });
    assert_eq!(elsewhere.send(&ada, "POST", "/api/auth/login/", &[], Some(credentials)).await.0, 200);
    table.run(&["export", path]).await.expect_err("nothing is written over");
}

#[tokio::test]
async fn a_file_that_is_nothing_of_ours_is_refused_before_anything_is_written() {
    let table = Table::new().await;
    for (name, content) in [
        ("empty", ""),
        ("text", "Hello"),
        (
            "cut.json",
            r#"[{"model": "chats.user", "pk": "6f9619ff-8b86-4011-b42d-00cf4fc964ff", "fields": {"email": "a@example.com"#,
        ),
        ("list.json", "[1, 2]"),
        ("cut.jsonl", "{\"kind\":\"person\",\"item\":{\"PK\":\"USER#1\",\"SK\":\"PROFILE\"}}\n{\"kind\":\"pers"),
        ("other.jsonl", "{\"model\":\"chats.user\"}"),
        ("none.sqlite3", "SQLite format 3\0 but not really"),
    ] {
        let file = scratch_file(name);
        std::fs::write(&file, content).expect("a file");
        let refused = table.run(&["import", file.to_str().expect("UTF-8")]).await.expect_err("refused");
        assert!(refused.starts_with("error: "), "{name}: {refused}");
    }
    assert_eq!(table.exported().await, [""; 0]);
}
