//! What surrounds every request: its id, its deadline, its meter, the headers that every answer has, and its line in
//! the log.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use lambda_http::RequestExt;
use serde_json::Value;

use super::problem::{Cause, Problem};
use crate::store::Meter;

/// A request that takes longer is answered with 503: well before Lambda's and API Gateway's limits end it without answer.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

/// What is left of the function's time for answering.
const TIME_TO_ANSWER: Duration = Duration::from_millis(500);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn observe(State(function): State<&'static str>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let limit = time_left(&request);
    let meter = Meter::default();
    let handled = AssertUnwindSafe(meter.measure(tokio::time::timeout(limit, next.run(request)))).catch_unwind().await;
    let mut response = match handled {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::unavailable(format!("not done within {limit:?}")).into_response(),
        Err(_) => Problem::internal("a handler panicked").into_response(),
    };
    if let Some(Cause { cause, told }) = response.extensions_mut().remove() {
        tracing::error!(function, request_id = id, status = response.status().as_u16(), "{cause}");
        response = told_with_id(response, told, &id);
    }
    dress(&mut response, &id);
    let (spent, status) = (meter.spent(), response.status().as_u16());
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    tracing::info!(
        function,
        request_id = id,
        method = method.as_str(),
        path,
        status,
        ms = (ms * 10.0).round() / 10.0,
        round_trips = spent.round_trips,
        rru = spent.rru,
        wru = spent.wru,
        "request"
    );
    response.extensions_mut().insert(spent);
    response
}

/// The client's own id if it is fit to stand in a log, else Lambda's.
fn request_id(request: &Request) -> String {
    let fit = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let of_client = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(fit).map(str::to_owned);
    let of_lambda = || request.extensions().get::<lambda_http::Context>().map(|context| context.request_id.clone());
    of_client.or_else(of_lambda).unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

fn time_left(request: &Request) -> Duration {
    let Some(context) = request.lambda_context_ref() else { return LONGEST_REQUEST };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    match Duration::from_millis(context.deadline).checked_sub(now) {
        Some(left) => left.saturating_sub(TIME_TO_ANSWER).min(LONGEST_REQUEST),
        // cargo-lambda's emulator names a deadline that has always passed.
        None => LONGEST_REQUEST,
    }
}

/// A failure of ours, told without its cause but with the id by which operators find it.
fn told_with_id(response: Response, mut told: Value, id: &str) -> Response {
    told["request_id"] = id.into();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(told.to_string()))
}

fn dress(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::VARY, "Accept, Cookie"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}
