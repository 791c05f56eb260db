//! What stands before the management of sockets, and decides about each post that tells of a message: it passes, it is
//! lost, or it is held. What tells of anything else (a read mark may come at any time) passes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// Its sender is told that it arrived.
    Lose,
    /// Its sender is told nothing.
    Hold,
}

type Judge = Box<dyn Fn(usize) -> Fate + Send>;

pub struct Turnstile {
    address: String,
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

struct Inner {
    management: String,
    http: reqwest::Client,
    judge: Mutex<Judge>,
    posts: AtomicUsize,
    held: watch::Sender<bool>,
}

impl Turnstile {
    pub async fn before(management: &str) -> Self {
        let inner = Arc::new(Inner {
            management: management.to_owned(),
            http: crate::http_client(),
            judge: Mutex::new(Box::new(|_| Fate::Pass)),
            posts: AtomicUsize::new(0),
            held: watch::channel(false).0,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("a bound port"));
        let router = Router::new().fallback(pass_on).with_state(inner.clone());
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self { address, inner, server }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// What becomes of each post of a message from now on, counted from 0.
    pub fn expect(&self, judge: impl Fn(usize) -> Fate + Send + 'static) {
        let mut current = self.inner.judge.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.posts.store(0, Ordering::SeqCst);
        *current = Box::new(judge);
    }

    /// How many of them came since then.
    pub fn posts(&self) -> usize {
        self.inner.posts.load(Ordering::SeqCst)
    }

    pub(super) async fn until_held(&self) {
        // The sender lives as long as this.
        drop(self.inner.held.subscribe().wait_for(|held| *held).await);
    }

    /// Whoever waits for what was held is not there any more.
    pub(super) fn release(&self) {
        self.inner.held.send_replace(false);
    }
}

impl Drop for Turnstile {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass_on(State(inner): State<Arc<Inner>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let tells_of_a_message = std::str::from_utf8(&body).is_ok_and(|frame| frame.contains("message.created"));
    let fate = if method == Method::POST && tells_of_a_message {
        let judge = inner.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge(inner.posts.fetch_add(1, Ordering::SeqCst))
    } else {
        Fate::Pass
    };
    match fate {
        Fate::Lose => return StatusCode::OK.into_response(),
        Fate::Hold => {
            inner.held.send_replace(true);
            std::future::pending::<()>().await;
        }
        Fate::Pass => {}
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = inner.http.request(method, format!("{}{path}", inner.management)).body(body);
    match request.send().await {
        Ok(answer) => (answer.status(), answer.bytes().await.unwrap_or_default()).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
