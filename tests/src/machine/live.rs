//! Real time in this process: sockets that are real, the functions `realtime` and `fanout` behind them, and a table of
//! one's own, whose changes are told when a test says so.
//!
//! The table has no stream. What has changed since the last look is found by reading all of it, and made into the records
//! that a stream would show: a test knows what is told when, twice or never.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fanout::{Fanout, Outcome};
use futures::{SinkExt, StreamExt};
use local::gateway::{Gateway, Limits};
use local::invoke::{Function, FunctionError};
use realtime::{Realtime, Settings};
use serde_json::{Value, json};
use shared::http::{App, Registration};
use shared::sockets::{self, Invocation};
use shared::store::{Meter, Spent, Store};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::own_table::OwnTable;
use super::{InProcess, keyring};
use crate::Person;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was spent on one event after the other.
pub(super) type Noted = Arc<std::sync::Mutex<Vec<Spent>>>;

type Items = BTreeMap<[String; 2], Value>;

pub struct Live {
    pub table: OwnTable,
    pub functions: InProcess,
    pub gateway: Gateway,
    fanout: Fanout,
    seen: Mutex<Items>,
    /// What `realtime` spent on each event, the last at the end.
    spent: Noted,
}

/// One client's end of a socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The rest of a frame that held several events.
    rest: VecDeque<Value>,
    pub subprotocol: Option<String>,
}

impl Live {
    pub async fn new() -> Self {
        Self::with(Settings::default(), Limits::default()).await
    }

    pub async fn with(settings: Settings, limits: Limits) -> Self {
        let table = OwnTable::new().await;
        let store = table.store();
        Self::on(table, settings, limits, &store).await
    }

    /// `realtime` and `fanout` reach the table by way of `store`.
    pub async fn on(table: OwnTable, settings: Settings, limits: Limits, store: &Store) -> Self {
        Self::with_stores(table, settings, limits, [store, store]).await
    }

    /// `realtime` reaches the table by way of the first store, `fanout` by the second.
    pub async fn with_stores(table: OwnTable, settings: Settings, limits: Limits, stores: [&Store; 2]) -> Self {
        let [store, fanouts] = stores;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let management = format!("http://{}", listener.local_addr().expect("a bound port"));
        let gateway = sockets::Gateway::connect(&management).await;
        let spent = Noted::default();
        let function = realtime(store, gateway.clone(), settings, spent.clone());
        let live = Self {
            functions: InProcess::on(table.store()),
            gateway: Gateway::start(listener, function, limits).expect("a gateway"),
            fanout: Fanout::new(fanouts.clone(), gateway),
            seen: Mutex::default(),
            spent,
            table,
        };
        live.changes().await;
        live
    }

    /// Opens a socket with a person's token.
    pub async fn open(&self, person: &Person) -> Socket {
        let bearer = format!("Bearer {}", person.token);
        self.connect(&[("authorization", &bearer)]).await.expect("the handshake succeeds")
    }

    /// Opens a socket with these headers; or the status with which that was refused.
    pub async fn connect(&self, headers: &[(&str, &str)]) -> Result<Socket, u16> {
        Socket::connect(&self.gateway.url(), headers).await
    }

    /// What changed since the last look, as records of a stream: conversations first, then messages and changes by number,
    /// then what people did and had.
    pub async fn changes(&self) -> Vec<Value> {
        let now = self.table.everything().await;
        let mut seen = self.seen.lock().await;
        let mut records = Vec::new();
        for (key, item) in &now {
            match seen.get(key) {
                None => records.push(record("INSERT", key, None, Some(item))),
                Some(before) if before != item => records.push(record("MODIFY", key, Some(before), Some(item))),
                Some(_) => {}
            }
        }
        let gone = seen.iter().filter(|(key, _)| !now.contains_key(*key));
        records.extend(gone.map(|(key, item)| record("REMOVE", key, Some(item), None)));
        *seen = now;
        let turn = |record: &Value| {
            let sort = record["dynamodb"]["Keys"]["SK"]["S"].as_str().unwrap_or_default().to_owned();
            let kinds = ["META", "MSG#", "CHG#"];
            (kinds.iter().position(|kind| sort.starts_with(kind)).unwrap_or(kinds.len()), sort)
        };
        records.sort_by_key(turn);
        for (number, record) in records.iter_mut().enumerate() {
            record["dynamodb"]["SequenceNumber"] = json!(format!("{number:021}"));
        }
        records
    }

    /// What `realtime` spent on the last event.
    pub fn spent(&self) -> Spent {
        *self.spent.lock().expect("no test panics here").last().expect("it was asked")
    }

    /// Waits until so many sockets are open, and the ends of the others were told to `realtime`.
    pub async fn until_open(&self, count: usize) {
        let noted = async || {
            let items = self.table.items().await;
            items.iter().filter(|key| key.starts_with("CONN#")).count()
        };
        let settled = async {
            while self.gateway.connections().len() != count || noted().await != count {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, settled).await.expect("sockets end in time");
    }

    /// Hands records to `fanout` as one batch.
    pub async fn hand_on(&self, records: &[Value]) -> (Outcome, Spent) {
        let meter = Meter::default();
        let batch = json!({ "Records": records });
        let outcome = meter.measure(self.fanout.tell(&batch)).await;
        (outcome, meter.spent())
    }

    /// Tells what changed since the last look; all of it can be told.
    pub async fn tell(&self) -> Spent {
        let (outcome, spent) = self.hand_on(&self.changes().await).await;
        assert_eq!(outcome.failed, [""; 0], "some records could not be told");
        spent
    }

    /// A person does something through the functions, and it succeeds.
    pub async fn ask(&self, person: &Person, method: &str, path: &str, body: Value) -> Value {
        let (status, answer, _) = Box::pin(self.functions.send(person, method, path, &[], Some(body))).await;
        assert!(status < 400, "{method} {path}: {status} {answer}");
        answer
    }

    /// A person starts a group; its id.
    pub async fn start(&self, person: &Person, others: &[&Person]) -> String {
        let others: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
        let group = json!({ "participant_ids": others, "title": "Engines" });
        let answer = self.ask(person, "POST", "/api/conversations/", group).await;
        answer["conversation_id"].as_str().expect("an id").to_owned()
    }

    pub async fn say(&self, person: &Person, conversation: &str, text: &str) -> Value {
        let message = json!({ "conversation": conversation, "message_body": text });
        self.ask(person, "POST", "/api/messages/", message).await
    }

    /// Sends something and tells it.
    pub async fn say_aloud(&self, person: &Person, conversation: &str, text: &str) -> Value {
        let said = self.say(person, conversation, text).await;
        self.tell().await;
        said
    }
}

/// `realtime` in this process.
pub(super) fn realtime(store: &Store, gateway: sockets::Gateway, settings: Settings, spent: Noted) -> Function {
    let app =
        App { store: store.clone(), keyring: Arc::new(keyring()), registration: Registration::Open, websocket: None };
    let realtime = Arc::new(Realtime::new(app, gateway, settings));
    Function::new(move |event| {
        let (realtime, spent) = (realtime.clone(), spent.clone());
        async move {
            let meter = Meter::default();
            let answer = meter.measure(realtime.invoke(event)).await;
            spent.lock().expect("no test panics here").push(meter.spent());
            answer.map(|(answer, _)| answer).map_err(|error| FunctionError(error.to_string()))
        }
    })
}

fn record(event: &str, [partition, sort]: &[String; 2], old: Option<&Value>, new: Option<&Value>) -> Value {
    let mut images = json!({
        "Keys": { "PK": { "S": partition }, "SK": { "S": sort } },
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    });
    for (name, image) in [("OldImage", old), ("NewImage", new)] {
        if let Some(image) = image {
            images[name] = image.clone();
        }
    }
    json!({ "eventName": event, "eventSource": "aws:dynamodb", "dynamodb": images })
}

impl Socket {
    /// Opens a socket with these headers; or the status with which that was refused.
    pub async fn connect(url: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = url.into_client_request().expect("an address");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            request.headers_mut().insert(name, HeaderValue::from_str(value).expect("a header's value"));
        }
        match connect_async(request).await {
            Ok((stream, answer)) => {
                let subprotocol = answer.headers().get("sec-websocket-protocol");
                let subprotocol = subprotocol.map(|name| name.to_str().expect("a text").to_owned());
                Ok(Self { stream, rest: VecDeque::new(), subprotocol })
            }
            Err(tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    pub async fn say(&mut self, frame: Value) {
        self.say_text(&frame.to_string()).await;
    }

    pub async fn say_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("the socket is open");
    }

    pub async fn say_bytes(&mut self, bytes: &'static [u8]) {
        self.stream.send(Message::binary(bytes)).await.expect("the socket is open");
    }

    /// Says something, and returns what is said next.
    pub async fn ask(&mut self, frame: Value) -> Value {
        self.say(frame).await;
        self.next().await
    }

    /// What is told next.
    pub async fn next(&mut self) -> Value {
        self.next_or_end().await.unwrap_or_else(|code| panic!("the socket was closed: {code:?}"))
    }

    /// What is told next, or the code with which the socket was closed.
    pub async fn next_or_end(&mut self) -> Result<Value, Option<u16>> {
        loop {
            if let Some(event) = self.rest.pop_front() {
                return Ok(event);
            }
            match timeout(PATIENCE, self.stream.next()).await.expect("something is told in time") {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text).expect("frames are JSON") {
                    Value::Array(events) => self.rest.extend(events),
                    event => return Ok(event),
                },
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Waits for its end, whatever is told before.
    pub async fn end(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.next_or_end().await {
                return code;
            }
        }
    }

    /// All that was told up to now: what is answered to a ping comes after it.
    pub async fn told(&mut self) -> Vec<Value> {
        let name = uuid::Uuid::new_v4().to_string();
        self.say(json!({ "type": "ping", "id": name })).await;
        let mut told = Vec::new();
        loop {
            let event = self.next().await;
            if event["id"] == name.as_str() {
                return told;
            }
            told.push(event);
        }
    }

    /// The types of all that was told up to now.
    pub async fn kinds_told(&mut self) -> Vec<String> {
        let kind = |event: Value| event["type"].as_str().expect("events have types").to_owned();
        self.told().await.into_iter().map(kind).collect()
    }
}
