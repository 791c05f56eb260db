//! Signing up, in and out, and changing one's password.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Answer, Client, PASSWORD, Person, is_instant, keys, target};
use uuid::Uuid;

const REGISTER: &str = "/api/auth/register/";
const LOGIN: &str = "/api/auth/login/";
const LOGOUT: &str = "/api/auth/logout/";
const CHANGE_PASSWORD: &str = "/api/auth/password/";
const ME: &str = "/api/users/me/";

const REQUIRED: &str = "This field is required.";
const WRONG_CREDENTIALS: &str =
    "Please enter a correct email address and password. Note that both fields may be case-sensitive.";

fn new_address() -> String {
    format!("hypatia.{}@example.com", Uuid::new_v4().simple())
}

/// A registration in which nothing is wrong, but for what `fields` says instead.
fn registration(fields: Value) -> Value {
    let mut body =
        json!({ "first_name": "Hypatia", "last_name": "Quaternion", "email": new_address(), "password": PASSWORD });
    let fields = fields.as_object().expect("fields").clone();
    body.as_object_mut().expect("fields").extend(fields);
    body
}

async fn register(fields: Value) -> Answer {
    Client::anonymous().post(REGISTER, registration(fields)).await
}

async fn log_in(email: &str, password: &str) -> Answer {
    Client::anonymous().post(LOGIN, json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn who_registers_is_signed_in() {
    let answer = register(json!({ "email": new_address().to_uppercase() })).await.expect(201);
    let shape = answer.in_order();
    assert_eq!(keys(&shape), ["token", "expires_at", "user"]);
    assert_eq!(
        keys(&shape["user"]),
        ["user_id", "first_name", "last_name", "email", "phone_number", "role", "created_at"]
    );

    let registered = answer.json();
    let (user, token) = (&registered["user"], registered["token"].as_str().expect("a token"));
    assert!(is_instant(&registered["expires_at"]) && is_instant(&user["created_at"]), "{user}");
    assert_eq!(user["email"].as_str().map(str::to_lowercase).as_deref(), user["email"].as_str());
    let id = user["user_id"].as_str().expect("an id");
    assert_eq!(answer.header("location"), Some(format!("{}/api/users/{id}/", target()).as_str()));
    assert_eq!(Client::with_token(token).get(ME).await.expect(200).json(), *user);
}

#[tokio::test]
async fn a_guest_cannot_make_themselves_an_admin() {
    let wish = json!({ "role": "admin", "is_staff": true, "is_superuser": true, "user_id": Uuid::nil().to_string() });
    let user = register(wish).await.expect(201).json()["user"].take();
    assert_eq!(user["role"], "guest");
    assert_ne!(user["user_id"], Uuid::nil().to_string());
}

#[tokio::test]
async fn registering_takes_a_form_and_sets_no_cookie_wherever_it_comes_from() {
    let address = new_address();
    let fields =
        [("first_name", "Hypatia"), ("last_name", "of Alexandria"), ("email", &address), ("password", PASSWORD)];
    let elsewhere = Client::anonymous().with("origin", "https://elsewhere.example");
    let answer = elsewhere.post_form(REGISTER, &fields).await.expect(201);
    assert_eq!(answer.json()["user"]["last_name"], "of Alexandria");
    assert_eq!(answer.header("set-cookie"), None);
}

#[tokio::test]
async fn an_address_has_one_account_whatever_its_case() {
    let person = Person::new("Ada").await;
    for twin in [person.email.clone(), person.email.to_uppercase(), format!("  {}  ", person.email)] {
        register(json!({ "email": twin })).await.refuses("email", "A user with this email already exists.");
    }
}

#[tokio::test]
async fn of_those_who_race_for_an_address_one_gets_it() {
    let address = new_address();
    let answers = join_all((0..6).map(|_| register(json!({ "email": address })))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.refuses("email", "A user with this email already exists.");
    }
}

#[tokio::test]
async fn every_wrong_field_of_a_registration_is_named_at_once() {
    let wrong = json!({ "first_name": null, "last_name": " \u{200B} ", "email": "ada@", "phone_number": "12", "password": "abc" });
    let expected = json!({
        "first_name": ["This field may not be null."],
        "last_name": ["This field may not be blank."],
        "email": ["Enter a valid email address."],
        "phone_number": ["Phone number must be entered in the format: '+999999999'. Up to 15 digits allowed."],
        "password": ["This password is too short. It must contain at least 8 characters."],
    });
    assert_eq!(register(wrong).await.expect(400).json(), expected);
}

#[tokio::test]
async fn what_is_missing_from_a_registration_is_required() {
    let required =
        json!({ "first_name": [REQUIRED], "last_name": [REQUIRED], "email": [REQUIRED], "password": [REQUIRED] });
    let nobody = Client::anonymous();
    assert_eq!(nobody.post(REGISTER, json!({})).await.expect(400).json(), required);
    assert_eq!(nobody.post_form(REGISTER, &[]).await.expect(400).json(), required);
    assert_eq!(nobody.send(reqwest::Method::POST, REGISTER, None).await.expect(400).json(), required);
}

#[tokio::test]
async fn names_are_texts_of_at_most_150_characters() {
    for (name, reason) in [
        (json!("é".repeat(151)), "Ensure this field has no more than 150 characters."),
        (json!("Ada\0"), "Null characters are not allowed."),
        (json!(true), "Not a valid string."),
        (json!(["Ada"]), "Not a valid string."),
        (json!({ "name": "Ada" }), "Not a valid string."),
    ] {
        register(json!({ "first_name": name })).await.refuses("first_name", reason);
    }
    register(json!({ "first_name": "é".repeat(150) })).await.expect(201);
}

#[tokio::test]
async fn a_number_is_taken_as_the_text_it_is_written_as() {
    let user =
        register(json!({ "first_name": 1815, "phone_number": 491_511_234_567_u64 })).await.expect(201).json()["user"]
            .take();
    assert_eq!(user["first_name"], "1815");
    assert_eq!(user["phone_number"], "491511234567");
}

#[tokio::test]
async fn weak_passwords_are_refused_with_every_reason() {
    let address = new_address();
    let (local_part, _) = address.split_once('@').expect("an address");
    for (password, reasons) in [
        (
            "1815",
            vec![
                "This password is too short. It must contain at least 8 characters.",
                "This password is entirely numeric.",
            ],
        ),
        ("PassWord1", vec!["This password is too common."]),
        ("quaternion", vec!["The password is too similar to the name."]),
        (&address.to_uppercase(), vec!["The password is too similar to the email."]),
        (local_part, vec!["The password is too similar to the email."]),
    ] {
        let answer = register(json!({ "email": address, "password": password })).await.expect(400);
        assert_eq!(answer.json(), json!({ "password": reasons }), "{password}");
    }
}

#[tokio::test]
async fn the_right_password_signs_in_whatever_the_case_of_the_address() {
    let person = Person::new("Ada").await;
    for body in [
        json!({ "email": person.email, "password": PASSWORD }),
        json!({ "email": person.email.to_uppercase(), "password": PASSWORD }),
        json!({ "username": person.email, "password": PASSWORD }),
    ] {
        let answer = Client::anonymous().post(LOGIN, body).await.expect(200);
        assert_eq!(keys(&answer.in_order()), ["token", "expires_at", "user"]);
        assert_eq!(answer.json()["user"]["user_id"], person.id);
        assert_ne!(answer.json()["token"], person.token, "every login is a session of its own");
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_look_the_same() {
    let person = Person::new("Ada").await;
    let wrong = log_in(&person.email, "not-the-password").await;
    assert_eq!((wrong.status, wrong.json()), (400, json!({ "non_field_errors": [WRONG_CREDENTIALS] })));
    for (email, password) in [
        (&*new_address(), PASSWORD),
        ("no address", PASSWORD),
        (&person.email, &*"long".repeat(1000)),
        (&person.email, "a\0b"),
    ] {
        assert_eq!(log_in(email, password).await.likeness(), wrong.likeness(), "{email}");
    }
    let upper_case = log_in(&person.email, &PASSWORD.to_uppercase()).await;
    assert_eq!(upper_case.likeness(), wrong.likeness());
}

#[tokio::test]
async fn credentials_that_are_not_given_are_asked_for() {
    let nobody = Client::anonymous();
    assert_eq!(
        nobody.post(LOGIN, json!({})).await.expect(400).json(),
        json!({ "email": [REQUIRED], "password": [REQUIRED] })
    );
    let blank = json!(["This field may not be blank."]);
    assert_eq!(log_in("", "").await.expect(400).json(), json!({ "email": blank, "password": blank }));
    nobody
        .post(LOGIN, json!({ "email": "ada@example.com", "password": null }))
        .await
        .refuses("password", "This field may not be null.");
}

#[tokio::test]
async fn logging_out_ends_that_session_at_once_and_no_other() {
    let here = Person::new("Ada").await;
    let there = here.sign_in_again().await;
    let answer = here.client.send(reqwest::Method::POST, LOGOUT, None).await.expect(204);
    assert_eq!(answer.text, "");

    let dead = here.client.get(ME).await.says(401, "Invalid or expired session.");
    assert_eq!(dead.header("www-authenticate"), Some("Bearer"));
    here.client.post(LOGOUT, json!({})).await.says(401, "Invalid or expired session.");
    there.client.get(ME).await.expect(200);
}

#[tokio::test]
async fn a_dead_token_sends_and_reads_nothing() {
    let (ada, grace, conversation) = tests::two_people().await;
    ada.say(&conversation, "before").await;
    ada.client.post(LOGOUT, json!({})).await.expect(204);

    let body = json!({ "conversation": conversation, "message_body": "after" });
    ada.client.post("/api/messages/", body.clone()).await.says(401, "Invalid or expired session.");
    ada.client
        .clone()
        .with("idempotency-key", "k")
        .post("/api/messages/", body)
        .await
        .says(401, "Invalid or expired session.");
    ada.client.get(&format!("/api/conversations/{conversation}/")).await.says(401, "Invalid or expired session.");
    let seen = grace.all_messages(&conversation, "").await;
    assert_eq!(tests::each(&seen, "message_body"), ["before"]);
}

#[tokio::test]
async fn changing_the_password_ends_every_other_session_and_keeps_this_one() {
    let here = Person::new("Ada").await;
    let (there, elsewhere) = (here.sign_in_again().await, here.sign_in_again().await);
    let new_password = "another-long-enough-one";
    let change = json!({ "old_password": PASSWORD, "new_password": new_password });
    assert_eq!(here.client.post(CHANGE_PASSWORD, change).await.expect(204).text, "");

    here.client.get(ME).await.expect(200);
    for ended in [there, elsewhere] {
        ended.client.get(ME).await.says(401, "Invalid or expired session.");
    }
    log_in(&here.email, PASSWORD).await.refuses("non_field_errors", WRONG_CREDENTIALS);
    log_in(&here.email, new_password).await.expect(200);
}

#[tokio::test]
async fn a_refused_change_of_password_changes_nothing() {
    let here = Person::new("Ada").await;
    let there = here.sign_in_again().await;
    let change = async |old: &str, new: &str| {
        here.client.post(CHANGE_PASSWORD, json!({ "old_password": old, "new_password": new })).await
    };

    let wrong = "Your old password was entered incorrectly. Please enter it again.";
    change("not-the-password", "another-long-enough-one").await.refuses("old_password", wrong);
    change(PASSWORD, "short")
        .await
        .refuses("new_password", "This password is too short. It must contain at least 8 characters.");
    change(PASSWORD, &here.email).await.refuses("new_password", "The password is too similar to the email.");
    let missing = here.client.post(CHANGE_PASSWORD, json!({})).await.expect(400);
    assert_eq!(missing.json(), json!({ "old_password": [REQUIRED], "new_password": [REQUIRED] }));

    there.client.get(ME).await.expect(200);
    log_in(&here.email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn an_ended_session_is_told_before_anything_lesser() {
    let ada = Person::new("Ada").await;
    ada.client.post("/api/auth/logout/", json!({})).await.expect(204);
    let ended = "Invalid or expired session.";
    ada.client.post("/api/messages/", json!({})).await.says(401, ended);
    ada.client.post("/api/conversations/", json!({ "participant_ids": [] })).await.says(401, ended);
    ada.client.get("/api/users/abc/").await.says(401, ended);
    ada.client.get("/api/users/?cursor=abc").await.says(401, ended);
    ada.client.put("/api/users/", json!({})).await.says(401, ended);
    ada.client.send(reqwest::Method::OPTIONS, "/api/users/", None).await.says(401, ended);
}
