//! Whatever ends sessions ends them at once, and no login slips past it.

use serde_json::json;
use shared::domain::Error;
use shared::domain::id::UserId;
use shared::domain::password::{Password, PasswordHash};
use shared::domain::session::Session;
use shared::domain::user::{Email, NewUser, PersonName, Role};
use tests::machine::{no_session, store};
use tests::{PASSWORD, Person};

fn email(person: &Person) -> Email {
    Email::parse(&person.email).expect("an address")
}

fn now() -> shared::domain::Timestamp {
    shared::domain::Timestamp::from(std::time::SystemTime::now())
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
