//! Something between a store and its database that can hold calls back and lose answers: what networks and dying
//! processes do, at the moment that a test chooses.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// It waits until [`Proxy::release`], and then passes.
    Hold,
    /// It is applied, and its answer lost.
    LoseAnswer,
    /// Of a batch, one request is served, and the rest handed back.
    ServeOne,
    /// It is refused for a concurrent transaction.
    Conflict,
}

/// One call on its way: which operation, the how manieth since [`Proxy::expect`], and its body.
#[derive(Debug)]
pub struct Call<'a> {
    pub operation: &'a str,
    pub index: usize,
    pub body: &'a str,
}

type Rule = Box<dyn Fn(&Call<'_>) -> Fate + Send + Sync>;

#[derive(Clone)]
pub struct Proxy(Arc<Shared>);

struct Shared {
    address: String,
    database: String,
    http: reqwest::Client,
    calls: AtomicUsize,
    rule: Mutex<Rule>,
    held: Notify,
    released: Notify,
}

impl Proxy {
    /// Listens until the test ends; passes everything at first.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("a bound port"));
        let proxy = Self(Arc::new(Shared {
            address,
            database: super::database(),
            http: crate::http_client(),
            calls: AtomicUsize::new(0),
            rule: Mutex::new(Box::new(|_| Fate::Pass)),
            held: Notify::new(),
            released: Notify::new(),
        }));
        let app = axum::Router::new().fallback(forward).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        proxy
    }

    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// From now on `rule` decides; calls are counted anew.
    pub fn expect(&self, rule: impl Fn(&Call<'_>) -> Fate + Send + Sync + 'static) {
        self.0.calls.store(0, Ordering::SeqCst);
        *self.0.rule.lock().expect("no test panics in a rule") = Box::new(rule);
    }

    /// From now on the answer to the first call of that operation is lost, and the SDK repeats it.
    pub fn lose_first(&self, operation: &'static str) {
        let lost = AtomicBool::new(false);
        self.expect(move |call| {
            let is_first = call.operation == operation && !lost.swap(true, Ordering::SeqCst);
            if is_first { Fate::LoseAnswer } else { Fate::Pass }
        });
    }

    /// How many calls there were since.
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Waits until a call is held.
    pub async fn until_held(&self) {
        self.0.held.notified().await;
    }

    /// Lets the held calls pass, and all that come.
    pub fn release(&self) {
        self.expect(|_| Fate::Pass);
        self.0.released.notify_waiters();
    }
}

async fn forward(State(Proxy(shared)): State<Proxy>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let call = Call {
        operation: target.rsplit('.').next().unwrap_or_default(),
        index: shared.calls.fetch_add(1, Ordering::SeqCst),
        body: std::str::from_utf8(&body).unwrap_or_default(),
    };
    let released = shared.released.notified();
    let fate = (shared.rule.lock().expect("no test panics in a rule"))(&call);
    if fate == Fate::Hold {
        shared.held.notify_one();
        released.await;
    }
    if fate == Fate::Conflict {
        let error = json!({ "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": "" });
        return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
    }
    let (body, handed_back) = if fate == Fate::ServeOne { split(&body) } else { (body, None) };
    let mut request = shared.http.post(&shared.database).body(body);
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        request = request.headers(
            headers.get(name).map(|value| (HeaderName::from_static(name), value.clone())).into_iter().collect(),
        );
    }
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let status = answer.status();
    let mut bytes = answer.bytes().await.unwrap_or_default();
    if fate == Fate::LoseAnswer {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    if let Some((name, rest)) = handed_back {
        let mut answer: Value = serde_json::from_slice(&bytes).expect("databases answer in JSON");
        answer[name] = rest;
        bytes = answer.to_string().into();
    }
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], bytes).into_response()
}

/// A batch with its first request only; and under which name the answer hands back the rest.
fn split(body: &[u8]) -> (Bytes, Option<(&'static str, Value)>) {
    let mut batch: Value = serde_json::from_slice(body).expect("the SDK asks in JSON");
    let mut rest = batch["RequestItems"].clone();
    let mut name = None;
    for (table, requests) in batch["RequestItems"].as_object_mut().into_iter().flatten() {
        let (list, handed_back, field) = match requests {
            Value::Array(list) => (list, &mut rest[table], "UnprocessedItems"),
            requests => (requests["Keys"].as_array_mut().expect("keys"), &mut rest[table]["Keys"], "UnprocessedKeys"),
        };
        *handed_back = list.split_off(1).into();
        name = handed_back.as_array().is_some_and(|rest| !rest.is_empty()).then_some(field);
    }
    (batch.to_string().into(), name.map(|name| (name, rest)))
}
