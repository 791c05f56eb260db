//! The same operations by real processes, each killed at every call to the database that it makes, before the call was
//! applied or after: another process takes the repeat.
//!
//! A process that dies at a read leaves what one leaves that dies before its next write: so, unless every fault is
//! asked for, only writes are fatal.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, stream};
use local::runtime_api::{NoAnswer, Process, Request};
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{program, session_keys};

use super::operations::{Ask, Operation, Stage, Trial, accounts, conversations, messages};
use super::sweep::{check_table, every_fault};

/// How many operations are tried at once by one test.
const AT_ONCE: usize = 2;

async fn start(function: &str, stage: &Stage, proxy: &Proxy) -> Process {
    let environment = [
        ("TABLE_NAME", stage.table.as_table().name),
        ("DYNAMODB_ENDPOINT", proxy.address().to_owned()),
        ("SESSION_KEYS", session_keys()),
        ("RUST_LOG", "off".to_owned()),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    let mut process = Process::start(&program(function), &environment).await.expect("the function starts");
    process.initialised().await.expect("the function asks for work");
    process
}

async fn ask(process: &mut Process, ask: &Ask) -> Result<u16, NoAnswer> {
    let bearer = ask.token.as_ref().map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(ask.key.map(|key| ("idempotency-key", key)));
    let body = ask.body.to_string();
    let request = Request { method: ask.method, path: &ask.path, headers: &headers, body: Some(&body) };
    process.ask(&request).await.map(|answer| answer.status)
}

async fn kill_each(operations: &[Operation]) {
    let killed = operations.iter().map(|operation| Box::pin(kill_at_every_call(operation)));
    stream::iter(killed).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

async fn kill_at_every_call(operation: &Operation) {
    let (stage, proxy) = tokio::join!(Stage::new(), Proxy::start());
    let mut process = start(operation.function, &stage, &proxy).await;
    let mut trials: Vec<Trial> = Vec::new();
    for fatal in 0.. {
        let before = trials.len();
        for fate in [Fate::Swallow, Fate::Withhold] {
            let what = format!("{}: killed at call {fatal}, {fate:?}", operation.name);
            let trial = (operation.prepare)(&stage).await;
            let fatal_ones = AtomicUsize::new(0);
            proxy.expect(move |call| {
                let counts = every_fault() || call.writes();
                let is_fatal = counts && fatal_ones.fetch_add(1, Ordering::SeqCst) == fatal;
                if is_fatal { fate } else { Fate::Pass }
            });
            let answered = tokio::select! {
                answer = ask(&mut process, &trial.ask) => Some(answer),
                () = proxy.until_held() => None,
            };
            if let Some(answer) = answered {
                // It made fewer calls than that.
                assert_eq!(answer, Ok(trial.done), "{what}");
                break;
            }
            process.kill().await.expect("killed");
            proxy.release();
            proxy.until_idle().await;
            process = start(operation.function, &stage, &proxy).await;
            let done = (trial.effect)(&stage).await;
            assert!(done <= 1, "{what}: done {done} times");
            let answer = ask(&mut process, &trial.ask).await;
            let expected = if done == 0 { trial.done } else { trial.repeated };
            assert_eq!(answer, Ok(expected), "{what}: repeated after it was done {done} times");
            let effect = (trial.effect)(&stage).await;
            assert_eq!(effect, if trial.again { done + 1 } else { 1 }, "{what}");
            trials.push(trial);
        }
        if trials.len() == before {
            break;
        }
    }
    assert!(trials.len() >= 2, "{}: there was hardly anything to die at", operation.name);
    check_table(operation.name, &stage, &trials).await;
}

#[tokio::test]
async fn messages_survive_processes_that_are_killed_at_any_call() {
    Box::pin(kill_each(&messages::OPERATIONS)).await;
}

#[tokio::test]
async fn conversations_survive_processes_that_are_killed_at_any_call() {
    Box::pin(kill_each(&conversations::OPERATIONS)).await;
}

#[tokio::test]
async fn people_who_sign_in_and_out_survive_processes_that_are_killed_at_any_call() {
    Box::pin(kill_each(&accounts::SIGNING_IN)).await;
}

#[tokio::test]
async fn people_who_are_managed_survive_processes_that_are_killed_at_any_call() {
    Box::pin(kill_each(&accounts::MANAGING)).await;
}
