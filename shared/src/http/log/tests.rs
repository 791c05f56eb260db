use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::store::Spent;

const OURS: Log = Log { function: "messages", level: LevelFilter::TRACE, namespace: Some("confab") };

/// A subscriber whose lines can be read.
struct Recorder(Log, Mutex<Vec<Value>>);

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Vec::new();
        self.0.write_event(&mut line, event).unwrap();
        self.1.lock().unwrap().push(serde_json::from_slice(&line).unwrap());
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        unreachable!("no span is enabled")
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The lines that `work` makes a function print.
async fn lines_of(log: Log, work: impl Future<Output = ()>) -> Vec<Value> {
    let recorder = std::sync::Arc::new(Recorder(log, Mutex::default()));
    let guard = tracing::subscriber::set_default(recorder.clone());
    work.await;
    drop(guard);
    recorder.1.lock().unwrap().clone()
}

fn request(id: Option<&str>) -> Request {
    let mut builder = Request::builder().uri("/api/messages/");
    if let Some(id) = id {
        builder = builder.header(REQUEST_ID, id);
    }
    let context = json!({ "requestId": "gateway-1", "http": { "method": "GET" }, "timeEpoch": 0 });
    let context: RequestContext = serde_json::from_value(context).unwrap();
    let mut lambda = lambda_http::Context::default();
    lambda.request_id = "lambda-1".to_owned();
    builder.extension(context).extension(lambda).body(Body::empty()).unwrap()
}

fn closing_line(log: Log, origin: &Origin, status: StatusCode, spent: Spent) -> Value {
    line_of(log, origin, &Closing { method: "GET", path: "/api/messages/", status, ms: 12.345, spent })
}

fn line_of(log: Log, origin: &Origin, closing: &Closing<'_>) -> Value {
    let mut line = Vec::new();
    log.write_closing(&mut line, UNIX_EPOCH + Duration::from_millis(1_767_225_600_000), origin, closing).unwrap();
    serde_json::from_slice(&line).unwrap()
}

#[tokio::test]
async fn every_line_of_a_request_tells_its_ids() {
    let origin = Origin::of("messages", &request(Some("of-the-client")));
    let lines = lines_of(OURS, async {
        origin
            .around(async {
                tracing::info!(number = 3, "before");
                Origin::found("/api/messages");
                tokio::task::yield_now().await;
                tracing::warn!(target: "aws_smithy_runtime", "a library's");
            })
            .await;
        tracing::info!("afterwards");
    })
    .await;
    for (line, message) in lines.iter().zip(["before", "a library's"]) {
        assert_eq!(line["message"], message);
        assert_eq!(line["function"], "messages");
        assert_eq!(line["request_id"], "of-the-client");
        assert_eq!((&line["lambda_id"], &line["gateway_id"]), (&json!("lambda-1"), &json!("gateway-1")));
        assert!(Timestamp::parse(line["timestamp"].as_str().unwrap()).is_some());
    }
    assert_eq!((&lines[0]["number"], &lines[0]["route"]), (&json!(3), &Value::Null));
    assert_eq!((&lines[1]["level"], &lines[1]["route"]), (&json!("WARN"), &json!("/api/messages")));
    assert_eq!((&lines[2]["function"], &lines[2]["request_id"]), (&json!("messages"), &Value::Null));
}

#[test]
fn a_request_without_an_id_that_is_fit_has_lambdas() {
    for unfit in [None, Some("a b"), Some("")] {
        assert_eq!(Origin::of("messages", &request(unfit)).request_id(), "lambda-1");
    }
    let bare = Request::new(Body::empty());
    assert_ne!(Origin::of("messages", &bare).request_id(), Origin::of("messages", &bare).request_id());
}

#[tokio::test]
async fn no_setting_lets_libraries_quote_what_passes_through_them() {
    let lines = lines_of(OURS, async {
        tracing::trace!(target: "shared::store", "ours");
        tracing::debug!(target: "messages::send", "ours");
        tracing::info!(target: "hyper", "a library's");
        let _span = tracing::error_span!("a span").entered();
        tracing::debug!(target: "aws_smithy_runtime::client", "a library's, with a request");
        tracing::trace!(target: "hyper::proto", "a library's, with all its bytes");
        tracing::trace!(target: "messages_of_others", "a library's");
        tracing::trace!(target: "lambda_runtime", "a library's, with an event");
    })
    .await;
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["ours", "ours", "a library's"]);
}

#[tokio::test]
async fn a_quieter_level_holds_for_all() {
    let log = Log { level: LevelFilter::WARN, ..OURS };
    let lines = lines_of(log, async {
        tracing::info!("ours");
        tracing::warn!(target: "hyper", "a library's");
    })
    .await;
    assert_eq!(lines.len(), 1);
}

#[test]
fn the_line_that_ends_a_request_is_a_metric_too() {
    let origin = Origin::of("messages", &request(None));
    let spent = Spent { round_trips: 2, rru: 1.5, wru: 3.0, ..Spent::default() };
    let line = closing_line(OURS, &origin, StatusCode::OK, spent);
    let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
    let expected = json!({
        "Timestamp": 1_767_225_600_000_u64,
        "CloudWatchMetrics": [{
            "Namespace": "confab",
            "Dimensions": [["function"]],
            "Metrics": [
                metric("ms", "Milliseconds"), metric("round_trips", "Count"), metric("rru", "Count"), metric("wru", "Count"),
            ],
        }],
    });
    assert_eq!(line["_aws"], expected);
    let fields = ["message", "level", "ms", "round_trips", "rru", "wru", "status"].map(|name| line[name].clone());
    assert_eq!(json!(fields), json!(["request", "INFO", 12.3, 2, 1.5, 3.0, 200]));
    assert_eq!(line["errors"], Value::Null);
}

#[test]
fn what_seldom_happens_is_sent_when_it_did() {
    let spent = Spent { voids: 2, retries: 1, ..Spent::default() };
    let line = closing_line(OURS, &Origin::default(), StatusCode::SERVICE_UNAVAILABLE, spent);
    let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
    let names: Vec<_> = metrics.iter().map(|metric| metric["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ms", "round_trips", "rru", "wru", "errors", "retries", "voids"]);
    assert!(names.iter().all(|name| line[*name].is_number()));
    assert_eq!([&line["errors"], &line["retries"], &line["voids"]], [1, 1, 2]);
}

#[test]
fn where_nobody_collects_metrics_the_line_is_shorter() {
    let line = closing_line(Log { namespace: None, ..OURS }, &Origin::default(), StatusCode::OK, Spent::default());
    assert_eq!((&line["_aws"], &line["status"]), (&Value::Null, &json!(200)));
}

#[test]
fn a_path_is_told_without_what_is_no_id_and_no_name() {
    let token = format!("/api/users/{}", "eyJ0eXAi.".repeat(20));
    for (path, told) in [
        ("/", "/"),
        ("/api/users/0195d2a4-6f0e-7000-8000-000000000000/", "/api/users/0195d2a4-6f0e-7000-8000-000000000000/"),
        ("/api/users/ada@example.com/", "/api/users/…/"),
        ("/api/users/ada%40example.com", "/api/users/…"),
        (&token, "/api/users/…"),
    ] {
        let closing = Closing { method: "GET", path, status: StatusCode::OK, ms: 0.0, spent: Spent::default() };
        assert_eq!(line_of(OURS, &Origin::default(), &closing)["path"], told);
    }
}
