//! The handshake: an HTTP request becomes a socket if the function says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Api;
use super::connection;
use super::event::{Caller, identifier};
use crate::invoke::Function;

/// The time that API Gateway gives an integration.
const TIME_LIMIT: Duration = Duration::from_secs(29);
/// Headers of the answer that belong to the connection, and are not the function's to say.
const HOP_BY_HOP: [&str; 5] = ["connection", "content-length", "sec-websocket-accept", "transfer-encoding", "upgrade"];

pub(super) async fn open(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let Some(accept) = accept_key(request.headers()) else {
        let message = "this address speaks WebSocket only: connect with a WebSocket client, version 13";
        return (StatusCode::UPGRADE_REQUIRED, Json(json!({ "message": message }))).into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let caller = Caller {
        connection_id: identifier(),
        connected_at: Utc::now(),
        source_ip: peer.ip().to_string(),
        user_agent: text(axum::http::header::USER_AGENT),
        domain_name: text(HOST).unwrap_or_else(|| api.address.to_string()),
    };
    let request_id = identifier();
    let event = caller.connect(&request_id, &parts.headers, &parts.uri, api.address.port());
    let Some(answer) = ask(&api.function, event).await else {
        let failure = failure(&caller.connection_id, &request_id);
        return (StatusCode::BAD_GATEWAY, Json(failure)).into_response();
    };
    if !answer.status.is_success() {
        return (answer.status, answer.headers, Body::from(answer.body)).into_response();
    }
    tokio::spawn(connection::live(api, caller, upgrade));
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, answer.headers).into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// What proves that this end understood the handshake; nothing if it is none.
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let says = |name: HeaderName, what: &str| {
        let values = headers.get_all(name);
        values
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|value| value.trim().eq_ignore_ascii_case(what))
    };
    let is_handshake = says(CONNECTION, "upgrade") && says(UPGRADE, "websocket") && says(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_handshake)?;
    derive_accept_key(key.as_bytes()).parse().ok()
}

/// What a function answered, in the form of a proxy integration.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// Asks the function; nothing if it fails, takes too long, or answers with something else than a response.
pub(super) async fn ask(function: &Function, event: Value) -> Option<Answer> {
    let output = timeout(TIME_LIMIT, function.invoke(event)).await.ok()?.ok()?;
    Answer::from_output(&output)
}

impl Answer {
    fn from_output(output: &Value) -> Option<Self> {
        let status = StatusCode::from_u16(output["statusCode"].as_u64()?.try_into().ok()?).ok()?;
        let mut headers = HeaderMap::new();
        let single = output["headers"].as_object().into_iter().flatten();
        let single = single.map(|(name, value)| (name, std::slice::from_ref(value)));
        let multiple = output["multiValueHeaders"].as_object().into_iter().flatten();
        let multiple = multiple.map(|(name, values)| (name, values.as_array().map(Vec::as_slice).unwrap_or_default()));
        for (name, values) in single.chain(multiple) {
            let name: HeaderName = name.parse().ok()?;
            if HOP_BY_HOP.contains(&name.as_str()) {
                continue;
            }
            // A header that stands in both is meant once.
            headers.remove(&name);
            for value in values {
                headers.append(&name, HeaderValue::from_str(value.as_str()?).ok()?);
            }
        }
        let body = match &output["body"] {
            Value::Null => String::new(),
            Value::String(body) if output["isBase64Encoded"] == true => decode(body)?,
            Value::String(body) => body.clone(),
            _ => return None,
        };
        Some(Self { status, headers, body })
    }
}

fn decode(body: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(body).ok()?).ok()
}

/// What API Gateway says where a function has failed.
pub(super) fn failure(connection_id: &str, request_id: &str) -> Value {
    json!({ "message": "Internal server error", "connectionId": connection_id, "requestId": request_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status() {
        assert!(Answer::from_output(&json!({ "body": "x" })).is_none());
        assert!(Answer::from_output(&json!("x")).is_none());
        assert!(Answer::from_output(&Value::Null).is_none());
        assert!(Answer::from_output(&json!({ "statusCode": 99 })).is_none());
        assert!(Answer::from_output(&json!({ "statusCode": 200, "body": { "not": "text" } })).is_none());
    }

    #[test]
    fn an_answer_has_headers_and_a_body() {
        let output = json!({
            "statusCode": 401,
            "headers": { "Content-Type": "text/plain", "Connection": "close" },
            "multiValueHeaders": { "X-Twice": ["a", "b"], "content-type": ["application/json"] },
            "body": "eA==",
            "isBase64Encoded": true,
        });
        let answer = Answer::from_output(&output).unwrap();
        assert_eq!(answer.body, "x");
        assert_eq!(answer.headers.get_all("x-twice").iter().count(), 2);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(!answer.headers.contains_key("connection"));
    }
}
