//! Moving people and what they wrote: from the Django app into a table, and between tables.

pub(crate) mod backup;
pub(crate) mod conversations;
pub(crate) mod django;
pub(crate) mod people;
pub(crate) mod report;
pub(crate) mod takeover;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use shared::domain::Error;

use crate::failure::{Context, Failure, Result};

/// What a file to be imported is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The Django app's database.
    Sqlite,
    /// What `manage.py dumpdata` wrote.
    Dump,
    /// What `cargo dev export` wrote.
    Export,
}

impl Format {
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let name = path.display();
        let file = File::open(path).context(format!("cannot open {name}"))?;
        let mut head = Vec::new();
        file.take(4096).read_to_end(&mut head).context(format!("cannot read {name}"))?;
        Self::recognise(&head).ok_or_else(|| {
            Failure::new(format!(
                "{name} is none of what can be imported: the Django app's SQLite file, the JSON that \
                 `manage.py dumpdata` writes (not compressed), or what `cargo dev export` writes"
            ))
        })
    }

    fn recognise(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"SQLite format 3\0") {
            return Some(Self::Sqlite);
        }
        match head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start().first() {
            Some(b'[') => Some(Self::Dump),
            Some(b'{') => Some(Self::Export),
            _ => None,
        }
    }
}

/// Seconds between the attempts at what the database cannot do in time.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 16, 32];

/// Tries again, later and later, what the database could not do in time: an import writes faster than a table that has just
/// been made takes it. Everything here may be done twice.
async fn patiently<T, F: Future<Output = std::result::Result<T, Error>>>(
    attempt: impl Fn() -> F,
) -> std::result::Result<T, Error> {
    for pause in PAUSES {
        match attempt().await {
            Err(Error::Unavailable(_)) => tokio::time::sleep(Duration::from_secs(pause)).await,
            outcome => return outcome,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_recognised_by_how_it_begins() {
        assert_eq!(Format::recognise(b"SQLite format 3\0\x10"), Some(Format::Sqlite));
        assert_eq!(Format::recognise(b"\xEF\xBB\xBF \n[{"), Some(Format::Dump));
        assert_eq!(Format::recognise(b"{\"item\""), Some(Format::Export));
        for head in [&b""[..], b"\x1f\x8b\x08", b"PGDMP", b"SQLite format 2"] {
            assert_eq!(Format::recognise(head), None);
        }
    }
}
