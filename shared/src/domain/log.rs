//! The numbered log, as a reader sees it: which numbers of a range are there, which are still pending, and which
//! were left by a writer that must be dead.
//!
//! A number is taken first and filled afterwards, so a reader may meet a hole. It never waits: it goes on, reports
//! the number as pending, and once the hole is older than any writer can be, asks for a void to be written there.
//! Correctness does not rest on that judgement: the void is written on condition that nothing stands there, and a
//! slow writer that finds it takes a new number.

use std::time::Duration;

use super::Timestamp;
use super::id::Number;

/// Longer than any writer lives: API Gateway ends a request after 30 s, the functions end theirs earlier.
pub const WRITER_LIFETIME: Duration = Duration::from_secs(30);

/// The holes that a reader met.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Holes {
    /// Their writer may still be under way.
    pub pending: Vec<Number>,
    /// Their writer is dead: a void belongs there.
    pub overdue: Vec<Number>,
}

/// The counter that numbers were taken from, and when it was last moved.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    pub last: Number,
    pub moved_at: Timestamp,
}

/// Finds the holes between `first` and `last` (both included, as far as the counter has come), given every number
/// that is there in that range, in rising order, with the time at which it was taken.
pub fn holes(
    first: Number,
    last: Number,
    present: impl IntoIterator<Item = (Number, Timestamp)>,
    counter: Counter,
    now: Timestamp,
) -> Holes {
    let mut holes = Holes::default();
    let mut expected = first;
    let mut settle = |from: Number, until: Number, successor_at: Timestamp| {
        let dead = now.since(successor_at) > WRITER_LIFETIME;
        let numbers = if dead { &mut holes.overdue } else { &mut holes.pending };
        numbers.extend(from.through(until).filter(|number| *number != Number::ZERO));
    };
    for (number, at) in present {
        if number > expected {
            settle(expected, number.minus(1), at);
        }
        expected = number.next();
    }
    // Nothing read stands after these: the counter was moved no earlier than their successors were taken.
    let last = last.min(counter.last);
    if expected <= last {
        settle(expected, last, counter.moved_at);
    }
    holes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn second(seconds: u64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds as i64).expect("a small number")
    }

    fn number(number: u64) -> Number {
        Number::new(number).expect("a small number")
    }

    fn found(present: &[(u64, u64)], last: u64, moved_at: u64, now: u64) -> (Vec<u64>, Vec<u64>) {
        let counter = Counter { last: number(last), moved_at: second(moved_at) };
        let present = present.iter().map(|(n, at)| (number(*n), second(*at)));
        let holes = holes(number(1), Number::MAX, present, counter, second(now));
        let plain = |numbers: Vec<Number>| numbers.into_iter().map(Number::get).collect();
        (plain(holes.pending), plain(holes.overdue))
    }

    #[test]
    fn a_full_log_has_no_holes() {
        assert_eq!(found(&[(1, 0), (2, 1), (3, 2)], 3, 2, 1000), (vec![], vec![]));
    }

    #[test]
    fn a_hole_is_pending_until_its_successor_is_older_than_any_writer() {
        assert_eq!(found(&[(1, 0), (3, 10)], 3, 10, 40), (vec![2], vec![]));
        assert_eq!(found(&[(1, 0), (3, 10)], 3, 10, 41), (vec![], vec![2]));
    }

    #[test]
    fn the_last_number_is_judged_by_when_the_counter_moved() {
        assert_eq!(found(&[(1, 0)], 3, 100, 130), (vec![2, 3], vec![]));
        assert_eq!(found(&[(1, 0)], 3, 100, 131), (vec![], vec![2, 3]));
        assert_eq!(found(&[], 1, 100, 131), (vec![], vec![1]));
    }

    #[test]
    fn what_the_counter_has_not_reached_is_no_hole_even_if_something_newer_was_read() {
        // The counter was read before the log: the log may be ahead of it.
        assert_eq!(found(&[(1, 0), (2, 1)], 1, 0, 1000), (vec![], vec![]));
    }

    proptest! {
        #[test]
        fn every_number_is_there_or_pending_or_overdue_and_only_one_of_them(
            present in proptest::collection::btree_set(1u64..40, 0..40), last in 0u64..40, now in 0u64..200,
        ) {
            let rows: Vec<_> = present.iter().filter(|n| **n <= last).map(|n| (*n, *n)).collect();
            let (pending, overdue) = found(&rows, last, last, now);
            let mut all: Vec<u64> = rows.iter().map(|(n, _)| *n).chain(pending).chain(overdue).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (1..=last).collect::<Vec<_>>());
        }

        #[test]
        fn a_hole_becomes_overdue_and_never_pending_again(
            present in proptest::collection::btree_set(1u64..40, 0..40), now in 0u64..100, later in 0u64..100,
        ) {
            let rows: Vec<_> = present.iter().map(|n| (*n, *n)).collect();
            let (_, before) = found(&rows, 40, 40, now);
            let (_, after) = found(&rows, 40, 40, now + later);
            let after: BTreeSet<_> = after.into_iter().collect();
            prop_assert!(before.iter().all(|n| after.contains(n)));
        }
    }
}
