//! What the tool prints. A reader that has gone away (`| head`, a closed terminal) must not keep it from ending its
//! processes, so writing never fails.

use std::fmt::Display;
use std::future::Future;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval_at};

use crate::failure::Result;

/// How long a reader waits before being told that something is still going on.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn say(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}

/// The same; whether there still is a reader.
pub(crate) fn say_if_heard(text: impl Display) -> bool {
    writeln!(stdout(), "{text}").is_ok()
}

pub(crate) fn warn(text: &str) {
    let _ = writeln!(stderr(), "{}", Colour::Yellow.paint(&format!("warning: {text}")));
}

pub(crate) fn complain(text: impl Display) {
    let _ = writeln!(stderr(), "{text}");
}

/// Does one step of a longer piece of work: says what it is, that it is still going on, and how long it took.
pub(crate) async fn step<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    say(format!("{what} …"));
    let started = Instant::now();
    let mut ticks = interval_at(tokio::time::Instant::now() + PATIENCE, PATIENCE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut work = std::pin::pin!(work);
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            _ = ticks.tick() => say(format!("  still at it after {} s", started.elapsed().as_secs())),
        }
    };
    if outcome.is_ok() && started.elapsed() >= PATIENCE {
        say(format!("  done in {} s", started.elapsed().as_secs()));
    }
    outcome
}

#[derive(Clone, Copy)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Grey,
}

impl Colour {
    /// The text in this colour, where somebody sees it on a terminal.
    pub(crate) fn paint(self, text: &str) -> String {
        if !has_colours() {
            return text.to_owned();
        }
        let code = match self {
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Grey => 90,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

pub(crate) fn has_colours() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The text without the colours that another program gave it.
pub(crate) fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\x1b[") {
        plain.push_str(&rest[..start]);
        let sequence = &rest[start + 2..];
        rest = sequence.find(|character: char| character.is_ascii_alphabetic()).map_or("", |end| &sequence[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(without_colours("\x1b[1;31merror\x1b[0m: no"), "error: no");
        assert_eq!(without_colours("plain"), "plain");
        assert_eq!(without_colours("cut \x1b[1"), "cut ");
    }
}
