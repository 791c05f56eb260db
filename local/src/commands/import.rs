//! `cargo dev import`: what was written elsewhere, here.

use std::fmt::Display;
use std::path::PathBuf;

use clap::Args;
use shared::store::Store;

use crate::failure::Result;
use crate::migration::django::Django;
use crate::migration::report::{Outcome, Report, Thing};
use crate::migration::takeover::{Count, Outcomes, Takeover};
use crate::migration::{Format, backup};
use crate::table::Place;
use crate::terminal;

/// Import the Django app's data, or what `cargo dev export` wrote
///
/// FILE is the app's SQLite database, the JSON that `manage.py dumpdata` writes (without --natural-primary and
/// --natural-foreign), or an export. Nothing that is here is changed: what was imported before is left as it is, so an
/// import that stopped is finished by running it again. Old ids keep leading to what they named; old passwords work, and
/// are hashed anew when their owners sign in.
#[derive(Args)]
pub(crate) struct Import {
    /// What to import
    file: PathBuf,
    /// Read and check everything, say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write everything that was skipped, changed or left as it is to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Import {
    pub(crate) async fn run(self) -> Result<()> {
        let format = Format::of(&self.file)?;
        let store = self.place.connect().await?;
        let report = match format {
            Format::Sqlite => self.take_over(&store, &Django::open_sqlite(&self.file)?).await?,
            Format::Dump => self.take_over(&store, &Django::open_dump(&self.file)?).await?,
            Format::Export => {
                let backup::Outcomes { counts, report } = backup::restore(&store, &self.file, self.dry_run).await?;
                self.head("");
                for (kind, count) in &counts {
                    self.row(kind, *count, "");
                }
                report
            }
        };
        report.print();
        match &self.report {
            Some(path) => report.write(path),
            None => Ok(()),
        }
    }

    async fn take_over(&self, store: &Store, django: &Django) -> Result<Report> {
        let outcomes = Takeover { store, django, dry_run: self.dry_run }.run().await?;
        let Outcomes { people, conversations, messages, second_conversations, report } = outcomes;
        let skipped = |thing| report.count(Outcome::Skipped, thing);
        self.head("skipped");
        self.row("people", people, skipped(Thing::Person));
        self.row("conversations", conversations, skipped(Thing::Conversation));
        self.row("messages", messages, skipped(Thing::Message));
        if second_conversations > 0 {
            terminal::say(format!(
                "\n{second_conversations} × conversation of two people who have another one: now a group. Two people have \
                 one direct conversation here: the one that was active last."
            ));
        }
        Ok(report)
    }

    fn head(&self, skipped: &str) {
        let imported = if self.dry_run { "to import" } else { "imported" };
        terminal::say(format!("{:<14}{imported:>10}{:>15}{skipped:>10}", "", "here before"));
    }

    fn row(&self, what: &str, count: Count, skipped: impl Display) {
        terminal::say(format!("{what:<14}{:>10}{:>15}{skipped:>10}", count.imported, count.before));
    }
}
