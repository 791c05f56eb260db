//! One function's process under the Lambda Runtime API: what Lambda does to it, without anything around it.
//!
//! The API is that of the page "Using the Lambda runtime API for custom runtimes" in the Lambda developer guide, version
//! `2018-06-01`; an event is a request as HTTP APIs of API Gateway hand it on, payload format 2.0.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as InPath, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The time that the template gives a function.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// A function's process, alive until this is dropped or [`Process::kill`]ed.
pub struct Process {
    child: Child,
    started: Instant,
    lambda: Arc<Lambda>,
    server: JoinHandle<()>,
    events: mpsc::UnboundedSender<Event>,
}

/// What a request was answered with, as API Gateway would pass it on.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// With lower-case names.
    pub headers: HashMap<String, String>,
    pub cookies: Vec<String>,
    pub body: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The process ended, or was killed, before it answered.
    Died,
    /// It reported an error instead of an answer.
    Failed(String),
}

/// One request, as API Gateway hands it on.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    pub method: &'a str,
    /// With its query string, if it has one.
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: Option<&'a str>,
}

struct Event {
    id: String,
    payload: String,
}

struct Lambda {
    /// What waits to be fetched.
    events: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
    /// Who waits for which answer.
    waiting: Mutex<HashMap<String, oneshot::Sender<Result<Value, String>>>>,
    /// When the process first asked for work.
    initialised: Mutex<Option<Instant>>,
    asked_for_work: Notify,
}

impl Process {
    /// Starts `program` with `environment` and nothing else of this process's environment.
    ///
    /// # Errors
    /// If no port is free or the program cannot be started.
    pub async fn start(program: &Path, environment: &[(String, String)]) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        // Its log, which `start_by` lets be kept.
        command.stdout(Stdio::null());
        Self::start_by(command, program, environment).await
    }

    /// Starts `command`, which is `program` or runs it in surroundings of its own (a control group, a profiler).
    ///
    /// # Errors
    /// If no port is free or the program cannot be started.
    pub async fn start_by(
        mut command: Command,
        program: &Path,
        environment: &[(String, String)],
    ) -> std::io::Result<Self> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (events, receiver) = mpsc::unbounded_channel();
        let lambda = Arc::new(Lambda {
            events: AsyncMutex::new(receiver),
            waiting: Mutex::default(),
            initialised: Mutex::default(),
            asked_for_work: Notify::new(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let api = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(lambda.clone());
        let server = tokio::spawn(async move { drop(axum::serve(listener, api).await) });
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn()?;
        Ok(Self { child, started, lambda, server, events })
    }

    /// Waits until the process asks for its first event; how long that took from its start.
    ///
    /// # Errors
    /// If it ends before.
    pub async fn initialised(&mut self) -> Result<Duration, NoAnswer> {
        loop {
            let asked = self.lambda.asked_for_work.notified();
            if let Some(at) = *lock(&self.lambda.initialised) {
                return Ok(at - self.started);
            }
            tokio::select! {
                () = asked => {}
                _ = self.child.wait() => return Err(NoAnswer::Died),
            }
        }
    }

    /// Hands a request to the process and waits for its answer.
    ///
    /// # Errors
    /// If the process reports an error, or ends first.
    pub async fn ask(&mut self, request: &Request<'_>) -> Result<Answer, NoAnswer> {
        let output = self.invoke(&request.to_event()).await?;
        Ok(Answer::from_output(&output))
    }

    /// Hands any event to the process and waits for what it returns.
    ///
    /// # Errors
    /// If the process reports an error, or ends first.
    pub async fn invoke(&mut self, event: &Value) -> Result<Value, NoAnswer> {
        let (answer, answered) = oneshot::channel();
        let id = Uuid::new_v4().to_string();
        lock(&self.lambda.waiting).insert(id.clone(), answer);
        // The receiver lives as long as this does.
        let _ = self.events.send(Event { id, payload: event.to_string() });
        tokio::select! {
            biased;
            Ok(output) = answered => output.map_err(NoAnswer::Failed),
            _ = self.child.wait() => Err(NoAnswer::Died),
        }
    }

    /// The process's number, as long as it lives.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What ends the process, wherever it is, from somewhere else: SIGKILL.
    ///
    /// # Errors
    /// If the system refuses.
    pub async fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill().await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Before its API goes, which it would complain of.
        drop(self.child.start_kill());
        self.server.abort();
    }
}

impl Request<'_> {
    fn to_event(&self) -> Value {
        let (path, query) = self.path.split_once('?').unwrap_or((self.path, ""));
        let (cookies, headers): (Vec<_>, Vec<_>) =
            self.headers.iter().partition(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        let mut sent: serde_json::Map<String, Value> =
            headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
        sent.entry("host").or_insert_with(|| json!("localhost"));
        let cookies: Vec<_> = cookies.into_iter().flat_map(|(_, value)| value.split("; ")).collect();
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": sent,
            "cookies": cookies,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "localhost",
                "domainPrefix": "localhost",
                "http": {
                    "method": self.method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "confab",
                },
                "requestId": Uuid::new_v4().to_string(),
                "routeKey": "$default",
                "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1_767_225_600_000_i64,
            },
            "body": self.body,
            "isBase64Encoded": false,
        })
    }
}

impl Answer {
    fn from_output(output: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let single = output["headers"].as_object().into_iter().flatten();
        let multiple = output["multiValueHeaders"].as_object().into_iter().flatten();
        let headers = single
            .map(|(name, value)| (name, value.clone()))
            .chain(multiple.map(|(name, values)| (name, values[0].clone())))
            .map(|(name, value)| (name.to_ascii_lowercase(), text(&value)))
            .collect();
        Self {
            status: output["statusCode"].as_u64().and_then(|status| status.try_into().ok()).unwrap_or_default(),
            headers,
            cookies: output["cookies"].as_array().into_iter().flatten().map(text).collect(),
            body: text(&output["body"]),
        }
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

async fn next(State(lambda): State<Arc<Lambda>>) -> Response {
    lock(&lambda.initialised).get_or_insert_with(Instant::now);
    lambda.asked_for_work.notify_waiters();
    let Some(Event { id, payload }) = lambda.events.lock().await.recv().await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIME_LIMIT;
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:local".to_owned()),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers.map(|(name, value)| (HeaderName::from_static(name), value)), payload).into_response()
}

async fn response(State(lambda): State<Arc<Lambda>>, InPath(id): InPath<String>, body: Bytes) -> StatusCode {
    let output = serde_json::from_slice(&body).map_err(|error| format!("an answer that is not JSON: {error}"));
    lambda.answer(&id, output)
}

async fn error(State(lambda): State<Arc<Lambda>>, InPath(id): InPath<String>, body: Bytes) -> StatusCode {
    lambda.answer(&id, Err(String::from_utf8_lossy(&body).into_owned()))
}

impl Lambda {
    fn answer(&self, id: &str, output: Result<Value, String>) -> StatusCode {
        let Some(waiting) = lock(&self.waiting).remove(id) else { return StatusCode::BAD_REQUEST };
        // Whoever asked may have stopped waiting.
        let _ = waiting.send(output);
        StatusCode::ACCEPTED
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
