//! What a request costs: sequential round trips to DynamoDB and capacity units, counted at the SDK's boundary.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::types::ConsumedCapacity;
use aws_smithy_runtime_api::client::retries::RequestAttempts;

use super::gathering::gathered;

tokio::task_local! {
    static METER: Meter;
}

/// Counts what is spent by the work within [`Meter::measure`].
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Spent>>);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// The longest chain of calls of which each began after the one before had answered.
    pub round_trips: u32,
    /// Read request units.
    pub rru: f64,
    /// Write request units.
    pub wru: f64,
    /// Attempts beyond each call's first: of the SDK, and ours where a transaction was throttled.
    pub retries: u32,
    /// Calls that lost against a concurrent transaction.
    pub conflicts: u32,
    /// Numbers of dead writers that were filled with voids.
    pub voids: u32,
    /// Frames posted to open sockets, the ones that nobody got among them.
    pub posts: u32,
}

/// What seldom happens.
#[derive(Clone, Copy)]
pub(crate) enum Happened {
    Retry,
    Conflict,
    Void,
    Post,
}

#[derive(Clone, Copy)]
pub(super) enum Direction {
    Read,
    Write,
}

impl Meter {
    /// Counts what `work` spends. What it gets at the same time, it gets in one call.
    pub async fn measure<T>(&self, work: impl Future<Output = T>) -> T {
        METER.scope(self.clone(), gathered(work)).await
    }

    /// What was spent so far by the work around the caller of this.
    pub fn spent_here() -> Spent {
        METER.try_with(Self::spent).unwrap_or_default()
    }

    pub fn spent(&self) -> Spent {
        *self.lock()
    }

    /// Counts what happened by the work around the caller of this.
    pub(crate) fn note(happened: Happened) {
        // Work that nobody measures is not counted.
        let _ = METER.try_with(|meter| {
            let mut spent = meter.lock();
            let count = match happened {
                Happened::Retry => &mut spent.retries,
                Happened::Conflict => &mut spent.conflicts,
                Happened::Void => &mut spent.voids,
                Happened::Post => &mut spent.posts,
            };
            *count += 1;
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Spent> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// One call under way.
#[derive(Clone)]
pub(super) struct Call {
    meter: Option<Meter>,
    depth: u32,
}

impl Call {
    pub(super) fn begin() -> Self {
        let meter = METER.try_with(Meter::clone).ok();
        let depth = meter.as_ref().map_or(0, |meter| meter.lock().round_trips + 1);
        Self { meter, depth }
    }

    pub(super) fn answered(self, direction: Direction, consumed: &[ConsumedCapacity]) {
        let Some(meter) = self.meter else { return };
        let mut spent = meter.lock();
        spent.round_trips = spent.round_trips.max(self.depth);
        let units: f64 = consumed.iter().filter_map(ConsumedCapacity::capacity_units).sum();
        match direction {
            Direction::Read => spent.rru += units,
            Direction::Write => spent.wru += units,
        }
    }
}

/// Counts the SDK's own attempts, of which its answers say nothing.
#[derive(Debug)]
pub(super) struct CountRetries;

impl Intercept for CountRetries {
    fn name(&self) -> &'static str {
        "CountRetries"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if bag.load::<RequestAttempts>().is_some_and(|attempts| attempts.attempts() > 1) {
            Meter::note(Happened::Retry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call::begin()
    }

    #[tokio::test]
    async fn calls_side_by_side_are_one_round_trip_and_calls_in_turn_are_several() {
        let meter = Meter::default();
        meter
            .measure(async {
                let (slow, quick) = (call(), call());
                quick.answered(Direction::Read, &[]);
                let after_quick = call();
                slow.answered(Direction::Read, &[]);
                after_quick.answered(Direction::Read, &[]);
            })
            .await;
        assert_eq!(meter.spent().round_trips, 2);
    }

    #[tokio::test]
    async fn units_add_up_by_direction() {
        let meter = Meter::default();
        let units = |units| [ConsumedCapacity::builder().capacity_units(units).build()];
        meter
            .measure(async {
                call().answered(Direction::Read, &units(0.5));
                call().answered(Direction::Read, &units(1.0));
                call().answered(Direction::Write, &units(2.0));
            })
            .await;
        assert_eq!(meter.spent(), Spent { round_trips: 3, rru: 1.5, wru: 2.0, ..Spent::default() });
    }
}
