//! The sockets' side of the WebSocket API: opening them, what clients say over them, and their end.

mod connect;
mod event;
mod frames;

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use serde_json::Value;
use shared::domain::Timestamp;
use shared::domain::connection::MOST_CONNECTIONS;
use shared::http::{App, Fatal};
use shared::sockets::{Gateway, Invocation};

use event::{Answer, Route, SocketEvent};

pub struct Realtime {
    app: App,
    gateway: Gateway,
    settings: Settings,
}

/// What can be configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many sockets a person has at once.
    pub most_connections: usize,
    /// Web origins of other sites whose pages may open sockets with the session cookie.
    pub origins: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { most_connections: MOST_CONNECTIONS, origins: Vec::new() }
    }
}

impl Settings {
    /// From the environment: `MOST_CONNECTIONS`, and `ALLOWED_ORIGINS` separated by commas.
    pub fn from_env() -> Result<Self, String> {
        let most_connections = match std::env::var("MOST_CONNECTIONS") {
            Err(_) => MOST_CONNECTIONS,
            Ok(text) => match text.parse() {
                Ok(most @ 1..=100) => most,
                _ => return Err(format!("MOST_CONNECTIONS is {text:?}: it must be a number from 1 to 100")),
            },
        };
        let origins = std::env::var("ALLOWED_ORIGINS").unwrap_or_default();
        let origins =
            origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
        Ok(Self { most_connections, origins })
    }
}

impl Realtime {
    pub fn new(app: App, gateway: Gateway, settings: Settings) -> Self {
        Self { app, gateway, settings }
    }

    /// From the environment: that of [`App`], of [`Gateway`] and of [`Settings`].
    pub async fn from_env() -> Result<Self, String> {
        let (settings, gateway, app) = (Settings::from_env()?, Gateway::from_env().await?, App::from_env().await?);
        if let Err(error) = app.store.warm().await {
            tracing::warn!("the first read failed: {error}");
        }
        Ok(Self::new(app, gateway, settings))
    }

    /// Answers an event of a socket.
    pub async fn answer(&self, event: SocketEvent) -> Answer {
        let now = Timestamp::from(SystemTime::now());
        match event.route() {
            Route::Connect => self.connect(&event, now).await,
            Route::Disconnect => self.disconnect(&event).await,
            Route::Default => self.frame(&event, now).await,
            Route::Unknown => Answer::status(StatusCode::NOT_FOUND),
        }
    }
}

impl Invocation for Realtime {
    const TIME_LIMIT: Duration = Duration::from_secs(10);

    fn kind(&self, event: &Value) -> &'static str {
        match event["requestContext"]["routeKey"].as_str() {
            Some("$connect") => "$connect",
            Some("$disconnect") => "$disconnect",
            Some("$default") => "$default",
            _ => "unknown",
        }
    }

    fn gateway_id(&self, event: &Value) -> Option<String> {
        event["requestContext"]["requestId"].as_str().map(str::to_owned)
    }

    async fn invoke(&self, event: Value) -> Result<(Value, StatusCode), Fatal> {
        // Not what is wrong with it: that would quote it.
        let event = serde_json::from_value(event).map_err(|_| "an event that is none of a WebSocket API's")?;
        let answer = self.answer(event).await;
        Ok((serde_json::to_value(&answer)?, answer.status_code))
    }
}
