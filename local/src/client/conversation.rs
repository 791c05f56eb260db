//! A conversation as a connected client knows it: its log, and what is missing in it.

use std::time::Duration;

use tokio::time::Instant;

use super::Log;

/// The longest wait before something that is still missing is asked for again.
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(10);

pub(super) struct Conversation {
    pub(super) log: Log,
    /// Where it stood when it was last asked about by itself.
    pub(super) cursor: Option<String>,
    pub(super) gap: Option<Gap>,
    /// Whether the cursor over all conversations knows it, and so will tell of its end.
    pub(super) in_cursor: bool,
}

/// Something is missing.
pub(super) struct Gap {
    pub(super) due: Instant,
    wait: Duration,
}

impl Conversation {
    pub(super) fn new(log: Log) -> Self {
        Self { log, cursor: None, gap: None, in_cursor: false }
    }

    pub(super) fn look_for_gap(&mut self, hold: Duration) {
        if !self.log.has_gap() {
            self.gap = None;
        } else if self.gap.is_none() {
            self.gap = Some(Gap { due: Instant::now() + hold, wait: hold });
        }
    }
}

impl Gap {
    /// It was asked for in vain.
    pub(super) fn wait_longer(&mut self) {
        self.wait = (self.wait * 2).min(LONGEST_HOLD);
        self.due = Instant::now() + self.wait;
    }
}
