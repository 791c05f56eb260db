//! One process that answers one operation again and again.

use std::time::{Duration, Instant};

use super::sample::Sample;
use super::scene::{Operation, Scene};
use super::usage::{memory, processor_time};
use crate::failure::Result;

/// Requests before those that are counted.
const WARMING: usize = 20;

#[derive(Clone, Debug)]
pub(crate) struct Warm {
    /// From the event to its answer, the database's time within.
    pub(crate) latency: Sample,
    /// Of the function alone, for one request.
    pub(crate) processor: Duration,
    /// Bytes that it took at most.
    pub(crate) peak: u64,
}

/// How often an operation is asked for in all.
pub(crate) fn turns(requests: usize) -> usize {
    WARMING + requests
}

pub(crate) async fn measure(scene: &Scene, operation: &Operation, requests: usize) -> Result<Warm> {
    let mut process = scene.start(operation.function, None).await?;
    for turn in 0..WARMING {
        scene.ask(&mut process, &scene.asked(operation, turn)).await?;
    }
    let pid = process.pid().unwrap_or_default();
    let before = processor_time(pid)?;
    let mut latency = Sample::default();
    for turn in WARMING..turns(requests) {
        let asked = scene.asked(operation, turn);
        let started = Instant::now();
        scene.ask(&mut process, &asked).await?;
        latency.add(started.elapsed());
    }
    let spent = processor_time(pid)?.saturating_sub(before);
    let peak = memory(pid)?.peak;
    Ok(Warm { latency, processor: spent / u32::try_from(requests.max(1)).unwrap_or(u32::MAX), peak })
}
