//! Coming in, and who may.

use futures::FutureExt;
use serde_json::{Value, json};
use shared::domain::id::UserId;
use shared::domain::user::{Email, Role, User};
use tests::PASSWORD;
use tests::machine::cast::Actor;

use super::{Ask, Effect, Operation, Stage, Trial, once};

/// Of `auth`: most of them hash a password, which takes its time.
pub(in super::super) const SIGNING_IN: [Operation; 4] = [
    Operation { name: "register", function: "auth", prepare: |stage| register(stage).boxed() },
    Operation { name: "login", function: "auth", prepare: |stage| log_in(stage).boxed() },
    Operation { name: "logout", function: "auth", prepare: |stage| log_out(stage).boxed() },
    Operation { name: "change password", function: "auth", prepare: |stage| change_password(stage).boxed() },
];

pub(in super::super) const MANAGING: [Operation; 3] = [
    Operation { name: "promote", function: "users", prepare: |stage| change_role(stage, Role::Admin).boxed() },
    Operation { name: "demote", function: "users", prepare: |stage| change_role(stage, Role::Guest).boxed() },
    Operation { name: "deactivate", function: "users", prepare: |stage| deactivate(stage).boxed() },
];

/// How many sessions somebody has beside those that they had.
fn sessions_beside(actor: Actor, had: u64) -> Effect {
    Box::new(move |stage| {
        let actor = actor.clone();
        async move {
            let (_, page) = stage.shown(&actor, "/api/auth/sessions/").await;
            page["results"].as_array().map_or(0, Vec::len) as u64 - had
        }
        .boxed()
    })
}

fn user_is(id: UserId, what: impl Fn(&User) -> bool + Send + Sync + Clone + 'static) -> Effect {
    Box::new(move |stage| {
        let what = what.clone();
        async move { once(what(&stage.store.user(id).await.expect("a person"))) }.boxed()
    })
}

async fn register(_: &Stage) -> Trial {
    let address = format!("emmy.{}@example.com", UserId::unique());
    let body = json!({ "first_name": "Emmy", "last_name": "Noether", "email": address, "password": PASSWORD });
    let email = Email::parse(&address).expect("an address");
    let registered: Effect = Box::new(move |stage| {
        let email = email.clone();
        async move { once(stage.store.account(&email).await.expect("readable").is_some()) }.boxed()
    });
    Trial::of(Ask::of_nobody("/api/auth/register/", body), [201, 400], registered)
}

async fn log_in(stage: &Stage) -> Trial {
    let ada = stage.somebody().await;
    let credentials = json!({ "email": ada.email.as_str(), "password": PASSWORD });
    Trial::of(Ask::of_nobody("/api/auth/login/", credentials), [200, 200], sessions_beside(ada, 1)).again()
}

async fn log_out(stage: &Stage) -> Trial {
    let ada = stage.somebody().await;
    let reader = ada.clone();
    let ended: Effect = Box::new(move |stage| {
        let reader = reader.clone();
        async move { once(stage.shown(&reader, "/api/users/me/").await.0 == 401) }.boxed()
    });
    Trial::of(Ask::of(&ada, "POST", "/api/auth/logout/", json!({})), [204, 401], ended)
}

/// Another session ends with it.
async fn change_password(stage: &Stage) -> Trial {
    let ada = stage.somebody().await;
    ada.another_session(&stage.store).await;
    let account = stage.store.account(&ada.email).await.expect("readable").expect("there");
    let body = json!({ "old_password": PASSWORD, "new_password": "another-long-password" });
    let (email, old, reader) = (ada.email.clone(), account.password_hash, ada.clone());
    let changed: Effect = Box::new(move |stage| {
        let (email, old, reader) = (email.clone(), old.clone(), reader.clone());
        async move {
            let account = stage.store.account(&email).await.expect("readable").expect("there");
            let changed = account.password_hash != old;
            let (_, page) = stage.shown(&reader, "/api/auth/sessions/").await;
            let sessions = page["results"].as_array().map_or(0, Vec::len);
            assert_eq!(sessions, if changed { 1 } else { 2 }, "sessions end with the password");
            once(changed)
        }
        .boxed()
    });
    Trial::of(Ask::of(&ada, "POST", "/api/auth/password/", body), [204, 400], changed)
}

async fn change_role(stage: &Stage, role: Role) -> Trial {
    let before = if role == Role::Admin { Role::Guest } else { Role::Admin };
    let ada = Actor::new(&stage.store, before).await;
    let body = json!({ "role": role.as_str() });
    let ask = Ask::of(&stage.admin, "PATCH", format!("/api/users/{}/", ada.id()), body);
    Trial::of(ask, [200, 200], user_is(ada.id(), move |user| user.role == role))
}

async fn deactivate(stage: &Stage) -> Trial {
    let ada = Actor::new(&stage.store, Role::Admin).await;
    ada.another_session(&stage.store).await;
    let ask = Ask::of(&stage.admin, "DELETE", format!("/api/users/{}/", ada.id()), Value::Null);
    Trial::of(ask, [204, 204], user_is(ada.id(), |user| !user.active))
}
