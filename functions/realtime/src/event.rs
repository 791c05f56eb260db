//! Events of a WebSocket API as it hands them to a function, and what it takes back.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html>

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize, Serializer};
use shared::domain::connection::ConnectionId;
use shared::http::Problem;
use shared::sockets::Reply;

/// What happened to a socket.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketEvent {
    /// Of the handshake only.
    headers: Option<HashMap<String, String>>,
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    route_key: String,
    connection_id: String,
}

pub(crate) enum Route {
    Connect,
    Disconnect,
    Default,
    Unknown,
}

impl SocketEvent {
    pub(crate) fn route(&self) -> Route {
        match self.request_context.route_key.as_str() {
            "$connect" => Route::Connect,
            "$disconnect" => Route::Disconnect,
            "$default" => Route::Default,
            _ => Route::Unknown,
        }
    }

    pub(crate) fn connection(&self) -> Option<ConnectionId> {
        ConnectionId::parse(&self.request_context.connection_id)
    }

    /// Those that are spelt as headers are.
    pub(crate) fn headers(&self) -> HeaderMap {
        let pairs = self.headers.iter().flatten();
        pairs
            .filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?)))
            .collect()
    }

    /// What the client said, if that is text.
    pub(crate) fn text(&self) -> Option<&str> {
        self.body.as_deref().filter(|_| !self.is_base64_encoded)
    }
}

/// What API Gateway takes for an answer: of a handshake whether it succeeds, of a frame what is said in reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    #[serde(serialize_with = "number")]
    pub status_code: StatusCode,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub headers: HashMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

fn number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Answer {
    pub(crate) fn status(status_code: StatusCode) -> Self {
        Self { status_code, headers: HashMap::new(), body: None }
    }

    pub(crate) fn problem(problem: Problem) -> Self {
        let (status_code, body, cause) = problem.into_parts();
        if let Some(cause) = cause {
            tracing::error!("{cause}");
        }
        Self { status_code, headers: HashMap::new(), body: Some(body.to_string()) }
    }

    pub(crate) fn reply(reply: &Reply, id: Option<&str>) -> Self {
        Self { body: Some(reply.to_json(id)), ..Self::status(StatusCode::OK) }
    }

    /// With a header of the handshake's answer.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, value);
        self
    }
}
