//! The client against the gateway and an API that is a few lines: what it promises must not depend on what Confab does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;
use crate::gateway::{Gateway, Limits};
use crate::invoke::Function;
use crate::web;

const PATIENCE: Duration = Duration::from_secs(10);
/// So many messages does an answer hold.
const PAGE: u64 = 3;

/// A server with conversations that are only messages.
struct Server {
    gateway: Gateway,
    api: String,
    world: Arc<World>,
    http: reqwest::Client,
}

#[derive(Default)]
struct World(Mutex<Facts>);

#[derive(Default)]
struct Facts {
    /// How many messages each conversation has.
    conversations: BTreeMap<String, u64>,
    signed_out: bool,
    unavailable: bool,
}

impl World {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap()
    }
}

type Parameters = Query<BTreeMap<String, String>>;
type Reply = Result<Json<Value>, StatusCode>;

fn message(number: u64) -> Value {
    json!({ "number": number, "message_body": "m", "sent_at": "2026-01-01T00:00:00Z" })
}

fn page(id: &str, from: u64, last: u64) -> Value {
    let until = last.min(from + PAGE);
    let next = (until < last).then(|| format!("http://elsewhere/api/conversations/{id}/changes/?after={until}"));
    json!({
        "messages": (from + 1..=until).map(message).collect::<Vec<_>>(),
        "changes": [],
        "pending": [],
        "pending_changes": [],
        "cursor": until.to_string(),
        "has_more": next.is_some(),
        "next": next,
    })
}

async fn changes(State(world): State<Arc<World>>, Path(id): Path<String>, Query(query): Parameters) -> Reply {
    let facts = world.facts();
    let last = *facts.conversations.get(&id).ok_or(StatusCode::NOT_FOUND)?;
    let from = query.get("after").and_then(|after| after.parse().ok()).unwrap_or_default();
    Ok(Json(page(&id, from, last)))
}

async fn everywhere(State(world): State<Arc<World>>, Query(query): Parameters) -> Reply {
    let facts = world.facts();
    if facts.signed_out {
        return Err(StatusCode::UNAUTHORIZED);
    }
    if facts.unavailable {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let known: Option<BTreeMap<String, u64>> = query.get("after").map(|after| serde_json::from_str(after).unwrap());
    let rows = facts.conversations.iter().filter_map(|(id, last)| {
        let from = known.as_ref().and_then(|known| known.get(id));
        let changes = from.map(|from| page(id, *from, *last));
        (from != Some(last))
            .then(|| json!({ "conversation": id, "last_number": last, "last_change": 0, "changes": changes }))
    });
    let gone = known.iter().flat_map(BTreeMap::keys).any(|id| !facts.conversations.contains_key(id));
    Ok(Json(json!({
        "conversations": rows.collect::<Vec<_>>(),
        "remaining": gone.then(|| facts.conversations.keys().collect::<Vec<_>>()),
        "cursor": serde_json::to_string(&facts.conversations).unwrap(),
        "has_more": false,
    })))
}

impl Server {
    async fn new() -> Self {
        let world = Arc::new(World::default());
        world.facts().conversations.insert("c".to_owned(), 5);
        let judge = world.clone();
        let function = Function::new(move |event| {
            let is_ping = event["body"].as_str().is_some_and(|body| body.contains("ping"));
            let may_come = event["requestContext"]["routeKey"] != "$connect"
                || (event["headers"]["Authorization"] == "Bearer token" && !judge.facts().signed_out);
            let status = if may_come { 200 } else { 401 };
            let body = is_ping.then(|| json!({ "type": "pong" }).to_string());
            async move { Ok(json!({ "statusCode": status, "body": body })) }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = Gateway::start(listener, function, Limits::default()).unwrap();
        let router = Router::new()
            .route("/api/changes/", get(everywhere))
            .route("/api/conversations/{id}/changes/", get(changes))
            .with_state(world.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { gateway, api, world, http: web::client() }
    }

    fn client(&self) -> Client {
        let settings = Settings::new(&self.api, &self.gateway.url(), "token", "me");
        let hold = Duration::from_millis(200);
        Client::start(Settings { hold, first_wait: Duration::from_millis(20), ..settings })
    }

    /// A message in a conversation; its number.
    fn send(&self, id: &str) -> u64 {
        let mut facts = self.world.facts();
        let last = facts.conversations.entry(id.to_owned()).or_default();
        *last += 1;
        *last
    }

    async fn push(&self, event: &Value) {
        for id in self.gateway.connections() {
            let url = format!("{}/@connections/{id}", self.gateway.management_url());
            let answer = self.http.post(url).body(event.to_string()).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
        }
    }

    async fn push_message(&self, id: &str, number: u64) {
        let message = message(number);
        self.push(&json!({ "type": "message.created", "conversation": id, "number": number, "message": message }))
            .await;
    }
}

async fn next(client: &mut Client) -> Told {
    timeout(PATIENCE, client.next()).await.expect("something is told").expect("the client runs")
}

async fn connected(client: &mut Client) {
    while !matches!(next(client).await, Told::Connected { .. }) {}
}

/// The next numbers, and how they came.
async fn numbers(client: &mut Client, count: usize) -> Vec<(u64, Via)> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        if let Told::Applied(Applied { place: Place::Message(number), via, .. }) = next(client).await {
            numbers.push((number, via));
        }
    }
    numbers
}

#[tokio::test]
async fn it_begins_with_the_present_and_tells_what_is_pushed_once_and_in_order() {
    let server = Server::new().await;
    let mut client = server.client();
    assert!(matches!(next(&mut client).await, Told::Ready));
    assert!(matches!(next(&mut client).await, Told::Connected { attempts: 1 }));
    for _ in 0..3 {
        server.send("c");
    }
    for number in [5, 6, 8, 6, 7, 8] {
        server.push_message("c", number).await;
    }
    assert_eq!(numbers(&mut client, 3).await, [(6, Via::Push), (7, Via::Push), (8, Via::Push)]);
    // Several may come in one frame.
    let event = |number: u64| json!({ "type": "message.created", "conversation": "c", "number": number, "message": message(number) });
    server.push(&json!([event(9), event(10), event(10)])).await;
    assert_eq!(numbers(&mut client, 2).await, [(9, Via::Push), (10, Via::Push)]);
    server.push(&json!({ "type": "typing", "conversation": "c", "user": "u" })).await;
    assert!(matches!(next(&mut client).await, Told::Passing(event) if event["type"] == "typing"));
}

#[tokio::test]
async fn what_is_lost_is_asked_for_when_something_later_has_waited_long_enough() {
    let server = Server::new().await;
    let mut client = server.client();
    connected(&mut client).await;
    for _ in 6..=12 {
        server.send("c");
    }
    server.push_message("c", 12).await;
    let told = numbers(&mut client, 7).await;
    let expected: Vec<_> = (6..=11).map(|number| (number, Via::CatchUp)).chain([(12, Via::Push)]).collect();
    assert_eq!(told, expected);
    assert!(matches!(next(&mut client).await, Told::GapFilled { conversation } if conversation == "c"));
    // And again, now that the conversation has been asked about by itself.
    server.send("c");
    server.send("c");
    server.push_message("c", 14).await;
    assert_eq!(numbers(&mut client, 2).await, [(13, Via::CatchUp), (14, Via::Push)]);
}

#[tokio::test]
async fn it_connects_again_and_catches_up_with_what_it_missed() {
    let server = Server::new().await;
    let mut client = server.client();
    connected(&mut client).await;
    assert_eq!(server.gateway.cut_all(), 1);
    server.send("c");
    server.send("d");
    server.world.facts().unavailable = true;
    while !matches!(next(&mut client).await, Told::Disconnected { .. }) {}
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.world.facts().unavailable = false;
    let mut told = Vec::new();
    loop {
        match next(&mut client).await {
            Told::Applied(applied) => told.push((applied.conversation, applied.place)),
            Told::Connected { attempts } => {
                assert!(attempts > 1);
                break;
            }
            _ => {}
        }
    }
    told.sort();
    assert_eq!(told, [("c".to_owned(), Place::Message(6)), ("d".to_owned(), Place::Message(1))]);
}

#[tokio::test]
async fn it_comes_back_when_it_has_vanished_itself() {
    let server = Server::new().await;
    let mut client = server.client();
    connected(&mut client).await;
    assert!(client.vanish().await);
    connected(&mut client).await;
    let number = server.send("c");
    while server.gateway.connections().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.push_message("c", number).await;
    assert_eq!(numbers(&mut client, 1).await, [(6, Via::Push)]);
}

#[tokio::test]
async fn an_ended_session_ends_it() {
    let server = Server::new().await;
    let mut client = server.client();
    connected(&mut client).await;
    server.world.facts().signed_out = true;
    server.gateway.cut_all();
    while !matches!(next(&mut client).await, Told::SessionEnded) {}
    assert!(timeout(PATIENCE, client.next()).await.unwrap().is_none());
    assert!(!client.say(json!({ "type": "ping" })).await);
}

#[tokio::test]
async fn conversations_come_and_go() {
    let server = Server::new().await;
    let mut client = server.client();
    connected(&mut client).await;
    server.world.facts().conversations.insert("d".to_owned(), 0);
    server.push(&json!({ "type": "conversation.created", "conversation": "d", "number": 0, "change": 0 })).await;
    assert!(matches!(next(&mut client).await, Told::Joined { conversation } if conversation == "d"));
    server.send("d");
    server.push_message("d", 1).await;
    assert_eq!(numbers(&mut client, 1).await, [(1, Via::Push)]);
    // Of one that was there before, it is told from the beginning.
    server.world.facts().conversations.insert("e".to_owned(), 4);
    server.send("e");
    server.push_message("e", 5).await;
    let told = numbers(&mut client, 5).await;
    assert_eq!(told.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    server.world.facts().conversations.remove("e");
    server.push(&json!({ "type": "conversation.deleted", "conversation": "e" })).await;
    assert!(matches!(next(&mut client).await, Told::Left { conversation } if conversation == "e"));
    // What it was not told of it learns when it comes back.
    server.world.facts().conversations.remove("d");
    server.gateway.cut_all();
    while !matches!(next(&mut client).await, Told::Left { conversation } if conversation == "d") {}
    connected(&mut client).await;
}

/// The cursor that it comes back with is older than the conversation, and so tells nothing of its end.
#[tokio::test]
async fn a_conversation_that_went_just_after_it_came_is_left() {
    let server = Server::new().await;
    let settings = Settings::new(&server.api, &server.gateway.url(), "token", "me");
    let (hold, first_wait) = (Duration::from_secs(60), Duration::from_millis(20));
    let mut client = Client::start(Settings { hold, first_wait, ..settings });
    connected(&mut client).await;
    server.push(&json!({ "type": "conversation.created", "conversation": "d", "number": 0, "change": 0 })).await;
    assert!(matches!(next(&mut client).await, Told::Joined { conversation } if conversation == "d"));
    server.gateway.cut_all();
    while !matches!(next(&mut client).await, Told::Left { conversation } if conversation == "d") {}
    connected(&mut client).await;
}

/// Its events are still on their way when it is gone.
#[tokio::test]
async fn a_conversation_that_is_gone_already_is_not_told_of() {
    let server = Server::new().await;
    let mut client = server.client();
    connected(&mut client).await;
    server.push_message("d", 1).await;
    server.push_message("d", 2).await;
    let number = server.send("c");
    server.push_message("c", number).await;
    assert!(matches!(next(&mut client).await, Told::Applied(applied) if applied.conversation == "c"));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_however_often_it_is_asked() {
    let server = Server::new().await;
    let settings = Settings::new(&server.api, &server.gateway.url(), "token", "me");
    let patience = Duration::from_millis(300);
    // Its own frames are all that it says, and nobody answers them.
    let silent = Function::new(|_| async { Ok(json!({ "statusCode": 200 })) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = Gateway::start(listener, silent, Limits::default()).unwrap();
    // Not before the answer to its first frame is due.
    let ping_every = Duration::from_millis(290);
    let mut client = Client::start(Settings { patience, ping_every, socket: gateway.url(), ..settings });
    connected(&mut client).await;
    assert!(matches!(next(&mut client).await, Told::Disconnected { reason, .. } if reason.contains("nobody answers")));
}
