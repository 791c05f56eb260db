//! What the functions of sockets are asked for: the events that a WebSocket API and the table's stream hand them, and what
//! takes what they post.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::environment::TABLE_NAME;
use crate::failure::{Context, Failure, Result};
use crate::invoke::Function;
use crate::stream::{Mapping, Pump, WORTH_TELLING};

/// Longer than the stream takes to tell of a write.
const PATIENCE: Duration = Duration::from_secs(20);

/// Stands where sockets are posted to: all of them are open, and take everything.
pub(crate) struct Posts {
    pub(crate) url: String,
    taken: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Posts {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
        let url = format!("http://{}", listener.local_addr().context("a port has no address")?);
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = taken.clone();
        let router = Router::new().fallback(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            async {}
        });
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { url, taken, server })
    }

    /// How many there were so far.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Posts {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The event by which the table's stream tells of the message that `send` sends, and of nothing else.
pub(crate) async fn told(endpoint: &str, send: impl Future<Output = Result<()>>) -> Result<Value> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let function = Function::new(move |event: Value| {
        // Who waits for them may have what they wait for.
        let _ = sender.send(event);
        async { Ok(json!({ "batchItemFailures": [] })) }
    });
    let mapping = Mapping { filters: WORTH_TELLING, ..Mapping::default() };
    let _pump = Pump::start(endpoint, TABLE_NAME, function, mapping).await.context("cannot read the table's stream")?;
    send.await?;
    let message = async {
        loop {
            let event = events.recv().await?;
            let mut records = event["Records"].as_array().into_iter().flatten();
            let is_message = |record: &&Value| {
                record["dynamodb"]["Keys"]["SK"]["S"].as_str().is_some_and(|key| key.starts_with("MSG#"))
            };
            if let Some(record) = records.find(is_message) {
                return Some(record.clone());
            }
        }
    };
    let record = timeout(PATIENCE, message).await.ok().flatten();
    let record = record.ok_or_else(|| Failure::new("the table's stream does not tell of a message"))?;
    Ok(json!({ "Records": [record] }))
}
