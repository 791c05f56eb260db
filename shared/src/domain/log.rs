//! The numbered log, as a reader sees it: which numbers of a range are there, which are still pending, and which
//! were left by a writer that must be dead.
//!
//! A number is taken first and filled afterwards, so a reader may meet a hole. It never waits: it goes on, reports
//! the number as pending, and once the hole is older than any writer can be, asks for a void to be written there.
//! Correctness does not rest on that judgement: the void is written on condition that nothing stands there, and a
//! slow writer that finds it takes a new number.
//!
//! Whoever walks along a log goes past what is pending, and keeps in mind how much is proven: up to there nothing can
//! appear any more.

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

impl Counter {
    /// Whether whoever took its last number has long filled it, or is dead.
    pub fn is_quiet(&self, now: Timestamp) -> bool {
        self.last == Number::ZERO || now.since(self.moved_at) > WRITER_LIFETIME
    }
}

/// Up to where a log is full, told by what is there from `first` on, rising, each with the time at which it was taken.
/// Nothing if what lies before `first` may still be under way.
pub fn full_to(
    first: Number,
    present: impl IntoIterator<Item = (Number, Timestamp)>,
    now: Timestamp,
) -> Option<Number> {
    let (mut full_to, mut earliest) = (first.minus(1), None);
    for (number, at) in present {
        if number != full_to.next() {
            break;
        }
        earliest = earliest.or(Some(at));
        full_to = number;
    }
    let begins = first.minus(1) == Number::ZERO || earliest.is_some_and(|at| now.since(at) > WRITER_LIFETIME);
    begins.then_some(full_to)
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

/// Something that stands at a number of a log.
pub trait Numbered {
    fn number(&self) -> Number;
    /// When it came to stand there.
    fn at(&self) -> Timestamp;
}

/// How far a reader has come in one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to here was looked at.
    pub read: Number,
    /// Up to here nothing was pending: nothing can appear there that was not seen.
    pub proven: Number,
}

impl Progress {
    /// Where a reader begins who has seen everything up to `number`.
    pub fn proven_to(number: Number) -> Self {
        Self { read: number, proven: number }
    }

    /// What is proven stays behind the first number that was ever pending on the way.
    fn advance(self, through: Number, pending: Option<&Number>) -> Self {
        let proven =
            if self.proven < self.read { self.proven } else { pending.map_or(through, |first| first.minus(1)) };
        Self { read: through, proven }
    }
}

/// How far a reader has come in both logs of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    pub messages: Progress,
    pub changes: Progress,
}

/// One step of a walk along a log.
#[derive(Debug)]
pub struct Step<T> {
    pub entries: Vec<T>,
    /// The holes on the way; overdue ones count as proven, so the voids have to be written before that is told.
    pub holes: Holes,
    pub progress: Progress,
}

impl<T: Numbered> Step<T> {
    /// No step: the reader stays where it stands.
    pub fn standing(stand: Progress) -> Self {
        Self { entries: Vec::new(), holes: Holes::default(), progress: stand }
    }

    /// The next `most` numbers after where the reader stands, as far as the counter has come. `entries` are the next that
    /// are there, rising; `more` tells that the log goes on after them.
    pub fn from(stand: Progress, most: u64, mut entries: Vec<T>, more: bool, counter: Counter, now: Timestamp) -> Self {
        let looked_at = entries.last().filter(|_| more).map_or(counter.last, Numbered::number);
        let through = looked_at.min(stand.read.plus(most)).min(counter.last).max(stand.read);
        let present = entries.iter().map(|entry| (entry.number(), entry.at()));
        let mut holes = holes(stand.read.next(), through, present, counter, now);
        holes.pending.retain(|number| *number <= through);
        holes.overdue.retain(|number| *number <= through);
        entries.retain(|entry| entry.number() <= through);
        let progress = stand.advance(through, holes.pending.first());
        Self { entries, holes, progress }
    }
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
    fn a_log_is_full_up_to_its_first_hole_unless_what_was_before_may_be_under_way() {
        let full_to = |first: u64, present: &[(u64, u64)], now: u64| {
            let present = present.iter().map(|(n, at)| (number(*n), second(*at)));
            full_to(number(first), present, second(now)).map(Number::get)
        };
        assert_eq!(full_to(1, &[(1, 0), (2, 1), (4, 2)], 3), Some(2));
        assert_eq!(full_to(1, &[(2, 1)], 1000), Some(0));
        assert_eq!(full_to(1, &[], 1000), Some(0));
        assert_eq!(full_to(7, &[(7, 10), (8, 60)], 40), None);
        assert_eq!(full_to(7, &[(7, 10), (8, 60), (10, 61)], 41), Some(8));
        assert_eq!(full_to(7, &[(8, 0)], 1000), None);
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
    impl Numbered for (u64, u64) {
        fn number(&self) -> Number {
            number(self.0)
        }

        fn at(&self) -> Timestamp {
            second(self.1)
        }
    }

    proptest! {
        #[test]
        fn a_walk_meets_every_number_once_and_proves_nothing_past_the_first_that_is_pending(
            present in proptest::collection::btree_set(1u64..60, 0..60), most in 1u64..20, dead_before in 0u64..60,
        ) {
            // Everything was taken at its number's second, and writers from before `dead_before` are dead.
            let now = second(dead_before + WRITER_LIFETIME.as_secs());
            let counter = Counter { last: number(60), moved_at: second(60) };
            let (mut progress, mut met, mut pending) = (Progress::default(), Vec::new(), Vec::new());
            while progress.read < counter.last {
                let mut rest: Vec<_> = present.iter().filter(|n| **n > progress.read.get()).map(|n| (*n, *n)).collect();
                let more = rest.len() as u64 >= most;
                rest.truncate(most as usize);
                let step = Step::from(progress, most, rest, more, counter, now);
                prop_assert!(step.progress.read > progress.read && step.progress.proven >= progress.proven);
                prop_assert!(step.entries.len() + step.holes.pending.len() + step.holes.overdue.len() <= most as usize);
                met.extend(step.entries.iter().map(|entry| entry.0));
                met.extend(step.holes.overdue.iter().map(|number| number.get()));
                pending.extend(step.holes.pending.iter().map(|number| number.get()));
                progress = step.progress;
            }
            let first = pending.iter().min().copied();
            prop_assert_eq!(progress.proven.get(), first.map_or(60, |first| first - 1));
            met.extend(pending);
            met.sort_unstable();
            prop_assert_eq!(met, (1..=60).collect::<Vec<_>>());
        }
    }
}
