//! `cargo dev schema`: the documents that `/api/schema/` and `/api/schema/events/` hand out.

use std::fs;

use clap::Args;
use shared::http::openapi;
use shared::sockets::asyncapi;

use crate::failure::{Context, Failure, Result};
use crate::{functions, terminal, workspace};

/// Write functions/root/openapi.json and asyncapi.json from what the functions declare
#[derive(Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self) -> Result<()> {
        let document = openapi::document(functions::with_http().map(|function| (function.name, (function.routes)())));
        let json = document.to_pretty_json().context("the document cannot be written as JSON")?;
        write("openapi.json", &json)?;
        let events = asyncapi::document().map_err(|error| Failure::new(error.to_string()))?;
        write("asyncapi.json", &format!("{events:#}"))
    }
}

fn write(name: &str, json: &str) -> Result<()> {
    let path = workspace::root().join("functions/root").join(name);
    let previous = fs::read_to_string(&path).unwrap_or_default();
    let written = format!("{json}\n");
    let unchanged = previous == written;
    fs::write(&path, written).context(format!("cannot write {}", workspace::shown(&path)))?;
    let outcome = if unchanged { "is unchanged" } else { "is written anew: commit it" };
    terminal::say(format!("{} {outcome}.", workspace::shown(&path)));
    Ok(())
}
