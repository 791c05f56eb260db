//! What an import did not take as it was, and why: for whoever runs it, and line by line for a file.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::failure::{Context, Result};
use crate::terminal;

/// How many ids are shown for one reason; the file has all of them.
const SHOWN: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Person,
    Conversation,
    Participant,
    Message,
    Item,
}

impl Display for Thing {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Person => "person",
            Self::Conversation => "conversation",
            Self::Participant => "participant",
            Self::Message => "message",
            Self::Item => "item",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Skipped,
    /// Taken, but not as it was.
    Changed,
    /// Here already, and not the same.
    Differs,
}

impl Display for Outcome {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Skipped => "skipped",
            Self::Changed => "changed",
            Self::Differs => "left as it is here",
        })
    }
}

/// What happened to one thing.
#[derive(Clone, Debug)]
struct Remark {
    outcome: Outcome,
    thing: Thing,
    reason: String,
    id: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Report(Vec<Remark>);

impl Report {
    pub(crate) fn add(&mut self, outcome: Outcome, thing: Thing, id: impl Display, reason: impl Display) {
        self.0.push(Remark { outcome, thing, reason: reason.to_string(), id: id.to_string() });
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn count(&self, outcome: Outcome, thing: Thing) -> usize {
        self.0.iter().filter(|remark| (remark.outcome, remark.thing) == (outcome, thing)).count()
    }

    pub(crate) fn print(&self) {
        let mut groups: BTreeMap<(Outcome, Thing, &str), Vec<&str>> = BTreeMap::new();
        for remark in &self.0 {
            groups.entry((remark.outcome, remark.thing, &remark.reason)).or_default().push(&remark.id);
        }
        for ((outcome, thing, reason), ids) in groups {
            terminal::say(format!("\n{} × {thing} {outcome}: {reason}", ids.len()));
            for id in ids.iter().take(SHOWN) {
                terminal::say(format!("  {id}"));
            }
            if ids.len() > SHOWN {
                terminal::say(format!("  and {} more", ids.len() - SHOWN));
            }
        }
    }

    /// Everything, as JSON lines.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let lines: String = self
            .0
            .iter()
            .map(|Remark { outcome, thing, reason, id }| {
                let (outcome, thing) = (outcome.to_string(), thing.to_string());
                format!("{}\n", json!({ "outcome": outcome, "thing": thing, "id": id, "reason": reason }))
            })
            .collect();
        fs::write(path, lines).context(format!("cannot write {}", path.display()))
    }
}
