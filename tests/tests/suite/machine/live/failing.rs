use std::time::Duration;

use local::gateway::Limits;
use realtime::Settings;
use serde_json::json;
use tests::Person;
use tests::machine::live::{Live, Socket};
use tests::machine::own_table::OwnTable;
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::user_id;

/// Two people in a group, of whom one listens.
struct Listening {
    live: Live,
    ada: Person,
    group: String,
    graces: Socket,
}

impl Listening {
    async fn new() -> Self {
        let live = Live::new().await;
        let (ada, grace) = (live.table.person("Ada").await, live.table.person("Grace").await);
        let group = live.start(&ada, &[&grace]).await;
        live.changes().await;
        let graces = live.open(&grace).await;
        live.tell().await;
        Self { live, ada, group, graces }
    }
}

#[tokio::test]
async fn a_socket_that_is_gone_is_forgotten_and_nobody_waits_for_it() {
    let live = Live::new().await;
    let (ada, grace) = (live.table.person("Ada").await, live.table.person("Grace").await);
    let group = live.start(&ada, &[&grace]).await;
    let mut adas = live.open(&ada).await;
    // As if its handshake had been long ago, and its end had never been told.
    let note = json!({
        "PK": { "S": format!("USER#{}", grace.id) }, "SK": { "S": "CONNECTIONS" },
        "open#Z29uZQ==": { "S": format!("{} 2026-01-01T12:00:00.000000Z", uuid::Uuid::new_v4()) },
        "openings": { "N": "1" }, "expires_at": { "N": "1900000000" },
    });
    live.table.put(&note).await;
    live.say_aloud(&ada, &group, "Hello").await;
    assert_eq!(adas.kinds_told().await, ["conversation.created", "message.created"]);
    assert!(live.table.store().sockets_of([user_id(&grace.id)]).await.expect("readable").is_empty());
}

#[tokio::test]
async fn a_socket_that_is_only_just_opening_is_not_forgotten() {
    let live = Live::new().await;
    let (ada, grace) = (live.table.person("Ada").await, live.table.person("Grace").await);
    let group = live.start(&ada, &[&grace]).await;
    let caller = tests::machine::caller(&grace);
    let opening = shared::domain::connection::ConnectionId::parse("b3BlbmluZw==").expect("an id");
    let now = shared::domain::session::Caller { at: tests::machine::now(), ..caller };
    live.table.store().open_connection(&now, &opening, 10).await.expect("noted");
    live.say_aloud(&ada, &group, "Hello").await;
    let noted = live.table.store().sockets_of([user_id(&grace.id)]).await.expect("readable");
    assert_eq!(noted[&user_id(&grace.id)].len(), 1);
}

/// Whoever does not read is told as much as fits, then closed: it comes back and catches up. Nobody else waits.
#[tokio::test]
async fn a_client_that_does_not_read_delays_nobody_and_is_closed() {
    let live = Live::with(Settings::default(), Limits { queue: 2, ..Limits::default() }).await;
    let (ada, grace) = (live.table.person("Ada").await, live.table.person("Grace").await);
    let group = live.start(&ada, &[&grace]).await;
    live.changes().await;
    let mut adas = live.open(&ada).await;
    let mut graces = live.open(&grace).await;
    live.tell().await;
    // Until all buffers between here and there are full.
    let long = "x".repeat(19_000);
    let mut told = 0;
    while !live.table.store().sockets_of([user_id(&grace.id)]).await.expect("readable").is_empty() {
        live.say_aloud(&ada, &group, &long).await;
        told += 1;
        let numbers: Vec<u64> = adas
            .told()
            .await
            .iter()
            .filter(|event| event["type"] == "message.created")
            .filter_map(|event| event["number"].as_u64())
            .collect();
        assert_eq!(numbers, [told], "Ada is told at once");
        assert!(told < 3000, "whoever does not read is closed some time");
    }
    graces.end().await;
    let missing = live.ask(&grace, "GET", &format!("/api/conversations/{group}/changes/"), json!({})).await;
    assert_eq!(missing["pending"], json!([]));
}

#[tokio::test]
async fn a_record_that_cannot_be_told_is_reported_and_the_others_are_told() {
    let Listening { live, ada, group, mut graces } = Listening::new().await;
    for text in ["one", "two", "three"] {
        live.say(&ada, &group, text).await;
    }
    let mut records = live.changes().await;
    let second =
        records.iter_mut().find(|record| record["dynamodb"]["NewImage"]["body"]["S"] == "two").expect("it is there");
    second["dynamodb"]["NewImage"]["sender"] = json!({ "N": "7" });
    let number = second["dynamodb"]["SequenceNumber"].as_str().expect("a number").to_owned();
    let (outcome, _) = live.hand_on(&records).await;
    assert_eq!(outcome.failed, [number]);
    let told: Vec<_> = graces.told().await.iter().filter_map(|event| event["number"].as_u64()).collect();
    assert_eq!(told, [1, 3]);
}

#[tokio::test]
async fn a_batch_that_is_told_twice_is_told_with_the_same_numbers() {
    let Listening { live, ada, group, mut graces } = Listening::new().await;
    live.say(&ada, &group, "one").await;
    live.say(&ada, &group, "two").await;
    let records = live.changes().await;
    live.hand_on(&records).await;
    let once = graces.told().await;
    live.hand_on(&records).await;
    assert_eq!(graces.told().await, once);
}

#[tokio::test]
async fn what_cannot_be_told_while_the_table_is_away_is_told_later() {
    let table = OwnTable::new().await;
    let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
    let proxy = Proxy::start().await;
    let store = table.impatient_store_at(proxy.address(), Duration::from_millis(200)).await;
    let live = Live::on(table, Settings::default(), Limits::default(), &store).await;
    let group = live.start(&ada, &[&grace]).await;
    live.changes().await;
    let mut graces = live.open(&grace).await;
    live.tell().await;
    live.say(&ada, &group, "one").await;
    let records = live.changes().await;
    proxy.expect(|_| Fate::Fail);
    let (outcome, _) = live.hand_on(&records).await;
    assert!(!outcome.failed.is_empty());
    proxy.release();
    assert_eq!(graces.kinds_told().await, [""; 0]);
    let (outcome, _) = live.hand_on(&records).await;
    assert_eq!(outcome.failed, [""; 0]);
    assert_eq!(graces.kinds_told().await, ["message.created"]);
}

/// It would be told by later batches: its end is reported as not told until then.
#[tokio::test]
async fn a_socket_of_an_ended_session_that_cannot_be_forgotten_is_forgotten_later() {
    let table = OwnTable::new().await;
    let ada = table.person("Ada").await;
    let (proxy, store) = (Proxy::start().await, table.store());
    let behind = table.impatient_store_at(proxy.address(), Duration::from_millis(200)).await;
    let live = Live::with_stores(table, Settings::default(), Limits::default(), [&store, &behind]).await;
    let id = shared::domain::connection::ConnectionId::parse("b3BlbmluZw==").expect("an id");
    store.open_connection(&tests::machine::caller(&ada), &id, 10).await.expect("noted");
    live.changes().await;
    live.ask(&ada, "POST", "/api/auth/logout/", json!({})).await;
    let records = live.changes().await;
    let noted = async || store.sockets_of([user_id(&ada.id)]).await.expect("readable").len();
    proxy.expect(|call| if call.writes() { Fate::Fail } else { Fate::Pass });
    let (outcome, _) = live.hand_on(&records).await;
    assert_eq!((outcome.failed.len(), noted().await), (1, 1));
    proxy.release();
    let (outcome, _) = live.hand_on(&records).await;
    assert_eq!((outcome.failed.len(), noted().await), (0, 0));
}

#[tokio::test]
async fn what_was_removed_before_it_could_be_told_is_told_as_removed() {
    let Listening { live, ada, group, mut graces } = Listening::new().await;
    live.say(&ada, &group, "one").await;
    let mut records = live.changes().await;
    live.ask(&ada, "DELETE", &format!("/api/conversations/{group}/"), json!({})).await;
    records.extend(live.changes().await);
    let (outcome, _) = live.hand_on(&records).await;
    assert_eq!(outcome.failed, [""; 0]);
    assert_eq!(graces.kinds_told().await, ["conversation.deleted"]);
}
