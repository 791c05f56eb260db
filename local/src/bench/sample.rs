//! Durations that were measured, and what they come to.

use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn add(&mut self, duration: Duration) {
        let place = self.0.partition_point(|other| *other <= duration);
        self.0.insert(place, duration);
    }

    /// The duration that so many of a hundred do not exceed (nearest rank); zero if nothing was measured.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        self.percentile(50)
    }
}

pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// How many times `base` it is; nothing where there is no base.
pub(crate) fn ratio(duration: Duration, base: Duration) -> Option<f64> {
    (!base.is_zero()).then(|| duration.as_secs_f64() / base.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ms: impl IntoIterator<Item = u64>) -> Sample {
        let mut sample = Sample::default();
        ms.into_iter().for_each(|ms| sample.add(Duration::from_millis(ms)));
        sample
    }

    #[test]
    fn percentiles_are_durations_that_were_measured() {
        let hundred = sample((1..=100).rev());
        assert_eq!(hundred.percentile(50), Duration::from_millis(50));
        assert_eq!(hundred.percentile(99), Duration::from_millis(99));
        assert_eq!(hundred.percentile(100), Duration::from_millis(100));
        assert_eq!(sample([7]).percentile(99), Duration::from_millis(7));
        assert_eq!(sample([3, 1]).median(), Duration::from_millis(1));
        assert_eq!(sample([]).median(), Duration::ZERO);
    }

    #[test]
    fn nothing_is_a_multiple_of_nothing() {
        let second = Duration::from_secs(1);
        assert_eq!(ratio(second, Duration::from_millis(250)), Some(4.0));
        assert_eq!(ratio(second, Duration::ZERO), None);
    }
}
