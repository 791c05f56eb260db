//! Events of a WebSocket API as its functions get them (proxy integration).

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// Who is at the other end of a connection, since when.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) connection_id: String,
    pub(super) connected_at: DateTime<Utc>,
    pub(super) source_ip: String,
    pub(super) user_agent: Option<String>,
    /// The host that the client named, which API Gateway calls the domain.
    pub(super) domain_name: String,
}

impl Caller {
    /// The handshake: the only event that carries headers and a query string.
    pub(super) fn connect(&self, request_id: &str, headers: &HeaderMap, uri: &Uri, port: u16) -> Value {
        let mut event = self.event("$connect", "CONNECT", request_id);
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            all.entry(usual_case(name.as_str())).or_default().push(value);
        }
        all.insert("X-Forwarded-For".to_owned(), vec![self.source_ip.clone()]);
        all.insert("X-Forwarded-Port".to_owned(), vec![port.to_string()]);
        all.insert("X-Forwarded-Proto".to_owned(), vec!["http".to_owned()]);
        event["headers"] = last_of_each(&all);
        event["multiValueHeaders"] = json!(all);

        let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
        if !pairs.is_empty() {
            let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (name, value) in pairs {
                all.entry(name).or_default().push(value);
            }
            event["queryStringParameters"] = last_of_each(&all);
            event["multiValueQueryStringParameters"] = json!(all);
        }
        event
    }

    /// A text frame.
    pub(super) fn message(&self, request_id: &str, body: &str) -> Value {
        let mut event = self.event("$default", "MESSAGE", request_id);
        event["requestContext"]["messageId"] = json!(identifier());
        event["body"] = json!(body);
        event
    }

    /// The end, however it came about.
    pub(super) fn disconnect(&self, code: u16, reason: &str) -> Value {
        let mut event = self.event("$disconnect", "DISCONNECT", &identifier());
        event["requestContext"]["disconnectStatusCode"] = json!(code);
        event["requestContext"]["disconnectReason"] = json!(reason);
        let host = json!(self.domain_name);
        event["headers"] = json!({ "Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": "" });
        event["multiValueHeaders"] =
            json!({ "Host": [host], "x-api-key": [""], "X-Forwarded-For": [""], "x-restapi": [""] });
        event
    }

    fn event(&self, route: &str, kind: &str, request_id: &str) -> Value {
        let now = Utc::now();
        json!({
            "requestContext": {
                "routeKey": route,
                "eventType": kind,
                "messageDirection": "IN",
                "connectionId": self.connection_id,
                "connectedAt": self.connected_at.timestamp_millis(),
                "requestId": request_id,
                "extendedRequestId": request_id,
                "requestTime": now.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
                "requestTimeEpoch": now.timestamp_millis(),
                "identity": { "sourceIp": self.source_ip, "userAgent": self.user_agent },
                "domainName": self.domain_name,
                "stage": "local",
                "apiId": "local",
            },
            "isBase64Encoded": false,
        })
    }

    /// Somebody on this machine.
    pub(super) fn here(connection_id: String) -> Self {
        Self {
            connection_id,
            connected_at: Utc::now(),
            source_ip: "127.0.0.1".to_owned(),
            user_agent: None,
            domain_name: "127.0.0.1".to_owned(),
        }
    }

    /// What `GET /@connections/ID` tells.
    pub(super) fn description(&self, last_active: DateTime<Utc>) -> Value {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({
            "connectedAt": text(self.connected_at),
            "lastActiveAt": text(last_active),
            "identity": { "sourceIp": self.source_ip, "userAgent": self.user_agent },
        })
    }
}

/// An id as API Gateway gives them to connections, requests and messages: eleven bytes in Base64.
pub(crate) fn identifier() -> String {
    URL_SAFE.encode(std::array::from_fn::<u8, 11, _>(|_| fastrand::u8(..)))
}

fn last_of_each(all: &BTreeMap<String, Vec<String>>) -> Value {
    all.iter().map(|(name, values)| (name.clone(), json!(values.last()))).collect()
}

/// API Gateway hands names on as people write them, not in lower case: functions must take both.
fn usual_case(name: &str) -> String {
    let word = |word: &str| match word {
        "websocket" => "WebSocket".to_owned(),
        word => {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        }
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_those_of_api_gateway_and_differ() {
        let id = identifier();
        assert_eq!(id.len(), 16);
        assert!(id.ends_with('=') && !id.contains('/'), "{id}");
        assert_ne!(id, identifier());
    }

    #[test]
    fn headers_come_as_people_write_them_and_all_their_values_with_them() {
        let mut headers = HeaderMap::new();
        headers.append("sec-websocket-protocol", "confab".parse().unwrap());
        headers.append("x-twice", "one".parse().unwrap());
        headers.append("x-twice", "two".parse().unwrap());
        let event = Caller::here(identifier()).connect("r", &headers, &"/?a=1&a=2&b=x%20y".parse().unwrap(), 9001);
        assert_eq!(event["headers"]["Sec-WebSocket-Protocol"], "confab");
        assert_eq!(event["headers"]["X-Twice"], "two");
        assert_eq!(event["multiValueHeaders"]["X-Twice"], json!(["one", "two"]));
        assert_eq!(event["queryStringParameters"], json!({ "a": "2", "b": "x y" }));
        assert_eq!(event["multiValueQueryStringParameters"]["a"], json!(["1", "2"]));
        assert_eq!(event["requestContext"]["eventType"], "CONNECT");
    }

    #[test]
    fn the_end_tells_its_code_and_reason() {
        let event = Caller::here(identifier()).disconnect(1001, "Going away");
        let context = &event["requestContext"];
        assert_eq!((&context["routeKey"], &context["eventType"]), (&json!("$disconnect"), &json!("DISCONNECT")));
        assert_eq!(context["disconnectStatusCode"], 1001);
        assert_eq!(context["disconnectReason"], "Going away");
    }
}
