//! Guessing passwords: how it is slowed down, and whom that does not touch.

use std::time::Duration;

use serde_json::json;
use shared::domain::login::Attempt;
use shared::domain::session::Session;
use shared::domain::{Error, Timestamp};
use shared::store::Store;
use tests::machine::proxy::Proxy;
use tests::machine::{InProcess, now, store, store_at};
use tests::{Answer, Client, PASSWORD, Person};
use uuid::Uuid;

const LOGIN: &str = "/api/auth/login/";

fn attempt(person: &Person) -> Attempt {
    Attempt::new(&person.email, None)
}

/// An address that no other test uses.
fn somewhere() -> String {
    let [a, b, c, d, ..] = *Uuid::new_v4().as_bytes();
    format!("2001:db8:{a:02x}{b:02x}:{c:02x}{d:02x}::1")
}

async fn fail(store: &Store, attempt: &Attempt, times: usize, at: Timestamp) {
    for _ in 0..times {
        store.count_failure(attempt, at).await.expect("counted");
    }
}

/// How long the next attempt has to wait.
async fn wait(store: &Store, attempt: &Attempt, at: Timestamp) -> Duration {
    match store.account_to_check(attempt, at).await {
        Ok(_) => Duration::ZERO,
        Err(Error::Throttled(wait)) => wait,
        Err(error) => panic!("{error}"),
    }
}

/// Checks that this answer asks to wait; for how long.
#[track_caller]
fn assert_throttled(answer: &Answer) -> u64 {
    let seconds: u64 = answer.header("retry-after").expect("when to come again").parse().expect("whole seconds");
    let sentence = format!("Too many failed login attempts. Try again in {seconds} seconds.");
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert!(seconds > 0 && answer.text.contains(&sentence), "{}", answer.text);
    seconds
}

async fn log_in(email: &str, password: &str) -> Answer {
    Client::anonymous().post(LOGIN, json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn whoever_guesses_has_to_wait_before_the_twentieth_guess_whether_there_is_an_account_or_not() {
    let ada = Person::new("Ada").await;
    for email in [ada.email, format!("{}@example.com", Uuid::new_v4())] {
        let mut refusals = Vec::new();
        for guess in 0..20 {
            let answer = log_in(&email, &format!("guess {guess}")).await;
            if answer.status == 429 {
                assert_throttled(&answer);
                refusals.push(guess);
            } else {
                answer.expect(400);
            }
        }
        assert!(refusals.first().is_some_and(|first| *first >= 6), "six are free: {refusals:?}");
    }
}

#[tokio::test]
async fn under_a_throttle_no_password_gets_in_and_nobody_is_thrown_out() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    fail(&store, &attempt(&ada), 15, now()).await;
    for password in [PASSWORD, "not-the-password", &"long".repeat(1000)] {
        assert_throttled(&log_in(&ada.email.to_uppercase(), password).await);
    }
    let change = json!({ "old_password": PASSWORD, "new_password": "another-long-enough-one" });
    assert_throttled(&ada.client.post("/api/auth/password/", change).await);
    ada.client.get("/api/users/me/").await.expect(200);
}

#[tokio::test]
async fn the_form_tells_that_one_has_to_wait() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    fail(&store, &attempt(&ada), 15, now()).await;
    let page = Client::anonymous().get("/api-auth/login/").await.expect(200);
    let token = page.cookie("csrftoken").expect("a CSRF token").to_owned();
    let browser = Client::anonymous().with("cookie", &format!("csrftoken={token}"));
    let fields = [("csrfmiddlewaretoken", &*token), ("username", &*ada.email), ("password", PASSWORD)];
    let answer = browser.post_form("/api-auth/login/", &fields).await;
    assert_throttled(&answer);
    assert!(answer.text.contains("<form") && answer.text.contains("role=\"alert\""), "{}", answer.text);
    assert_eq!(answer.cookie("sessionid"), None);
    let script = browser.with("x-csrftoken", &token);
    assert_throttled(&script.post("/api-auth/login/", json!({ "email": ada.email, "password": PASSWORD })).await);
}

#[tokio::test]
async fn wrong_old_passwords_count_as_failed_logins() {
    let (ada, store) = (Person::new("Ada").await, store().await);
    let change = json!({ "old_password": "wrong", "new_password": "another-long-enough-one" });
    ada.client.post("/api/auth/password/", change).await.expect(400);
    fail(&store, &attempt(&ada), 14, now()).await;
    assert!(wait(&store, &attempt(&ada), now()).await > Duration::from_secs(256), "14 would ask for 256 seconds");
}

#[tokio::test]
async fn the_wait_doubles_and_ends_and_is_forgotten_after_a_quarter_of_an_hour() {
    let (store, start) = (store().await, now());
    let unknown = Attempt::new(&format!("{}@example.com", Uuid::new_v4()), None);
    let seconds = Duration::from_secs;
    fail(&store, &unknown, 5, start).await;
    assert_eq!(wait(&store, &unknown, start).await, Duration::ZERO);
    for doubled in [1, 2, 4, 8] {
        fail(&store, &unknown, 1, start).await;
        assert_eq!(wait(&store, &unknown, start).await, seconds(doubled));
    }
    assert_eq!(wait(&store, &unknown, start + seconds(7)).await, seconds(1));
    assert_eq!(wait(&store, &unknown, start + seconds(8)).await, Duration::ZERO);
    fail(&store, &unknown, 5, start + seconds(899)).await;
    assert_eq!(wait(&store, &unknown, start + seconds(899)).await, seconds(256));
    assert_eq!(wait(&store, &unknown, start + seconds(901)).await, Duration::ZERO, "the first nine are over");
}

#[tokio::test]
async fn failures_at_once_all_count() {
    let (store, start) = (store().await, now());
    let unknown = Attempt::new(&format!("{}@example.com", Uuid::new_v4()), None);
    let failures = (0..12).map(|_| store.count_failure(&unknown, start));
    futures::future::try_join_all(failures).await.expect("counted");
    assert_eq!(wait(&store, &unknown, start).await, Duration::from_secs(64));
}

#[tokio::test]
async fn a_failure_whose_answer_is_lost_counts_once() {
    let (proxy, start) = (Proxy::start().await, now());
    let store = store_at(proxy.address()).await;
    let unknown = Attempt::new(&format!("{}@example.com", Uuid::new_v4()), None);
    fail(&store, &unknown, 6, start).await;
    proxy.lose_first("BatchWriteItem");
    fail(&store, &unknown, 1, start).await;
    assert_eq!(proxy.calls(), 2, "the SDK repeated it");
    assert_eq!(wait(&store, &unknown, start).await, Duration::from_secs(2));
}

#[tokio::test]
async fn a_login_clears_the_failures_of_its_account_and_not_those_of_its_address() {
    let (ada, store, start, origin) = (Person::new("Ada").await, store().await, now(), somewhere());
    let attempt = Attempt::new(&ada.email, Some(&origin));
    fail(&store, &attempt, 7, start).await;
    assert_eq!(wait(&store, &attempt, start).await, Duration::from_secs(2));
    let account = store.account(attempt.email.as_ref().expect("an address")).await.expect("readable").expect("there");
    let later = start + Duration::from_secs(2);
    let session = Session::begin(account.user, later, None, None);
    store.begin_session(&account, &session, None).await.expect("begun");
    assert_eq!(wait(&store, &attempt, later).await, Duration::ZERO);
    fail(&store, &attempt, 6, later + Duration::from_secs(1)).await;
    assert_eq!(wait(&store, &attempt, later + Duration::from_secs(1)).await, Duration::from_secs(1));

    let elsewhere = || Attempt::new(&format!("{}@example.com", Uuid::new_v4()), Some(&origin));
    fail(&store, &elsewhere(), 201 - 13, start).await;
    assert_eq!(wait(&store, &elsewhere(), later).await, Duration::from_secs(598), "13 were Ada's");
}

#[tokio::test]
async fn more_than_200_failures_from_one_address_bar_it_and_no_other() {
    let (ada, store, functions) = tokio::join!(Person::new("Ada"), store(), InProcess::new());
    let (here, there) = (somewhere(), somewhere());
    let guesses = (0..200).map(|_| Attempt::new(&format!("{}@example.com", Uuid::new_v4()), Some(&here)));
    for guess in guesses {
        store.count_failure(&guess, now()).await.expect("counted");
    }
    let (status, body, _) = functions.log_in_from(&here, &ada.email, "not-the-password").await;
    assert_eq!(status, 400, "200 are nothing: {body}");
    let (status, body, _) = functions.log_in_from(&here, &ada.email, PASSWORD).await;
    assert_eq!(status, 429, "{body}");
    let (status, body, _) = functions.log_in_from(&there, &ada.email, PASSWORD).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn known_inactive_and_unknown_accounts_cannot_be_told_apart_by_what_a_failure_costs() {
    let (ada, bob, store, functions) = tokio::join!(Person::new("Ada"), Person::new("Bob"), store(), InProcess::new());
    let bobs = attempt(&bob).email.expect("an address");
    store.deactivate(&bobs).await.expect("deactivated");
    let nobody = format!("{}@example.com", Uuid::new_v4());
    let origin = somewhere();
    for failures in [0, 15] {
        let mut outcomes = Vec::new();
        for (email, password) in [(&ada.email, "wrong"), (&bob.email, PASSWORD), (&nobody, PASSWORD)] {
            fail(&store, &Attempt::new(email, None), failures, now() + Duration::from_secs(60)).await;
            let (status, mut body, spent) = functions.log_in_from(&origin, email, password).await;
            if status == 429 {
                // The seconds pass while the three are asked.
                body = json!({});
            }
            outcomes.push((status, body, spent));
        }
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
        assert_eq!(outcomes[0].0, if failures == 0 { 400 } else { 429 });
    }
}
