//! Demo people and a conversation for a local stack, made through the API like anybody's. Only what is missing is made.

use reqwest::StatusCode;
use serde_json::json;

use crate::api::{Api, Call, Newcomer, SignedIn, text};
use crate::failure::{Context, Result};

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
    let api = Api::at(url);
    let ada = sign_in(&api, &ADA).await?;
    let grace = sign_in(&api, &GRACE).await?;

    let body = json!({ "participant_ids": [grace.id] });
    let conversation = api.expect(Some(&ada), &Call::post("/api/conversations/", &body)).await?;
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
            api.expect(Some(sender), &Call::post("/api/messages/", &body).with_key(&key)).await?;
        }
    }
    Ok(id)
}

/// Registers whoever cannot log in.
async fn sign_in(api: &Api, person: &Person) -> Result<SignedIn> {
    let Person { email, first_name, last_name } = *person;
    let login = json!({ "email": email, "password": PASSWORD });
    let (status, _) = api.send(None, &Call::post("/api/auth/login/", &login)).await.context("POST /api/auth/login/")?;
    if status == StatusCode::BAD_REQUEST {
        api.register(&Newcomer { email, first_name, last_name, password: PASSWORD }).await
    } else {
        api.log_in(email, PASSWORD).await
    }
}
