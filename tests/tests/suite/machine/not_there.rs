//! What is not yours is not there: at every address that names a thing, the answer to somebody who may not see it is the
//! answer to somebody who asks for what never was, byte for byte and read for read.

use serde_json::{Value, json};
use shared::domain::id::{ConversationId, MessageId, Number, SessionId, UserId};
use shared::domain::user::Role;
use shared::store::{Spent, Store};
use tests::Answer;
use tests::machine::cast::{Actor, Credential};
use tests::machine::{InProcess, all_routes, database_accounts_as_aws, now, store};
use uuid::Uuid;

/// What a request names.
#[derive(Clone, Debug)]
struct Named {
    conversation: String,
    message: String,
    user: String,
    session: String,
}

impl Named {
    fn new(message: MessageId, user: UserId, session: SessionId) -> Self {
        Self {
            conversation: message.conversation.to_string(),
            message: message.to_string(),
            user: user.to_string(),
            session: session.to_string(),
        }
    }

    /// Ids of things that never were.
    fn nothing() -> Self {
        Self::new(ConversationId::unique().message(first()), UserId::unique(), SessionId::unique())
    }

    fn path(&self, route: &str) -> String {
        route
            .replace("{conversation_id}", &self.conversation)
            .replace("{message_id}", &self.message)
            .replace("{user_id}", &self.user)
            .replace("{session_id}", &self.session)
    }

    fn body(&self) -> Value {
        json!({
            "conversation": self.conversation, "message_body": "Hello", "user_id": self.user, "number": 1, "title": "Looms",
        })
    }

    /// An answer without what it repeats of the request.
    fn without_echoes(&self, answer: &Answer) -> String {
        let ids = [&self.conversation, &self.message, &self.user, &self.session];
        ids.into_iter().fold(format!("{:?}", answer.likeness()), |text, id| text.replace(id.as_str(), "…"))
    }
}

fn first() -> Number {
    Number::ZERO.next()
}

/// Every method and path that names one of `parameters`, and `POST /api/messages`, which names its conversation in the body.
fn endpoints_naming(parameters: &[&str]) -> Vec<(String, &'static str)> {
    let names = |path: &str| parameters.iter().any(|parameter| path.contains(parameter));
    let mut endpoints = Vec::new();
    for (_, routes) in all_routes() {
        for (path, methods, _) in routes.iter().filter(|(path, _, _)| names(path)) {
            endpoints.extend(methods.iter().map(|method| (method.to_string(), path)));
        }
    }
    if names("{conversation_id}") {
        endpoints.push(("POST".to_owned(), "/api/messages"));
    }
    endpoints
}

const MOST_TRIES: usize = 12;

struct Scene {
    store: Store,
    functions: InProcess,
    somebody: Actor,
    outsider: Actor,
}

impl Scene {
    async fn new() -> Self {
        let store = store().await;
        let (somebody, outsider) = tokio::join!(Actor::new(&store, Role::Guest), Actor::new(&store, Role::Guest));
        Self { functions: InProcess::on(store.clone()), somebody, outsider, store }
    }

    async fn ask(&self, caller: &Actor, method: &str, route: &str, named: &Named) -> (String, Spent) {
        let credential = Credential::Bearer(caller.token.clone());
        let (answer, spent) = self.functions.ask(credential.request(method, &named.path(route), &named.body())).await;
        assert!([400, 403, 404].contains(&answer.status), "{method} {route}: {} {}", answer.status, answer.text);
        let rru = if database_accounts_as_aws() { spent.rru } else { 0.0 };
        (named.without_echoes(&answer), Spent { rru, ..spent })
    }

    /// Tells where a caller can tell a thing from nothing.
    async fn differences(&self, caller: &Actor, parameters: &[&str], what: &str, named: &Named) -> Vec<String> {
        let mut differences = Vec::new();
        for (method, route) in endpoints_naming(parameters) {
            if let Some(difference) = self.difference(caller, &method, route, [named, &Named::nothing()]).await {
                differences.push(format!("{method} {route}, {what}: {difference}"));
            }
        }
        differences
    }

    /// Tells how a caller can tell two things apart. Reads side by side stop at the first that fails, so that the last
    /// of them is counted now and then: a difference is one that stays.
    async fn difference(&self, caller: &Actor, method: &str, route: &str, named: [&Named; 2]) -> Option<String> {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for _ in 0..MOST_TRIES {
            one.push(self.ask(caller, method, route, named[0]).await);
            other.push(self.ask(caller, method, route, named[1]).await);
            if one.iter().any(|answer| other.contains(answer)) {
                return None;
            }
        }
        Some(format!("\n  {:?}\n  {:?}", one[0], other[0]))
    }
}

#[track_caller]
fn assert_none(differences: &[String]) {
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

const CONVERSATIONS_AND_MESSAGES: [&str; 2] = ["{conversation_id}", "{message_id}"];

#[tokio::test]
async fn a_conversation_that_one_takes_no_part_in_is_like_none() {
    let scene = Scene::new().await;
    let former = Actor::new(&scene.store, Role::Guest).await;
    let admin = Actor::new(&scene.store, Role::Admin).await;
    let members = [former.id(), Actor::new(&scene.store, Role::Guest).await.id()];
    let conversation = scene.somebody.start(&scene.store, &members).await;
    let message = scene.somebody.say(&scene.store, conversation).await;
    former.leave(&scene.store, conversation).await;
    let named = Named::new(message, scene.somebody.id(), scene.somebody.caller().session);
    let beyond = Named { message: conversation.message(message.number.plus(98)).to_string(), ..named.clone() };
    let mut differences = Vec::new();
    for (what, caller) in [("an outsider", &scene.outsider), ("who has left", &former), ("an admin elsewhere", &admin)]
    {
        differences.extend(scene.differences(caller, &CONVERSATIONS_AND_MESSAGES, what, &named).await);
        let what = format!("{what}, a number that was never taken");
        differences.extend(scene.differences(caller, &["{message_id}"], &what, &beyond).await);
    }
    assert_none(&differences);
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_like_none() {
    let scene = Scene::new().await;
    let other = Actor::new(&scene.store, Role::Guest).await;
    let conversation = scene.somebody.start(&scene.store, &[other.id()]).await;
    let message = scene.somebody.say(&scene.store, conversation).await;
    for person in [&other, &scene.somebody] {
        person.leave(&scene.store, conversation).await;
    }
    // Not the caller: who names themselves is read once, not twice.
    let named = Named::new(message, other.id(), other.caller().session);
    let mut differences = Vec::new();
    for (what, caller) in [("who made it", &scene.somebody), ("an outsider", &scene.outsider)] {
        differences.extend(scene.differences(caller, &CONVERSATIONS_AND_MESSAGES, what, &named).await);
    }
    assert_none(&differences);
}

#[tokio::test]
async fn a_deleted_message_is_like_a_number_that_was_never_taken() {
    let scene = Scene::new().await;
    let conversation = scene.somebody.start(&scene.store, &[scene.outsider.id()]).await;
    let message = scene.somebody.say(&scene.store, conversation).await;
    let caller = scene.somebody.caller();
    scene.store.delete_message(&caller, message, now()).await.expect("deleted");
    let deleted = Named::new(message, scene.somebody.id(), caller.session);
    let beyond = Named { message: conversation.message(message.number.plus(98)).to_string(), ..deleted.clone() };
    for (method, route) in endpoints_naming(&["{message_id}"]) {
        for person in [&scene.somebody, &scene.outsider] {
            let difference = scene.difference(person, &method, route, [&deleted, &beyond]).await;
            assert_eq!(difference, None, "{method} {route}");
        }
    }
}

#[tokio::test]
async fn an_id_that_was_never_given_here_is_like_one_that_was() {
    let scene = Scene::new().await;
    let foreign = || Uuid::new_v4().to_string();
    let foreign = Named { conversation: foreign(), message: foreign(), user: foreign(), session: foreign() };
    for (method, route) in endpoints_naming(&CONVERSATIONS_AND_MESSAGES) {
        // What it costs to look for it among old ids is another matter: its spelling shows that it would be one.
        let (answer, _) = scene.ask(&scene.outsider, &method, route, &foreign).await;
        let (nothing, _) = scene.ask(&scene.outsider, &method, route, &Named::nothing()).await;
        assert_eq!(answer, nothing, "{method} {route}");
    }
    for (method, route) in endpoints_naming(&["{session_id}"]) {
        let answer = scene.ask(&scene.outsider, &method, route, &foreign).await;
        assert_eq!(answer, scene.ask(&scene.outsider, &method, route, &Named::nothing()).await, "{method} {route}");
    }
}

#[tokio::test]
async fn who_is_inactive_is_like_nobody() {
    let scene = Scene::new().await;
    let gone = Actor::new(&scene.store, Role::Guest).await;
    scene.store.deactivate(&gone.email).await.expect("deactivated");
    let named = Named { user: gone.id().to_string(), ..Named::nothing() };
    let foreign = Named { user: Uuid::new_v4().to_string(), ..Named::nothing() };
    for (method, route) in endpoints_naming(&["{user_id}"]) {
        for named in [&named, &foreign] {
            let nobody = Named::nothing();
            let difference = scene.difference(&scene.outsider, &method, route, [named, &nobody]).await;
            assert_eq!(difference, None, "{method} {route}");
        }
    }
}

#[tokio::test]
async fn the_session_of_another_is_like_none() {
    let scene = Scene::new().await;
    let named = Named { session: scene.somebody.caller().session.to_string(), ..Named::nothing() };
    let ended = Actor::new(&scene.store, Role::Guest).await;
    scene.store.end_session(&ended.caller()).await.expect("ended");
    let ended = Named { session: ended.caller().session.to_string(), ..Named::nothing() };
    let differences = [
        scene.differences(&scene.outsider, &["{session_id}"], "another's", &named).await,
        scene.differences(&scene.outsider, &["{session_id}"], "ended", &ended).await,
    ];
    assert_none(&differences.concat());
}
