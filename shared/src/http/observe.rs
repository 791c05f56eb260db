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

use super::log::{Log, Origin, REQUEST_ID};
use super::metrics::Closing;
use super::problem::{Cause, Problem};
use crate::store::Meter;

/// A request that takes longer is answered with 503: well before Lambda's and API Gateway's limits end it without answer.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

/// What is left of the function's time for answering.
const TIME_TO_ANSWER: Duration = Duration::from_millis(500);

pub(super) async fn observe(State(function): State<&'static str>, request: Request, next: Next) -> Response {
    Origin::of(function, &request).around(answer(request, next)).await
}

async fn answer(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let limit = time_left(&request);
    let meter = Meter::default();
    let handled = AssertUnwindSafe(meter.measure(tokio::time::timeout(limit, next.run(request)))).catch_unwind().await;
    let mut response = match handled {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::unavailable(format!("not done within {limit:?}")).into_response(),
        Err(_) => Problem::internal("a handler panicked").into_response(),
    };
    let origin = Origin::here();
    if let Some(Cause { cause, told }) = response.extensions_mut().remove() {
        tracing::error!(status = response.status().as_u16(), "{cause}");
        response = told_with_id(response, told, origin.request_id());
    }
    dress(&mut response, origin.request_id());
    let (spent, status) = (meter.spent(), response.status());
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    Log::close(&origin, &Closing { method: method.as_str(), path: &path, status, ms, spent });
    response.extensions_mut().insert(spent);
    response
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
