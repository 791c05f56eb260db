//! The embedded engine: a DynamoDB emulator on SQLite inside this process. It starts at once and needs nothing.

use std::future;

use tokio::net::TcpListener;

use super::Storage;
use crate::failure::{Context, Result};
use crate::terminal;

pub(crate) async fn start(port: u16, storage: &Storage) -> Result<()> {
    let database = match storage {
        Storage::Memory => dynoxide::Database::memory(),
        Storage::Folder(data) => dynoxide::Database::new(&data.path.join("confab.sqlite").to_string_lossy()),
    }
    .context("cannot open the embedded database")?;
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .context(format!("cannot listen on port {port} for the embedded database"))?;
    tokio::spawn(async move {
        // It serves as long as this process lives, since SQLite loses nothing that it has acknowledged.
        if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, future::pending()).await {
            terminal::warn(&format!("the embedded database stopped: {error}"));
        }
    });
    Ok(())
}
