//! Asking what has changed.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Settings;
use crate::web;

/// The API, with the caller's token.
pub(super) struct Changes {
    client: Client,
    api: String,
    token: String,
    patience: Duration,
    places: Option<&'static Semaphore>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// The session has ended.
    SignedOut,
    /// There is no such conversation (any more), or not for this person.
    NotThere,
    /// It may work later.
    Later(String),
}

impl Changes {
    pub(super) fn new(settings: &Settings) -> Self {
        let (api, token) = (settings.api.clone(), settings.token.clone());
        Self { client: web::client(), api, token, patience: settings.patience, places: settings.places }
    }

    /// In all conversations after a cursor; without one, only where they stand.
    pub(super) async fn everywhere(&self, after: Option<&str>) -> Result<Value, NoAnswer> {
        self.ask("/api/changes/", after).await
    }

    /// In one conversation after a cursor; without one, from its beginning.
    pub(super) async fn of(&self, conversation: &str, after: Option<&str>) -> Result<Value, NoAnswer> {
        self.ask(&format!("/api/conversations/{conversation}/changes/"), after).await
    }

    /// What an answer or an event names the address of.
    pub(super) async fn at(&self, address: &str) -> Result<Value, NoAnswer> {
        self.ask(address, None).await
    }

    async fn ask(&self, address: &str, after: Option<&str>) -> Result<Value, NoAnswer> {
        // Whoever is told an address is told it by the API; but the token goes to nobody else.
        let path = address.find("/api/").map_or(address, |start| &address[start..]);
        let mut request = self.client.get(format!("{}{path}", self.api)).bearer_auth(&self.token);
        if let Some(after) = after {
            request = request.query(&[("after", after)]);
        }
        let _place = match self.places {
            // Nobody closes it.
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        let later = |error: reqwest::Error| NoAnswer::Later(error.without_url().to_string());
        let response = request.timeout(self.patience).send().await.map_err(later)?;
        match response.status() {
            StatusCode::UNAUTHORIZED => Err(NoAnswer::SignedOut),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Err(NoAnswer::NotThere),
            status if status.is_success() => response.json().await.map_err(later),
            status => Err(NoAnswer::Later(format!("{path} was answered with {status}"))),
        }
    }
}
