//! Everybody who may call: people of every role and standing around one conversation, and credentials that are none.
//!
//! They are made through the store, which takes a fraction of the time that registering takes.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Map, Value};
use shared::domain::Timestamp;
use shared::domain::conversation::{NewConversation, Title};
use shared::domain::id::{ConversationId, MessageId, SessionId, UserId};
use shared::domain::message::{Draft, MessageBody};
use shared::domain::password::{Password, PasswordHash};
use shared::domain::session::{Caller, Session};
use shared::domain::user::{Email, NewUser, PersonName, Role};
use shared::http::Keyring;
use shared::store::Store;

use super::{keyring, now, session_keys};
use crate::PASSWORD;

static PASSWORD_HASH: LazyLock<PasswordHash> = LazyLock::new(|| Password::parse(PASSWORD).expect("a password").hash());

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Actor {
    pub session: Session,
    pub email: Email,
    pub token: String,
}

impl Actor {
    pub async fn new(store: &Store, role: Role) -> Self {
        Self::named("Ada", store, role).await
    }

    pub async fn named(first_name: &str, store: &Store, role: Role) -> Self {
        let id = UserId::unique();
        let session = Session::begin(id, now(), None, None);
        let new = NewUser {
            id,
            first_name: PersonName::parse(first_name).expect("a name"),
            last_name: PersonName::parse("Tester").expect("a name"),
            email: Email::parse(&format!("ada.{id}@example.com")).expect("an address"),
            phone_number: None,
            role,
            active: true,
            password: PASSWORD_HASH.clone(),
        };
        let email = new.email.clone();
        store.create_user(new, Some(&session), session.created_at).await.expect("a new person");
        let token = keyring().sign(&session).expose().to_owned();
        Self { session, email, token }
    }

    pub fn id(&self) -> UserId {
        self.caller().user
    }

    pub fn caller(&self) -> Caller {
        self.session.caller
    }

    /// Another session of the same person.
    pub async fn another_session(&self, store: &Store) -> SessionId {
        let account = store.account(&self.email).await.expect("readable").expect("there");
        let session = Session::begin(self.id(), now(), None, None);
        store.begin_session(&account, &session, None).await.expect("begun");
        session.caller.session
    }

    pub async fn start(&self, store: &Store, others: &[UserId]) -> ConversationId {
        let title = Title::parse_optional("Engines").expect("a title");
        let new = NewConversation::between(self.id(), others, title).expect("a conversation");
        store.start_conversation(&self.caller(), new, now()).await.expect("started").detail.conversation.id
    }

    pub async fn say(&self, store: &Store, conversation: ConversationId) -> MessageId {
        let draft = Draft { body: MessageBody::parse("Hello").expect("a body"), key: None };
        store.send(&self.caller(), conversation, draft, now()).await.expect("sent").id
    }

    pub async fn leave(&self, store: &Store, conversation: ConversationId) {
        store.leave(&self.caller(), conversation, now()).await.expect("left");
    }
}

/// How a credential travels, if there is one.
#[derive(Clone, Debug)]
pub enum Credential {
    None,
    Bearer(String),
    /// The session's cookie alone, as another site could make a browser send it.
    Cookie(String),
    /// The same with the CSRF token, as one's own pages send it.
    CookieWithToken(String),
}

impl Credential {
    /// A request in JSON with this credential.
    pub fn request(&self, method: &str, path: &str, body: &Value) -> Request<Body> {
        const CSRF_TOKEN: &str = "abcdefghijklmnopqrstuvwxyz012345";
        let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        let request = match self {
            Self::None => request,
            Self::Bearer(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            Self::Cookie(token) => request.header(header::COOKIE, format!("sessionid={token}")),
            Self::CookieWithToken(token) => request
                .header(header::COOKIE, format!("sessionid={token}; csrftoken={CSRF_TOKEN}"))
                .header("x-csrftoken", CSRF_TOKEN),
        };
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = if method == "GET" { Body::empty() } else { Body::from(body.to_string()) };
        request.body(body).expect("a request")
    }
}

/// Tokens that are nobody's, by what is wrong with them.
pub async fn dead_tokens(store: &Store) -> Vec<(&'static str, String)> {
    let (alive, ended, inactive) =
        tokio::join!(Actor::new(store, Role::Admin), Actor::new(store, Role::Admin), Actor::new(store, Role::Admin));
    // A second admin stays, so that the one deactivated is not the last.
    store.end_session(&ended.caller()).await.expect("ended");
    store.deactivate(&inactive.email).await.expect("deactivated");
    let never_begun = keyring().sign(&Session::begin(alive.id(), now(), None, None)).expose().to_owned();
    let mut dead = vec![("ended", ended.token), ("deactivated", inactive.token), ("never begun", never_begun)];
    dead.extend(forged_tokens(&alive));
    dead
}

/// Tokens that would be somebody's, had they been signed with the right key and in time; and such that are no tokens.
pub fn forged_tokens(alive: &Actor) -> Vec<(&'static str, String)> {
    let parts: Vec<&str> = alive.token.split('.').collect();
    let [head, claims, signature] = parts[..] else { panic!("a token has three parts") };
    let reversed: String = signature.chars().rev().collect();
    // {"typ":"JWT","alg":"none","kid":"k1"}
    let unsigned = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIiwia2lkIjoiazEifQ";
    let past = Timestamp::parse("2020-01-01T00:00:00Z").expect("an instant");
    let expired = keyring().sign(&Session { expires_at: past, ..alive.session.clone() });
    let keys: Map<String, Value> = serde_json::from_str(&session_keys()).expect("a keyring is JSON");
    let active = keys["active"].as_str().expect("a key's name");
    let signed_by = |name: &str| {
        let keys = serde_json::json!({ "active": name, name: "a secret that is not the stack's, but as long" });
        Keyring::parse(&keys.to_string()).expect("a keyring").sign(&alive.session).expose().to_owned()
    };
    vec![
        ("expired", expired.expose().to_owned()),
        ("garbage", "garbage".to_owned()),
        ("of the wrong signature", format!("{head}.{claims}.{reversed}")),
        ("without a signature", format!("{head}.{claims}.")),
        ("of the algorithm none", format!("{unsigned}.{claims}.")),
        ("of an unknown key", signed_by("nobody")),
        ("of another key by the same name", signed_by(active)),
    ]
}
