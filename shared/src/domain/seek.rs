//! Where in a conversation's log an instant lies.
//!
//! Numbers are dense, so a log can be searched like a list in memory: backwards from its end in steps that grow, then
//! between the two steps that have the instant between them, several probes at once in every round trip. Times run almost
//! as numbers do: a writer takes its number within its lifetime, so nothing that has a lower number was sent more than
//! that later. Whoever seeks keeps that distance, and reads a little more than is asked for.

use super::Timestamp;
use super::id::Number;

/// Two numbers that are this near are near enough: what lies between them is one page.
const NEAR: u64 = 64;

/// How many places are looked at in one round trip.
const PROBES: u64 = 7;

/// By how much the first steps grow.
const GROWTH: u64 = 8;

#[derive(Clone, Debug)]
pub struct Seek {
    instant: Timestamp,
    low: Number,
    high: Number,
    begun: bool,
}

impl Seek {
    /// Seeks an instant in a log that goes up to `last`.
    pub fn new(instant: Timestamp, last: Number) -> Self {
        Self { instant, low: Number::ZERO, high: last.next(), begun: false }
    }

    /// Where to look next; nowhere if it is known well enough.
    pub fn probes(&self) -> Vec<Number> {
        let width = self.high.distance_from(self.low);
        if width <= NEAR {
            return Vec::new();
        }
        if self.begun {
            (1..=PROBES).map(|step| self.low.plus(width * step / (PROBES + 1))).collect()
        } else {
            let steps = std::iter::successors(Some(NEAR), |step| step.checked_mul(GROWTH));
            steps.map(|step| self.high.minus(step)).take_while(|probe| *probe > self.low).collect()
        }
    }

    /// Takes in what was found at a probe or before it: nothing, if there are only voids.
    pub fn found(&mut self, probe: Number, nearest: Option<(Number, Timestamp)>) {
        self.begun = true;
        match nearest {
            Some((number, sent_at)) if sent_at > self.instant => self.high = self.high.min(number),
            Some(_) => self.low = self.low.max(probe),
            None => {}
        }
    }

    /// A message at or before this number was sent at the instant or before it, or this is zero.
    pub fn low(&self) -> Number {
        self.low
    }

    /// The message with this number was sent after the instant, or the log ends before it.
    pub fn high(&self) -> Number {
        self.high
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn second(seconds: u64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds as i64).expect("a small number")
    }

    fn number(number: u64) -> Number {
        Number::new(number).expect("a small number")
    }

    /// Seeks in a log whose number n was sent at second n, but for its voids; how many rounds it took.
    fn seek(last: u64, instant: u64, is_void: impl Fn(u64) -> bool) -> (Seek, usize) {
        let (mut seek, mut rounds) = (Seek::new(second(instant), number(last)), 0);
        while rounds < 20 {
            let probes = seek.probes();
            if probes.is_empty() {
                break;
            }
            rounds += 1;
            for probe in probes {
                let nearest = (1..=probe.get()).rev().take(2).find(|n| !is_void(*n));
                seek.found(probe, nearest.map(|n| (number(n), second(n))));
            }
        }
        (seek, rounds)
    }

    proptest! {
        #[test]
        fn the_instant_lies_between_two_numbers_that_are_near(last in 0u64..100_000, instant in 0u64..100_000) {
            let (seek, rounds) = seek(last, instant, |_| false);
            prop_assert!(seek.low.get() <= instant);
            prop_assert!(seek.high.get() > instant.min(last));
            prop_assert!(seek.high.distance_from(seek.low) <= NEAR);
            prop_assert!(rounds <= 6, "{} rounds", rounds);
        }

        #[test]
        fn voids_mislead_nobody(
            last in 0u64..5_000, instant in 0u64..5_000, voids in proptest::collection::btree_set(0u64..5_000, 0..3_000),
        ) {
            let (seek, _) = seek(last, instant, |n| voids.contains(&n));
            prop_assert!((1..=seek.low.get()).all(|n| voids.contains(&n) || n <= instant));
            prop_assert!((seek.high.get()..=last).all(|n| voids.contains(&n) || n > instant));
        }
    }

    #[test]
    fn what_is_recent_is_found_in_few_rounds_however_long_the_log() {
        for last in [1_000, 1_000_000] {
            assert!(seek(last, last - 100, |_| false).1 <= 2);
        }
    }
}
