//! Something between a store and its database that can hold calls back and lose answers: what networks and dying
//! processes do, at the moment that a test chooses.

mod wire;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::Notify;

use wire::{Exchange, Line};

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
    /// The same, as transactions are told.
    CancelConflict,
    /// A transaction is cancelled for the table's throughput.
    CancelThrottle,
    /// The table's throughput is used up.
    Throttle,
    /// Too many calls.
    ThrottleCalls,
    /// It fails: 500, and is not applied.
    Fail,
    /// It is refused: 503, and is not applied.
    Busy,
    /// The connection is reset, and the call not applied.
    ResetBefore,
    /// It is applied, and the connection reset.
    ResetAfter,
    /// It is never applied and never answered.
    Swallow,
    /// It is applied, and never answered.
    Withhold,
    /// It passes after a while.
    Delay,
}

impl Fate {
    /// Whether DynamoDB, or a network, ever does that to such a call.
    pub fn befalls(self, operation: &str) -> bool {
        match self {
            Self::ServeOne => operation.starts_with("Batch"),
            Self::Conflict => ["PutItem", "UpdateItem", "DeleteItem"].contains(&operation),
            Self::CancelConflict | Self::CancelThrottle => operation == "TransactWriteItems",
            _ => true,
        }
    }

    /// What is answered to a call that is not even tried.
    fn refusal(self) -> Option<(StatusCode, Value)> {
        let refused = |status, name: &str| {
            (status, json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{name}"), "message": "" }))
        };
        let cancelled = |reason: &str| {
            let (status, mut refusal) = refused(StatusCode::BAD_REQUEST, "TransactionCanceledException");
            refusal["CancellationReasons"] = json!([{ "Code": reason, "Message": "" }, { "Code": "None" }]);
            (status, refusal)
        };
        Some(match self {
            Self::Conflict => refused(StatusCode::BAD_REQUEST, "TransactionConflictException"),
            Self::CancelConflict => cancelled("TransactionConflict"),
            Self::CancelThrottle => cancelled("ThrottlingError"),
            Self::Throttle => refused(StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException"),
            Self::ThrottleCalls => refused(StatusCode::BAD_REQUEST, "ThrottlingException"),
            Self::Fail => refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
            Self::Busy => refused(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            _ => return None,
        })
    }
}

/// One call on its way: which operation, the how manieth since [`Proxy::expect`], and its body.
#[derive(Debug)]
pub struct Call<'a> {
    pub operation: &'a str,
    pub index: usize,
    pub body: &'a str,
}

impl Call<'_> {
    pub fn writes(&self) -> bool {
        !["GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"].contains(&self.operation)
    }
}

type Rule = Box<dyn Fn(&Call<'_>) -> Fate + Send + Sync>;

/// How long a delayed call waits.
const DELAY: Duration = Duration::from_millis(20);

#[derive(Clone)]
pub struct Proxy(Arc<Shared>);

struct Shared {
    address: String,
    database: String,
    http: reqwest::Client,
    calls: AtomicUsize,
    /// How many calls are on their way to the database, or are to be.
    under_way: AtomicUsize,
    rule: Mutex<Rule>,
    held: Notify,
    released: Notify,
    arrived: Notify,
}

/// A call until it was applied, or is not to be any more.
struct UnderWay(Arc<Shared>);

impl UnderWay {
    fn begin(shared: &Arc<Shared>) -> Self {
        shared.under_way.fetch_add(1, Ordering::SeqCst);
        Self(shared.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        self.0.arrived.notify_waiters();
    }
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
            under_way: AtomicUsize::new(0),
            rule: Mutex::new(Box::new(|_| Fate::Pass)),
            held: Notify::new(),
            released: Notify::new(),
            arrived: Notify::new(),
        }));
        let app = axum::Router::new().fallback(forward).with_state(proxy.clone());
        let app = app.into_make_service_with_connect_info::<Line>();
        tokio::spawn(async move { axum::serve(Exchange(listener), app).await });
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

    /// Waits until no call is on its way that may still be applied.
    pub async fn until_idle(&self) {
        loop {
            let arrived = self.0.arrived.notified();
            if self.0.under_way.load(Ordering::SeqCst) == 0 {
                return;
            }
            arrived.await;
        }
    }

    /// Waits until a call is held, or will never be answered.
    pub async fn until_held(&self) {
        self.0.held.notified().await;
    }

    /// Lets the held calls pass, and all that come.
    pub fn release(&self) {
        self.expect(|_| Fate::Pass);
        self.0.released.notify_waiters();
    }
}

async fn forward(
    State(Proxy(shared)): State<Proxy>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let under_way = UnderWay::begin(&shared);
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let call = Call {
        operation: target.rsplit('.').next().unwrap_or_default(),
        index: shared.calls.fetch_add(1, Ordering::SeqCst),
        body: std::str::from_utf8(&body).unwrap_or_default(),
    };
    let released = shared.released.notified();
    let fate = (shared.rule.lock().expect("no test panics in a rule"))(&call);
    if let Some((status, refusal)) = fate.refusal() {
        return (status, refusal.to_string()).into_response();
    }
    match fate {
        Fate::Hold => {
            shared.held.notify_one();
            released.await;
        }
        Fate::Delay => tokio::time::sleep(DELAY).await,
        Fate::ResetBefore => {
            line.cut();
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Fate::Swallow => {
            drop(under_way);
            shared.held.notify_one();
            return std::future::pending().await;
        }
        _ => {}
    }
    // What has come so far is applied, even if whoever sent it is gone by then.
    let applied = tokio::spawn(apply(shared.clone(), headers, body, fate, under_way));
    let Ok(Some(answer)) = applied.await else { return StatusCode::BAD_GATEWAY.into_response() };
    match fate {
        Fate::Withhold => {
            shared.held.notify_one();
            std::future::pending().await
        }
        Fate::ResetAfter => {
            line.cut();
            answer
        }
        Fate::LoseAnswer => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => answer,
    }
}

/// Asks the database; its answer, if there is one.
async fn apply(
    shared: Arc<Shared>,
    headers: HeaderMap,
    body: Bytes,
    fate: Fate,
    _under_way: UnderWay,
) -> Option<Response> {
    let (body, handed_back) = if fate == Fate::ServeOne { split(&body) } else { (body, None) };
    let mut request = shared.http.post(&shared.database).body(body);
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        request = request.headers(
            headers.get(name).map(|value| (HeaderName::from_static(name), value.clone())).into_iter().collect(),
        );
    }
    let answer = request.send().await.ok()?;
    let status = answer.status();
    let mut bytes = answer.bytes().await.unwrap_or_default();
    if let Some((name, rest)) = handed_back {
        let mut answer: Value = serde_json::from_slice(&bytes).expect("databases answer in JSON");
        answer[name] = rest;
        bytes = answer.to_string().into();
    }
    Some((status, [(header::CONTENT_TYPE, "application/x-amz-json-1.0")], bytes).into_response())
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
