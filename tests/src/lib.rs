//! Confab as its suite uses it: through the front door, like any client.
//!
//! `CONFAB_TARGET` is the address; `cargo dev test` sets it, and starts a stack behind it unless told to use one that
//! is deployed. What also needs the machine behind the address is in [`machine`].

pub mod linearizability;
pub mod machine;
mod secrets;
pub mod sockets;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many requests may be under way at once, over all tests: cargo-lambda's emulator stops for good when 100 wait for
/// one function.
pub static UNDER_WAY: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(64);

/// A password that no rule refuses.
pub const PASSWORD: &str = "a-long-enough-password";

/// The address under test.
pub fn target() -> String {
    std::env::var("CONFAB_TARGET")
        .expect("CONFAB_TARGET is not set: run the suite with `cargo dev test`, which starts a stack and sets it")
}

/// Whether the target is on somebody's own machine, where cookies go without TLS.
pub fn is_local() -> bool {
    let address = reqwest::Url::parse(&target()).expect("CONFAB_TARGET is an address");
    matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Somebody who asks: with a token, with cookies, or with nothing.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    headers: HeaderMap,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("not JSON ({error}), status {}: {}", self.status, self.text))
    }

    /// This answer, if it has that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks that this answer says one sentence and nothing else.
    #[track_caller]
    pub fn says(self, status: u16, sentence: &str) -> Self {
        assert_eq!((self.status, self.json()), (status, json!({ "detail": sentence })));
        self
    }

    /// Checks that this answer refuses one field and nothing else, for one reason.
    #[track_caller]
    pub fn refuses(self, field: &str, reason: &str) {
        assert_eq!((self.status, self.json()), (400, json!({ field: [reason] })));
    }

    /// The JSON with its keys in the order in which they stand: JSON is YAML, whose mappings keep it.
    pub fn in_order(&self) -> serde_yaml_ng::Value {
        serde_yaml_ng::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    /// All that a client can tell this answer from another by, but for what no two answers share.
    pub fn likeness(&self) -> (u16, BTreeMap<&str, &str>, &str) {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
        let shared = headers.filter(|(name, _)| !["x-request-id", "apigw-requestid", "date"].contains(name));
        (self.status, shared.collect(), &self.text)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The value of a cookie that was set.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all("set-cookie").into_iter().filter_map(|value| value.to_str().ok());
        cookies
            .filter_map(|cookie| cookie.split(';').next()?.split_once('='))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// How a cookie was set: `HttpOnly`, `Path=/` and the like.
    pub fn cookie_attributes(&self, name: &str) -> BTreeSet<&str> {
        let mut cookies = self.headers.get_all("set-cookie").into_iter().filter_map(|value| value.to_str().ok());
        let cookie = cookies.find(|cookie| cookie.split_once('=').is_some_and(|(found, _)| found == name));
        cookie.unwrap_or_else(|| panic!("the cookie {name} was not set")).split("; ").skip(1).collect()
    }
}

/// A client that shows every answer as it is.
pub fn http_client() -> reqwest::Client {
    // Fails when it was done before, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    // Loading the system's certificates takes longer than many a test.
    let builder = if is_local() { builder.tls_certs_only([]) } else { builder };
    builder.build().expect("the system has certificates to trust")
}

impl Client {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self { http: http_client(), headers: HeaderMap::new() }
    }

    pub fn with_token(token: &str) -> Self {
        Self::anonymous().with("authorization", &format!("Bearer {token}"))
    }

    /// The same with another header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        self.headers.insert(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// Sends a request to a path, or to an absolute address of the target.
    pub async fn send(&self, method: Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Answer {
        let address = if path.starts_with('/') { format!("{}{path}", target()) } else { path.to_owned() };
        let mut request = self.http.request(method, address).headers(self.headers.clone());
        if let Some((media_type, body)) = body {
            request = request.header("content-type", media_type).body(body);
        }
        self.answer(request.build().expect("a request")).await
    }

    /// Sends a request as it is, with an absolute address, and nothing of this client's.
    pub async fn ask(&self, request: axum::http::Request<Vec<u8>>) -> Answer {
        self.answer(request.try_into().expect("a request to an absolute address")).await
    }

    async fn answer(&self, request: reqwest::Request) -> Answer {
        let _permit = UNDER_WAY.acquire().await.expect("nobody closes it");
        secrets::in_request(&request);
        let response = self.http.execute(request).await.expect("the target answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a whole answer in UTF-8");
        secrets::in_answer(&headers, &text);
        Answer { status, headers, text }
    }

    async fn send_json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(method, path, Some(("application/json", body.to_string().into_bytes()))).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send_json(Method::POST, path, &body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send_json(Method::PUT, path, &body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send_json(Method::PATCH, path, &body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        self.send(Method::POST, path, Some(("application/x-www-form-urlencoded", form.join("&").into_bytes()))).await
    }
}

/// Percent-encoded (RFC 3986), all but unreserved characters.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Somebody who has registered, and is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub client: Client,
    pub token: String,
    pub id: String,
    pub email: String,
}

impl Person {
    /// Somebody new in all the world.
    pub async fn new(first_name: &str) -> Self {
        let email = format!("{}.{}@example.com", first_name.to_lowercase(), Uuid::new_v4().simple());
        let answer = Client::anonymous()
            .post(
                "/api/auth/register/",
                json!({ "first_name": first_name, "last_name": "Tester", "email": email, "password": PASSWORD }),
            )
            .await
            .expect(201)
            .json();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let token = text(&answer["token"]);
        Self { client: Client::with_token(&token), token, id: text(&answer["user"]["user_id"]), email }
    }

    /// The same person, signed in once more.
    pub async fn sign_in_again(&self) -> Self {
        let answer = Client::anonymous()
            .post("/api/auth/login/", json!({ "email": self.email, "password": PASSWORD }))
            .await
            .expect(200)
            .json();
        let token = answer["token"].as_str().expect("a token").to_owned();
        Self { client: Client::with_token(&token), token, ..self.clone() }
    }

    /// Starts a conversation with others; a direct one if it is one other without a title.
    pub async fn start(&self, others: &[&Person], title: Option<&str>) -> String {
        let ids: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
        let answer = self.client.post("/api/conversations/", json!({ "participant_ids": ids, "title": title })).await;
        assert!([200, 201].contains(&answer.status), "{}", answer.text);
        answer.json()["conversation_id"].as_str().expect("an id").to_owned()
    }

    pub async fn say(&self, conversation: &str, body: &str) -> Value {
        self.client
            .post("/api/messages/", json!({ "conversation": conversation, "message_body": body }))
            .await
            .expect(201)
            .json()
    }

    /// A send that may be repeated.
    pub async fn say_with_key(&self, conversation: &str, body: &str, key: &str) -> Answer {
        let client = self.client.clone().with("idempotency-key", key);
        client.post("/api/messages/", json!({ "conversation": conversation, "message_body": body })).await
    }

    pub async fn conversation(&self, id: &str) -> Value {
        self.client.get(&format!("/api/conversations/{id}/")).await.expect(200).json()
    }

    /// The bodies of all of a conversation's messages, by following `next` from the first page.
    pub async fn all_messages(&self, conversation: &str, query: &str) -> Vec<Value> {
        let mut path = format!("/api/conversations/{conversation}/messages/?{query}");
        let mut messages = Vec::new();
        loop {
            let page = self.client.get(&path).await.expect(200).json();
            messages.extend(page["results"].as_array().expect("a list").iter().cloned());
            match page["next"].as_str() {
                Some(next) => path = next.to_owned(),
                None => return messages,
            }
        }
    }
}

/// Two people with a direct conversation.
pub async fn two_people() -> (Person, Person, String) {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let conversation = ada.start(&[&grace], None).await;
    (ada, grace, conversation)
}

/// Whether a text is an instant in the one spelling that clients know: `2026-01-01T12:00:00.123456Z`.
pub fn is_instant(value: &Value) -> bool {
    let spelt = value.as_str().and_then(shared::domain::Timestamp::parse).map(|instant| instant.to_string());
    spelt.is_some() && spelt.as_deref() == value.as_str()
}

/// The keys of an object, in the order in which they stand.
pub fn keys(object: &serde_yaml_ng::Value) -> Vec<&str> {
    let object = object.as_mapping().unwrap_or_else(|| panic!("no object: {object:?}"));
    object.keys().map(|key| key.as_str().expect("JSON's keys are texts")).collect()
}

/// The values of one key of each object of a list.
pub fn each<'v>(list: impl IntoIterator<Item = &'v Value>, key: &str) -> Vec<Value> {
    list.into_iter().map(|value| value[key].clone()).collect()
}
