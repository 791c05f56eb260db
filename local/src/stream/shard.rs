//! Following one shard: records are read in order, gathered into batches, and delivered until they are done or given up.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::api::{Page, StreamError, Streams};
use super::delivery::{Delivery, Outcome, Record, Rules};
use super::discarded::{Discarded, Queue};
use super::filter::let_through;
use super::{AFTER_FAILURE, Mapping};
use crate::invoke::Function;
use crate::terminal;

/// What Lambda hands over at once, at most. Somewhat less: braces and commas are not counted.
const MOST_BYTES: usize = 6 * 1000 * 1000 - 64 * 1024;

/// Where reading begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Position {
    TrimHorizon,
    Latest,
}

pub(super) struct Follower {
    streams: Streams,
    shard: String,
    function: Function,
    mapping: Mapping,
    queue: Arc<Queue>,
    /// The place of the next record; nothing at the end of the shard.
    place: Option<String>,
    /// The last record that was read.
    read: Option<String>,
}

impl Follower {
    pub(super) async fn begin(
        streams: Streams,
        shard: String,
        position: Position,
        function: Function,
        mapping: Mapping,
        queue: Arc<Queue>,
    ) -> Result<Self, StreamError> {
        let kind = match position {
            Position::TrimHorizon => "TRIM_HORIZON",
            Position::Latest => "LATEST",
        };
        let place = Some(streams.iterator(&shard, kind, None).await?);
        Ok(Self { streams, shard, function, mapping, queue, place, read: None })
    }

    /// Until the shard ends. Its id.
    pub(super) async fn run(mut self) -> String {
        let mut batch = Vec::new();
        let mut full_at = None;
        while let Some(place) = self.place.clone() {
            let room = self.mapping.batch_size.saturating_sub(batch.len());
            let page = match self.streams.records(&place, room).await {
                Ok(page) => page,
                Err(error) => {
                    self.recover(&error).await;
                    continue;
                }
            };
            let nothing_new = page.records.is_empty();
            self.take(page, &mut batch);
            if !batch.is_empty() {
                let due = *full_at.get_or_insert_with(|| Instant::now() + self.mapping.maximum_batching_window);
                if batch.len() >= self.mapping.batch_size || Instant::now() >= due || self.place.is_none() {
                    full_at = None;
                    for part in parts(std::mem::take(&mut batch)) {
                        self.deliver(part).await;
                    }
                    continue;
                }
            }
            if nothing_new {
                let rest = full_at.map(|due| due.saturating_duration_since(Instant::now()));
                sleep(self.mapping.poll_interval.min(rest.unwrap_or(Duration::MAX))).await;
            }
        }
        self.shard
    }

    fn take(&mut self, page: Page, batch: &mut Vec<Record>) {
        self.place = page.next;
        let now = since_1970();
        for json in page.records {
            let record = Record::new(json, now);
            self.read = Some(record.sequence_number.clone());
            if let_through(self.mapping.filters, &record.json) {
                batch.push(record);
            }
        }
    }

    /// Finds the place again that was lost, or waits for a database that does not answer.
    async fn recover(&mut self, error: &StreamError) {
        if error.has_lost_its_place() {
            let after = self.read.as_deref();
            let kind = if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
            let found = match self.streams.iterator(&self.shard, kind, after).await {
                // What came next is gone after a day: the oldest that is left comes next.
                Err(error) if error.has_lost_its_place() => {
                    self.streams.iterator(&self.shard, "TRIM_HORIZON", None).await
                }
                found => found,
            };
            if let Ok(place) = found {
                self.place = Some(place);
                return;
            }
        } else {
            terminal::warn(&format!("the table's stream cannot be read ({error}): it is tried again"));
        }
        sleep(AFTER_FAILURE).await;
    }

    async fn deliver(&self, records: Vec<Record>) {
        let rules = Rules {
            bisect: self.mapping.bisect_batch_on_function_error,
            most_retries: self.mapping.maximum_retry_attempts,
            most_age: self.mapping.maximum_record_age,
        };
        let mut delivery = Delivery::new(records, rules);
        let mut error = None;
        while let Some(wait) = delivery.wait() {
            sleep(wait).await;
            self.report(&mut delivery, &mut error, since_1970());
            let Some(records) = delivery.next() else { break };
            let event = json!({ "Records": records.iter().map(|record| &record.json).collect::<Vec<_>>() });
            let outcome = match self.function.invoke(event).await {
                Ok(output) => outcome(&output, records, self.mapping.report_batch_item_failures),
                Err(failure) => {
                    error = Some(failure.0);
                    Outcome::Failed
                }
            };
            delivery.told(outcome);
        }
        self.report(&mut delivery, &mut error, since_1970());
    }

    /// Puts what is given up into the queue.
    fn report(&self, delivery: &mut Delivery, error: &mut Option<String>, now: Duration) {
        delivery.discard_old(now);
        for given_up in delivery.given_up() {
            self.queue.push(Discarded {
                condition: given_up.condition,
                records: given_up.records.into_iter().map(|record| record.json).collect(),
                invocations: given_up.failures,
                error: error.take(),
                shard_id: self.shard.clone(),
                stream_arn: self.streams.arn.clone(),
            });
        }
    }
}

/// How a function says that a batch went.
fn outcome(output: &Value, records: &[Record], reports: bool) -> Outcome {
    if !reports || output.is_null() || output == "" {
        return Outcome::Delivered;
    }
    let failures = match output.get("batchItemFailures") {
        None | Some(Value::Null) if output.is_object() => return Outcome::Delivered,
        Some(Value::Array(failures)) => failures,
        _ => return Outcome::Failed,
    };
    let position = |failure: &Value| {
        let id = failure["itemIdentifier"].as_str()?;
        records.iter().position(|record| record.sequence_number == id)
    };
    let Some(positions) = failures.iter().map(position).collect::<Option<Vec<_>>>() else { return Outcome::Failed };
    positions.into_iter().min().map_or(Outcome::Delivered, Outcome::FailedFrom)
}

/// A batch in as many parts as Lambda would need to hand it over.
fn parts(records: Vec<Record>) -> Vec<Vec<Record>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for record in records {
        let length = record.json.to_string().len();
        if bytes + length > MOST_BYTES && bytes > 0 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += length;
        if let Some(part) = parts.last_mut() {
            part.push(record);
        }
    }
    parts
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sequence_number: &str, text: &str) -> Record {
        Record::new(json!({ "dynamodb": { "SequenceNumber": sequence_number }, "text": text }), Duration::ZERO)
    }

    #[test]
    fn the_first_record_that_a_function_reports_is_where_it_failed() {
        let records = ["1", "2", "3"].map(|number| record(number, ""));
        let report = |ids: &[&str]| {
            let failures: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            outcome(&json!({ "batchItemFailures": failures }), &records, true)
        };
        assert_eq!(report(&["3", "2"]), Outcome::FailedFrom(1));
        assert_eq!(report(&[]), Outcome::Delivered);
        assert_eq!(report(&["7"]), Outcome::Failed);
        assert_eq!(report(&["2", ""]), Outcome::Failed);
    }

    #[test]
    fn an_empty_answer_is_success_and_a_malformed_one_failure() {
        let records = [record("1", "")];
        for output in [json!(null), json!(""), json!({}), json!({ "batchItemFailures": null })] {
            assert_eq!(outcome(&output, &records, true), Outcome::Delivered, "{output}");
        }
        for output in [
            json!("done"),
            json!([]),
            json!({ "batchItemFailures": "1" }),
            json!({ "batchItemFailures": [{ "itemIdentifier": null }] }),
            json!({ "batchItemFailures": [{ "identifier": "1" }] }),
        ] {
            assert_eq!(outcome(&output, &records, true), Outcome::Failed, "{output}");
            assert_eq!(outcome(&output, &records, false), Outcome::Delivered, "{output}");
        }
    }

    #[test]
    fn a_batch_is_handed_over_in_parts_of_six_megabytes() {
        let large = "x".repeat(2_500_000);
        let records = ["1", "2", "3", "4", "5"].map(|number| record(number, &large));
        let sizes: Vec<_> = parts(records.into()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 2, 1]);
        let huge = "x".repeat(7_000_000);
        assert_eq!(parts(vec![record("1", &huge), record("2", "")]).len(), 2);
    }
}
