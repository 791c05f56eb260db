//! The on-failure destination: what was given up, for whoever wants to know.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// How many are remembered.
const REMEMBERED: usize = 1000;

/// Records that will not be delivered any more.
#[derive(Clone, Debug)]
pub struct Discarded {
    pub condition: Condition,
    /// As the function would have got them.
    pub records: Vec<Value>,
    /// How often the function was given them.
    pub invocations: u32,
    /// What it said the last time, if it failed as a whole.
    pub error: Option<String>,
    pub shard_id: String,
    pub stream_arn: String,
}

/// Why records were given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

impl Discarded {
    /// The message that Lambda would put into an SQS queue. It holds no records, only where they stand in the stream.
    #[must_use]
    pub fn to_message(&self) -> Value {
        let sequence = |record: Option<&Value>| record.map(|record| record["dynamodb"]["SequenceNumber"].clone());
        let created = |record: Option<&Value>| {
            let seconds = record.and_then(|record| record["dynamodb"]["ApproximateCreationDateTime"].as_f64());
            let time = chrono::DateTime::from_timestamp(seconds.unwrap_or_default() as i64, 0).unwrap_or_default();
            time.to_rfc3339_opts(SecondsFormat::Millis, true)
        };
        let (first, last) = (self.records.first(), self.records.last());
        let condition = match self.condition {
            Condition::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Condition::RecordAgeExceeded => "RecordAgeExceeded",
        };
        json!({
            "version": "1.0",
            "timestamp": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            "requestContext": { "condition": condition, "approximateInvokeCount": self.invocations },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": self.error.as_ref().map(|_| "Unhandled"),
            },
            "DDBStreamBatchInfo": {
                "shardId": self.shard_id,
                "startSequenceNumber": sequence(first),
                "endSequenceNumber": sequence(last),
                "approximateArrivalOfFirstRecord": created(first),
                "approximateArrivalOfLastRecord": created(last),
                "batchSize": self.records.len(),
                "streamArn": self.stream_arn,
            },
        })
    }
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    all: VecDeque<Discarded>,
    /// How many of the last ones nobody was told of.
    untold: usize,
}

impl Queue {
    pub(super) fn push(&self, discarded: Discarded) {
        let mut state = self.state();
        if state.all.len() == REMEMBERED {
            state.all.pop_front();
        }
        state.all.push_back(discarded);
        state.untold = (state.untold + 1).min(state.all.len());
        self.arrived.notify_one();
    }

    pub(super) fn all(&self) -> Vec<Discarded> {
        self.state().all.iter().cloned().collect()
    }

    pub(super) async fn next(&self) -> Discarded {
        loop {
            if let Some(next) = self.take() {
                return next;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<Discarded> {
        let mut state = self.state();
        let index = state.all.len() - state.untold;
        let next = state.all.get(index).cloned()?;
        state.untold -= 1;
        Some(next)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
