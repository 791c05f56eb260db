//! How far a long piece of work has come, now and then.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::terminal;

const INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct Progress {
    what: &'static str,
    total: usize,
    done: Cell<usize>,
    started: Instant,
    told: Cell<Instant>,
}

impl Progress {
    pub(crate) fn of(what: &'static str, total: usize) -> Self {
        let now = Instant::now();
        Self { what, total, done: Cell::new(0), started: now, told: Cell::new(now) }
    }

    pub(crate) fn add(&self, count: usize) {
        self.done.set(self.done.get() + count);
        if self.told.get().elapsed() >= INTERVAL {
            self.told.set(Instant::now());
            terminal::say(self.line());
        }
    }

    fn line(&self) -> String {
        let rate = self.done.get() as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        format!("  {} of {} {}, {rate:.0} a second", self.done.get(), self.total, self.what)
    }
}
