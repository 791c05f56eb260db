//! The people and conversations that are measured on, made through the front door, and the operations that are measured.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::share::Share;
use super::sockets::{self, Posts};
use crate::environment::TABLE_NAME;
use crate::failure::{Context, Failure, Result};
use crate::functions::{FANOUT, REALTIME};
use crate::runtime_api::{Answer, Process, Request};
use crate::{gateway, live, session_keys};

const PASSWORD: &str = "a-long-enough-password";
const EMAIL: &str = "bench-0@example.com";

/// How many conversations there are, each with somebody else; the first holds so many messages, the others one.
const CONVERSATIONS: usize = 20;
const MESSAGES: usize = 50;

/// Frames for each socket: a client may send 120 a minute.
const FRAMES: usize = 100;
const PING: &str = r#"{"type":"ping"}"#;

/// Where the functions are, what they find in their environment, and on what they work.
pub(crate) struct Scene {
    programs: PathBuf,
    environment: Vec<(String, String)>,
    /// Of the person who is measured, and of everybody else.
    tokens: Vec<String>,
    /// With [`MESSAGES`] messages.
    read: String,
    /// Where messages are sent to.
    written: String,
    /// Sockets that are open.
    sockets: Vec<String>,
    /// How the stream tells of a message to the two of a conversation, each with an open socket.
    told: Value,
    posts: Posts,
}

/// What a function is handed.
pub(crate) enum Asked {
    Request(Asking),
    Event(Value),
}

/// What a caller asks for.
pub(crate) struct Asking {
    method: &'static str,
    path: String,
    key: Option<String>,
    body: Option<String>,
}

pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) function: &'static str,
    /// Milliseconds on a processor that the Django app takes for it, on the same kind of machine.
    pub(crate) django: Option<f64>,
    asked: fn(&Scene, usize) -> Asked,
}

/// What the functions that measured functions are held against is called.
pub(crate) const EMPTY: &str = "empty";

/// The first of a function's operations is the one that it starts with.
pub(crate) const OPERATIONS: [Operation; 14] = [
    operation(EMPTY, EMPTY, None, |_, _| get("/")),
    operation("index", "root", None, |_, _| get("/api/")),
    operation("me", "users", Some(3.4), |_, _| get("/api/users/me/")),
    operation("list people (20)", "users", None, |_, _| get("/api/users/?page_size=20")),
    operation("list conversations (20)", "conversations", Some(5.4), |_, _| get("/api/conversations/?page_size=20")),
    operation("conversation with 50 messages", "conversations", Some(39.6), |scene, _| {
        get(&format!("/api/conversations/{}/", scene.read))
    }),
    operation("page of 20 messages", "messages", Some(17.8), |scene, _| {
        get(&format!("/api/conversations/{}/messages/?page_size=20", scene.read))
    }),
    operation("send", "messages", Some(7.4), |scene, _| scene.sending(None)),
    operation("send with key", "messages", None, |scene, turn| scene.sending(Some(format!("key-{turn}")))),
    // Never further than what was sent: each moves the mark.
    operation("mark read", "conversations", None, |scene, turn| {
        let path = format!("/api/conversations/{}/read/", scene.read);
        Asked::Request(with_body("PUT", &path, &json!({ "number": turn % MESSAGES + 1 })))
    }),
    operation("own sessions", "auth", None, |_, _| get("/api/auth/sessions/")),
    operation("open a socket", REALTIME, None, |scene, turn| {
        Asked::Event(gateway::opening(&gateway::identifier(), scene.bystander(turn)))
    }),
    operation("ping over a socket", REALTIME, None, |scene, turn| {
        Asked::Event(gateway::frame(&scene.sockets[turn / FRAMES % scene.sockets.len()], PING))
    }),
    operation("tell a message to two", FANOUT, None, |scene, _| Asked::Event(scene.told.clone())),
];

const fn operation(
    name: &'static str,
    function: &'static str,
    django: Option<f64>,
    asked: fn(&Scene, usize) -> Asked,
) -> Operation {
    Operation { name, function, django, asked }
}

fn get(path: &str) -> Asked {
    Asked::Request(Asking { method: "GET", path: path.to_owned(), key: None, body: None })
}

fn with_body(method: &'static str, path: &str, body: &Value) -> Asking {
    Asking { method, path: path.to_owned(), key: None, body: Some(body.to_string()) }
}

impl Scene {
    /// Makes everything in the database at `endpoint`, by the functions among `programs`, for so many turns of each
    /// operation.
    pub(crate) async fn set(programs: &Path, endpoint: &str, turns: usize) -> Result<Self> {
        let posts = Posts::start().await?;
        let environment = [
            ("TABLE_NAME", TABLE_NAME),
            ("DYNAMODB_ENDPOINT", endpoint),
            ("SESSION_KEYS", &session_keys::generate()),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_REGION", "us-east-1"),
            (live::MANAGEMENT_URL, &posts.url),
            // Those that are opened again and again do not supersede each other.
            ("MOST_CONNECTIONS", "100"),
        ];
        let mut scene = Self {
            programs: programs.to_owned(),
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            tokens: Vec::new(),
            read: String::new(),
            written: String::new(),
            sockets: Vec::new(),
            told: Value::Null,
            posts,
        };
        let (mut auth, mut conversations) =
            (scene.start("auth", None).await?, scene.start("conversations", None).await?);
        let mut messages = scene.start("messages", None).await?;
        let mut others = Vec::new();
        for index in 0..=CONVERSATIONS {
            let registered = scene.request(&mut auth, &registering(index)).await?.json();
            scene.tokens.push(text(&registered, "/token")?);
            if index > 0 {
                others.push(text(&registered, "/user/user_id")?);
            }
        }
        for other in others {
            let start = with_body("POST", "/api/conversations/", &json!({ "participant_ids": [other] }));
            let started = scene.request(&mut conversations, &start).await?.json();
            scene.written = text(&started, "/conversation_id")?;
            scene.ask(&mut messages, &scene.sending(None)).await?;
            if scene.read.is_empty() {
                scene.read = scene.written.clone();
                for _ in 1..MESSAGES {
                    scene.ask(&mut messages, &scene.sending(None)).await?;
                }
            }
        }
        scene.open_sockets(turns).await?;
        scene.told = sockets::told(endpoint, scene.ask(&mut messages, &scene.sending(None))).await?;
        scene.try_telling().await?;
        Ok(scene)
    }

    /// One for each of the two whose conversation is written to, and enough of the bystanders for so many frames.
    async fn open_sockets(&mut self, frames: usize) -> Result<()> {
        let mut realtime = self.start(REALTIME, None).await?;
        for token in self.tokens.iter().take(1).chain(self.tokens.last()) {
            self.ask(&mut realtime, &Asked::Event(gateway::opening(&gateway::identifier(), token))).await?;
        }
        for turn in 0..=frames / FRAMES {
            let id = gateway::identifier();
            self.ask(&mut realtime, &Asked::Event(gateway::opening(&id, self.bystander(turn)))).await?;
            self.sockets.push(id);
        }
        Ok(())
    }

    /// Without this, telling nobody would be measured as fast.
    async fn try_telling(&self) -> Result<()> {
        let mut fanout = self.start(FANOUT, None).await?;
        self.ask(&mut fanout, &Asked::Event(self.told.clone())).await?;
        match self.posts.taken() {
            2 => Ok(()),
            taken => Err(Failure::new(format!("a message to two open sockets was posted to {taken}"))),
        }
    }

    /// Starts a function and waits until it asks for work, in a share of a processor if one is given.
    pub(crate) async fn start(&self, function: &str, share: Option<&Share>) -> Result<Process> {
        let program = self.program(function);
        let mut command = match share {
            None => tokio::process::Command::new(&program),
            Some(share) => share.command(&program),
        };
        // Its lines are read by nobody, but written.
        command.stdout(std::process::Stdio::null());
        let started = Process::start_by(command, &program, &self.environment).await;
        started.context(format!("cannot start {}", program.display()))
    }

    pub(crate) fn program(&self, function: &str) -> PathBuf {
        self.programs.join(function)
    }

    /// What is asked for in the given turn of an operation.
    pub(crate) fn asked(&self, operation: &Operation, turn: usize) -> Asked {
        (operation.asked)(self, turn)
    }

    /// Somebody to whom nobody writes.
    fn bystander(&self, turn: usize) -> &str {
        &self.tokens[1 + turn % (CONVERSATIONS - 1)]
    }

    pub(crate) fn login(&self) -> Asked {
        Asked::Request(with_body("POST", "/api/auth/login/", &json!({ "email": EMAIL, "password": PASSWORD })))
    }

    fn sending(&self, key: Option<String>) -> Asked {
        let body =
            json!({ "conversation": self.written, "message_body": "A sentence, as people send them to each other." });
        Asked::Request(Asking { key, ..with_body("POST", "/api/messages/", &body) })
    }

    /// Asks, and takes nothing but success for an answer.
    pub(crate) async fn ask(&self, process: &mut Process, asked: &Asked) -> Result<()> {
        match asked {
            Asked::Request(asking) => self.request(process, asking).await.map(drop),
            Asked::Event(event) => match process.invoke(event).await {
                Ok(output) if succeeded(&output) => Ok(()),
                Ok(output) => Err(Failure::new(format!("an event was answered {output}"))),
                Err(no_answer) => Err(Failure::new(format!("an event got no answer: {no_answer:?}"))),
            },
        }
    }

    async fn request(&self, process: &mut Process, asking: &Asking) -> Result<Answer> {
        let bearer = self.tokens.first().map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json"), ("accept", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        headers.extend(asking.key.as_deref().map(|key| ("idempotency-key", key)));
        let Asking { method, path, body, .. } = asking;
        let request = Request { method, path, headers: &headers, body: body.as_deref() };
        match process.ask(&request).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
            Ok(answer) => Err(Failure::new(format!("{method} {path} was answered {}: {}", answer.status, answer.body))),
            Err(no_answer) => Err(Failure::new(format!("{method} {path} got no answer: {no_answer:?}"))),
        }
    }
}

/// Whether a handshake was granted, a frame done, or all records of a batch told.
fn succeeded(output: &Value) -> bool {
    let refused = output["body"].as_str().is_some_and(|body| body.contains(r#""type":"error""#));
    output["statusCode"] == 200 && !refused || output["batchItemFailures"].as_array().is_some_and(Vec::is_empty)
}

fn registering(index: usize) -> Asking {
    let email = format!("bench-{index}@example.com");
    let body = json!({ "email": email, "first_name": "Ada", "last_name": "King", "password": PASSWORD });
    with_body("POST", "/api/auth/register/", &body)
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    let value = answer.pointer(pointer).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| Failure::new(format!("an answer lacks {pointer}: {answer}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_refused_and_a_record_that_is_not_told_are_no_success() {
        assert!(succeeded(&json!({ "statusCode": 200 })));
        assert!(succeeded(&json!({ "statusCode": 200, "body": r#"{"type":"pong"}"# })));
        assert!(succeeded(&json!({ "batchItemFailures": [] })));
        assert!(!succeeded(&json!({ "statusCode": 401 })));
        assert!(!succeeded(&json!({ "statusCode": 200, "body": r#"{"type":"error","code":"slow_down"}"# })));
        assert!(!succeeded(&json!({ "batchItemFailures": [{ "itemIdentifier": "1" }] })));
        assert!(!succeeded(&Value::Null));
    }
}
