//! A table as a file of lines, and a file of lines as a table.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::SystemTime;

use futures::{StreamExt, stream};
use shared::domain::Timestamp;
use shared::store::{ExportedItem, Restored, Store, TURNS};

use super::patiently;
use super::report::{Outcome, Report, Thing};
use super::takeover::Count;
use crate::failure::{Context, Failure, Result};
use crate::progress::Progress;
use crate::table;

/// How many items, or bytes of their lines, are restored together; the longest item has 400 KB.
const ITEMS_TOGETHER: usize = 50;
const BYTES_TOGETHER: usize = 1024 * 1024;

/// How many such lots are on their way at once.
const LOTS_AT_ONCE: usize = 2;

/// Writes everything, and counts it by kind.
pub(crate) async fn export(store: &Store, out: &mut impl Write) -> Result<BTreeMap<String, usize>> {
    let (mut counts, mut from) = (BTreeMap::new(), None);
    loop {
        let part = store.export(from).await.map_err(|error| table::failure("cannot read the table", error))?;
        for item in &part.0 {
            let line = item.to_line().map_err(|error| table::failure("cannot export an item", error))?;
            writeln!(out, "{line}").context("cannot write the export")?;
            *counts.entry(item.kind().to_owned()).or_default() += 1;
        }
        from = part.1;
        if from.is_none() {
            out.flush().context("cannot write the export")?;
            return Ok(counts);
        }
    }
}

/// What became of each kind of item.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) counts: BTreeMap<String, Count>,
    pub(crate) report: Report,
}

/// Writes every item of an export where nothing stands, turn by turn.
pub(crate) async fn restore(store: &Store, path: &Path, dry_run: bool) -> Result<Outcomes> {
    let mut outcomes = Outcomes::default();
    let mut total = 0;
    for item in items(path)? {
        let count = outcomes.counts.entry(item?.0.kind().to_owned()).or_default();
        count.imported += usize::from(dry_run);
        total += 1;
    }
    if dry_run {
        return Ok(outcomes);
    }
    let (progress, now) = (Progress::of("items", total), Timestamp::from(SystemTime::now()));
    for turn in 0..TURNS {
        let chosen = items(path)?.filter(|item| item.as_ref().map_or(true, |(item, _)| item.turn() == turn));
        let mut coming = stream::iter(lots(chosen))
            .map(async |lot| {
                let lot = lot?;
                let restored = patiently(|| store.restore(lot.clone(), now)).await;
                restored.map_err(|error| table::failure("cannot restore items", error))
            })
            .buffer_unordered(LOTS_AT_ONCE);
        while let Some(came) = coming.next().await {
            for (item, restored) in came? {
                outcomes.count(&item, restored);
                progress.add(1);
            }
        }
    }
    // What a table holds beside its items may be older than they are.
    store.migrate().await.map_err(|error| table::failure("cannot migrate the table", error))?;
    Ok(outcomes)
}

impl Outcomes {
    fn count(&mut self, item: &ExportedItem, restored: Restored) {
        let count = self.counts.entry(item.kind().to_owned()).or_default();
        match restored {
            Restored::Now => count.imported += 1,
            Restored::Before => count.before += 1,
            Restored::Differs => {
                self.report.add(Outcome::Differs, Thing::Item, item.name(), "something else is here under its key");
            }
            Restored::Expired => self.report.add(Outcome::Skipped, Thing::Item, item.name(), "its time is over"),
        }
    }
}

/// Every item of a file, with the length of its line.
fn items(path: &Path) -> Result<impl Iterator<Item = Result<(ExportedItem, usize)>>> {
    let name = path.display().to_string();
    let file = File::open(path).context(format!("cannot open {name}"))?;
    Ok((1_u64..).zip(BufReader::new(file).lines()).map(move |(number, line)| {
        let line = line.context(format!("cannot read {name}"))?;
        let item = ExportedItem::from_line(&line)
            .ok_or_else(|| Failure::new(format!("line {number} of {name} is none that `cargo dev export` writes")))?;
        Ok((item, line.len()))
    }))
}

/// Items by as many as are restored together.
fn lots(
    mut items: impl Iterator<Item = Result<(ExportedItem, usize)>>,
) -> impl Iterator<Item = Result<Vec<ExportedItem>>> {
    std::iter::from_fn(move || {
        let (mut lot, mut bytes) = (Vec::new(), 0);
        while lot.len() < ITEMS_TOGETHER && bytes < BYTES_TOGETHER {
            match items.next() {
                None => break,
                Some(Err(failure)) => return Some(Err(failure)),
                Some(Ok((item, length))) => {
                    bytes += length;
                    lot.push(item);
                }
            }
        }
        (!lot.is_empty()).then_some(Ok(lot))
    })
}
