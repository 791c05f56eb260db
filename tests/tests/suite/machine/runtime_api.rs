//! A function's process as Lambda runs it: it asks for work, answers, tells what it cannot take, and dies when it is killed.

use std::path::Path;
use std::time::Duration;

use local::runtime_api::{NoAnswer, Process, Request};
use serde_json::json;
use shared::store::Settings;
use tests::machine::{database, session_keys};
use tests::two_people;

/// The function `users`, on the table under test.
async fn start() -> Process {
    let program = std::env::current_exe().expect("this test has a program");
    let program = program.ancestors().nth(2).expect("it lies in a folder of the build").join("users");
    let environment = [
        ("TABLE_NAME", Settings::from_env().table_name),
        ("DYNAMODB_ENDPOINT", database()),
        ("SESSION_KEYS", session_keys()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    Process::start(&program, &environment).await.expect("the function starts")
}

#[tokio::test]
async fn a_function_asks_for_work_and_answers_one_request_after_the_other() {
    let (ada, _, _) = two_people().await;
    let bearer = format!("Bearer {}", ada.token);
    let mut process = start().await;
    assert!(process.initialised().await.expect("it asks for work") > Duration::ZERO);
    for (headers, status) in
        [(&[("authorization", &*bearer)][..], 200), (&[], 401), (&[("authorization", &*bearer)], 200)]
    {
        let request = Request { method: "GET", path: "/api/users/me/?format=json", headers, body: None };
        let answer = process.ask(&request).await.expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.headers.get("content-type").map(String::as_str), Some("application/json"));
        assert_eq!(answer.json()["user_id"].as_str().is_some(), status == 200);
    }
}

#[tokio::test]
async fn an_event_that_is_no_request_is_told_and_survived() {
    let mut process = start().await;
    let outcome = process.invoke(&json!({ "no": "request" })).await;
    assert!(matches!(outcome, Err(NoAnswer::Failed(_))), "{outcome:?}");
    let request = Request { method: "GET", path: "/api/users/me/", ..Request::default() };
    assert_eq!(process.ask(&request).await.expect("an answer").status, 401);
}

#[tokio::test]
async fn a_function_that_is_killed_answers_nothing_more() {
    let mut process = start().await;
    process.initialised().await.expect("it asks for work");
    assert!(process.pid().is_some());
    process.kill().await.expect("it ends");
    let request = Request { method: "GET", path: "/api/users/me/", ..Request::default() };
    assert_eq!(process.ask(&request).await.expect_err("nobody is there"), NoAnswer::Died);
    assert_eq!(process.pid(), None);
}

#[tokio::test]
async fn a_program_that_is_no_function_dies() {
    let mut process = Process::start(Path::new("/bin/true"), &[]).await.expect("it starts");
    assert_eq!(process.initialised().await, Err(NoAnswer::Died));
}
