//! `cargo dev schema`: the OpenAPI document that `/api/schema/` hands out.

use std::fs;

use clap::Args;
use shared::http::openapi;

use crate::failure::{Context, Result};
use crate::{functions, terminal, workspace};

/// Write functions/root/openapi.json from what the functions declare
#[derive(Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self) -> Result<()> {
        let document = openapi::document(functions::with_http().map(|function| (function.name, (function.routes)())));
        let json = document.to_pretty_json().context("the document cannot be written as JSON")?;
        let path = workspace::root().join("functions/root/openapi.json");
        let previous = fs::read_to_string(&path).unwrap_or_default();
        let written = format!("{json}\n");
        let unchanged = previous == written;
        fs::write(&path, written).context(format!("cannot write {}", workspace::shown(&path)))?;
        let outcome = if unchanged { "is unchanged" } else { "is written anew: commit it" };
        terminal::say(format!("{} {outcome}.", workspace::shown(&path)));
        Ok(())
    }
}
