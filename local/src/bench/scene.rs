//! The people and conversations that are measured on, made through the front door, and the operations that are measured.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::share::Share;
use crate::environment::TABLE_NAME;
use crate::failure::{Context, Failure, Result};
use crate::runtime_api::{Answer, Process, Request};
use crate::session_keys;

const PASSWORD: &str = "a-long-enough-password";
const EMAIL: &str = "bench-0@example.com";

/// How many conversations there are, each with somebody else; the first holds so many messages, the others one.
const CONVERSATIONS: usize = 20;
const MESSAGES: usize = 50;

/// Where the functions are, what they find in their environment, and on what they work.
pub(crate) struct Scene {
    programs: PathBuf,
    environment: Vec<(String, String)>,
    token: String,
    /// With [`MESSAGES`] messages.
    read: String,
    /// Where messages are sent to.
    written: String,
}

/// Something that a caller asks for.
pub(crate) struct Asked {
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
pub(crate) const OPERATIONS: [Operation; 11] = [
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
    operation("mark read", "conversations", None, |scene, turn| Asked {
        method: "PUT",
        body: Some(json!({ "number": turn % MESSAGES + 1 }).to_string()),
        ..get(&format!("/api/conversations/{}/read/", scene.read))
    }),
    operation("own sessions", "auth", None, |_, _| get("/api/auth/sessions/")),
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
    Asked { method: "GET", path: path.to_owned(), key: None, body: None }
}

fn post(path: &str, body: &Value) -> Asked {
    Asked { method: "POST", body: Some(body.to_string()), ..get(path) }
}

impl Scene {
    /// Makes everything in the database at `endpoint`, by the functions among `programs`.
    pub(crate) async fn set(programs: &Path, endpoint: &str) -> Result<Self> {
        let environment = [
            ("TABLE_NAME", TABLE_NAME),
            ("DYNAMODB_ENDPOINT", endpoint),
            ("SESSION_KEYS", &session_keys::generate()),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_REGION", "us-east-1"),
        ];
        let mut scene = Self {
            programs: programs.to_owned(),
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            token: String::new(),
            read: String::new(),
            written: String::new(),
        };
        let (mut auth, mut conversations) =
            (scene.start("auth", None).await?, scene.start("conversations", None).await?);
        let mut messages = scene.start("messages", None).await?;
        let mut others = Vec::new();
        for index in 0..=CONVERSATIONS {
            let registered = scene.expect(&mut auth, &registering(index)).await?;
            if index == 0 {
                scene.token = text(&registered, "/token")?;
            } else {
                others.push(text(&registered, "/user/user_id")?);
            }
        }
        for other in others {
            let start = post("/api/conversations/", &json!({ "participant_ids": [other] }));
            let started = scene.expect(&mut conversations, &start).await?;
            scene.written = text(&started, "/conversation_id")?;
            scene.expect(&mut messages, &scene.sending(None)).await?;
            if scene.read.is_empty() {
                scene.read = scene.written.clone();
                for _ in 1..MESSAGES {
                    scene.expect(&mut messages, &scene.sending(None)).await?;
                }
            }
        }
        Ok(scene)
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

    pub(crate) fn login(&self) -> Asked {
        post("/api/auth/login/", &json!({ "email": EMAIL, "password": PASSWORD }))
    }

    fn sending(&self, key: Option<String>) -> Asked {
        let body =
            json!({ "conversation": self.written, "message_body": "A sentence, as people send them to each other." });
        Asked { key, ..post("/api/messages/", &body) }
    }

    /// Asks, and takes nothing but success for an answer.
    pub(crate) async fn ask(&self, process: &mut Process, asked: &Asked) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("content-type", "application/json"), ("accept", "application/json")];
        headers.extend((!self.token.is_empty()).then_some(("authorization", &*bearer)));
        headers.extend(asked.key.as_deref().map(|key| ("idempotency-key", key)));
        let Asked { method, path, body, .. } = asked;
        let request = Request { method, path, headers: &headers, body: body.as_deref() };
        match process.ask(&request).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
            Ok(answer) => Err(Failure::new(format!("{method} {path} was answered {}: {}", answer.status, answer.body))),
            Err(no_answer) => Err(Failure::new(format!("{method} {path} got no answer: {no_answer:?}"))),
        }
    }

    async fn expect(&self, process: &mut Process, asked: &Asked) -> Result<Value> {
        self.ask(process, asked).await.map(|answer| answer.json())
    }
}

fn registering(index: usize) -> Asked {
    let email = format!("bench-{index}@example.com");
    let body = json!({ "email": email, "first_name": "Ada", "last_name": "King", "password": PASSWORD });
    post("/api/auth/register/", &body)
}

fn text(answer: &Value, pointer: &str) -> Result<String> {
    let value = answer.pointer(pointer).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| Failure::new(format!("an answer lacks {pointer}: {answer}")))
}
