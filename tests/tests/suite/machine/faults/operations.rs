//! Every operation that writes more than once, as a client asks for it, and what of it is there afterwards.

pub(super) mod accounts;
pub(super) mod conversations;
pub(super) mod messages;

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use shared::domain::id::{ConversationId, UserId};
use shared::domain::session::Caller;
use shared::domain::user::Role;
use shared::store::Store;
use tests::machine::InProcess;
use tests::machine::cast::{Actor, Credential};
use tests::machine::own_table::OwnTable;

/// A table of its own for one operation, and an admin, whom some ask.
pub(super) struct Stage {
    pub(super) table: OwnTable,
    pub(super) store: Store,
    /// On the table itself.
    pub(super) functions: InProcess,
    pub(super) admin: Actor,
    /// As many as do not fit into one transaction with a conversation.
    crowd: tokio::sync::OnceCell<Vec<UserId>>,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let table = OwnTable::new().await;
        let store = table.store();
        let admin = Actor::new(&store, Role::Admin).await;
        let functions = InProcess::on(store.clone());
        Self { table, store, functions, admin, crowd: tokio::sync::OnceCell::new() }
    }

    async fn somebody(&self) -> Actor {
        Actor::new(&self.store, Role::Guest).await
    }

    pub(super) async fn crowd(&self) -> &[UserId] {
        let people = async || {
            let people = self.table.people(99).await;
            people.iter().map(|person| tests::machine::user_id(&person.id)).collect()
        };
        self.crowd.get_or_init(people).await
    }

    pub(super) async fn ask(&self, ask: &Ask) -> (u16, Value) {
        answer(&self.functions, ask).await
    }

    /// What a person is shown.
    async fn shown(&self, actor: &Actor, path: &str) -> (u16, Value) {
        self.ask(&Ask::of(actor, "GET", path, Value::Null)).await
    }
}

/// What a client asks for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) token: Option<String>,
    pub(super) key: Option<&'static str>,
    pub(super) body: Value,
}

impl Ask {
    fn of(actor: &Actor, method: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), token: Some(actor.token.clone()), key: None, body }
    }

    fn of_nobody(path: &str, body: Value) -> Self {
        Self { method: "POST", path: path.to_owned(), token: None, key: None, body }
    }
}

/// Asks functions in this process.
pub(super) async fn answer(functions: &InProcess, ask: &Ask) -> (u16, Value) {
    let credential = ask.token.clone().map_or(Credential::None, Credential::Bearer);
    let mut request: Request<Body> = credential.request(ask.method, &ask.path, &ask.body);
    if let Some(key) = ask.key {
        request.headers_mut().insert("idempotency-key", HeaderValue::from_static(key));
    }
    let (answer, _) = functions.ask(request).await;
    (answer.status, serde_json::from_str(&answer.text).unwrap_or_default())
}

/// Counts how often an operation was done.
type Effect = Box<dyn for<'s> Fn(&'s Stage) -> BoxFuture<'s, u64> + Send + Sync>;

/// One run of an operation, on things of its own.
pub(super) struct Trial {
    pub(super) ask: Ask,
    /// How it is answered when it was done.
    pub(super) done: u16,
    /// How a repeat is answered that finds it done.
    pub(super) repeated: u16,
    /// Whether a repeat does it once more: what has no key, or is new each time.
    pub(super) again: bool,
    pub(super) effect: Effect,
    /// Whose log may have holes.
    pub(super) log: Option<(Caller, ConversationId)>,
}

impl Trial {
    fn of(ask: Ask, [done, repeated]: [u16; 2], effect: Effect) -> Self {
        Self { ask, done, repeated, again: false, effect, log: None }
    }

    fn again(self) -> Self {
        Self { again: true, ..self }
    }

    fn with_log(self, reader: &Actor, id: ConversationId) -> Self {
        Self { log: Some((reader.caller(), id)), ..self }
    }
}

pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Which function does it.
    pub(super) function: &'static str,
    pub(super) prepare: for<'s> fn(&'s Stage) -> BoxFuture<'s, Trial>,
}

/// Says whether a thing is there once.
fn once(is_there: bool) -> u64 {
    u64::from(is_there)
}

/// Counts the entries of one kind that a conversation's changes have.
fn changes_of_kind(reader: Actor, id: ConversationId, kind: &'static str) -> Effect {
    Box::new(move |stage| {
        let reader = reader.clone();
        async move {
            let (_, feed) = stage.shown(&reader, &format!("/api/conversations/{id}/changes/")).await;
            let changes = feed["changes"].as_array().into_iter().flatten();
            changes.filter(|change| change["kind"] == json!(kind)).count() as u64
        }
        .boxed()
    })
}

/// Counts 1 once something is shown no more.
fn gone(reader: Actor, path: String) -> Effect {
    Box::new(move |stage| {
        let (reader, path) = (reader.clone(), path.clone());
        async move { once(stage.shown(&reader, &path).await.0 == 404) }.boxed()
    })
}
