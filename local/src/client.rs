//! A client of Confab's real time: connected whenever it can be, and told of everything once and in order, whatever the
//! socket loses, repeats or shuffles.
//!
//! ```no_run
//! # async fn example(token: String, user: String) {
//! use local::client::{Client, Settings, Told};
//!
//! let mut client = Client::start(Settings::new("http://127.0.0.1:9000", "ws://127.0.0.1:9001", &token, &user));
//! while let Some(told) = client.next().await {
//!     if let Told::Applied(applied) = told {
//!         println!("{:?} of {}: {}", applied.place, applied.conversation, applied.event);
//!     }
//! }
//! # }
//! ```
//!
//! It begins with the present: what happened before it was [`Told::Ready`] is not told, and what was under way at that
//! moment may not be. Conversations that come later are told from their beginning.
//!
//! While it is connected, what is missing is held against the numbers: an event that comes too early is held, and if what
//! should have come before does not follow within [`Settings::hold`], it is asked for. After each reconnection it asks
//! for everything that has changed. What the server itself does not know the outcome of (a writer may have died) is
//! waited for, which takes up to half a minute and holds up what follows in that conversation.
//!
//! What is held is bounded, and so is what waits to be taken by [`Client::next`]: whoever does not take it stops the
//! client from reading on.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

mod actor;
mod backoff;
mod catch_up;
mod conversation;
mod log;
#[cfg(test)]
mod tests;

pub use log::{Log, Place, Step, Via};

/// How many things wait to be taken.
const WAITING: usize = 1024;

/// Whom a client is for, and how patient it is.
#[derive(Clone)]
pub struct Settings {
    /// Where the API is, `http://127.0.0.1:9000` for instance.
    pub api: String,
    /// Where the sockets are, `ws://127.0.0.1:9001` for instance.
    pub socket: String,
    /// No `Debug` above because of this.
    pub token: String,
    /// The id of whom the token belongs to.
    pub user: String,
    /// How long an event that came too early waits for what should have come before.
    pub hold: Duration,
    /// How often it says that it is there.
    pub ping_every: Duration,
    /// How long it waits for any answer: to a handshake, a request, a ping.
    pub patience: Duration,
    /// The longest wait before the first attempt to connect again; each time twice as long.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// What bounds how many requests are under way at once, over all clients that share it. Hundreds in one process, as
    /// in tests, would otherwise ask all at once when they come back together.
    pub places: Option<&'static Semaphore>,
}

impl Settings {
    #[must_use]
    pub fn new(api: &str, socket: &str, token: &str, user: &str) -> Self {
        Self {
            api: api.trim_end_matches('/').to_owned(),
            socket: socket.to_owned(),
            token: token.to_owned(),
            user: user.to_owned(),
            hold: Duration::from_secs(1),
            ping_every: Duration::from_secs(4 * 60),
            patience: Duration::from_secs(10),
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(30),
            places: None,
        }
    }
}

/// Something that happened, told once.
#[derive(Clone, Debug)]
pub struct Applied {
    pub conversation: String,
    pub place: Place,
    /// The event, in the shape in which it is pushed; of type `void` where the number stands for nothing.
    pub event: Value,
    pub via: Via,
    /// How long ago it happened, by the clocks of this machine and the server's.
    pub delay: Duration,
}

/// What a client tells.
#[derive(Clone, Debug)]
pub enum Told {
    /// What happens from now on will be told.
    Ready,
    Applied(Applied),
    /// What has no number: typing, presence, read marks, answers to frames.
    Passing(Value),
    /// There is a new conversation; its messages follow.
    Joined {
        conversation: String,
    },
    /// It was deleted, or this person is not part of it any more.
    Left {
        conversation: String,
    },
    /// Something was missing and has been asked for.
    GapFilled {
        conversation: String,
    },
    /// The connection is there, and everything that was missed has been told.
    Connected {
        attempts: u32,
    },
    /// The connection has gone, or could not be made; it is tried again after this wait.
    Disconnected {
        reason: String,
        again_in: Duration,
    },
    /// The session has ended: there is nothing more to come.
    SessionEnded,
}

/// What a client is asked to do.
#[derive(Debug)]
enum Wish {
    Say(Value),
    Vanish,
}

/// A client that runs until this is dropped or the session ends.
pub struct Client {
    told: mpsc::Receiver<Told>,
    wishes: mpsc::Sender<Wish>,
    task: JoinHandle<()>,
}

impl Client {
    /// Begins to connect.
    #[must_use]
    pub fn start(settings: Settings) -> Self {
        let (tell, told) = mpsc::channel(WAITING);
        let (wishes, wished) = mpsc::channel(WAITING);
        let task = tokio::spawn(actor::Actor::new(settings, tell, wished).run());
        Self { told, wishes, task }
    }

    /// What happens next; nothing after the session has ended.
    pub async fn next(&mut self) -> Option<Told> {
        self.told.recv().await
    }

    /// Sends a frame. It is lost if the connection is, or is not there; whether the client still runs.
    pub async fn say(&self, frame: Value) -> bool {
        self.wishes.send(Wish::Say(frame)).await.is_ok()
    }

    /// Drops the connection without a close frame, as if the network had gone. The client connects again.
    pub async fn vanish(&self) -> bool {
        self.wishes.send(Wish::Vanish).await.is_ok()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}
