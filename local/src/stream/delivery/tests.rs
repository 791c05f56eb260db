use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const RULES: Rules = Rules { bisect: true, most_retries: Some(2), most_age: None };

fn record(number: usize) -> Record {
    Record::new(json!({ "dynamodb": { "SequenceNumber": number.to_string() } }), Duration::from_secs(1_000_000))
}

fn batch(size: usize) -> Vec<Record> {
    (0..size).map(record).collect()
}

fn numbers(records: &[Record]) -> Vec<usize> {
    records.iter().map(|record| record.sequence_number.parse().unwrap()).collect()
}

fn next(delivery: &Delivery) -> Vec<usize> {
    delivery.next().map(numbers).unwrap_or_default()
}

fn given_up(delivery: &mut Delivery) -> Vec<(Condition, Vec<usize>)> {
    let all = delivery.given_up().into_iter();
    all.map(|given_up| (given_up.condition, numbers(&given_up.records))).collect()
}

#[test]
fn what_is_delivered_is_settled() {
    let mut delivery = Delivery::new(batch(3), RULES);
    assert_eq!(next(&delivery), [0, 1, 2]);
    assert_eq!(delivery.wait(), Some(Duration::ZERO));
    delivery.told(Outcome::Delivered);
    assert_eq!(delivery.wait(), None);
    assert!(delivery.given_up().is_empty());
}

#[test]
fn a_batch_goes_on_from_the_first_record_that_failed() {
    let mut delivery = Delivery::new(batch(5), RULES);
    delivery.told(Outcome::FailedFrom(2));
    assert_eq!(next(&delivery), [2, 3, 4]);
    delivery.told(Outcome::Delivered);
    assert_eq!(delivery.wait(), None);
}

#[test]
fn a_batch_that_fails_is_cut_in_halves_which_counts_as_no_retry() {
    let mut delivery = Delivery::new(batch(3), RULES);
    delivery.told(Outcome::Failed);
    assert_eq!((next(&delivery), delivery.wait()), (vec![0, 1], Some(Duration::ZERO)));
    delivery.told(Outcome::FailedFrom(0));
    assert_eq!(next(&delivery), [0]);
    for _ in 0..3 {
        assert_eq!(next(&delivery), [0]);
        delivery.told(Outcome::Failed);
    }
    assert_eq!(given_up(&mut delivery), [(Condition::RetryAttemptsExhausted, vec![0])]);
    assert_eq!(next(&delivery), [1]);
    delivery.told(Outcome::Delivered);
    assert_eq!(next(&delivery), [2]);
}

#[test]
fn without_bisection_a_batch_is_given_up_as_a_whole() {
    let mut delivery = Delivery::new(batch(3), Rules { bisect: false, ..RULES });
    for _ in 0..3 {
        assert_eq!(next(&delivery), [0, 1, 2]);
        delivery.told(Outcome::Failed);
    }
    assert_eq!(given_up(&mut delivery), [(Condition::RetryAttemptsExhausted, vec![0, 1, 2])]);
    assert_eq!(delivery.wait(), None);
}

#[test]
fn without_a_bound_nothing_is_given_up() {
    let mut delivery = Delivery::new(batch(1), Rules { most_retries: None, ..RULES });
    for _ in 0..10_000 {
        delivery.told(Outcome::Failed);
    }
    assert_eq!((next(&delivery), delivery.wait()), (vec![0], Some(LONGEST_WAIT)));
}

#[test]
fn each_wait_is_twice_as_long_up_to_a_bound() {
    let mut delivery = Delivery::new(batch(1), Rules { most_retries: None, ..RULES });
    let mut waits = Vec::new();
    for _ in 0..7 {
        delivery.told(Outcome::Failed);
        waits.push(delivery.wait().unwrap().as_millis());
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3000, 3000]);
}

#[test]
fn old_records_are_given_up_undelivered_and_the_rest_is_not() {
    let now = Duration::from_secs(1_000_000);
    let created = |age: u64| {
        let seconds = now.as_secs() - age;
        Record::new(
            json!({ "dynamodb": { "SequenceNumber": age.to_string(), "ApproximateCreationDateTime": seconds } }),
            now,
        )
    };
    let rules = Rules { most_age: Some(Duration::from_secs(30)), ..RULES };
    // The second could have been created a moment ago.
    let mut delivery = Delivery::new(vec![created(100), created(59), created(0)], rules);
    delivery.discard_old(now);
    assert_eq!(given_up(&mut delivery), [(Condition::RecordAgeExceeded, vec![100])]);
    assert_eq!(next(&delivery), [59, 0]);
    delivery.discard_old(now + Duration::from_secs(31));
    assert_eq!(given_up(&mut delivery), [(Condition::RecordAgeExceeded, vec![59, 0])]);
    assert_eq!(delivery.wait(), None);
}

/// How a function behaves that works through a batch in order.
#[derive(Clone, Debug)]
struct Behaviour {
    /// Records that it can never do.
    poisoned: std::collections::BTreeSet<usize>,
    /// Calls that fail whatever they hold, one by one.
    outages: Vec<bool>,
    /// Whether it tells where it failed, rather than failing altogether.
    reports: bool,
}

fn behaviours() -> impl Strategy<Value = (usize, Behaviour)> {
    (1_usize..40).prop_flat_map(|size| {
        let poisoned = btree_set(0..size, 0..=size.min(4));
        (poisoned, vec(any::<bool>(), 0..6), any::<bool>())
            .prop_map(move |(poisoned, outages, reports)| (size, Behaviour { poisoned, outages, reports }))
    })
}

/// What was done, in order and with repetitions, and what was given up, in order.
fn run(size: usize, behaviour: &Behaviour, rules: Rules) -> (Vec<usize>, Vec<Vec<usize>>, Vec<usize>) {
    let mut delivery = Delivery::new(batch(size), rules);
    let (mut done, mut lost, mut settled) = (Vec::new(), Vec::new(), Vec::new());
    let mut outages = behaviour.outages.iter();
    for _ in 0..10_000 {
        if delivery.wait().is_none() {
            return (done, lost, settled);
        }
        let part = next(&delivery);
        let first = part.iter().position(|number| behaviour.poisoned.contains(number));
        let is_out = outages.next().copied().unwrap_or_default();
        let reached = if is_out { 0 } else { first.unwrap_or(part.len()) };
        done.extend(&part[..reached]);
        let outcome = match first {
            _ if is_out => Outcome::Failed,
            None => Outcome::Delivered,
            Some(first) if behaviour.reports => Outcome::FailedFrom(first),
            Some(_) => Outcome::Failed,
        };
        match outcome {
            Outcome::Delivered => settled.extend(&part),
            Outcome::FailedFrom(position) => settled.extend(&part[..position]),
            Outcome::Failed => {}
        }
        delivery.told(outcome);
        for (_, numbers) in given_up(&mut delivery) {
            settled.extend(&numbers);
            lost.push(numbers);
        }
    }
    panic!("it never ends");
}

proptest! {
    #[test]
    fn every_record_is_settled_once_and_in_order((size, behaviour) in behaviours(), bisect: bool, retries in 0_u32..8) {
        let rules = Rules { bisect, most_retries: Some(retries), most_age: None };
        let (done, lost, settled) = run(size, &behaviour, rules);
        prop_assert_eq!(&settled, &(0..size).collect::<Vec<_>>());
        let lost: Vec<_> = lost.concat();
        for number in 0..size {
            prop_assert!(done.contains(&number) || lost.contains(&number), "{} is neither done nor lost", number);
        }
    }

    #[test]
    fn what_is_poisoned_ends_in_the_queue_and_alone((size, behaviour) in behaviours()) {
        // As many retries as there are outages, so that these alone lose nothing.
        let rules = Rules { bisect: true, most_retries: Some(6), most_age: None };
        let (done, lost, _) = run(size, &behaviour, rules);
        let expected: Vec<_> = behaviour.poisoned.iter().map(|number| vec![*number]).collect();
        prop_assert_eq!(lost, expected);
        for number in (0..size).filter(|number| !behaviour.poisoned.contains(number)) {
            prop_assert!(done.contains(&number));
        }
    }
}
