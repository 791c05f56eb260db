//! Demo people and a conversation for a local stack, made through the API like anybody's. Only what is missing is made.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::failure::{Context, Failure, Result};

/// No secret: these people exist in local databases only.
pub(crate) const PASSWORD: &str = "confab-demo-2026";

pub(crate) struct Person {
    pub(crate) email: &'static str,
    pub(crate) first_name: &'static str,
    pub(crate) last_name: &'static str,
}

pub(crate) const ADA: Person = Person { email: "ada@example.com", first_name: "Ada", last_name: "Lovelace" };
pub(crate) const GRACE: Person = Person { email: "grace@example.com", first_name: "Grace", last_name: "Hopper" };
pub(crate) const ADMIN: Person = Person { email: "admin@example.com", first_name: "Confab", last_name: "Admin" };

/// The conversation between the two demo people.
pub(crate) async fn conversation(url: &str) -> Result<String> {
    let api = Api { client: Client::new(), url };
    let ada = api.sign_in(&ADA).await?;
    let grace = api.sign_in(&GRACE).await?;

    let body = json!({ "participant_ids": [grace.id] });
    let conversation = api.post(&ada, "/api/conversations/", None, &body).await?;
    let id = text(&conversation, "/conversation_id")?;

    let messages = [
        (&ada, "Hello Grace! Is this thing on?"),
        (&grace, "It is. And it numbers what we say: this is message 2."),
        (&ada, "Then nothing gets lost. Shall we invite the others?"),
    ];
    let sent = conversation["last_number"].as_u64().unwrap_or_default();
    if sent < messages.len() as u64 {
        for (number, (sender, body)) in messages.iter().enumerate() {
            let body = json!({ "conversation": id, "message_body": body });
            let key = format!("demo-{}", number + 1);
            api.post(sender, "/api/messages/", Some(&key), &body).await?;
        }
    }
    Ok(id)
}

struct Api<'a> {
    client: Client,
    url: &'a str,
}

struct SignedIn {
    id: String,
    token: String,
}

impl Api<'_> {
    async fn sign_in(&self, person: &Person) -> Result<SignedIn> {
        let register = json!({
            "email": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "password": PASSWORD,
        });
        let login = json!({ "email": person.email, "password": PASSWORD });
        let (mut status, mut answer) = self.send(None, "/api/auth/login/", None, &login).await?;
        if status == StatusCode::BAD_REQUEST {
            (status, answer) = self.send(None, "/api/auth/register/", None, &register).await?;
        }
        if !status.is_success() {
            return Err(Failure::new(format!(
                "{} can neither log in with the demo password nor register ({status}: {answer})",
                person.email
            )));
        }
        Ok(SignedIn { id: text(&answer, "/user/user_id")?, token: text(&answer, "/token")? })
    }

    async fn post(&self, caller: &SignedIn, path: &str, key: Option<&str>, body: &Value) -> Result<Value> {
        let (status, answer) = self.send(Some(caller), path, key, body).await?;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(Failure::new(format!("POST {path} answered {status}: {answer}")))
        }
    }

    async fn send(
        &self,
        caller: Option<&SignedIn>,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<(StatusCode, Value)> {
        let mut request = self.client.post(format!("{}{path}", self.url)).json(body);
        if let Some(caller) = caller {
            request = request.bearer_auth(&caller.token);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.context(format!("POST {path}"))?;
        let status = response.status();
        let answer = response.json().await.unwrap_or_default();
        Ok((status, answer))
    }
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    let value = answer.pointer(pointer).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| Failure::new(format!("an answer lacks {pointer}: {answer}")))
}
