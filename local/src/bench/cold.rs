//! Cold starts: a process from its start to its first answer, again and again.

use std::fs;
use std::time::Instant;

use super::sample::Sample;
use super::scene::{OPERATIONS, Scene};
use super::share::Share;
use super::usage::{Memory, memory, processor_time};
use crate::failure::{Context, Failure, Result};

/// A function as it starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cold {
    pub(crate) initialisation: Sample,
    pub(crate) first_request: Sample,
    /// Both together.
    pub(crate) whole: Sample,
    /// Of both, what the function itself spent on a processor: hardly depends on what else the machine does.
    pub(crate) processor: Sample,
    /// Bytes that it takes when it waits for its first request.
    pub(crate) at_rest: u64,
}

/// Starts each of the functions in turn, again and again: whatever else the machine does then slows down all of them.
pub(crate) async fn measure(
    scene: &Scene,
    functions: &[&'static str],
    share: Option<&Share>,
    times: usize,
) -> Result<Vec<(&'static str, Cold)>> {
    let mut colds: Vec<_> = functions.iter().map(|function| (*function, Cold::default())).collect();
    for turn in 0..times {
        for (function, cold) in &mut colds {
            cold.start(scene, function, share, turn).await?;
        }
    }
    Ok(colds)
}

impl Cold {
    async fn start(&mut self, scene: &Scene, function: &str, share: Option<&Share>, turn: usize) -> Result<()> {
        let operation = OPERATIONS.iter().find(|operation| operation.function == function);
        let operation = operation.ok_or_else(|| Failure::new(format!("nothing is asked of {function}")))?;
        let mut process = scene.start(function, share).await?;
        let initialisation = process.initialised().await;
        let initialisation =
            initialisation.map_err(|_| Failure::new(format!("{function} ended before it asked for work")))?;
        let pid = process.pid().unwrap_or_default();
        let Memory { now, .. } = memory(pid)?;
        let asked = scene.asked(operation, turn);
        let started = Instant::now();
        scene.ask(&mut process, &asked).await?;
        let first_request = started.elapsed();
        self.processor.add(processor_time(pid)?);
        process.kill().await.context("cannot end a function")?;
        self.initialisation.add(initialisation);
        self.first_request.add(first_request);
        self.whole.add(initialisation + first_request);
        self.at_rest = self.at_rest.max(now);
        Ok(())
    }
}

/// Bytes of a function's program.
pub(crate) fn size(scene: &Scene, function: &str) -> Result<u64> {
    let program = scene.program(function);
    Ok(fs::metadata(&program).context(format!("{} is not there", program.display()))?.len())
}
