//! What can be learnt of a request afterwards: the lines that lead to it, and what seldom happens, counted.

use std::fs::{self, File};
use std::path::PathBuf;

use local::runtime_api::{Process, Request};
use serde_json::{Value, json};
use shared::store::{Settings, Spent};
use tests::machine::proxy::{Call, Fate, Proxy};
use tests::machine::{InProcess, database, session_keys, store_at};
use tests::{Person, two_people};
use tokio::process::Command;
use uuid::Uuid;

async fn behind_a_proxy() -> (Proxy, InProcess) {
    let proxy = Proxy::start().await;
    let functions = InProcess::on(store_at(proxy.address()).await);
    (proxy, functions)
}

async fn send(functions: &InProcess, person: &Person, conversation: &str) -> (u16, Spent) {
    let body = json!({ "conversation": conversation, "message_body": "hello" });
    let (status, _, spent) = functions.send(person, "POST", "/api/messages/", &[], Some(body)).await;
    (status, spent)
}

#[tokio::test]
async fn attempts_that_the_sdk_repeats_are_counted() {
    let (ada, _, conversation) = two_people().await;
    let (proxy, functions) = behind_a_proxy().await;
    let (status, usual) = send(&functions, &ada, &conversation).await;
    assert_eq!((status, usual.retries, usual.conflicts, usual.voids), (201, 0, 0, 0));
    proxy.lose_first("PutItem");
    let (status, spent) = send(&functions, &ada, &conversation).await;
    assert_eq!((status, spent.retries, spent.conflicts), (201, 1, 0));
    // To whoever waits, a repeated attempt is still the same call.
    assert_eq!(spent.round_trips, usual.round_trips);
}

#[tokio::test]
async fn calls_that_lose_against_a_transaction_are_counted() {
    let (ada, _, conversation) = two_people().await;
    let (proxy, functions) = behind_a_proxy().await;
    proxy.expect(
        |Call { operation, index, .. }| {
            if *operation == "UpdateItem" && *index < 3 { Fate::Conflict } else { Fate::Pass }
        },
    );
    let (status, spent) = send(&functions, &ada, &conversation).await;
    assert_eq!((status, spent.retries), (201, 0));
    assert!(spent.conflicts > 0, "{spent:?}");
}

#[tokio::test]
async fn voids_are_counted() {
    let (ada, _, conversation) = two_people().await;
    ada.client.post("/api/auth/logout/", json!({})).await.expect(204);
    let (status, spent) = send(&InProcess::new().await, &ada, &conversation).await;
    assert_eq!((status, spent.voids), (401, 1));
}

/// Runs the function `messages` as Lambda does, and lets it send one message; what it printed.
async fn printed_while_sending(person: &Person, conversation: &str, body: &str, headers: &[(&str, &str)]) -> String {
    let program = std::env::current_exe().expect("this test has a program");
    let program = program.ancestors().nth(2).expect("it lies in a folder of the build").join("messages");
    let path: PathBuf = std::env::temp_dir().join(format!("confab-{}.log", Uuid::new_v4()));
    let log = File::create(&path).expect("a file that can be written");
    let mut command = Command::new(&program);
    command.stdout(log.try_clone().expect("a second handle")).stderr(log);
    let environment = [
        ("TABLE_NAME", Settings::from_env().table_name),
        ("DYNAMODB_ENDPOINT", database()),
        ("SESSION_KEYS", session_keys()),
        ("METRICS_NAMESPACE", "confab".to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE".to_owned()),
        ("RUST_LOG", "trace".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let mut process = Process::start_by(command, &program, &environment).await.expect("the function starts");
    process.initialised().await.expect("it asks for work");
    let bearer = format!("Bearer {}", person.token);
    let headers = [&[("authorization", &*bearer), ("content-type", "application/json")], headers].concat();
    let body = json!({ "conversation": conversation, "message_body": body }).to_string();
    let request = Request { method: "POST", path: "/api/messages/", headers: &headers, body: Some(&body) };
    let answer = process.ask(&request).await.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
    process.kill().await.expect("it ends");
    let printed = fs::read_to_string(&path).expect("the file can be read");
    fs::remove_file(&path).expect("the file can be removed");
    printed
}

#[tokio::test]
async fn a_clients_id_leads_to_every_line_of_its_request() {
    let (ada, _, conversation) = two_people().await;
    let headers = [("x-request-id", "of-the-client"), ("idempotency-key", "a key of some length")];
    let printed = printed_while_sending(&ada, &conversation, "a body of some length", &headers).await;
    let lines: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect();
    let of_request: Vec<_> = lines.iter().filter(|line| line["request_id"] == "of-the-client").collect();
    let calls = of_request.iter().filter(|line| line["message"] == "a call to DynamoDB").count();
    assert!(calls >= 4, "key, session, number and message: {printed}");
    let closing: Vec<_> = of_request.iter().filter(|line| line["message"] == "request").collect();
    assert_eq!(closing.len(), 1);
    assert_eq!((&closing[0]["route"], &closing[0]["status"]), (&json!("/api/messages"), &json!(201)));
    assert!(closing[0]["_aws"].is_object());
    for id in ["lambda_id", "gateway_id", "function"] {
        assert!(closing[0][id].is_string() && of_request.iter().all(|line| line[id] == closing[0][id]), "{id}");
    }
    for secret in [&ada.token, "a body of some length", "a key of some length"] {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
    }
}
