//! What a client does: connect, catch up, listen, ask for what is missing, connect again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::backoff::Backoff;
use super::catch_up::{Changes, NoAnswer};
use super::conversation::{Conversation, LONGEST_HOLD};
use super::{Applied, Log, Settings, Step, Told, Wish};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) struct Actor {
    settings: Settings,
    changes: Changes,
    tell: mpsc::Sender<Told>,
    wishes: mpsc::Receiver<Wish>,
    /// Where all conversations stood when last asked; nothing before the first time.
    cursor: Option<String>,
    conversations: HashMap<String, Conversation>,
    /// When to ask for a new cursor: the old one does not know a conversation that came since, and would not tell of its
    /// end.
    refresh_due: Option<Instant>,
    /// How often it has tried to connect since a connection was last good.
    attempts: u32,
}

/// Why a connection is not there any more.
enum End {
    SignedOut,
    /// Nobody listens to this client.
    Dropped,
    Lost(String),
}

impl From<NoAnswer> for End {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::SignedOut => Self::SignedOut,
            NoAnswer::NotThere => {
                Self::Lost("the API does not know what changed: it may be of an older version".into())
            }
            NoAnswer::Later(reason) => Self::Lost(reason),
        }
    }
}

impl Actor {
    pub(super) fn new(settings: Settings, tell: mpsc::Sender<Told>, wishes: mpsc::Receiver<Wish>) -> Self {
        let changes = Changes::new(&settings);
        Self {
            settings,
            changes,
            tell,
            wishes,
            cursor: None,
            conversations: HashMap::new(),
            refresh_due: None,
            attempts: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(self.settings.first_wait, self.settings.longest_wait);
        loop {
            self.attempts += 1;
            let end = match self.connect().await {
                Ok(socket) => self.stay(socket, &mut backoff).await,
                Err(end) => end,
            };
            let reason = match end {
                End::SignedOut => return drop(self.tell.send(Told::SessionEnded).await),
                End::Dropped => return,
                End::Lost(reason) => reason,
            };
            let again_in = backoff.next(fastrand::f64());
            if self.tell(Told::Disconnected { reason, again_in }).await.is_err() {
                return;
            }
            tokio::time::sleep(again_in).await;
        }
    }

    async fn connect(&self) -> Result<Socket, End> {
        let lost = |error: Error| match error {
            Error::Http(response) if response.status() == 401 => End::SignedOut,
            Error::Http(response) => End::Lost(format!("the handshake was answered with {}", response.status())),
            error => End::Lost(error.to_string()),
        };
        let mut request = self.settings.socket.as_str().into_client_request().map_err(lost)?;
        let credential = HeaderValue::from_str(&format!("Bearer {}", self.settings.token));
        request.headers_mut().insert(AUTHORIZATION, credential.map_err(|_| End::SignedOut)?);
        let connecting = connect_async_with_config(request, None, true);
        let (socket, _) = timeout(self.settings.patience, connecting)
            .await
            .map_err(|_| End::Lost("nobody answered the handshake".to_owned()))?
            .map_err(lost)?;
        Ok(socket)
    }

    /// As long as the connection holds.
    async fn stay(&mut self, mut socket: Socket, backoff: &mut Backoff) -> End {
        match self.converse(&mut socket, backoff).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn converse(&mut self, socket: &mut Socket, backoff: &mut Backoff) -> Result<std::convert::Infallible, End> {
        say(socket, &json!({ "type": "ping" })).await?;
        let is_first = self.cursor.is_none();
        self.catch_up().await?;
        if is_first {
            self.tell(Told::Ready).await?;
        }
        let attempts = std::mem::take(&mut self.attempts);
        self.tell(Told::Connected { attempts }).await?;
        backoff.reset();
        let mut answer_due = Some(Instant::now() + self.settings.patience);
        let mut ping_due = Instant::now() + self.settings.ping_every;
        loop {
            let gap_due = self.conversations.values().filter_map(|known| known.gap.as_ref().map(|gap| gap.due)).min();
            tokio::select! {
                frame = socket.next() => {
                    answer_due = None;
                    for event in events_of(frame)? {
                        self.take(event).await?;
                    }
                }
                wish = self.wishes.recv() => match wish {
                    Some(Wish::Say(frame)) => say(socket, &frame).await?,
                    Some(Wish::Vanish) => return Err(End::Lost("it was asked to vanish".to_owned())),
                    None => return Err(End::Dropped),
                },
                () = at(gap_due) => self.fill_gaps().await?,
                () = at(self.refresh_due) => self.refresh().await?,
                () = at(answer_due) => return Err(End::Lost("nobody answers any more".to_owned())),
                () = sleep_until(ping_due) => {
                    say(socket, &json!({ "type": "ping" })).await?;
                    ping_due += self.settings.ping_every;
                    // Another ping gives nobody more time to answer the one before.
                    answer_due.get_or_insert(Instant::now() + self.settings.patience);
                }
            }
        }
    }

    /// Does with an event what is to be done.
    async fn take(&mut self, mut event: Value) -> Result<(), End> {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        let conversation = event["conversation"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "pong" if event.get("id").is_none() => Ok(()),
            "conversation.created" => self.meet(&conversation).await,
            "conversation.deleted" => self.leave(&conversation).await,
            "message.created"
            | "message.edited"
            | "message.deleted"
            | "participant.added"
            | "participant.removed"
            | "conversation.updated" => {
                if let (Value::Null, Some(address)) = (&event["message"], event["message_url"].as_str()) {
                    // Too large for a frame. If it cannot be had, it will be missed, and asked for again.
                    let Ok(message) = self.changes.at(address).await else { return Ok(()) };
                    event["message"] = message;
                }
                let removes_me = kind == "participant.removed" && event["user"]["user_id"] == *self.settings.user;
                if !self.conversations.contains_key(&conversation) {
                    if removes_me {
                        return Ok(());
                    }
                    // What is gone already when it is asked about never came.
                    match self.changes.of(&conversation, None).await {
                        Ok(page) => {
                            self.meet(&conversation).await?;
                            self.walk_on(&conversation, page).await?;
                        }
                        Err(NoAnswer::NotThere) => return Ok(()),
                        Err(no_answer) => return Err(no_answer.into()),
                    }
                }
                if let Some(known) = self.conversations.get_mut(&conversation) {
                    let steps = known.log.push(&event);
                    known.look_for_gap(self.settings.hold);
                    self.tell_steps(&conversation, steps).await?;
                }
                if removes_me { self.leave(&conversation).await } else { Ok(()) }
            }
            _ => self.tell(Told::Passing(event)).await,
        }
    }

    /// Asks what has changed everywhere.
    async fn catch_up(&mut self) -> Result<(), End> {
        let unsure = self.conversations.iter().filter(|(_, known)| !known.in_cursor);
        let mut unsure: HashSet<String> = unsure.map(|(id, _)| id.clone()).collect();
        loop {
            let is_first = self.cursor.is_none();
            let answer = self.changes.everywhere(self.cursor.as_deref()).await?;
            for row in answer["conversations"].as_array().into_iter().flatten() {
                unsure.remove(row["conversation"].as_str().unwrap_or_default());
                self.take_row(row, is_first).await?;
            }
            if let Some(remaining) = answer["remaining"].as_array() {
                let remaining: HashSet<_> = remaining.iter().filter_map(Value::as_str).collect();
                let gone = self.conversations.keys().filter(|id| !remaining.contains(id.as_str()));
                for id in gone.cloned().collect::<Vec<_>>() {
                    self.leave(&id).await?;
                }
            }
            self.cursor = answer["cursor"].as_str().map(str::to_owned);
            if answer["has_more"] != true {
                break;
            }
        }
        // What the cursor did not know it tells nothing of if it is gone: one that came and went while nobody was told.
        for id in unsure {
            self.walk(&id, None).await?;
        }
        self.conversations.values_mut().for_each(|known| known.in_cursor = true);
        self.refresh_due = None;
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), End> {
        match self.catch_up().await {
            Err(End::Lost(_)) => {
                self.refresh_due = Some(Instant::now() + LONGEST_HOLD);
                Ok(())
            }
            refreshed => refreshed,
        }
    }

    /// What one conversation has to do with what changed everywhere.
    async fn take_row(&mut self, row: &Value, is_first: bool) -> Result<(), End> {
        let Some(id) = row["conversation"].as_str() else { return Ok(()) };
        let last = |name: &str| row[name].as_u64().unwrap_or_default();
        let (number, change) = (last("last_number"), last("last_change"));
        if is_first && !self.conversations.contains_key(id) {
            self.conversations.insert(id.to_owned(), Conversation::new(Log::at(id, number, change)));
            return Ok(());
        }
        self.meet(id).await?;
        let Some(known) = self.conversations.get(id) else { return Ok(()) };
        let (told, cursor) = (known.log.position(), known.cursor.clone());
        match &row["changes"] {
            page if page.is_object() => self.walk_on(id, page.clone()).await,
            _ if told.0 < number || told.1 < change => self.walk(id, cursor.as_deref()).await,
            _ => Ok(()),
        }
    }

    /// Asks about one conversation, after a cursor or from its beginning.
    async fn walk(&mut self, id: &str, after: Option<&str>) -> Result<(), End> {
        match self.changes.of(id, after).await {
            Ok(page) => self.walk_on(id, page).await,
            Err(NoAnswer::NotThere) => self.leave(id).await,
            Err(no_answer) => Err(no_answer.into()),
        }
    }

    /// Takes the first page of a walk, and all that follow.
    async fn walk_on(&mut self, id: &str, mut page: Value) -> Result<(), End> {
        let mut is_first = true;
        loop {
            let Some(known) = self.conversations.get_mut(id) else { return Ok(()) };
            let steps = known.log.page(&page, is_first);
            known.cursor = page["cursor"].as_str().map(str::to_owned).or(known.cursor.take());
            known.look_for_gap(self.settings.hold);
            self.tell_steps(id, steps).await?;
            is_first = false;
            let Some(next) = page["next"].as_str().filter(|_| page["has_more"] == true) else { return Ok(()) };
            page = match self.changes.at(next).await {
                Ok(page) => page,
                Err(NoAnswer::NotThere) => return self.leave(id).await,
                Err(no_answer) => return Err(no_answer.into()),
            };
        }
    }

    /// Asks for whatever is due.
    async fn fill_gaps(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let is_due = |known: &Conversation| known.gap.as_ref().is_some_and(|gap| gap.due <= now);
        let due = self.conversations.iter().filter(|(_, known)| is_due(known));
        for id in due.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            let cursor = self.conversations.get(&id).and_then(|known| known.cursor.clone());
            let asked = match cursor {
                Some(cursor) => self.walk(&id, Some(&cursor)).await,
                None => self.catch_up().await,
            };
            match asked {
                // Later: the connection is good all the same.
                Ok(()) | Err(End::Lost(_)) => {}
                Err(end) => return Err(end),
            }
            let Some(known) = self.conversations.get_mut(&id) else { continue };
            match &mut known.gap {
                None => self.tell(Told::GapFilled { conversation: id }).await?,
                Some(gap) => gap.wait_longer(),
            }
        }
        Ok(())
    }

    async fn meet(&mut self, id: &str) -> Result<(), End> {
        if self.conversations.contains_key(id) {
            return Ok(());
        }
        self.conversations.insert(id.to_owned(), Conversation::new(Log::at(id, 0, 0)));
        self.refresh_due.get_or_insert(Instant::now() + self.settings.hold);
        self.tell(Told::Joined { conversation: id.to_owned() }).await
    }

    async fn leave(&mut self, id: &str) -> Result<(), End> {
        match self.conversations.remove(id) {
            Some(_) => self.tell(Told::Left { conversation: id.to_owned() }).await,
            None => Ok(()),
        }
    }

    async fn tell_steps(&self, id: &str, steps: Vec<Step>) -> Result<(), End> {
        for Step { place, event, via } in steps {
            let delay = age(&event);
            self.tell(Told::Applied(Applied { conversation: id.to_owned(), place, event, via, delay })).await?;
        }
        Ok(())
    }

    async fn tell(&self, told: Told) -> Result<(), End> {
        self.tell.send(told).await.map_err(|_| End::Dropped)
    }
}

async fn say(socket: &mut Socket, frame: &Value) -> Result<(), End> {
    socket.send(Message::text(frame.to_string())).await.map_err(|error| End::Lost(error.to_string()))
}

/// What a frame says: one event, or a list of them.
fn events_of(frame: Option<Result<Message, Error>>) -> Result<Vec<Value>, End> {
    match frame {
        Some(Ok(Message::Text(text))) => Ok(match serde_json::from_str(&text) {
            Ok(Value::Array(events)) => events,
            Ok(event) => vec![event],
            // What is no JSON comes from somebody who speaks another protocol, and is passed over.
            Err(_) => Vec::new(),
        }),
        Some(Ok(Message::Close(frame))) => Err(End::Lost(match frame {
            Some(frame) => format!("the server closed it ({} {})", u16::from(frame.code), frame.reason),
            None => "the server closed it".to_owned(),
        })),
        Some(Ok(_)) => Ok(Vec::new()),
        Some(Err(error)) => Err(End::Lost(error.to_string())),
        None => Err(End::Lost("the connection has gone".to_owned())),
    }
}

/// At this moment; never, if there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// How long ago an event happened.
fn age(event: &Value) -> Duration {
    let time = event["at"].as_str().or(event["message"]["sent_at"].as_str());
    let time = time.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    time.and_then(|time| (Utc::now() - time.to_utc()).to_std().ok()).unwrap_or_default()
}
