//! One open socket: what its client says goes to the function, what is posted goes to its client, until one of them, a
//! limit or the network ends it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Api;
use super::event::{Caller, identifier};
use super::handshake::{ask, failure};
use super::management::MOST_BYTES;

/// The longest frame. A longer message comes in several.
const LONGEST_FRAME: usize = 32 * 1024;
/// Frames of one connection that the function has at once.
const AT_ONCE: usize = 8;
/// How long a client is waited for that should take a close frame, and answer it.
const FAREWELL: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What others can do with an open connection.
pub(super) struct Connection {
    caller: Caller,
    /// Milliseconds since 1970.
    last_active: AtomicI64,
    posts: mpsc::Sender<Message>,
    orders: mpsc::UnboundedSender<Order>,
}

/// What a connection can be told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The backend wants it closed.
    Close,
    /// The API stops.
    GoAway,
    /// The network has gone.
    Cut,
}

/// What became of something posted.
pub(super) enum Posted {
    Queued,
    Full,
    Gone,
}

/// How a connection ends.
#[derive(Debug)]
enum End {
    /// The client said so, or is not there any more: nothing is left to say.
    Theirs { code: u16, reason: String },
    /// This end closes.
    Ours { code: CloseCode, reason: &'static str },
    /// Nobody says anything.
    Cut,
}

impl Connection {
    /// Whether it is there to obey.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.send(order).is_ok()
    }

    pub(super) fn post(&self, text: String) -> Posted {
        match self.posts.try_send(Message::text(text)) {
            Ok(()) => {
                self.touch();
                Posted::Queued
            }
            Err(mpsc::error::TrySendError::Full(_)) => Posted::Full,
            Err(mpsc::error::TrySendError::Closed(_)) => Posted::Gone,
        }
    }

    pub(super) fn describe(&self) -> Value {
        self.caller.description(self.last_active())
    }

    fn last_active(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.last_active.load(Ordering::Relaxed)).unwrap_or(self.caller.connected_at)
    }

    fn touch(&self) {
        self.last_active.store(Utc::now().timestamp_millis(), Ordering::Relaxed);
    }

    fn idle_for(&self) -> Duration {
        (Utc::now() - self.last_active()).to_std().unwrap_or_default()
    }
}

/// A connection from the moment at which its handshake was granted.
pub(super) async fn live(api: Arc<Api>, caller: Caller, upgrade: OnUpgrade) {
    let _alive = api.alive.clone();
    let id = caller.connection_id.clone();
    let (code, reason) = match upgrade.await {
        Ok(upgraded) => {
            let config =
                WebSocketConfig::default().max_frame_size(Some(LONGEST_FRAME)).max_message_size(Some(MOST_BYTES));
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
            open(&api, caller.clone(), socket).await
        }
        // The client went away before it was answered.
        Err(_) => (1006, String::new()),
    };
    api.connections().remove(&id);
    // Best effort, as API Gateway says.
    let _ = api.function.invoke(caller.disconnect(code, &reason)).await;
}

/// The time in which others can reach the connection; how it ended.
async fn open(api: &Arc<Api>, caller: Caller, socket: Socket) -> (u16, String) {
    let (posts, posted) = mpsc::channel(api.limits.queue);
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let last_active = AtomicI64::new(caller.connected_at.timestamp_millis());
    let id = caller.connection_id.clone();
    let connection = Arc::new(Connection { caller, last_active, posts, orders });
    api.connections().insert(id.clone(), connection.clone());

    let (sink, mut stream) = socket.split();
    let writer = Writer::start(sink, posted);
    let end = converse(api, &connection, &mut stream, &mut ordered).await;
    // From here on it is gone for everybody.
    api.connections().remove(&id);
    drop(ordered);
    match end {
        End::Theirs { code, reason } => {
            writer.abandon();
            // What answers a close frame is sent on the way.
            drop(timeout(FAREWELL, async { while stream.next().await.is_some_and(|frame| frame.is_ok()) {} }).await);
            (code, reason)
        }
        End::Ours { code, reason } => {
            if let Some(sink) = writer.stop().await {
                let frame = CloseFrame { code, reason: reason.into() };
                drop(timeout(FAREWELL, say_farewell(sink, stream, frame)).await);
            }
            (code.into(), reason.to_owned())
        }
        End::Cut => {
            writer.abandon();
            (1006, String::new())
        }
    }
}

/// Takes frames, orders and the passing of time until something ends the connection.
async fn converse(
    api: &Arc<Api>,
    connection: &Arc<Connection>,
    stream: &mut SplitStream<Socket>,
    ordered: &mut mpsc::UnboundedReceiver<Order>,
) -> End {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let expiry = Instant::now() + api.limits.lifetime;
    let going_away = End::Ours { code: CloseCode::Away, reason: "Going away" };
    loop {
        let rest = api.limits.idle.saturating_sub(connection.idle_for());
        if rest.is_zero() {
            return going_away;
        }
        let room = async {
            // Never closed. While the function has all that it is given, nothing more is read.
            let place = places.clone().acquire_owned().await;
            (place, stream.next().await)
        };
        tokio::select! {
            biased;
            Some(order) = ordered.recv() => return match order {
                Order::Close => End::Ours { code: CloseCode::Normal, reason: "Connection Closed Normally" },
                Order::GoAway => going_away,
                Order::Cut => End::Cut,
            },
            () = sleep_until(expiry) => return going_away,
            (place, frame) = room => {
                connection.touch();
                match frame {
                    Some(Ok(Message::Text(text))) => {
                        let (api, connection) = (api.clone(), connection.clone());
                        tokio::spawn(async move {
                            hand_on(&api, &connection, &text).await;
                            drop(place);
                        });
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    frame => return end_of(frame),
                }
            }
            () = sleep(rest) => {}
        }
    }
}

/// How something that is no text ends a connection.
fn end_of(frame: Option<Result<Message, Error>>) -> End {
    match frame {
        Some(Ok(Message::Close(Some(CloseFrame { code, reason })))) => {
            End::Theirs { code: code.into(), reason: reason.as_str().to_owned() }
        }
        Some(Ok(Message::Close(None))) => {
            End::Theirs { code: 1005, reason: "Client-side close frame status not set".to_owned() }
        }
        Some(Ok(_)) => End::Ours { code: CloseCode::Unsupported, reason: "Binary frames are not supported" },
        Some(Err(Error::Capacity(_))) => End::Ours { code: CloseCode::Size, reason: "Message too long" },
        Some(Err(Error::Utf8(_))) => End::Ours { code: CloseCode::Invalid, reason: "Text that is not UTF-8" },
        Some(Err(_)) | None => End::Theirs { code: 1006, reason: String::new() },
    }
}

/// Gives the function a frame, and the client what it answers.
async fn hand_on(api: &Api, connection: &Connection, text: &str) {
    let request_id = identifier();
    let reply = match ask(&api.function, connection.caller.message(&request_id, text)).await {
        Some(answer) => answer.body,
        None => failure(&connection.caller.connection_id, &request_id).to_string(),
    };
    if !reply.is_empty() {
        // A client that does not take answers loses them, as it does what is posted.
        connection.post(reply);
    }
}

/// Sends a close frame, and reads on until the client has answered it: an end with unread bytes would take the frame
/// along.
async fn say_farewell(mut sink: SplitSink<Socket, Message>, mut stream: SplitStream<Socket>, frame: CloseFrame) {
    let too_long = frame.code == CloseCode::Size;
    if sink.send(Message::Close(Some(frame))).await.is_err() {
        return;
    }
    if too_long {
        // What comes now is the rest of something that was not taken.
        if let Ok(socket) = sink.reunite(stream) {
            let mut io = socket.into_inner();
            let mut rest = [0; 4096];
            while Pin::new(&mut io).read(&mut rest).await.is_ok_and(|read| read > 0) {}
        }
    } else {
        while stream.next().await.is_some_and(|frame| frame.is_ok()) {}
    }
}

/// Sends what is posted, at the pace at which the client reads.
struct Writer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<SplitSink<Socket, Message>>>,
}

impl Writer {
    fn start(mut sink: SplitSink<Socket, Message>, mut posted: mpsc::Receiver<Message>) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut stopping = false;
            loop {
                tokio::select! {
                    _ = &mut stopped, if !stopping => {
                        stopping = true;
                        posted.close();
                    }
                    message = posted.recv() => match message {
                        Some(message) => sink.send(message).await.ok()?,
                        None => return Some(sink),
                    }
                }
            }
        });
        Self { stop, task }
    }

    /// Takes nothing more and sends what waits. What the last word can be said with, unless the client takes nothing.
    async fn stop(mut self) -> Option<SplitSink<Socket, Message>> {
        drop(self.stop);
        let sink = timeout(FAREWELL, &mut self.task).await;
        // In the middle of a message nothing else can be said.
        self.task.abort();
        sink.ok()?.ok()?
    }

    fn abandon(self) {
        self.task.abort();
    }
}
