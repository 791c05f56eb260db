//! Whatever ends sessions ends them at once, and no login slips past it.

use std::time::Duration;

use serde_json::json;
use shared::domain::id::UserId;
use shared::domain::page::{Anchor, Slice};
use shared::domain::password::{Password, PasswordHash};
use shared::domain::session::{Caller, LIFETIME, Session};
use shared::domain::user::{Email, NewUser, PersonName, Role};
use shared::domain::{Error, Resource};
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{caller, no_session, now, store, store_at};
use tests::{PASSWORD, Person};

fn email(person: &Person) -> Email {
    Email::parse(&person.email).expect("an address")
}

#[tokio::test]
async fn a_deactivation_ends_every_session_at_once_and_bars_the_way_in() {
    let ada = Person::new("Ada").await;
    let phone = ada.sign_in_again().await;
    store().await.deactivate(&email(&ada)).await.expect("deactivated");
    for client in [&ada.client, &phone.client] {
        client.get("/api/users/me/").await.expect(401);
    }
    let login = json!({ "email": ada.email, "password": PASSWORD });
    let refused = tests::Client::anonymous().post("/api/auth/login/", login).await.expect(400);
    let unknown = json!({ "email": "nobody@example.com", "password": PASSWORD });
    assert_eq!(refused.text, tests::Client::anonymous().post("/api/auth/login/", unknown).await.text);
}

#[tokio::test]
async fn a_login_that_checked_its_password_before_a_deactivation_does_not_slip_past_it() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    let account = store.account(&email(&ada)).await.expect("readable").expect("there");
    store.deactivate(&email(&ada)).await.expect("deactivated");
    let session = Session::begin(account.user, now(), None, None);
    assert!(matches!(store.begin_session(&account, &session, None).await, Err(Error::WrongCredentials)));
    assert!(matches!(store.alive(&session.caller).await, Err(Error::SessionEnded)));
}

#[tokio::test]
async fn a_login_that_checked_the_old_password_does_not_slip_past_a_change() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    let account = store.account(&email(&ada)).await.expect("readable").expect("there");
    let hash = Password::parse("another-long-password").expect("a password").hash();
    store.change_password(&account, &hash, None).await.expect("changed");
    let session = Session::begin(account.user, now(), None, None);
    assert!(matches!(store.begin_session(&account, &session, None).await, Err(Error::WrongCredentials)));
    ada.client.get("/api/users/me/").await.expect(401);
}

#[tokio::test]
async fn logins_while_the_password_changes_end_with_it_or_do_not_begin() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    let account = store.account(&email(&ada)).await.expect("readable").expect("there");
    let sessions: Vec<Session> = (0..20).map(|_| Session::begin(account.user, now(), None, None)).collect();
    let logins = futures::future::join_all(sessions.iter().map(|session| store.begin_session(&account, session, None)));
    let hash = Password::parse("another-long-password").expect("a password").hash();
    let (_, changed) = tokio::join!(logins, store.change_password(&account, &hash, None));
    changed.expect("changed");
    for session in &sessions {
        assert!(matches!(store.alive(&session.caller).await, Err(Error::SessionEnded)));
    }
}

#[tokio::test]
async fn more_sessions_than_a_transaction_holds_all_end() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    for _ in 0..100 {
        let account = store.account(&email(&ada)).await.expect("readable").expect("there");
        let session = Session::begin(account.user, now(), None, None);
        store.begin_session(&account, &session, None).await.expect("begun");
    }
    let account = store.account(&email(&ada)).await.expect("readable").expect("there");
    let last = Session::begin(account.user, now(), None, None);
    store.begin_session(&account, &last, None).await.expect("begun");
    store.deactivate(&email(&ada)).await.expect("deactivated");
    assert!(matches!(store.alive(&last.caller).await, Err(Error::SessionEnded)));
    ada.client.get("/api/users/me/").await.expect(401);
}

#[tokio::test]
async fn a_genuine_token_of_a_session_that_never_was_opens_nothing() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    assert!(matches!(store.me(&no_session(&ada)).await, Err(Error::SessionEnded)));
}

async fn sessions(store: &shared::store::Store, caller: &Caller) -> Vec<Session> {
    let slice = Slice { anchor: Anchor::Start, limit: 100 };
    store.sessions(caller, &slice).await.expect("alive").rows
}

#[tokio::test]
async fn a_session_is_noted_as_seen_once_an_hour() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    let began = sessions(&store, &caller(&ada)).await[0].clone();
    assert_eq!(began.last_seen_at, began.created_at);
    let at = |minutes: u64| Caller { at: began.created_at + Duration::from_secs(minutes * 60), ..caller(&ada) };
    for (minutes, noted) in [(59, 0), (120, 120), (60, 120), (179, 120), (181, 181)] {
        store.me(&at(minutes)).await.expect("alive");
        assert_eq!(sessions(&store, &at(0)).await[0].last_seen_at, at(noted).at, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_noted_as_seen_stays_ended() {
    let (ada, store, proxy) = (Person::new("Ada").await, store().await, Proxy::start().await);
    let held = store_at(proxy.address()).await;
    proxy.expect(|call| if call.operation == "UpdateItem" { Fate::Hold } else { Fate::Pass });
    let late = Caller { at: now() + Duration::from_secs(2 * 60 * 60), ..caller(&ada) };
    let ending = async {
        proxy.until_held().await;
        store.end_session(&late).await.expect("ended");
        proxy.release();
    };
    let (seen, ()) = tokio::join!(held.me(&late), ending);
    assert!(matches!(seen, Err(Error::SessionEnded)));
    assert!(matches!(store.me(&late).await, Err(Error::SessionEnded)));
}

#[tokio::test]
async fn seeing_a_session_whose_answer_is_lost_is_known_to_be_done() {
    let (ada, proxy) = (Person::new("Ada").await, Proxy::start().await);
    let store = store_at(proxy.address()).await;
    proxy.lose_first("UpdateItem");
    let late = Caller { at: now() + Duration::from_secs(2 * 60 * 60), ..caller(&ada) };
    store.me(&late).await.expect("alive");
    assert_eq!(sessions(&store, &late).await[0].last_seen_at, late.at);
}

#[tokio::test]
async fn sessions_that_have_expired_are_not_shown_and_cannot_be_ended() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    let account = store.account(&email(&ada)).await.expect("readable").expect("there");
    let old = Session::begin(account.user, now() - LIFETIME + Duration::from_secs(60), None, None);
    store.begin_session(&account, &old, None).await.expect("begun");
    let current = Caller { at: now(), ..caller(&ada) };
    assert_eq!(sessions(&store, &current).await.len(), 2);
    let later = Caller { at: current.at + Duration::from_secs(120), ..current };
    let left = sessions(&store, &later).await;
    assert_eq!((left.len(), left[0].caller.session), (1, later.session));
    let refused = store.end_one_session(&later, old.caller.session).await;
    assert!(matches!(refused, Err(Error::NotFound(Resource::Session))));
}

#[tokio::test]
async fn ending_sessions_whose_answers_are_lost_is_known_to_be_done() {
    let (ada, proxy) = (Person::new("Ada").await, Proxy::start().await);
    let store = store_at(proxy.address()).await;
    let (one, _) = (ada.sign_in_again().await, ada.sign_in_again().await);
    for operation in ["DeleteItem", "BatchWriteItem"] {
        proxy.lose_first(operation);
        match operation {
            "DeleteItem" => store.end_one_session(&caller(&ada), caller(&one).session).await.expect("ended"),
            _ => store.end_other_sessions(&caller(&ada)).await.expect("ended"),
        }
    }
    let left = sessions(&store, &caller(&ada)).await;
    assert_eq!((left.len(), left[0].caller.session), (1, caller(&ada).session));
}

/// argon2id of [`PASSWORD`] with parameters that nobody should use.
const OUTDATED_HASH: &str =
    "$argon2id$v=19$m=8,t=1,p=1$4Qn6b6aKvvHZ9D0IshdqmA$n7+z7Q0k+gwveLdHRLLltwc3gP0I1D/buyrRV7ZdPhw";

#[tokio::test]
async fn logins_at_once_that_each_renew_an_outdated_hash_all_succeed() {
    let store = store().await;
    let id = UserId::unique();
    let email = Email::parse(&format!("{id}@example.com")).expect("an address");
    let name = PersonName::parse("Ada").expect("a name");
    let password = PasswordHash::from_stored(OUTDATED_HASH.to_owned());
    let (first_name, last_name) = (name.clone(), name);
    let new = NewUser {
        id,
        first_name,
        last_name,
        email: email.clone(),
        phone_number: None,
        role: Role::Guest,
        active: true,
        password,
    };
    store.create_user(new, None, now()).await.expect("made");
    let credentials = json!({ "email": email.as_str(), "password": PASSWORD });
    let logins = (0..4).map(|_| async {
        tests::Client::anonymous().post("/api/auth/login/", credentials.clone()).await.expect(200);
    });
    futures::future::join_all(logins).await;
    let account = store.account(&email).await.expect("readable").expect("there");
    assert!(!account.password_hash.is_outdated());
}
