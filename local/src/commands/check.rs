//! `cargo dev check`: is the table sound?

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::store::{Audit, Violation};

use crate::failure::{Failure, Result};
use crate::table::{self, Place};
use crate::terminal;

/// How many violations are shown; the JSON has all of them.
const SHOWN: usize = 50;

/// How often it is told how far the reading has come.
const INTERVAL: Duration = Duration::from_secs(5);

/// Check that everything in the table fits together
///
/// Reads the whole table and changes nothing; others may write meanwhile. Ends with 1 if something is wrong. What is under
/// way, or heals by itself, is noted and is not wrong. Neither messages nor e-mail addresses are shown.
#[derive(Args)]
pub(crate) struct Check {
    /// Print the report as JSON, with all violations
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

impl Check {
    pub(crate) async fn run(self) -> Result<()> {
        // Standard output is for the report alone.
        let store = self.place.connect_saying(terminal::complain).await?;
        let told = Cell::new(Instant::now());
        let tell = |items| {
            if told.get().elapsed() >= INTERVAL {
                told.set(Instant::now());
                terminal::complain(format!("  {items} items read"));
            }
        };
        let audit = store.audit_telling(Timestamp::from(SystemTime::now()), tell).await;
        let audit = audit.map_err(|error| table::failure("cannot check the table", error))?;
        if self.json {
            terminal::say(to_json(&audit))
        } else {
            report(&audit)
        }
        if audit.violations.is_empty() { Ok(()) } else { Err(Failure::Told) }
    }
}

fn report(audit: &Audit) {
    for (kind, count) in &audit.totals {
        terminal::say(format!("{kind:<22}{count:>12}"));
    }
    if !audit.notes.is_empty() {
        terminal::say("\nUnder way, or healing by itself:");
    }
    for (note, count) in &audit.notes {
        terminal::say(format!("{count:>6} × {note}"));
    }
    if audit.violations.is_empty() {
        terminal::say("\nThe table is sound.");
        return;
    }
    terminal::say("\nWrong:");
    for violation in audit.violations.iter().take(SHOWN) {
        terminal::say(format!("  {violation}"));
    }
    let rest = audit.violations.len().saturating_sub(SHOWN);
    if rest > 0 {
        terminal::say(format!("  and {rest} more (`--json` has them all)"));
    }
    terminal::say(format!("\n{} violations: the table is NOT sound.", audit.violations.len()));
}

fn to_json(audit: &Audit) -> Value {
    let violation = |Violation { sentence, keys }: &Violation| json!({ "sentence": sentence, "keys": keys });
    let violations: Vec<Value> = audit.violations.iter().map(violation).collect();
    let notes: BTreeMap<_, _> = audit.notes.iter().map(|(note, count)| (note.name(), count)).collect();
    json!({ "sound": violations.is_empty(), "totals": audit.totals, "notes": notes, "violations": violations })
}
