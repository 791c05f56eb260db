//! The table's stream, told to open sockets.
//!
//! A request writes and is done; what it wrote comes here, in order for each conversation, and goes to whoever takes part at
//! that moment. A batch is read in two round trips, however many conversations it tells of, then posted: in order to each
//! socket, and to all of them side by side. A record that cannot be told is reported, and the others are told all
//! the same; whoever is told something twice knows it by its number.

mod batch;

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::http::Fatal;
use shared::sockets::{Delivered, Gateway, Invocation};
use shared::store::{Settings, Store};

use batch::Batch;

pub struct Fanout {
    store: Store,
    gateway: Gateway,
}

/// What became of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The sequence numbers of records that could not be told.
    pub failed: Vec<String>,
    pub delivered: Delivered,
}

impl Fanout {
    pub fn new(store: Store, gateway: Gateway) -> Self {
        Self { store, gateway }
    }

    /// From the environment: the table's (see [`Settings`]), and where sockets are posted to (see [`Gateway`]).
    pub async fn from_env() -> Result<Self, String> {
        let gateway = Gateway::from_env().await?;
        let store = Store::connect(Settings::from_env()).await;
        if let Err(error) = store.warm().await {
            tracing::warn!("the first read failed: {error}");
        }
        Ok(Self::new(store, gateway))
    }

    /// Tells the records of a batch to all whom they concern.
    pub async fn tell(&self, event: &Value) -> Outcome {
        let now = Timestamp::from(SystemTime::now());
        Batch::of(event).tell(&self.store, &self.gateway, now).await
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
impl Invocation for Fanout {
    const TIME_LIMIT: Duration = Duration::from_secs(50);

    fn kind(&self, _: &Value) -> &'static str {
        "stream"
    }

    fn gateway_id(&self, _: &Value) -> Option<String> {
        None
    }

    async fn invoke(&self, event: Value) -> Result<(Value, StatusCode), Fatal> {
        let Outcome { failed, delivered } = self.tell(&event).await;
        let Delivered { reached, gone, closed } = delivered;
        tracing::debug!(reached, gone, closed, failed = failed.len(), "a batch was told");
        let status = if failed.is_empty() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
        let failures: Vec<Value> = failed.into_iter().map(|number| json!({ "itemIdentifier": number })).collect();
        Ok((json!({ "batchItemFailures": failures }), status))
    }
}
