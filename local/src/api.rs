//! A stack's front door, as this tool uses it.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use crate::failure::{Context, Failure, Result};
use crate::web;

#[derive(Clone, Debug)]
pub(crate) struct Api {
    client: Client,
    url: String,
}

/// Somebody with a token.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// What a person is registered with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newcomer<'a> {
    pub(crate) email: &'a str,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) password: &'a str,
}

/// A request, without its caller's token.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// A send's client key.
    pub(crate) key: Option<&'a str>,
    pub(crate) body: Option<&'a Value>,
}

impl<'a> Call<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, key: None, body: None }
    }

    pub(crate) fn post(path: &'a str, body: &'a Value) -> Self {
        Self { method: Method::POST, path, key: None, body: Some(body) }
    }

    pub(crate) fn put(path: &'a str, body: &'a Value) -> Self {
        Self { method: Method::PUT, path, key: None, body: Some(body) }
    }

    pub(crate) fn with_key(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }
}

impl Api {
    pub(crate) fn at(url: &str) -> Self {
        Self { client: web::client(), url: url.trim_end_matches('/').to_owned() }
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Result<SignedIn> {
        let body = json!({ "email": email, "password": password });
        SignedIn::from_answer(&self.expect(None, &Call::post("/api/auth/login/", &body)).await?)
    }

    pub(crate) async fn register(&self, newcomer: &Newcomer<'_>) -> Result<SignedIn> {
        let body = newcomer.to_json();
        SignedIn::from_answer(&self.expect(None, &Call::post("/api/auth/register/", &body)).await?)
    }

    /// The answer's body, where the request was granted.
    pub(crate) async fn expect(&self, caller: Option<&SignedIn>, call: &Call<'_>) -> Result<Value> {
        let Call { method, path, .. } = call;
        let (status, answer) = self.send(caller, call).await.context(format!("{method} {path}"))?;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(Failure::new(format!("{method} {path} was answered with {status}: {answer}")))
        }
    }

    /// Whatever the answer is; null where it is not JSON.
    pub(crate) async fn send(
        &self,
        caller: Option<&SignedIn>,
        call: &Call<'_>,
    ) -> reqwest::Result<(StatusCode, Value)> {
        let mut request = self.client.request(call.method.clone(), format!("{}{}", self.url, call.path));
        if let Some(caller) = caller {
            request = request.bearer_auth(&caller.token);
        }
        if let Some(key) = call.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }
}

impl Newcomer<'_> {
    pub(crate) fn to_json(self) -> Value {
        let Self { email, first_name, last_name, password } = self;
        json!({ "email": email, "first_name": first_name, "last_name": last_name, "password": password })
    }
}

impl SignedIn {
    fn from_answer(answer: &Value) -> Result<Self> {
        Ok(Self { id: text(answer, "/user/user_id")?, token: text(answer, "/token")? })
    }
}

/// A text that an answer must have.
pub(crate) fn text(answer: &Value, pointer: &str) -> Result<String> {
    let value = answer.pointer(pointer).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| Failure::new(format!("an answer lacks {pointer}: {answer}")))
}
