//! Who may call what: every endpoint × every kind of caller, and what they are answered.
//!
//! A route that is not in the table fails, and so does a row that no route has. What a cell changes for good is made for
//! that cell, so that no cell disturbs another.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::{Value, json};
use shared::domain::id::{ConversationId, MessageId};
use shared::domain::user::Role;
use shared::store::Store;
use tests::PASSWORD;
use tests::machine::cast::{Actor, Credential, dead_tokens};
use tests::machine::{InProcess, all_routes, store};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// The status of each answer. `{c}` is a conversation, `{m}` a message in it, `{u}` a person who takes no part in it,
/// `{s}` another session of the guest who does.
///
/// - *none*: no credential. *dead*: one that is expired, forged in every way, signed with another key, ended,
///   deactivated, or was never begun.
/// - *cookie*: who started the conversation and sent the message, by cookie *alone* and with *both* it and the CSRF token.
/// - *former* took part once. Guests, hosts and admins did not start the conversation and did not send the message.
const TABLE: &str = "
                                                          cookie     | takes no part             | takes part
                                              none  dead  alone both | guest former host admin   | guest sender creator host admin

GET    /                                      200   200   200   200  | 200   200    200  200     | 200   200    200     200  200
GET    /health                                200   200   200   200  | 200   200    200  200     | 200   200    200     200  200
GET    /api                                   200   200   200   200  | 200   200    200  200     | 200   200    200     200  200
GET    /api/schema                            200   200   200   200  | 200   200    200  200     | 200   200    200     200  200
GET    /api/schema/events                     200   200   200   200  | 200   200    200  200     | 200   200    200     200  200

POST   /api/auth/register                     201   201   201   201  | 201   201    201  201     | 201   201    201     201  201
POST   /api/auth/login                        200   200   200   200  | 200   200    200  200     | 200   200    200     200  200
POST   /api/auth/logout                       401   401   403   204  | 204   204    204  204     | 204   204    204     204  204
POST   /api/auth/password                     401   401   403   204  | 204   204    204  204     | 204   204    204     204  204
GET    /api/auth/sessions                     401   401   200   200  | 200   200    200  200     | 200   200    200     200  200
DELETE /api/auth/sessions                     401   401   403   204  | 204   204    204  204     | 204   204    204     204  204
DELETE /api/auth/sessions/{s}                 401   401   403   404  | 404   404    404  404     | 204   404    404     404  404
GET    /api-auth/login                        200   200   200   200  | 200   200    200  200     | 200   200    200     200  200
POST   /api-auth/login                        403   403   403   200  | 403   403    403  403     | 403   403    403     403  403
GET    /api-auth/logout                       200   200   200   200  | 200   200    200  200     | 200   200    200     200  200
POST   /api-auth/logout                       200   200   403   200  | 200   200    200  200     | 200   200    200     200  200

GET    /api/users                             401   401   200   200  | 200   200    200  200     | 200   200    200     200  200
POST   /api/users                             401   401   403   403  | 403   403    403  201     | 403   403    403     403  201
GET    /api/users/me                          401   401   200   200  | 200   200    200  200     | 200   200    200     200  200
PATCH  /api/users/me                          401   401   403   200  | 200   200    200  200     | 200   200    200     200  200
GET    /api/users/{u}                         401   401   200   200  | 200   200    200  200     | 200   200    200     200  200
PATCH  /api/users/{u}                         401   401   403   403  | 403   403    403  200     | 403   403    403     403  200
DELETE /api/users/{u}                         401   401   403   403  | 403   403    403  204     | 403   403    403     403  204

GET    /api/conversations                     401   401   200   200  | 200   200    200  200     | 200   200    200     200  200
POST   /api/conversations                     401   401   403   201  | 201   201    201  201     | 201   201    201     201  201
GET    /api/conversations/{c}                 401   401   200   200  | 404   404    404  404     | 200   200    200     200  200
PUT    /api/conversations/{c}                 401   401   403   200  | 404   404    404  404     | 403   403    200     200  200
PATCH  /api/conversations/{c}                 401   401   403   200  | 404   404    404  404     | 403   403    200     200  200
DELETE /api/conversations/{c}                 401   401   403   204  | 404   404    404  404     | 403   403    204     403  204
POST   /api/conversations/{c}/add_participant 401   401   403   200  | 404   404    404  404     | 403   403    200     200  200
POST   /api/conversations/{c}/remove_participant
                                              401   401   403   200  | 404   404    404  404     | 403   403    200     200  200
POST   /api/conversations/{c}/leave           401   401   403   204  | 404   404    404  404     | 204   204    204     204  204
PUT    /api/conversations/{c}/read            401   401   403   200  | 404   404    404  404     | 200   200    200     200  200
GET    /api/conversations/{c}/changes         401   401   200   200  | 404   404    404  404     | 200   200    200     200  200
GET    /api/changes                           401   401   200   200  | 200   200    200  200     | 200   200    200     200  200

GET    /api/conversations/{c}/messages        401   401   200   200  | 404   404    404  404     | 200   200    200     200  200
POST   /api/conversations/{c}/messages        401   401   403   201  | 404   404    404  404     | 201   201    201     201  201
GET    /api/conversations/{c}/messages/{m}    401   401   200   200  | 404   404    404  404     | 200   200    200     200  200
PUT    /api/conversations/{c}/messages/{m}    401   401   403   200  | 404   404    404  404     | 403   200    403     403  403
PATCH  /api/conversations/{c}/messages/{m}    401   401   403   200  | 404   404    404  404     | 403   200    403     403  403
DELETE /api/conversations/{c}/messages/{m}    401   401   403   204  | 404   404    404  404     | 403   204    403     403  204
GET    /api/messages                          401   401   200   200  | 200   200    200  200     | 200   200    200     200  200
POST   /api/messages                          401   401   403   201  | 400   400    400  400     | 201   201    201     201  201
GET    /api/messages/{m}                      401   401   200   200  | 404   404    404  404     | 200   200    200     200  200
PUT    /api/messages/{m}                      401   401   403   200  | 404   404    404  404     | 403   200    403     403  403
PATCH  /api/messages/{m}                      401   401   403   200  | 404   404    404  404     | 403   200    403     403  403
DELETE /api/messages/{m}                      401   401   403   204  | 404   404    404  404     | 403   204    403     403  204
GET    /api/messages/{m}/history              401   401   200   200  | 404   404    404  404     | 200   200    200     200  200
";

/// A kind of caller: the columns, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    NoCredential,
    Dead,
    Cookie,
    CookieWithToken,
    GuestOutside,
    Former,
    HostOutside,
    AdminOutside,
    Guest,
    Sender,
    Creator,
    Host,
    Admin,
}

const COLUMNS: [Kind; 13] = [
    Kind::NoCredential,
    Kind::Dead,
    Kind::Cookie,
    Kind::CookieWithToken,
    Kind::GuestOutside,
    Kind::Former,
    Kind::HostOutside,
    Kind::AdminOutside,
    Kind::Guest,
    Kind::Sender,
    Kind::Creator,
    Kind::Host,
    Kind::Admin,
];

impl Kind {
    fn role(self) -> Role {
        match self {
            Self::HostOutside | Self::Host => Role::Host,
            Self::AdminOutside | Self::Admin => Role::Admin,
            _ => Role::Guest,
        }
    }

    fn credential(self, actor: &Actor) -> Credential {
        let token = actor.token.clone();
        match self {
            Self::NoCredential | Self::Dead => Credential::None,
            Self::Cookie => Credential::Cookie(token),
            Self::CookieWithToken => Credential::CookieWithToken(token),
            _ => Credential::Bearer(token),
        }
    }

    /// Who starts the conversation and who sends the message that this kind of caller acts on.
    fn creator_and_sender(self) -> (Self, Self) {
        match self {
            Self::Cookie | Self::CookieWithToken => (self, self),
            _ => (Self::Creator, Self::Sender),
        }
    }
}

/// `GET /api/users/{user_id}` → the status for each kind of caller.
type Rows = BTreeMap<String, [u16; COLUMNS.len()]>;

fn rows(table: &str) -> Rows {
    let (mut rows, mut endpoint) = (Rows::new(), String::new());
    for line in table.lines() {
        let mut words = line.split_whitespace().filter(|word| *word != "|").peekable();
        if let Some(method) = words.next_if(|word| word.bytes().all(|byte| byte.is_ascii_uppercase())) {
            endpoint = format!("{method} {}", in_full(words.next().expect("a path")));
        }
        let statuses: Vec<u16> = words.map_while(|word| word.parse().ok()).collect();
        if !statuses.is_empty() {
            let statuses = statuses.try_into().unwrap_or_else(|_| panic!("not one status a column: {line}"));
            assert_eq!(rows.insert(endpoint.clone(), statuses), None, "{endpoint} stands twice");
        }
    }
    rows
}

fn in_full(path: &str) -> String {
    path.replace("{c}", "{conversation_id}")
        .replace("{m}", "{message_id}")
        .replace("{u}", "{user_id}")
        .replace("{s}", "{session_id}")
}

fn endpoints() -> BTreeSet<String> {
    let routes = all_routes().into_iter().flat_map(|(_, routes)| {
        let endpoints = routes
            .iter()
            .flat_map(|(path, methods, _)| methods.iter().map(|method| format!("{method} {path}")).collect::<Vec<_>>());
        endpoints.collect::<Vec<_>>()
    });
    routes.collect()
}

#[test]
fn every_endpoint_says_who_may_call_it() {
    let (endpoints, rows) = (endpoints(), rows(TABLE));
    for endpoint in &endpoints {
        assert!(rows.contains_key(endpoint), "no row: {endpoint}");
    }
    for endpoint in rows.keys() {
        assert!(endpoints.contains(endpoint), "no endpoint: {endpoint}");
    }
}

/// People to act, and what they act on.
struct Scene {
    store: Store,
    functions: InProcess,
    people: BTreeMap<Kind, Actor>,
    /// Takes part, and does nothing.
    bystander: Actor,
    /// The conversations that no cell ends or leaves, by who started them.
    kept: BTreeMap<Kind, OnceCell<ConversationId>>,
}

impl Scene {
    async fn new(store: Store, functions: InProcess) -> Self {
        let people = COLUMNS.map(async |kind| (kind, Actor::new(&store, kind.role()).await));
        let (people, bystander) = tokio::join!(join_all(people), Actor::new(&store, Role::Guest));
        let kept = COLUMNS.map(|kind| (kind, OnceCell::new())).into();
        Self { people: people.into_iter().collect(), bystander, kept, functions, store }
    }

    /// What a request of this kind of caller names, new and its own.
    async fn things(&self, kind: Kind, endpoint: &str) -> Things {
        let somebody = Actor::new(&self.store, Role::Guest).await;
        let mut ids = vec![("{user_id}", somebody.id().to_string())];
        if ["/conversations/{", "/messages"].iter().any(|part| endpoint.contains(part)) {
            let message = self.message(kind, changes_conversation(endpoint)).await;
            ids.push(("{conversation_id}", message.conversation.to_string()));
            ids.push(("{message_id}", message.to_string()));
        }
        if endpoint.contains("{session_id}") {
            let session = self.people[&Kind::Guest].another_session(&self.store).await;
            ids.push(("{session_id}", session.to_string()));
        }
        let conversation = ids.get(1).map(|(_, id)| id.clone());
        let user = if endpoint.ends_with("remove_participant") { self.bystander.id() } else { somebody.id() };
        let known = endpoint.ends_with("login").then(|| somebody.email.as_str().to_owned());
        // Fields that an endpoint does not know it ignores: so one body is good for all of them.
        let body = json!({
            "conversation": conversation, "message_body": "Good morning",
            "participant_ids": [somebody.id().to_string()], "title": "Looms",
            "user_id": user.to_string(), "number": 1,
            "first_name": "Grace", "last_name": "Tester", "email": known,
            "role": "host", "is_active": true,
            "password": PASSWORD, "old_password": PASSWORD, "new_password": "another-long-password",
        });
        Things { ids, body }
    }

    /// A message in a conversation, both this kind of caller's as far as it can be.
    async fn message(&self, kind: Kind, in_a_new_conversation: bool) -> MessageId {
        let (creator, sender) = kind.creator_and_sender();
        let conversation = if in_a_new_conversation {
            self.conversation(creator).await
        } else {
            *self.kept[&creator].get_or_init(|| self.conversation(creator)).await
        };
        self.people[&sender].say(&self.store, conversation).await
    }

    async fn conversation(&self, creator: Kind) -> ConversationId {
        let members = [Kind::Former, Kind::Sender, Kind::Guest, Kind::Host, Kind::Admin];
        let members = members.map(|member| self.people[&member].id()).into_iter().chain([self.bystander.id()]);
        let conversation = self.people[&creator].start(&self.store, &members.collect::<Vec<_>>()).await;
        self.people[&Kind::Former].leave(&self.store, conversation).await;
        conversation
    }

    async fn status(&self, endpoint: &str, credential: &Credential, things: &Things) -> u16 {
        let (method, route) = endpoint.split_once(' ').expect("a method and a path");
        let path = things.ids.iter().fold(route.to_owned(), |path, (name, id)| path.replace(name, id));
        let mut body = things.body.clone();
        if body["email"].is_null() {
            body["email"] = format!("new.{}@example.com", Uuid::new_v4()).into();
        }
        self.functions.ask(credential.request(method, &path, &body)).await.0.status
    }
}

/// Whether it changes who takes part in a conversation, or the conversation itself.
fn changes_conversation(endpoint: &str) -> bool {
    let is_about_one = !endpoint.contains("/messages") && !endpoint.ends_with("/read");
    endpoint.contains("/conversations/{") && is_about_one && !endpoint.starts_with("GET ")
}

fn ends_sessions(endpoint: &str) -> bool {
    let parts = ["logout", "/auth/password", "DELETE /api/auth/sessions"];
    parts.iter().any(|part| endpoint.contains(part))
}

struct Things {
    ids: Vec<(&'static str, String)>,
    /// With a new e-mail address for each request, unless it has one.
    body: Value,
}

#[tokio::test]
async fn everybody_gets_the_answer_that_is_theirs_at_every_endpoint() {
    let store = store().await;
    let rows = rows(TABLE);
    let dead = dead_tokens(&store).await;
    let mut surprises = Vec::new();
    let functions = InProcess::on(store.clone());
    let lasting = Scene::new(store.clone(), functions.clone()).await;
    for (endpoint, statuses) in &rows {
        let passing;
        let scene = if ends_sessions(endpoint) {
            passing = Scene::new(store.clone(), functions.clone()).await;
            &passing
        } else {
            &lasting
        };
        let cells = COLUMNS.into_iter().zip(statuses).map(async |(kind, expected)| {
            let things = scene.things(kind, endpoint).await;
            let credentials: Vec<(String, Credential)> = match kind {
                Kind::Dead => {
                    let bearer = dead.iter().map(|(what, token)| (*what, Credential::Bearer(token.clone())));
                    bearer.map(|(what, credential)| (format!("a token {what}"), credential)).collect()
                }
                _ => vec![(format!("{kind:?}"), kind.credential(&scene.people[&kind]))],
            };
            let mut surprises = Vec::new();
            for (who, credential) in credentials {
                let status = scene.status(endpoint, &credential, &things).await;
                if status != *expected {
                    surprises.push(format!("{endpoint} by {who}: {status}, not {expected}"));
                }
            }
            surprises
        });
        surprises.extend(join_all(cells).await.concat());
    }
    assert!(surprises.is_empty(), "\n{}", surprises.join("\n"));
}
