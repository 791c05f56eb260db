//! The API with a function that is a closure of the test, over real sockets.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;
use crate::invoke::FunctionError;

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(10);

/// A gateway, and the events that its function gets.
struct Scene {
    gateway: Gateway,
    events: mpsc::UnboundedReceiver<Value>,
    http: reqwest::Client,
}

impl Scene {
    async fn new(answer: impl Fn(&Value) -> Result<Value, FunctionError> + Send + Sync + 'static) -> Self {
        Self::with_limits(Limits::default(), answer).await
    }

    async fn with_limits(
        limits: Limits,
        answer: impl Fn(&Value) -> Result<Value, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        let (seen, events) = mpsc::unbounded_channel();
        let function = Function::new(move |event| {
            let output = answer(&event);
            drop(seen.send(event));
            async move { output }
        });
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let gateway = Gateway::start(listener, function, limits).unwrap();
        Self { gateway, events, http: crate::web::client() }
    }

    async fn connect(&self) -> Client {
        connect_async(self.gateway.url()).await.unwrap().0
    }

    /// The next event of a route.
    async fn event(&mut self, route: &str) -> Value {
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap();
            if event["requestContext"]["routeKey"] == route {
                return event;
            }
        }
    }

    /// A connection that can be reached, with its id.
    async fn reachable(&mut self) -> (Client, String) {
        let client = self.connect().await;
        let id = id_of(&self.event("$connect").await);
        while self.send("GET", &id, "").await.status() == 410 {
            sleep(Duration::from_millis(5)).await;
        }
        (client, id)
    }

    async fn send(&self, method: &str, id: &str, body: impl Into<reqwest::Body>) -> reqwest::Response {
        let url = format!("{}/@connections/{}", self.gateway.management_url(), id.replace('=', "%3D"));
        self.http.request(method.parse().unwrap(), url).body(body).send().await.unwrap()
    }
}

fn id_of(event: &Value) -> String {
    event["requestContext"]["connectionId"].as_str().unwrap().to_owned()
}

fn grant(_: &Value) -> Result<Value, FunctionError> {
    Ok(json!({ "statusCode": 200 }))
}

fn repeat(event: &Value) -> Result<Value, FunctionError> {
    Ok(json!({ "statusCode": 200, "body": event["body"] }))
}

async fn next(client: &mut Client) -> Message {
    timeout(PATIENCE, client.next()).await.unwrap().unwrap().unwrap()
}

async fn close_code(client: &mut Client) -> CloseCode {
    loop {
        match next(client).await {
            Message::Close(frame) => return frame.unwrap().code,
            Message::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn refused(scene: &Scene) -> (u16, String) {
    match connect_async(scene.gateway.url()).await {
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8(body).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_function_grants_a_handshake_and_names_the_subprotocol() {
    let mut scene = Scene::new(|event| {
        let asked = event["headers"]["Sec-WebSocket-Protocol"] == "confab, token";
        let headers = json!({ "Sec-WebSocket-Protocol": "confab" });
        Ok(json!({ "statusCode": if asked { 200 } else { 401 }, "headers": headers }))
    })
    .await;
    let mut request = scene.gateway.url().into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "confab, token".parse().unwrap());
    let (_client, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "confab");
    let event = scene.event("$connect").await;
    assert_eq!(event["requestContext"]["identity"]["sourceIp"], "127.0.0.1");
    assert_eq!(event["isBase64Encoded"], false);
}

#[tokio::test]
async fn the_function_refuses_a_handshake_with_its_own_status_and_body() {
    let mut scene = Scene::new(|_| Ok(json!({ "statusCode": 401, "body": "{\"detail\":\"no\"}" }))).await;
    assert_eq!(refused(&scene).await, (401, "{\"detail\":\"no\"}".to_owned()));
    let id = id_of(&scene.event("$connect").await);
    assert_eq!(scene.send("GET", &id, "").await.status(), 410);
    assert!(scene.gateway.connections().is_empty());
}

#[tokio::test]
async fn a_function_that_fails_at_the_handshake_or_answers_nonsense_is_a_bad_gateway() {
    let scene = Scene::new(|_| Err(FunctionError("it broke".to_owned()))).await;
    let (status, body) = refused(&scene).await;
    assert_eq!(status, 502);
    assert!(body.contains("Internal server error") && !body.contains("it broke"), "{body}");
    let scene = Scene::new(|_| Ok(json!("no response"))).await;
    assert_eq!(refused(&scene).await.0, 502);
}

#[tokio::test]
async fn plain_requests_are_told_what_this_address_is_for() {
    let scene = Scene::new(grant).await;
    let answer = scene.http.get(scene.gateway.management_url()).send().await.unwrap();
    assert_eq!(answer.status(), 426);
}

#[tokio::test]
async fn nobody_is_reached_before_the_handshake_is_done_or_after_the_end() {
    let (granting, mut asked) = mpsc::unbounded_channel::<(Value, tokio::sync::oneshot::Sender<()>)>();
    let function = Function::new(move |event| {
        let granting = granting.clone();
        async move {
            let (grant, granted) = tokio::sync::oneshot::channel();
            drop(granting.send((event, grant)));
            drop(granted.await);
            Ok(json!({ "statusCode": 200 }))
        }
    });
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let gateway = Gateway::start(listener, function, Limits::default()).unwrap();
    let url = gateway.url();
    let connecting = tokio::spawn(async move { connect_async(url).await.unwrap().0 });
    let (event, grant) = asked.recv().await.unwrap();
    let scene = Scene { gateway, events: mpsc::unbounded_channel().1, http: crate::web::client() };
    let id = id_of(&event);
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(scene.send(method, &id, "x").await.status(), 410, "{method} before");
    }
    grant.send(()).unwrap();
    let mut client = connecting.await.unwrap();
    while scene.send("POST", &id, "hello").await.status() == 410 {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(next(&mut client).await, Message::text("hello"));
    client.close(None).await.unwrap();
    let (event, grant) = asked.recv().await.unwrap();
    assert_eq!(event["requestContext"]["disconnectStatusCode"], 1005);
    grant.send(()).unwrap();
    for method in ["GET", "POST", "DELETE"] {
        assert_eq!(scene.send(method, &id, "x").await.status(), 410, "{method} after");
    }
}

#[tokio::test]
async fn frames_reach_the_function_and_its_answers_the_client() {
    let mut scene = Scene::new(repeat).await;
    let mut client = scene.connect().await;
    client.send(Message::text("one")).await.unwrap();
    assert_eq!(next(&mut client).await, Message::text("one"));
    let event = scene.event("$default").await;
    assert_eq!(event["body"], "one");
    assert_eq!(event["requestContext"]["eventType"], "MESSAGE");
    // An empty answer is none.
    client.send(Message::text("")).await.unwrap();
    client.send(Message::text("two")).await.unwrap();
    assert_eq!(next(&mut client).await, Message::text("two"));
}

#[tokio::test]
async fn a_function_that_fails_at_a_frame_is_told_of_and_the_socket_stays() {
    let scene = Scene::new(|event| match event["body"].as_str() {
        Some("break") => Err(FunctionError("it broke".to_owned())),
        _ => repeat(event),
    })
    .await;
    let mut client = scene.connect().await;
    client.send(Message::text("break")).await.unwrap();
    let told: Value = serde_json::from_str(next(&mut client).await.to_text().unwrap()).unwrap();
    assert_eq!(told["message"], "Internal server error");
    assert!(told["connectionId"].is_string() && told["requestId"].is_string(), "{told}");
    client.send(Message::text("go on")).await.unwrap();
    assert_eq!(next(&mut client).await, Message::text("go on"));
}

#[tokio::test]
async fn whoever_is_connected_is_described_and_can_be_closed() {
    let mut scene = Scene::new(grant).await;
    let (mut client, id) = scene.reachable().await;
    let described: Value = scene.send("GET", &id, "").await.json().await.unwrap();
    assert_eq!(described["identity"]["sourceIp"], "127.0.0.1");
    assert!(described["connectedAt"].is_string() && described["lastActiveAt"].is_string(), "{described}");
    // What was posted before the end still arrives.
    assert_eq!(scene.send("POST", &id, "last words").await.status(), 200);
    assert_eq!(scene.send("DELETE", &id, "").await.status(), 204);
    assert_eq!(next(&mut client).await, Message::text("last words"));
    assert_eq!(close_code(&mut client).await, CloseCode::Normal);
    assert_eq!(scene.event("$disconnect").await["requestContext"]["disconnectStatusCode"], 1000);
    assert_eq!(scene.send("POST", &id, "x").await.status(), 410);
}

#[tokio::test]
async fn what_is_too_large_to_post_is_refused_and_the_largest_arrives() {
    let mut scene = Scene::new(grant).await;
    let (mut client, id) = scene.reachable().await;
    assert_eq!(scene.send("POST", &id, "x".repeat(128 * 1024 + 1)).await.status(), 413);
    assert_eq!(scene.send("POST", &id, vec![0xff]).await.status(), 400);
    assert_eq!(scene.send("POST", &id, "x".repeat(128 * 1024)).await.status(), 200);
    assert_eq!(next(&mut client).await.len(), 128 * 1024);
}

#[tokio::test]
async fn a_client_that_leaves_is_told_of_with_its_own_code() {
    let mut scene = Scene::new(grant).await;
    let mut client = scene.connect().await;
    let frame = CloseFrame { code: CloseCode::from(4001), reason: "enough".into() };
    client.close(Some(frame)).await.unwrap();
    assert!(matches!(next(&mut client).await, Message::Close(_)));
    let event = scene.event("$disconnect").await;
    assert_eq!(event["requestContext"]["disconnectStatusCode"], 4001);
    assert_eq!(event["requestContext"]["disconnectReason"], "enough");
}

#[tokio::test]
async fn a_client_that_vanishes_is_told_of() {
    let mut scene = Scene::new(grant).await;
    drop(scene.connect().await);
    assert_eq!(scene.event("$disconnect").await["requestContext"]["disconnectStatusCode"], 1006);
}

#[tokio::test]
async fn a_cut_connection_ends_without_a_close_frame() {
    let mut scene = Scene::new(grant).await;
    let (mut client, id) = scene.reachable().await;
    assert!(scene.gateway.cut(&id));
    assert!(!matches!(timeout(PATIENCE, client.next()).await.unwrap(), Some(Ok(_))));
    assert_eq!(scene.event("$disconnect").await["requestContext"]["disconnectStatusCode"], 1006);
    assert!(!scene.gateway.cut(&id));
}

#[tokio::test]
async fn binary_frames_end_a_connection() {
    let mut scene = Scene::new(repeat).await;
    let mut client = scene.connect().await;
    client.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(close_code(&mut client).await, CloseCode::Unsupported);
    assert_eq!(scene.event("$disconnect").await["requestContext"]["disconnectStatusCode"], 1003);
}

#[tokio::test]
async fn a_frame_that_is_too_long_ends_a_connection_and_the_longest_does_not() {
    let mut scene = Scene::new(repeat).await;
    let mut client = scene.connect().await;
    client.send(Message::text("x".repeat(32 * 1024))).await.unwrap();
    assert_eq!(next(&mut client).await.len(), 32 * 1024);
    client.send(Message::text("x".repeat(32 * 1024 + 1))).await.unwrap();
    assert_eq!(close_code(&mut client).await, CloseCode::Size);
    assert_eq!(scene.event("$disconnect").await["requestContext"]["disconnectStatusCode"], 1009);
}

#[tokio::test]
async fn a_message_of_several_frames_may_be_four_times_as_long_and_no_longer() {
    let scene = Scene::new(repeat).await;
    for (frames, fits) in [(4, true), (5, false)] {
        let mut client = scene.connect().await;
        for index in 0..frames {
            let data = if index == 0 { Data::Text } else { Data::Continue };
            let part = "x".repeat(32 * 1024);
            let frame = Frame::message(part, OpCode::Data(data), index + 1 == frames);
            client.send(Message::Frame(frame)).await.unwrap();
        }
        if fits {
            assert_eq!(next(&mut client).await.len(), 128 * 1024);
        } else {
            assert_eq!(close_code(&mut client).await, CloseCode::Size);
        }
    }
}

#[tokio::test]
async fn a_silent_connection_ends_and_one_that_speaks_stays() {
    let limits = Limits { idle: Duration::from_millis(600), ..Limits::default() };
    let mut scene = Scene::with_limits(limits, repeat).await;
    let (mut silent, _) = scene.reachable().await;
    let mut speaking = scene.connect().await;
    for _ in 0..6 {
        sleep(Duration::from_millis(200)).await;
        speaking.send(Message::text("ping")).await.unwrap();
        assert_eq!(next(&mut speaking).await, Message::text("ping"));
    }
    assert_eq!(close_code(&mut silent).await, CloseCode::Away);
    assert_eq!(scene.event("$disconnect").await["requestContext"]["disconnectStatusCode"], 1001);
}

#[tokio::test]
async fn no_connection_lives_longer_than_it_may() {
    let limits = Limits { lifetime: Duration::from_millis(300), ..Limits::default() };
    let mut scene = Scene::with_limits(limits, repeat).await;
    let mut client = scene.connect().await;
    let started = Instant::now();
    let code = loop {
        // However much it says.
        drop(client.send(Message::text("ping")).await);
        if let Message::Close(frame) = next(&mut client).await {
            break frame.unwrap().code;
        }
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(code, CloseCode::Away);
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(scene.event("$disconnect").await["requestContext"]["disconnectReason"], "Going away");
}

#[tokio::test]
async fn who_does_not_read_fills_a_queue_of_their_own_and_delays_nobody() {
    let limits = Limits { queue: 16, ..Limits::default() };
    let mut scene = Scene::with_limits(limits, grant).await;
    let (_slow, slow_id) = scene.reachable().await;
    let (mut quick, quick_id) = scene.reachable().await;
    let large = "x".repeat(128 * 1024);
    let mut posts = 0;
    while scene.send("POST", &slow_id, large.clone()).await.status() == 200 {
        posts += 1;
        assert!(posts < 1000, "the queue of a client that does not read has no end");
    }
    let refusal = scene.send("POST", &slow_id, large.clone()).await;
    assert_eq!(refusal.status(), 429);
    assert_eq!(refusal.headers()["x-amzn-errortype"], "LimitExceededException");
    let started = Instant::now();
    assert_eq!(scene.send("POST", &quick_id, "quick").await.status(), 200);
    assert_eq!(next(&mut quick).await, Message::text("quick"));
    assert!(started.elapsed() < Duration::from_secs(1));
    // Nor does it keep the gateway from stopping.
    scene.gateway.stop().await;
}

#[tokio::test]
async fn stopping_closes_every_connection_and_tells_the_function() {
    let mut scene = Scene::new(grant).await;
    let mut clients = vec![scene.reachable().await.0, scene.reachable().await.0];
    let Scene { gateway, events, .. } = scene;
    let stopping = tokio::spawn(gateway.stop());
    for client in &mut clients {
        assert_eq!(close_code(client).await, CloseCode::Away);
        // A client answers when it reads on.
        assert!(timeout(PATIENCE, client.next()).await.unwrap().is_none());
    }
    stopping.await.unwrap();
    let mut events = events;
    let mut ends = 0;
    while let Ok(event) = events.try_recv() {
        ends += u32::from(event["requestContext"]["routeKey"] == "$disconnect");
    }
    assert_eq!(ends, 2);
}
