//! `cargo dev migrate`: the table as this version needs it.

use clap::Args;
use shared::store::Migration;

use crate::failure::Result;
use crate::table::{self, Place};
use crate::terminal;

/// Create the table, or bring it up to date
#[derive(Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    place: Place,
}

impl Migrate {
    pub(crate) async fn run(self) -> Result<()> {
        let store = self.place.connect().await?;
        match store.migrate().await.map_err(|error| table::failure("cannot migrate the table", error))? {
            Migration::Created => terminal::say("Created."),
            Migration::Updated(changes) => terminal::say(format!("Updated: {}.", changes.join(", "))),
            Migration::Unchanged => terminal::say("Nothing to do: it is up to date."),
        }
        Ok(())
    }
}
