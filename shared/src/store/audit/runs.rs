//! Sets of numbers, kept as runs: a log without holes takes one entry, however long it is.

use std::collections::BTreeMap;

use crate::domain::id::Number;

/// First numbers of runs, with their last ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs(BTreeMap<Number, Number>);

impl Runs {
    /// Adds a number; whether it was not in the set.
    pub(super) fn insert(&mut self, number: Number) -> bool {
        let before = self.0.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| last >= number) {
            return false;
        }
        let first = before.filter(|(_, last)| last.next() == number).map_or(number, |(first, _)| first);
        let last = self.0.remove(&number.next()).unwrap_or(number);
        self.0.insert(first, last);
        true
    }

    pub(super) fn contains(&self, number: Number) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    /// How many numbers there are.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last.distance_from(*first) + 1).sum()
    }

    /// The runs of numbers from 1 to `last` that are not in the set, each with its first and last number.
    pub(super) fn gaps(&self, last: Number) -> Vec<(Number, Number)> {
        let (mut gaps, mut expected) = (Vec::new(), Number::ZERO.next());
        for (from, to) in &self.0 {
            if *from > last {
                break;
            }
            if *from > expected {
                gaps.push((expected, from.minus(1)));
            }
            expected = to.next();
        }
        // Nothing comes after the last number that there can be.
        if expected <= last && !self.contains(last) {
            gaps.push((expected, last));
        }
        gaps
    }

    /// The numbers after `last`.
    pub(super) fn after(&self, last: Number) -> impl Iterator<Item = Number> {
        self.0
            .iter()
            .filter(move |(_, to)| **to > last)
            .flat_map(move |(from, to)| (*from).max(last.next()).through(*to))
    }

    /// The numbers that are not in `other`.
    pub(super) fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Number> + 'a {
        let numbers = self.0.iter().flat_map(|(from, to)| from.through(*to));
        numbers.filter(|number| !other.contains(*number))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn number(number: u64) -> Number {
        Number::new(number).expect("a small number")
    }

    proptest! {
        #[test]
        fn runs_are_a_set_of_numbers(
            inserted in proptest::collection::vec(1u64..40, 0..60), others in proptest::collection::vec(1u64..40, 0..60),
            last in 0u64..45,
        ) {
            let (mut runs, mut set) = (Runs::default(), BTreeSet::new());
            for n in inserted {
                prop_assert_eq!(runs.insert(number(n)), set.insert(n));
            }
            let (mut other, mut other_set) = (Runs::default(), BTreeSet::new());
            for n in others {
                prop_assert_eq!(other.insert(number(n)), other_set.insert(n));
            }
            prop_assert_eq!(runs.count(), set.len() as u64);
            prop_assert!((0..50).all(|n| runs.contains(number(n)) == set.contains(&n)));
            let gaps: Vec<u64> =
                runs.gaps(number(last)).into_iter().flat_map(|(from, to)| from.get()..=to.get()).collect();
            prop_assert_eq!(gaps, (1..=last).filter(|n| !set.contains(n)).collect::<Vec<_>>());
            let after: Vec<u64> = runs.after(number(last)).map(Number::get).collect();
            prop_assert_eq!(after, set.iter().copied().filter(|n| *n > last).collect::<Vec<_>>());
            let without: Vec<u64> = runs.without(&other).map(Number::get).collect();
            prop_assert_eq!(without, set.difference(&other_set).copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_last_number_that_there_can_be_is_one_of_them() {
        let mut runs = Runs::default();
        assert!(runs.insert(Number::MAX) && !runs.insert(Number::MAX) && runs.insert(Number::MAX.minus(1)));
        assert_eq!((runs.count(), runs.gaps(Number::MAX).len()), (2, 1));
        assert_eq!(runs.after(Number::MAX.minus(1)).count(), 1);
    }
}
