//! The sockets' side of a stack on a table of one's own, with a stream: a gateway, `realtime` in this process, and `fanout`
//! as a real process behind the stream's pump, which can be killed in the middle of a batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use local::client::Settings;
use local::gateway::{Gateway, Limits};
use local::invoke::{Function, FunctionError};
use local::runtime_api::Process;
use local::stream::{Mapping, Pump, WORTH_TELLING};
use serde_json::{Value, json};
use shared::sockets;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::own_table::OwnTable;
use super::{InProcess, database, live, program};
use crate::Person;
use crate::sockets::{Watcher, settings};
use turnstile::Turnstile;

pub mod turnstile;

pub struct Side {
    pub gateway: Gateway,
    /// What `fanout` posts goes through here.
    pub turnstile: Arc<Turnstile>,
    functions: InProcess,
    table: OwnTable,
    api: String,
    pump: Pump,
    deaths: Arc<AtomicUsize>,
}

/// How often each batch is delivered that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batches {
    Once,
    Twice,
}

impl Side {
    pub async fn new(limits: Limits, batches: Batches) -> Self {
        let table = OwnTable::with_stream().await;
        let functions = InProcess::on(table.store());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let management = format!("http://{}", listener.local_addr().expect("a bound port"));
        let realtime = live::realtime(
            &table.store(),
            sockets::Gateway::connect(&management).await,
            realtime::Settings::default(),
            live::Noted::default(),
        );
        let turnstile = Arc::new(Turnstile::before(&management).await);
        let name = table.as_table().name;
        let environment: Vec<(String, String)> = [
            ("TABLE_NAME", name.as_str()),
            ("DYNAMODB_ENDPOINT", &database()),
            ("SESSION_KEYS", ""),
            ("WEBSOCKET_MANAGEMENT_URL", turnstile.address()),
            ("RUST_LOG", "off"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let deaths = Arc::new(AtomicUsize::new(0));
        let fanout = fanout(environment, turnstile.clone(), deaths.clone(), batches).await;
        let mapping = Mapping { filters: WORTH_TELLING, ..Mapping::default() };
        Self {
            gateway: Gateway::start(listener, realtime, limits).expect("a gateway"),
            pump: Pump::start(&database(), &name, fanout, mapping).await.expect("a stream"),
            api: functions.clone().serve().await,
            functions,
            turnstile,
            table,
            deaths,
        }
    }

    pub async fn person(&self) -> Person {
        self.table.person("Ada").await
    }

    pub fn settings(&self, person: &Person) -> Settings {
        settings(&self.api, &self.gateway.url(), person)
    }

    pub async fn clients(&self, people: &[&Person]) -> Vec<Watcher> {
        join_all(people.iter().map(|person| Watcher::with(self.settings(person)))).await
    }

    /// A person starts a group; its id.
    pub async fn start(&self, person: &Person, others: &[&Person]) -> String {
        let others: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
        let group = json!({ "participant_ids": others, "title": "Engines" });
        let answer = self.ask(person, "POST", "/api/conversations/", group).await;
        answer["conversation_id"].as_str().expect("an id").to_owned()
    }

    pub async fn say(&self, person: &Person, conversation: &str, text: &str) -> u64 {
        let message = json!({ "conversation": conversation, "message_body": text });
        let said = self.ask(person, "POST", "/api/messages/", message).await;
        said["number"].as_u64().expect("a number")
    }

    /// How often `fanout` was killed.
    pub fn deaths(&self) -> usize {
        self.deaths.load(Ordering::SeqCst)
    }

    /// How many records were given up.
    pub fn given_up(&self) -> usize {
        self.pump.discarded().iter().map(|discarded| discarded.records.len()).sum()
    }

    async fn ask(&self, person: &Person, method: &str, path: &str, body: Value) -> Value {
        let (status, answer, _) = Box::pin(self.functions.send(person, method, path, &[], Some(body))).await;
        assert!(status < 400, "{method} {path}: {status} {answer}");
        answer
    }
}

/// `fanout`, which is killed as soon as the turnstile holds a post of its, and started anew.
async fn fanout(
    environment: Vec<(String, String)>,
    turnstile: Arc<Turnstile>,
    deaths: Arc<AtomicUsize>,
    batches: Batches,
) -> Function {
    let process = Arc::new(Mutex::new(start(&environment).await));
    let environment = Arc::new(environment);
    Function::new(move |event| {
        let (process, environment) = (process.clone(), environment.clone());
        let (turnstile, deaths) = (turnstile.clone(), deaths.clone());
        async move {
            let mut process = process.lock().await;
            let mut output = Value::Null;
            for _ in 0..if batches == Batches::Twice { 2 } else { 1 } {
                let answer = tokio::select! {
                    answer = process.invoke(&event) => Some(answer),
                    () = turnstile.until_held() => None,
                };
                match answer {
                    Some(Ok(answer)) => output = answer,
                    Some(Err(failure)) => return Err(FunctionError(format!("{failure:?}"))),
                    None => {
                        process.kill().await.map_err(|error| FunctionError(error.to_string()))?;
                        *process = start(&environment).await;
                        turnstile.release();
                        deaths.fetch_add(1, Ordering::SeqCst);
                        return Err(FunctionError("it was killed".to_owned()));
                    }
                }
            }
            Ok(output)
        }
    })
}

async fn start(environment: &[(String, String)]) -> Process {
    let mut process = Process::start(&program("fanout"), environment).await.expect("`fanout` starts");
    process.initialised().await.expect("`fanout` asks for work");
    process
}
