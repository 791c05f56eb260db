//! How long to wait before connecting again: at random between nothing and a bound that doubles (full jitter), so that
//! clients which lost their connections together do not come back together.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// A connection was good.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure; `random` lies between 0 and 1.
    pub(super) fn next(&mut self, random: f64) -> Duration {
        let bound = self.first.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.longest);
        self.failures += 1;
        bound.mul_f64(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_longest_and_begins_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(2));
        let waits: Vec<_> = (0..5).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 2000]);
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_millis(125));
        assert_eq!(backoff.next(0.0), Duration::ZERO);
        (0..100).for_each(|_| assert!(backoff.next(1.0) <= Duration::from_secs(2)));
    }
}
