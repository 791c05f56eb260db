//! Random histories: many clients at once do whatever comes to their minds, while calls are held, lost and refused; what
//! they were answered must be explained by one order of what happened (see [`tests::linearizability`]), and at the end
//! those who followed must have what is there.
//!
//! `CONFAB_HISTORY_SEED` is the seed of the first history, each further one has the next; `CONFAB_HISTORY_OPERATIONS` is
//! how many operations there are in all. Who wins a race is not decided by the seed: a history that was refused is run
//! again with less and less in it, and the last that was refused is printed, with what was recorded.

mod client;
mod generator;
mod reading;
mod world;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use futures::future::join_all;
use shared::domain::log::WRITER_LIFETIME;
use tests::linearizability::{Answer, Cast, Number, Operation, Shown, Unexplained, explain, shrunk};
use tests::machine::now;

use self::client::Client;
use self::generator::{Day, Intent, Kind, Plan};
use self::world::World;

/// How many operations the suite's run has in all, and how many one history.
const OPERATIONS: usize = 10_000;
const OPERATIONS_OF_A_HISTORY: usize = 500;

/// How often a history is run again in search of a shorter one that is refused.
const MOST_RUNS: usize = 30;

/// How often a history may overlap too much to be judged.
const MOST_UNDECIDED: usize = 3;

fn from_environment(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Without optimisation, the futures of so many requests fill more of the stack than a test's thread has.
const STACK: usize = 64 << 20;

#[test]
fn on_good_days_what_many_clients_were_answered_is_explained_by_one_order_of_what_happened() {
    on_large_stack(|| histories_are_explained(Day::Good));
}

#[test]
fn on_bad_days_what_many_clients_were_answered_is_explained_by_one_order_of_what_happened() {
    on_large_stack(|| histories_are_explained(Day::Bad));
}

#[test]
fn a_wrong_answer_put_into_a_real_history_is_refused() {
    on_large_stack(wrong_answers_are_refused);
}

fn on_large_stack<F: Future<Output = ()>>(work: impl FnOnce() -> F + Send + 'static) {
    let running = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work());
    });
    running.expect("a thread").join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

async fn histories_are_explained(day: Day) {
    let seed = from_environment("CONFAB_HISTORY_SEED", 1);
    // One half on good days, and one on bad days.
    let all = from_environment("CONFAB_HISTORY_OPERATIONS", OPERATIONS).div_ceil(2);
    let each = OPERATIONS_OF_A_HISTORY;
    let mut explained = 0;
    for history in 0..all.div_ceil(each) {
        let plan = Plan::of((seed + history) as u64, each.min(all - history * each), day);
        println!("{day:?} day, seed {}: {} clients", plan.seed, plan.clients.len());
        match decided(&plan).await {
            Ok(operations) => explained += operations,
            Err(Unexplained::Refused(refused)) => {
                let (plan, refused) = shorter(plan, refused).await;
                panic!("{refused}\n\nThe shortest plan that was refused: {plan}");
            }
            Err(Unexplained::Undecided(undecided)) => panic!("{undecided}\n\nagain and again"),
        }
    }
    println!("{day:?} days: {all} operations, of which {explained} answers were explained");
}

/// Of a history that is right, each answer that was given while nobody else was at work is made wrong in turn.
async fn wrong_answers_are_refused() {
    let plan = Plan::of(from_environment("CONFAB_HISTORY_SEED", 1) as u64, 150, Day::Good);
    let mut refused = 0;
    for (record, cast) in play(&plan).await.expect("readers have what is there") {
        for index in 0..record.len() {
            let mut record = record.clone();
            if is_alone(&record, index) && make_wrong(&mut record[index].answer) {
                assert!(explain(&record, &cast).is_err(), "seed {}: {}", plan.seed, record[index]);
                refused += 1;
            }
        }
    }
    assert!(refused > 20, "seed {}: only {refused} answers were made wrong", plan.seed);
}

/// More than a history has messages.
const TOO_MANY: u64 = 1000;

fn is_alone(record: &[Operation], index: usize) -> bool {
    let asked = &record[index];
    let is_before = |one: &Operation, other: &Operation| one.answered.is_some_and(|answered| answered < other.called);
    let mut others = record.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other);
    others.all(|other| is_before(other, asked) || is_before(asked, other))
}

/// Leaves a message out, or tells of more unread ones than there can be; whether there is something to make wrong.
fn make_wrong(answer: &mut Answer) -> bool {
    match answer {
        Answer::Page(page) => page.messages.pop().is_some(),
        Answer::Detail(detail) => detail.messages.pop().is_some(),
        Answer::Changes(changes) => match changes.messages.pop() {
            Some((number, _)) => {
                changes.pending.push(number);
                true
            }
            None => false,
        },
        Answer::Row(Some(row)) => {
            row.unread += TOO_MANY;
            true
        }
        Answer::Marked { unread, .. } => {
            *unread += TOO_MANY;
            true
        }
        _ => false,
    }
}

/// Runs a history, again if so much overlapped that there is no telling whether it is right: what the store does wrong it
/// does again. How many operations were explained, or why they were not.
async fn decided(plan: &Plan) -> Result<usize, Unexplained> {
    for _ in 1..MOST_UNDECIDED {
        match run(plan).await {
            Err(Unexplained::Undecided(why)) => println!("undecided, and run again: {why}"),
            decided => return decided,
        }
    }
    run(plan).await
}

/// Runs a history once.
async fn run(plan: &Plan) -> Result<usize, Unexplained> {
    let mut explained = 0;
    for (place, (record, cast)) in play(plan).await.map_err(Unexplained::Refused)?.iter().enumerate() {
        let told =
            |why: &str| format!("seed {}, conversation {place}: {why}\n{}", plan.seed, listed(&shrunk(record, cast)));
        explain(record, cast).map_err(|unexplained| match unexplained {
            Unexplained::Refused(why) => Unexplained::Refused(told(&why)),
            Unexplained::Undecided(why) => Unexplained::Undecided(told(&why)),
        })?;
        explained += record.len();
    }
    Ok(explained)
}

/// Has clients do what is planned, on a table of its own; what was recorded of each conversation.
async fn play(plan: &Plan) -> Result<Vec<(Vec<Operation>, Cast)>, String> {
    let world = World::new(plan).await;
    let mut clients =
        join_all((0..plan.clients.len()).map(|index| Client::new(&world, index, plan.person(index)))).await;
    for (name, target) in [(900_001, u64::MAX), (900_002, 0b101)] {
        let start = Intent { kind: Kind::StartGroup, place: 0, target, name, disturbance: None };
        clients[0].start_group(&start).await;
    }
    clients[0].start_direct(1).await;
    join_all(clients.iter_mut().zip(&plan.clients).map(|(client, intents)| async move {
        for intent in intents {
            Box::pin(client.perform(intent)).await;
        }
    }))
    .await;
    join_all(clients.iter().map(Client::rest)).await;
    let known = finish(&world, &mut clients).await.map_err(|wrong| format!("seed {}, {wrong}", plan.seed))?;
    let audit = world.table.store().audit(now() + WRITER_LIFETIME + Duration::from_secs(1)).await.expect("readable");
    if !audit.violations.is_empty() {
        return Err(format!("seed {}: {:?}", plan.seed, audit.violations));
    }
    let cast = |place| Cast { roles: plan.roles.clone(), everything_is_known: known.contains(&place) };
    Ok(world.records().into_iter().enumerate().map(|(place, record)| (record, cast(place))).collect())
}

/// When nobody writes any more: settles every number, and looks whether everybody who followed has what is there.
/// Returns the conversations that are still there.
async fn finish(world: &World, clients: &mut [Client<'_>]) -> Result<Vec<usize>, String> {
    let (mut there, mut wholes) = (Vec::new(), Vec::new());
    let places = world.known.borrow().len();
    for place in 0..places {
        let mut members = Vec::new();
        for (index, client) in clients.iter().enumerate() {
            if client.settle(place).await {
                members.push(index);
            }
        }
        let Some(first) = members.first() else { continue };
        there.push(place);
        clients[*first].compare_people(place).await.map_err(|wrong| format!("conversation {place}: {wrong}"))?;
        // From the beginning, and by pages.
        clients[*first].replicas.remove(&place);
        clients[*first].follow(None, place).await;
        let whole = clients[*first].replicas[&place].log.clone();
        let messages: Vec<(Number, Shown)> = whole
            .iter()
            .filter(|(_, shown)| matches!(shown, Shown::Message { .. }))
            .map(|(n, shown)| (*n, *shown))
            .collect();
        let pages = clients[*first].all_pages(place).await;
        if pages != messages {
            return Err(format!("conversation {place}: pages showed {pages:?} of {messages:?}"));
        }
        for &index in &members {
            clients[index].follow(None, place).await;
            let followed = &clients[index].replicas[&place].log;
            if *followed != whole {
                return Err(format!("conversation {place}: {}", difference(followed, &whole)));
            }
        }
        wholes.push((place, members, whole));
    }
    for client in clients.iter_mut() {
        client.catch_up(None).await;
    }
    for (place, members, whole) in wholes {
        for index in members {
            let mirrored = clients[index].mirrored(place).await;
            if mirrored != whole {
                return Err(format!("conversation {place}, everywhere: {}", difference(&mirrored, &whole)));
            }
        }
    }
    for client in clients.iter() {
        client.inbox(None).await;
    }
    Ok(there)
}

fn difference(followed: &BTreeMap<Number, Shown>, whole: &BTreeMap<Number, Shown>) -> String {
    let numbers = followed.keys().chain(whole.keys());
    let differing = numbers.filter(|number| followed.get(number) != whole.get(number));
    let told = differing.map(|number| format!("{number}: {:?}, not {:?}", whole.get(number), followed.get(number)));
    format!("who followed the changes has missed something: {}", told.collect::<Vec<_>>().join("; "))
}

fn listed(record: &[Operation]) -> String {
    let mut text = String::new();
    for operation in record {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {operation}");
    }
    text
}

/// Runs parts of a plan again, and keeps those that are still refused.
async fn shorter(mut plan: Plan, mut refused: String) -> (Plan, String) {
    let (mut runs, mut parts) = (0, 2);
    while runs < MOST_RUNS && parts <= plan.operations().max(2) {
        let mut found = false;
        for part in 0..parts {
            let candidate = without(&plan, part, parts);
            runs += 1;
            if let Err(Unexplained::Refused(again)) = run(&candidate).await {
                (plan, refused, found) = (candidate, again, true);
                break;
            }
        }
        if !found {
            parts *= 2;
        }
    }
    (plan, refused)
}

/// A plan without one of so many parts of what each client does.
fn without(plan: &Plan, part: usize, parts: usize) -> Plan {
    let mut counted = 0;
    let clients = plan.clients.iter().map(|intents| {
        let kept = intents.iter().filter(|_| {
            counted += 1;
            counted * parts / (plan.operations() + 1) != part
        });
        kept.cloned().collect()
    });
    Plan { clients: clients.collect(), ..plan.clone() }
}
