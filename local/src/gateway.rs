//! The WebSocket API, as API Gateway plays it in front of the function `realtime`.
//!
//! The function decides about every handshake (`$connect`), gets every text frame (`$default`) and is told of every end
//! (`$disconnect`); whoever knows a connection's id reaches it by `@connections`, on the same port.
//!
//! Followed: the pages "Working with WebSocket APIs", "Use @connections commands in your backend service" and "Quotas for
//! configuring and running a WebSocket API" of API Gateway's developer guide. Where they are silent, this decides:
//!
//! - Frames of one connection reach the function in the order in which they came, without waiting for earlier answers,
//!   eight at a time at most: API Gateway promises no order among answers.
//! - Whatever is sent or received keeps a connection from being idle.
//! - What is posted waits in a queue of the connection, as long as the limits say. When it is full, `POST` is answered
//!   with 429 (`LimitExceededException`, "the WebSocket client side buffer is full"); nobody else waits meanwhile.
//! - A function that fails at the handshake is 502.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::routing::{any, get};
use axum::serve::ListenerExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::invoke::Function;

mod connection;
mod event;
mod handshake;
mod management;
#[cfg(test)]
mod tests;

use connection::{Connection, Order};
pub(crate) use event::identifier;

/// How long an orderly end may take.
const GRACE: Duration = Duration::from_secs(5);

/// What API Gateway sets bounds to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// After how long without a frame, either way, a connection is ended.
    pub idle: Duration,
    /// How old a connection gets.
    pub lifetime: Duration,
    /// How many posted messages wait for a client that does not read.
    pub queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(10 * 60), lifetime: Duration::from_secs(2 * 60 * 60), queue: 256 }
    }
}

/// A WebSocket API that runs until this is dropped or [`Gateway::stop`]ped.
pub struct Gateway {
    api: Arc<Api>,
    server: JoinHandle<()>,
}

struct Api {
    function: Function,
    limits: Limits,
    address: SocketAddr,
    /// Those that are open, by id.
    connections: Mutex<HashMap<String, Arc<Connection>>>,
    /// Held by every connection until the function was told of its end.
    alive: Arc<()>,
}

impl Gateway {
    /// Serves on `listener` with `function` behind it.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(listener: TcpListener, function: Function, limits: Limits) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let api = Arc::new(Api { function, limits, address, connections: Mutex::default(), alive: Arc::default() });
        let router = Router::new()
            .route("/@connections/{id}", get(management::get).post(management::post).delete(management::delete))
            .fallback(any(handshake::open))
            .with_state(api.clone());
        // An event must not wait for the acknowledgement of the one before.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { drop(axum::serve(listener, service).await) });
        Ok(Self { api, server })
    }

    /// Where clients connect.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}", self.api.address)
    }

    /// The base of `@connections`.
    #[must_use]
    pub fn management_url(&self) -> String {
        format!("http://{}", self.api.address)
    }

    /// The ids of the connections that are open.
    #[must_use]
    pub fn connections(&self) -> Vec<String> {
        self.api.connections().keys().cloned().collect()
    }

    /// Ends a connection without a word, as a network does that has gone; whether there was one. The function is told
    /// (1006).
    pub fn cut(&self, connection_id: &str) -> bool {
        self.api.find(connection_id).is_some_and(|connection| connection.order(Order::Cut))
    }

    /// Cuts every connection; how many there were.
    pub fn cut_all(&self) -> usize {
        let open = self.connections();
        open.iter().filter(|id| self.cut(id)).count()
    }

    /// Takes no more connections, closes those that are open, and returns once the function was told of each, or after
    /// a few seconds.
    pub async fn stop(self) {
        self.server.abort();
        for connection in self.api.connections().values() {
            connection.order(Order::GoAway);
        }
        let deadline = Instant::now() + GRACE;
        while Arc::strong_count(&self.api.alive) > 1 && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
        for connection in self.api.connections().values() {
            connection.order(Order::Cut);
        }
    }
}

/// That a connection opens whose client has this token.
pub(crate) fn opening(connection_id: &str, token: &str) -> Value {
    let caller = event::Caller::here(connection_id.to_owned());
    let mut event = caller.connect(&identifier(), &HeaderMap::new(), &Uri::from_static("/"), 443);
    let bearer = format!("Bearer {token}");
    event["multiValueHeaders"]["Authorization"] = json!([bearer]);
    event["headers"]["Authorization"] = json!(bearer);
    event
}

/// That the client of a connection says something.
pub(crate) fn frame(connection_id: &str, text: &str) -> Value {
    event::Caller::here(connection_id.to_owned()).message(&identifier(), text)
}

/// That a connection has ended which never was: costs the function nothing and changes nothing, and shows that it answers.
pub(crate) fn end_of_nobody() -> Value {
    event::Caller::here(identifier()).disconnect(1006, "")
}

impl Api {
    fn connections(&self) -> MutexGuard<'_, HashMap<String, Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, connection_id: &str) -> Option<Arc<Connection>> {
        self.connections().get(connection_id).cloned()
    }
}
