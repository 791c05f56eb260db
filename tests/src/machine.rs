//! What only tests on the machine itself can reach: the table behind the front door, and the functions in this process.

pub mod django;
pub mod proxy;
pub mod tool;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use shared::domain::id::{ConversationId, SessionId, UserId};
use shared::domain::password::Password;
use shared::domain::session::Caller;
use shared::domain::user::{Email, NewUser, PersonName, Role};
use shared::http::{App, Keyring, Registration, Routes, service};
use shared::store::{Settings, Spent, Store};
use tower::ServiceExt;

use crate::{PASSWORD, Person};

/// The address of the database that the stack under test uses.
pub fn database() -> String {
    std::env::var("CONFAB_DATABASE")
        .expect("CONFAB_DATABASE is not set: these tests need the machine; `cargo dev test` sets it")
}

/// Whether the database accounts capacity as AWS does; DynamoDB Local does not for transactions.
pub fn database_accounts_transactions() -> bool {
    std::env::var("CONFAB_DATABASE_KIND").as_deref() == Ok("embedded")
}

/// The table, reached by way of `endpoint`: the database, or something in between.
pub async fn store_at(endpoint: &str) -> Store {
    Store::connect(Settings { endpoint: Some(endpoint.to_owned()), ..Settings::from_env() }).await
}

pub async fn store() -> Store {
    store_at(&database()).await
}

/// Every function's endpoints in this process, on the table of the stack under test.
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
        let keys = std::env::var("SESSION_KEYS").expect("SESSION_KEYS is not set: `cargo dev test` sets it");
        let keyring = Keyring::parse(&keys).expect("a keyring");
        let keyring = Arc::new(keyring);
        let functions = all_routes().into_iter().map(|(name, routes)| {
            let app = App { store: store(name), keyring: keyring.clone(), registration: Registration::Open };
            service(name, routes, app).reset_fallback()
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
        let response =
            self.0.clone().oneshot(request.body(body).expect("a request")).await.expect("functions always answer");
        let spent = *response.extensions().get::<Spent>().expect("every request is metered");
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a whole body").to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default(), spent)
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

/// A person as the store knows callers.
pub fn caller(person: &Person) -> Caller {
    let keys = std::env::var("SESSION_KEYS").expect("SESSION_KEYS is not set: `cargo dev test` sets it");
    let now = shared::domain::Timestamp::parse("2026-01-01T00:00:00Z").expect("an instant");
    Keyring::parse(&keys).expect("a keyring").verify(&person.token, now).expect("a genuine token")
}

pub fn conversation_id(text: &str) -> ConversationId {
    ConversationId::parse(text).expect("a conversation's id")
}

pub fn user_id(text: &str) -> UserId {
    UserId::parse(text).expect("a person's id")
}

/// An admin, whom nobody could make through the front door, signed in there.
pub async fn admin() -> Person {
    person_with_role(Role::Admin).await
}

/// A host, signed in.
pub async fn host() -> Person {
    person_with_role(Role::Host).await
}

async fn person_with_role(role: Role) -> Person {
    let id = UserId::unique();
    let email = Email::parse(&format!("{}.{id}@example.com", role.as_str())).expect("an address");
    let name = |text| PersonName::parse(text).expect("a name");
    let new = NewUser {
        id,
        first_name: name("Hedy"),
        last_name: name("Tester"),
        email: email.clone(),
        phone_number: None,
        role,
        active: true,
        password: Password::parse(PASSWORD).expect("a password").hash(),
    };
    let now = shared::domain::Timestamp::from(std::time::SystemTime::now());
    store().await.create_user(new, None, now).await.expect("made");
    let nobody = Person {
        client: crate::Client::anonymous(),
        token: String::new(),
        id: id.to_string(),
        email: email.as_str().to_owned(),
    };
    nobody.sign_in_again().await
}

/// A session that never was.
pub fn no_session(person: &Person) -> Caller {
    Caller { user: user_id(&person.id), session: SessionId::unique() }
}
