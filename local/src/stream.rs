//! The event source mapping: hands the table's stream to a function, as Lambda does.
//!
//! Followed: the pages "Process DynamoDB records with Lambda", "Configuring partial batch response" and "Retain discarded
//! records" of Lambda's developer guide. What is delivered again, cut in two or given up is decided in `delivery.rs`,
//! without any input or output. Where the guide is silent, this decides:
//!
//! - A batch that was done in part goes on from there, and its failures are counted anew: only a batch that fails at its
//!   first record has made no progress.
//! - With bisection, such a batch is cut in halves, which counts as no retry; so a poisoned record ends up alone, and in
//!   the queue alone.
//! - A function that reports an id that is no record of the batch has failed with all of it.
//! - Between a failure and the next attempt it waits 100 ms, and each time twice as long, up to 3 s.
//! - A record's age counts from its creation; but DynamoDB Local tells that by the minute, so within the first minute it
//!   counts from when the record was read.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::invoke::Function;
use crate::terminal;

mod api;
mod delivery;
mod discarded;
mod filter;
mod shard;
#[cfg(test)]
mod tests;

pub use api::StreamError;
use api::{Shard, Streams};
use discarded::Queue;
pub use discarded::{Condition, Discarded};
pub use filter::{Filter, WORTH_TELLING};
use shard::{Follower, Position};

/// How often it looks for shards that nobody told it of.
const LOOK_FOR_SHARDS: Duration = Duration::from_secs(30);
/// How long it waits before it asks again a database that has failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What a mapping is set to, by the names that CloudFormation has for it.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    pub batch_size: usize,
    /// How long a batch may wait to become full.
    pub maximum_batching_window: Duration,
    pub bisect_batch_on_function_error: bool,
    /// Whether the function tells which records failed (`ReportBatchItemFailures`).
    pub report_batch_item_failures: bool,
    /// How often a failed batch is delivered again; for ever if nothing is said.
    pub maximum_retry_attempts: Option<u32>,
    /// How old a record may be when it is delivered.
    pub maximum_record_age: Option<Duration>,
    pub starting_position: StartingPosition,
    /// Only records that one of these matches are delivered; all, if there are none (`FilterCriteria`).
    pub filters: &'static [Filter],
    /// How often the stream is asked while nobody writes.
    pub poll_interval: Duration,
}

/// Where a mapping begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartingPosition {
    /// With the oldest record that the stream still has.
    TrimHorizon,
    /// With what is written from now on.
    Latest,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            batch_size: 100,
            maximum_batching_window: Duration::ZERO,
            bisect_batch_on_function_error: true,
            report_batch_item_failures: true,
            maximum_retry_attempts: Some(5),
            maximum_record_age: Some(Duration::from_secs(5 * 60)),
            starting_position: StartingPosition::Latest,
            filters: &[],
            poll_interval: Duration::from_millis(150),
        }
    }
}

/// A mapping that runs until this is dropped or [`Pump::stop`]ped.
pub struct Pump {
    task: JoinHandle<()>,
    queue: Arc<Queue>,
}

impl Pump {
    /// Reads the stream of `table` at `endpoint` and hands it to `function`. Everything that is written after this has
    /// returned is delivered, wherever the mapping starts.
    ///
    /// # Errors
    /// If the database cannot be reached, or the table has no stream.
    pub async fn start(endpoint: &str, table: &str, function: Function, mapping: Mapping) -> Result<Self, StreamError> {
        let streams = Streams::of_table(endpoint, table).await?;
        let queue = Arc::new(Queue::default());
        let mut mapper = Mapper {
            streams,
            function,
            mapping,
            queue: queue.clone(),
            started: HashSet::new(),
            finished: HashSet::new(),
            shards: JoinSet::new(),
        };
        mapper.begin().await?;
        let task = tokio::spawn(mapper.run());
        Ok(Self { task, queue })
    }

    /// All that was given up so far: the on-failure destination.
    #[must_use]
    pub fn discarded(&self) -> Vec<Discarded> {
        self.queue.all()
    }

    /// What is given up next; each is told once.
    pub async fn next_discarded(&self) -> Discarded {
        self.queue.next().await
    }

    /// Reads no further. A batch that the function has is not waited for: as after a crash, it may be delivered again.
    pub async fn stop(self) {
        self.task.abort();
        // It ends at its next await, with all its shards.
        drop(
            timeout(AFTER_FAILURE, async {
                while !self.task.is_finished() {
                    sleep(Duration::from_millis(1)).await
                }
            })
            .await,
        );
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Who follows which shards: a child not before its parent is finished.
struct Mapper {
    streams: Streams,
    function: Function,
    mapping: Mapping,
    queue: Arc<Queue>,
    started: HashSet<String>,
    finished: HashSet<String>,
    /// One task a shard, which ends with its id.
    shards: JoinSet<String>,
}

impl Mapper {
    async fn begin(&mut self) -> Result<(), StreamError> {
        let shards = self.streams.shards().await?;
        if self.mapping.starting_position == StartingPosition::TrimHorizon {
            self.follow_all(&shards, Position::TrimHorizon).await
        } else {
            // Shards that have children are full: nothing will be written there.
            let parents: HashSet<_> = shards.iter().filter_map(|shard| shard.parent.clone()).collect();
            for shard in shards.iter().filter(|shard| parents.contains(&shard.id)) {
                self.started.insert(shard.id.clone());
                self.finished.insert(shard.id.clone());
            }
            self.follow_all(&shards, Position::Latest).await
        }
    }

    /// Begins with each shard whose time has come.
    async fn follow_all(&mut self, shards: &[Shard], position: Position) -> Result<(), StreamError> {
        let known: HashSet<_> = shards.iter().map(|shard| &shard.id).collect();
        for shard in shards {
            let waits = shard.parent.as_ref().is_some_and(|id| known.contains(id) && !self.finished.contains(id));
            if waits || self.started.contains(&shard.id) {
                continue;
            }
            let follower = Follower::begin(
                self.streams.clone(),
                shard.id.clone(),
                position,
                self.function.clone(),
                self.mapping,
                self.queue.clone(),
            )
            .await?;
            self.started.insert(shard.id.clone());
            self.shards.spawn(follower.run());
        }
        Ok(())
    }

    async fn run(mut self) {
        loop {
            tokio::select! {
                Some(finished) = self.shards.join_next() => self.finished.extend(finished),
                () = sleep(LOOK_FOR_SHARDS) => {}
            }
            let looked = async {
                let shards = self.streams.shards().await?;
                // What came into being meanwhile is new as a whole.
                self.follow_all(&shards, Position::TrimHorizon).await
            };
            if let Err(error) = looked.await {
                terminal::warn(&format!("the table's stream cannot be read ({error}): it is tried again"));
                sleep(AFTER_FAILURE).await;
            }
        }
    }
}
