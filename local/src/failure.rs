//! Why a command stopped, in the words that its user reads: one sentence that says what to do.

use std::fmt::{self, Display, Formatter};

use crate::signals::Stop;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The sentence, and the lines of output that belong to it.
    Sentence { text: String, output: Vec<String> },
    /// Somebody asked the command to stop.
    Stopped(Stop),
    /// Everything there is to say has been printed.
    Told,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Sentence { text: text.into(), output: Vec::new() }
    }

    pub(crate) fn with_output(text: impl Into<String>, output: Vec<String>) -> Self {
        Self::Sentence { text: text.into(), output }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Sentence { .. } | Self::Told => 1,
            Self::Stopped(stop) => stop.exit_code(),
        }
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sentence { text, output } => {
                for line in output {
                    writeln!(formatter, "  | {line}")?;
                }
                write!(formatter, "error: {text}")
            }
            Self::Stopped(_) | Self::Told => Ok(()),
        }
    }
}

/// Adds to an error what was being done when it happened.
pub(crate) trait Context<T> {
    fn context(self, doing: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn context(self, doing: impl Display) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{doing}: {error}")))
    }
}
