//! What became of the requests: latencies by operation, and errors by kind.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::plan::Operation;

/// Longer latencies count as this long.
const LONGEST: Duration = Duration::from_secs(600);

/// Latencies keep this many digits.
const DIGITS: u8 = 3;

#[derive(Default)]
pub(crate) struct Tally {
    latencies: BTreeMap<Operation, Latencies>,
    errors: BTreeMap<String, u64>,
}

/// Of the requests that were granted in the end, in microseconds from their planned beginning.
struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let longest = micros(LONGEST);
        Self(Histogram::new_with_bounds(1, longest, DIGITS).expect("1 to 600 million with 3 digits is a range"))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Tally {
    pub(crate) fn done(&mut self, operation: Operation, latency: Duration) {
        self.latencies.entry(operation).or_default().0.saturating_record(micros(latency));
    }

    pub(crate) fn failed(&mut self, operation: Operation, kind: &str) {
        *self.errors.entry(format!("{}: {kind}", operation.name())).or_default() += 1;
    }

    pub(crate) fn count_done(&self) -> u64 {
        self.latencies.values().map(|latencies| latencies.0.len()).sum()
    }

    pub(crate) fn count_errors(&self) -> u64 {
        self.errors.values().sum()
    }

    /// The latency that this part of all requests did not exceed.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let mut all = Latencies::default();
        for latencies in self.latencies.values() {
            // All of them have the same range.
            let _ = all.0.add(&latencies.0);
        }
        all.at(percent)
    }

    pub(crate) fn table(&self) -> String {
        let mut lines = format!(
            "{:<16}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}  ms",
            "", "requests", "p50", "p90", "p99", "p99.9", "longest"
        );
        for (operation, latencies) in &self.latencies {
            let ms = |percent| format!("{:>10.1}", latencies.at(percent).as_secs_f64() * 1000.0);
            lines.push_str(&format!("\n{:<16}{:>9}", operation.name(), latencies.0.len()));
            for percent in [50.0, 90.0, 99.0, 99.9, 100.0] {
                lines.push_str(&ms(percent));
            }
        }
        for (kind, count) in &self.errors {
            lines.push_str(&format!("\n{count:>6} × {kind}"));
        }
        lines
    }

    pub(crate) fn to_json(&self) -> Value {
        let operations = self.latencies.iter().map(|(operation, latencies)| {
            let ms = |percent| latencies.at(percent).as_secs_f64() * 1000.0;
            let row = json!({
                "requests": latencies.0.len(),
                "p50_ms": ms(50.0),
                "p90_ms": ms(90.0),
                "p99_ms": ms(99.0),
                "p99.9_ms": ms(99.9),
                "longest_ms": ms(100.0),
            });
            (operation.name().to_owned(), row)
        });
        json!({ "operations": operations.collect::<serde_json::Map<_, _>>(), "errors": self.errors })
    }
}

impl Latencies {
    fn at(&self, percent: f64) -> Duration {
        Duration::from_micros(self.0.value_at_percentile(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_counted() {
        let mut tally = Tally::default();
        for ms in 1..=1000 {
            tally.done(Operation::Send, Duration::from_millis(ms));
        }
        for (percent, ms) in [(50.0, 500), (90.0, 900), (99.0, 990), (100.0, 1000)] {
            let seen = tally.percentile(percent).as_millis();
            assert!(seen.abs_diff(ms) <= 1, "{percent}: {seen}");
        }
        assert_eq!((tally.count_done(), tally.count_errors()), (1000, 0));
    }

    #[test]
    fn errors_are_counted_by_kind_and_are_no_latencies() {
        let mut tally = Tally::default();
        tally.failed(Operation::Send, "503");
        tally.failed(Operation::Send, "503");
        tally.failed(Operation::ReadInbox, "no answer");
        assert_eq!((tally.count_done(), tally.count_errors()), (0, 3));
        assert_eq!(tally.to_json()["errors"], json!({ "send: 503": 2, "read the inbox: no answer": 1 }));
        assert!(tally.table().contains("2 × send: 503"));
    }

    #[test]
    fn what_takes_longer_than_can_be_counted_counts_as_longest() {
        let mut tally = Tally::default();
        tally.done(Operation::LogIn, LONGEST * 2);
        assert!(tally.percentile(100.0) >= LONGEST);
    }
}
