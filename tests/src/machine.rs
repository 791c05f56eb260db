//! What only tests on the machine itself can reach: the table behind the front door, and the functions in this process.

pub mod cast;
pub mod django;
pub mod live;
pub mod own_table;
pub mod proxy;
pub mod side;
pub mod tool;

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::domain::id::{ConversationId, SessionId, UserId};
use shared::domain::session::Caller;
use shared::domain::user::Role;
use shared::http::{App, Keyring, Registration, Routes, service};
use shared::store::{Settings, Spent, Store};
use tower::ServiceExt;

use crate::{Answer, Client, Person};
use cast::Actor;

/// The address of the database that the stack under test uses.
pub fn database() -> String {
    std::env::var("CONFAB_DATABASE")
        .expect("CONFAB_DATABASE is not set: these tests need the machine; `cargo dev test` sets it")
}

/// Whether the database accounts capacity as AWS does; DynamoDB Local does not for transactions, and counts nothing for what
/// a batch or a query does not find.
pub fn database_accounts_as_aws() -> bool {
    std::env::var("CONFAB_DATABASE_KIND").as_deref() == Ok("embedded")
}

/// A function's binary: where `cargo` puts what it builds is the folder above that of the tests.
pub fn program(function: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("a running program");
    tests.parent().and_then(|folder| folder.parent()).expect("a folder of programs").join(function)
}

/// The table, reached by way of `endpoint`: the database, or something in between.
pub async fn store_at(endpoint: &str) -> Store {
    Store::connect(Settings { endpoint: Some(endpoint.to_owned()), ..Settings::from_env() }).await
}

pub async fn store() -> Store {
    store_at(&database()).await
}

/// The database itself, for what the store has no method for; on a machine, any signature will do.
pub struct RawDatabase(reqwest::Client);

impl RawDatabase {
    pub fn new() -> Self {
        Self(crate::http_client())
    }

    pub async fn ask(&self, operation: &str, body: &Value) -> Value {
        let signed = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, \
            Signature=0";
        let request = self
            .0
            .post(database())
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signed)
            .body(body.to_string());
        let answer = request.send().await.expect("the database answers");
        let (status, text) = (answer.status(), answer.text().await.expect("a whole answer"));
        assert!(status.is_success(), "{operation}: {status} {text}");
        serde_json::from_str(&text).expect("databases answer in JSON")
    }
}

impl Default for RawDatabase {
    fn default() -> Self {
        Self::new()
    }
}

pub async fn ask_database(operation: &str, body: &Value) -> Value {
    RawDatabase::new().ask(operation, body).await
}

/// Makes a table like the one under test, but without a stream; its name.
///
/// Before every call, DynamoDB Local looks for the first record of the table's stream among those of all streams: late in
/// a run that takes it half a second.
pub async fn make_table() -> String {
    make_table_with(None).await
}

/// The same with a stream, for the few tests that cannot do without one.
pub async fn make_table_with_stream() -> String {
    make_table_with(Some(json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" }))).await
}

async fn make_table_with(stream: Option<Value>) -> String {
    let under_test = json!({ "TableName": Settings::from_env().table_name });
    let table = &ask_database("DescribeTable", &under_test).await["Table"];
    let index = &table["GlobalSecondaryIndexes"][0];
    let name = format!("test-{}", uuid::Uuid::new_v4().simple());
    let mut definition = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": table["KeySchema"],
        "AttributeDefinitions": table["AttributeDefinitions"],
        "GlobalSecondaryIndexes": [
            { "IndexName": index["IndexName"], "KeySchema": index["KeySchema"], "Projection": index["Projection"] },
        ],
    });
    if let Some(stream) = stream {
        definition["StreamSpecification"] = stream;
    }
    ask_database("CreateTable", &definition).await;
    name
}

/// Every function's endpoints in this process, on the table of the stack under test.
#[derive(Clone)]
pub struct InProcess(axum::Router);

impl InProcess {
    pub async fn new() -> Self {
        Self::on(store().await)
    }

    pub fn on(store: Store) -> Self {
        Self::each_on(|_| store.clone())
    }

    /// Every function on a store of its own.
    pub fn each_on(store: impl Fn(&'static str) -> Store) -> Self {
        Self::with(Registration::Open, store)
    }

    /// Where nobody may register.
    pub async fn closed() -> Self {
        let store = store().await;
        Self::with(Registration::Closed, |_| store.clone())
    }

    fn with(registration: Registration, store: impl Fn(&'static str) -> Store) -> Self {
        let keyring = Arc::new(keyring());
        let functions = all_routes().into_iter().map(|(name, routes)| {
            let app = App { store: store(name), keyring: keyring.clone(), registration, websocket: None };
            let function = service(name, routes, app);
            // What belongs to nobody is root's.
            if name == "root" { function } else { function.reset_fallback() }
        });
        Self(functions.fold(axum::Router::new(), axum::Router::merge))
    }

    /// Listens until the test ends; the address.
    pub async fn serve(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("a bound port"));
        tokio::spawn(async move { axum::serve(listener, self.0).await });
        address
    }

    /// Sends a request as a person, and tells what it cost.
    pub async fn send(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (u16, Value, Spent) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", person.token))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.answer(request.body(body).expect("a request")).await
    }

    /// Logs in from an address, as API Gateway tells it.
    pub async fn log_in_from(&self, address: &str, email: &str, password: &str) -> (u16, Value, Spent) {
        let body = json!({ "email": email, "password": password });
        self.post_from(address, None, "/api/auth/login/", &body).await
    }

    /// Sends a request from an address, as API Gateway tells it.
    pub async fn post_from(
        &self,
        address: &str,
        person: Option<&Person>,
        path: &str,
        body: &Value,
    ) -> (u16, Value, Spent) {
        let http = json!({ "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": address });
        let context = json!({ "timeEpoch": 0, "http": http });
        let context: RequestContext = serde_json::from_value(context).expect("a context");
        let mut request = Request::post(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .extension(context);
        if let Some(person) = person {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", person.token));
        }
        self.answer(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    async fn answer(&self, request: Request<Body>) -> (u16, Value, Spent) {
        let (answer, spent) = self.ask(request).await;
        (answer.status, serde_json::from_str(&answer.text).unwrap_or_default(), spent)
    }

    /// Sends any request at all, and tells what it cost.
    pub async fn ask(&self, request: Request<Body>) -> (Answer, Spent) {
        let response = self.0.clone().oneshot(request).await.expect("functions always answer");
        let spent = *response.extensions().get::<Spent>().expect("every request is metered");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(bytes.into()).expect("an answer in UTF-8");
        (Answer { status: parts.status.as_u16(), headers: parts.headers, text }, spent)
    }
}

/// Every function by name, with its endpoints.
pub fn all_routes() -> [(&'static str, Routes); 5] {
    [
        ("auth", auth::routes()),
        ("users", users::routes()),
        ("conversations", conversations::routes()),
        ("messages", messages::routes()),
        ("root", root::routes()),
    ]
}

/// The keyring of the stack under test, as it stands in the environment.
pub fn session_keys() -> String {
    std::env::var("SESSION_KEYS").expect("SESSION_KEYS is not set: `cargo dev test` sets it")
}

pub fn keyring() -> Keyring {
    Keyring::parse(&session_keys()).expect("a keyring")
}

pub fn now() -> Timestamp {
    std::time::SystemTime::now().into()
}

/// A person as the store knows callers.
pub fn caller(person: &Person) -> Caller {
    let now = Timestamp::parse("2026-01-01T00:00:00Z").expect("an instant");
    keyring().verify(&person.token, now).expect("a genuine token")
}

pub fn conversation_id(text: &str) -> ConversationId {
    ConversationId::parse(text).expect("a conversation's id")
}

pub fn user_id(text: &str) -> UserId {
    UserId::parse(text).expect("a person's id")
}

/// An admin, whom nobody could make through the front door, signed in there.
pub async fn admin() -> Person {
    person_in(&store().await, Role::Admin).await
}

/// A host, signed in.
pub async fn host() -> Person {
    person_in(&store().await, Role::Host).await
}

/// Somebody signed in, made behind the front door.
pub async fn person_in(store: &Store, role: Role) -> Person {
    Actor::new(store, role).await.into()
}

impl From<Actor> for Person {
    fn from(Actor { session, email, token }: Actor) -> Self {
        let id = session.caller.user.to_string();
        Self { client: Client::with_token(&token), token, id, email: email.as_str().to_owned() }
    }
}

/// A session that never was.
pub fn no_session(person: &Person) -> Caller {
    Caller { session: SessionId::unique(), ..caller(person) }
}
