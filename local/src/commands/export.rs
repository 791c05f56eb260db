//! `cargo dev export`: everything that is here, for elsewhere.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, stdout};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::{Context, Result};
use crate::migration::backup;
use crate::table::Place;
use crate::terminal;

/// Write everything in the table as JSON lines
///
/// The file is SECRET: it holds every message, e-mail address and password hash. Sessions, failed logins and sockets are left out.
/// Each item is written as it stands when it is read: for an export of one moment, let nobody write meanwhile.
/// `cargo dev import` reads it back, into the same table or another.
#[derive(Args)]
pub(crate) struct Export {
    /// Where to; standard output unless given. A new file, which nobody but its owner may read
    file: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Export {
    pub(crate) async fn run(self) -> Result<()> {
        // Standard output is for the lines alone.
        let store = self.place.connect_saying(terminal::complain).await?;
        let counts = match &self.file {
            Some(path) => backup::export(&store, &mut BufWriter::new(create(path)?)).await?,
            None => backup::export(&store, &mut BufWriter::new(stdout().lock())).await?,
        };
        for (kind, count) in counts {
            terminal::complain(format!("{kind:<14}{count:>10}"));
        }
        Ok(())
    }
}

fn create(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.context(format!("cannot make {}", path.display()))
}
