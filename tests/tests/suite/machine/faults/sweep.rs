//! Every operation, with every call to the database going wrong in every way: what is answered is true, nothing is
//! done by halves or twice, a repeat leads to what is documented, and the table stays sound.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use shared::domain::Timestamp;
use shared::domain::log::{Progress, WRITER_LIFETIME, Walk};
use shared::store::Note;
use tests::machine::proxy::{Call, Fate, Proxy};
use tests::machine::{InProcess, now};

use super::operations::{Operation, Stage, Trial, accounts, answer, conversations, messages};

/// How long a call may take before it is asked again, in these tests: not to be waited for often.
pub(super) const ATTEMPT: Duration = Duration::from_millis(300);

/// What befalls one call, after which the SDK's repeat of it gets through.
const ONCE: [Fate; 14] = [
    Fate::LoseAnswer,
    Fate::Fail,
    Fate::ResetAfter,
    Fate::Throttle,
    Fate::ResetBefore,
    Fate::Conflict,
    Fate::Withhold,
    Fate::Busy,
    Fate::CancelConflict,
    Fate::CancelThrottle,
    Fate::Swallow,
    Fate::ThrottleCalls,
    Fate::ServeOne,
    Fate::Delay,
];

/// What befalls a call and all that come after it, until the request gives up.
const FOR_GOOD: [Fate; 5] = [Fate::LoseAnswer, Fate::Fail, Fate::ResetAfter, Fate::Busy, Fate::ResetBefore];

/// How many of each are tried on one call that writes, and on one that reads; which, goes round.
const AT_A_WRITE: (usize, usize) = (4, 2);
const AT_A_READ: (usize, usize) = (1, 1);

/// Whether to try everything on every call, which takes its time: `CONFAB_EVERY_FAULT=1`.
pub(super) fn every_fault() -> bool {
    std::env::var_os("CONFAB_EVERY_FAULT").is_some()
}

/// How many operations are swept at once by one test.
const AT_ONCE: usize = 3;

/// When every writer of today is dead.
pub(super) fn later() -> Timestamp {
    now() + WRITER_LIFETIME + Duration::from_secs(1)
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) call: usize,
    pub(super) fate: Fate,
    pub(super) for_good: bool,
}

impl Fault {
    pub(super) fn of(self, call: &Call<'_>) -> Fate {
        let struck = call.index == self.call || (self.for_good && call.index > self.call);
        // Calls side by side may come in another order.
        if struck && self.fate.befalls(call.operation) { self.fate } else { Fate::Pass }
    }
}

/// What is tried on one call; `turn` is another number for each.
fn faults(call: usize, operation: &str, writes: bool, turn: usize) -> Vec<Fault> {
    let (once, for_good) = if writes { AT_A_WRITE } else { AT_A_READ };
    let choose = |fates: &[Fate], count: usize, for_good: bool| {
        let fates: Vec<Fate> = fates.iter().copied().filter(|fate| fate.befalls(operation)).collect();
        let count = if every_fault() { fates.len() } else { count };
        (0..count).map(move |index| Fault { call, fate: fates[(turn * count + index) % fates.len()], for_good })
    };
    choose(&ONCE, once, false).chain(choose(&FOR_GOOD, for_good, true)).collect()
}

async fn sweep(operations: &[Operation]) {
    let swept = operations.iter().enumerate().map(|(position, operation)| Box::pin(sweep_one(operation, position)));
    stream::iter(swept).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

async fn sweep_one(operation: &Operation, position: usize) {
    let (stage, proxy) = tokio::join!(Stage::new(), Proxy::start());
    let functions = InProcess::on(stage.table.impatient_store_at(proxy.address(), ATTEMPT).await);
    let mut trials = vec![(operation.prepare)(&stage).await];
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = calls.clone();
    proxy.expect(move |call| {
        noted.lock().expect("no test panics here").push((call.operation.to_owned(), call.writes()));
        Fate::Pass
    });
    let (status, body) = answer(&functions, &trials[0].ask).await;
    let calls = std::mem::take(&mut *calls.lock().expect("no test panics here"));
    assert_eq!(status, trials[0].done, "{}: {body}", operation.name);
    check_repeat(operation.name, &stage, &trials[0], 1).await;
    for (call, (called, writes)) in calls.iter().enumerate() {
        for fault in faults(call, called, *writes, position * 7 + call) {
            let what = format!("{}: {fault:?}", operation.name);
            let trial = (operation.prepare)(&stage).await;
            proxy.expect(move |call| fault.of(call));
            let (status, body) = answer(&functions, &trial.ask).await;
            proxy.release();
            proxy.until_idle().await;
            let effect = (trial.effect)(&stage).await;
            if status == trial.done {
                assert_eq!(effect, 1, "{what}: told done: {body}");
            } else {
                assert!(status == 503 && effect <= 1, "{what}: done {effect} times, and told {status}: {body}");
            }
            check_repeat(&what, &stage, &trial, effect).await;
            trials.push(trial);
        }
    }
    check_table(operation.name, &stage, &trials).await;
}

/// A client that was told nothing repeats its request: then it is done once.
pub(super) async fn check_repeat(what: &str, stage: &Stage, trial: &Trial, done: u64) {
    let (status, body) = stage.ask(&trial.ask).await;
    let expected = if done == 0 { trial.done } else { trial.repeated };
    assert_eq!(status, expected, "{what}: repeated after it was done {done} times: {body}");
    let effect = (trial.effect)(stage).await;
    let expected = if trial.again { done + 1 } else { 1 };
    assert_eq!(effect, expected, "{what}: done {done} times before it was repeated");
}

/// The table is sound, and once readers have been there after every writer must be dead, nothing is pending.
pub(super) async fn check_table(what: &str, stage: &Stage, trials: &[Trial]) {
    let audit = Box::pin(stage.store.audit(now())).await.expect("an audit");
    assert_eq!(audit.violations, [], "{what}");
    for (reader, id) in trials.iter().filter_map(|trial| trial.log) {
        let start = Walk { messages: Progress::default(), changes: Progress::default() };
        let feed = stage.store.changes_since(&reader, id, start, 100, later()).await.expect("readable");
        assert!(!feed.has_more && feed.pending.is_empty() && feed.pending_changes.is_empty(), "{what}: {feed:?}");
    }
    let audit = Box::pin(stage.store.audit(later())).await.expect("an audit");
    assert_eq!(audit.violations, [], "{what}, later");
    let pending = (audit.noted(Note::PendingNumbers), audit.noted(Note::PendingChanges));
    assert_eq!(pending, (0, 0), "{what}: pending for good");
}

#[tokio::test]
async fn messages_are_written_once_and_whole_whatever_befalls_which_call() {
    Box::pin(sweep(&messages::OPERATIONS)).await;
}

#[tokio::test]
async fn conversations_change_once_and_whole_whatever_befalls_which_call() {
    Box::pin(sweep(&conversations::OPERATIONS)).await;
}

#[tokio::test]
async fn people_sign_in_and_out_once_and_whole_whatever_befalls_which_call() {
    Box::pin(sweep(&accounts::SIGNING_IN)).await;
}

#[tokio::test]
async fn people_are_managed_once_and_whole_whatever_befalls_which_call() {
    Box::pin(sweep(&accounts::MANAGING)).await;
}
