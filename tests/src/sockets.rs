//! People who listen: clients of real time through the front door, each with a memory of all that it was told.

pub mod relay;
mod seen;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use local::client::{Client, Settings, Told};
use serde_json::Value;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use seen::{Seen, Shown};

use crate::{Person, UNDER_WAY, target};

/// Longer than anything takes that is not stuck, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Where the stack under test opens sockets, as it says itself.
pub async fn address() -> String {
    let index = crate::Client::anonymous().get("/api/").await.expect(200).json();
    index["websocket"].as_str().expect("the stack has sockets").to_owned()
}

/// How a person's client is set up: with the patience that a busy machine needs, and with its share of requests.
pub fn settings(api: &str, sockets: &str, person: &Person) -> Settings {
    Settings {
        patience: Duration::from_secs(60),
        longest_wait: Duration::from_secs(2),
        places: Some(&UNDER_WAY),
        ..Settings::new(api, sockets, &person.token, &person.id)
    }
}

/// A client that listens until this is dropped, and what it was told.
pub struct Watcher {
    state: Arc<State>,
    wishes: mpsc::UnboundedSender<Wish>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    seen: Mutex<Seen>,
    changed: Notify,
}

enum Wish {
    Say(Value),
    Vanish,
}

impl Watcher {
    /// A person's client, once it has begun to listen.
    pub async fn of(person: &Person) -> Self {
        Self::at(&address().await, person).await
    }

    /// The same at an address of sockets.
    pub async fn at(sockets: &str, person: &Person) -> Self {
        Self::with(settings(&target(), sockets, person)).await
    }

    pub async fn with(settings: Settings) -> Self {
        let watcher = Self::start(settings);
        watcher.until("it listens", |seen| seen.connections > 0).await;
        watcher
    }

    /// A client that has only just been started.
    pub fn start(settings: Settings) -> Self {
        let state = Arc::new(State::default());
        let (wishes, mut wished) = mpsc::unbounded_channel();
        let mut client = Client::start(settings);
        let remembers = state.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    told = client.next() => {
                        let is_over = told.is_none();
                        remembers.remember(told);
                        if is_over { return }
                    }
                    Some(wish) = wished.recv() => {
                        match wish {
                            Wish::Say(frame) => client.say(frame).await,
                            Wish::Vanish => client.vanish().await,
                        };
                    }
                }
            }
        });
        Self { state, wishes, task }
    }

    /// What it was told so far.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.state.seen()
    }

    /// Waits until what it was told is as it should be.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&Seen) -> bool) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let holding = async {
                loop {
                    let changed = self.state.changed.notified();
                    if holds(&self.seen()) {
                        return;
                    }
                    changed.await;
                }
            };
            if timeout(PATIENCE, holding).await.is_err() {
                panic!("{place}: in vain was waited until {what}; a client was told {}", self.seen().in_short());
            }
        }
    }

    /// Waits until it was told the messages of a conversation up to this number.
    pub async fn until_message(&self, conversation: &str, number: u64) {
        self.until(&format!("message {number} is told"), |seen| seen.messages(conversation) >= number).await;
    }

    /// Sends a frame.
    pub fn say(&self, frame: Value) {
        drop(self.wishes.send(Wish::Say(frame)));
    }

    /// Loses its connection without a close frame, and comes back.
    pub fn vanish(&self) {
        drop(self.wishes.send(Wish::Vanish));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, told: Option<Told>) {
        self.seen().take(told);
        self.changed.notify_waiters();
    }
}

/// Sends a message with a key, again until it is granted; its number.
pub async fn send_surely(person: &Person, conversation: &str, text: &str) -> u64 {
    let key = uuid::Uuid::new_v4().to_string();
    for attempt in 0..8 {
        let answer = person.say_with_key(conversation, text, &key).await;
        match answer.status {
            200 | 201 => return answer.json()["number"].as_u64().expect("a number"),
            429 | 500.. => tokio::time::sleep(Duration::from_millis(250 << attempt)).await,
            _ => panic!("a send was refused: {} {}", answer.status, answer.text),
        }
    }
    panic!("a send was not granted however often it was repeated");
}
