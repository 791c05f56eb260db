//! `@connections`: how a backend reaches those who are connected.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Api;
use super::connection::{Order, Posted};
use super::event::identifier;

/// The most that may be posted at once.
pub(super) const MOST_BYTES: usize = 128 * 1024;

/// Whether somebody is connected, since when.
pub(super) async fn get(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Response {
    match api.find(&id) {
        Some(connection) => Json(connection.describe()).into_response(),
        None => gone(&id),
    }
}

/// Sends a text to whoever is connected.
pub(super) async fn post(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> Response {
    if body.len() > MOST_BYTES {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Message too long", &id);
    }
    let Ok(text) = String::from_utf8(body.into()) else {
        return refusal(StatusCode::BAD_REQUEST, "BadRequestException", "Only text can be sent", &id);
    };
    match api.find(&id).map(|connection| connection.post(text)) {
        Some(Posted::Queued) => StatusCode::OK.into_response(),
        Some(Posted::Full) => {
            let message = "The client does not read: its buffer is full";
            refusal(StatusCode::TOO_MANY_REQUESTS, "LimitExceededException", message, &id)
        }
        Some(Posted::Gone) | None => gone(&id),
    }
}

/// Ends a connection.
pub(super) async fn delete(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Response {
    match api.find(&id) {
        Some(connection) if connection.order(Order::Close) => StatusCode::NO_CONTENT.into_response(),
        _ => gone(&id),
    }
}

fn gone(id: &str) -> Response {
    refusal(StatusCode::GONE, "GoneException", "Gone", id)
}

fn refusal(status: StatusCode, kind: &'static str, message: &str, id: &str) -> Response {
    let body = json!({ "message": message, "connectionId": id, "requestId": identifier() });
    (status, [("x-amzn-errortype", kind)], Json(body)).into_response()
}
