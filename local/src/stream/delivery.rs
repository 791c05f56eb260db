//! What becomes of a batch: which part is delivered next, again, cut in two, or given up. Nothing but decisions.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::discarded::Condition;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// How exactly the time of a record's creation is known where it is known least.
const UNCERTAINTY: Duration = Duration::from_secs(60);

/// A record of the stream.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) sequence_number: String,
    /// From when its age counts, since 1970.
    since: Duration,
    pub(super) json: Value,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) bisect: bool,
    pub(super) most_retries: Option<u32>,
    pub(super) most_age: Option<Duration>,
}

/// How the function took a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// All before this one are done.
    FailedFrom(usize),
    Failed,
}

/// Records that nobody will get.
#[derive(Debug)]
pub(super) struct GivenUp {
    pub(super) condition: Condition,
    pub(super) records: Vec<Record>,
    pub(super) failures: u32,
}

/// A batch on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    rules: Rules,
    /// In order; the first is the one that is delivered.
    parts: VecDeque<Part>,
    given_up: Vec<GivenUp>,
}

#[derive(Debug)]
struct Part {
    records: Vec<Record>,
    /// How often it has failed at its first record.
    failures: u32,
}

impl Record {
    pub(super) fn new(json: Value, now: Duration) -> Self {
        let sequence_number = json["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned();
        let created = json["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap_or_default();
        let created = Duration::try_from_secs_f64(created).unwrap_or_default();
        let since = if now.saturating_sub(created) <= UNCERTAINTY { now } else { created };
        Self { sequence_number, since, json }
    }
}

impl Delivery {
    pub(super) fn new(records: Vec<Record>, rules: Rules) -> Self {
        Self { rules, parts: VecDeque::from([Part { records, failures: 0 }]), given_up: Vec::new() }
    }

    /// How long to wait before the next attempt; nothing when all is settled.
    pub(super) fn wait(&self) -> Option<Duration> {
        let Part { failures, .. } = self.parts.front()?;
        let doublings = failures.saturating_sub(1).min(16);
        let wait = if *failures == 0 { Duration::ZERO } else { FIRST_WAIT * 2_u32.pow(doublings) };
        Some(wait.min(LONGEST_WAIT))
    }

    /// Gives up what is too old to be delivered next.
    pub(super) fn discard_old(&mut self, now: Duration) {
        let Some(most) = self.rules.most_age else { return };
        while let Some(part) = self.parts.front_mut() {
            let old: Vec<_> = part.records.extract_if(.., |record| now.saturating_sub(record.since) > most).collect();
            let (failures, is_empty) = (part.failures, part.records.is_empty());
            if is_empty {
                self.parts.pop_front();
            }
            if !old.is_empty() {
                self.given_up.push(GivenUp { condition: Condition::RecordAgeExceeded, records: old, failures });
            }
            if !is_empty {
                return;
            }
        }
    }

    /// What is to be delivered next; nothing when all is settled.
    pub(super) fn next(&self) -> Option<&[Record]> {
        self.parts.front().map(|part| part.records.as_slice())
    }

    /// How that went.
    pub(super) fn told(&mut self, outcome: Outcome) {
        let Some(mut part) = self.parts.pop_front() else { return };
        match outcome {
            Outcome::Delivered => {}
            Outcome::FailedFrom(position) if position > 0 && position < part.records.len() => {
                part.records.drain(..position);
                part.failures = 0;
                self.parts.push_front(part);
            }
            Outcome::Failed | Outcome::FailedFrom(_) => self.failed(part),
        }
    }

    fn failed(&mut self, mut part: Part) {
        if self.rules.bisect && part.records.len() > 1 {
            let records = part.records.split_off(part.records.len().div_ceil(2));
            let rest = Part { records, failures: part.failures };
            self.parts.push_front(rest);
            self.parts.push_front(part);
            return;
        }
        part.failures += 1;
        if self.rules.most_retries.is_some_and(|most| part.failures > most) {
            let Part { records, failures } = part;
            self.given_up.push(GivenUp { condition: Condition::RetryAttemptsExhausted, records, failures });
        } else {
            self.parts.push_front(part);
        }
    }

    /// What was given up since this was last asked.
    pub(super) fn given_up(&mut self) -> Vec<GivenUp> {
        std::mem::take(&mut self.given_up)
    }
}

#[cfg(test)]
mod tests;
