//! Cold starts: a process from its start to its first answer, again and again.

use std::fs;
use std::time::{Duration, Instant};

use super::sample::Sample;
use super::scene::{OPERATIONS, Scene};
use super::share::Share;
use super::usage::{Memory, memory};
use crate::failure::{Context, Failure, Result};

/// A function as it starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cold {
    pub(crate) initialisation: Sample,
    pub(crate) first_request: Sample,
    /// Both together.
    pub(crate) whole: Sample,
    /// Bytes that it takes when it waits for its first request.
    pub(crate) at_rest: u64,
}

pub(crate) async fn measure(scene: &Scene, function: &str, share: Option<&Share>, times: usize) -> Result<Cold> {
    let operation = OPERATIONS.iter().find(|operation| operation.function == function);
    let operation = operation.ok_or_else(|| Failure::new(format!("nothing is asked of {function}")))?;
    let mut cold = Cold::default();
    for turn in 0..times {
        let mut process = scene.start(function, share).await?;
        let initialisation = process.initialised().await;
        let initialisation =
            initialisation.map_err(|_| Failure::new(format!("{function} ended before it asked for work")))?;
        let Memory { now, .. } = memory(process.pid().unwrap_or_default())?;
        let asked = scene.asked(operation, turn);
        let started = Instant::now();
        scene.ask(&mut process, &asked).await?;
        let first_request = started.elapsed();
        process.kill().await.context("cannot end a function")?;
        cold.initialisation.add(initialisation);
        cold.first_request.add(first_request);
        cold.whole.add(initialisation + first_request);
        cold.at_rest = cold.at_rest.max(now);
    }
    Ok(cold)
}

impl Cold {
    pub(crate) fn median(&self) -> Duration {
        self.whole.median()
    }
}

/// Bytes of a function's program.
pub(crate) fn size(scene: &Scene, function: &str) -> Result<u64> {
    let program = scene.program(function);
    Ok(fs::metadata(&program).context(format!("{} is not there", program.display()))?.len())
}
