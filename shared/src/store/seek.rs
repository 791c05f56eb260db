//! Seeking instants in conversations' logs: every probe of a round in one round trip.

use futures::future::try_join_all;

use super::Store;
use super::calls::Consistency;
use super::log::Log;
use super::stretch::{Found, Stretch};
use crate::domain::id::{ConversationId, Number};
use crate::domain::message::Entry;
use crate::domain::seek::Seek;
use crate::domain::{Error, Timestamp};

/// How many rounds of probes there may be; what is known after them is true, if not as near as it could be.
const MOST_ROUNDS: usize = 12;

/// How many entries a probe may find void before it gives up.
const VOIDS_PASSED: usize = 2;

impl Store {
    /// Goes on with each of these until it is near; all of them in the same round trips.
    pub(super) async fn seek_all(&self, seeks: &mut [(ConversationId, Seek)]) -> Result<(), Error> {
        for _ in 0..MOST_ROUNDS {
            let probes: Vec<(usize, ConversationId, Number)> = seeks
                .iter()
                .enumerate()
                .flat_map(|(index, (id, seek))| seek.probes().into_iter().map(move |probe| (index, *id, probe)))
                .collect();
            if probes.is_empty() {
                break;
            }
            let found = try_join_all(probes.iter().map(|(_, id, probe)| self.nearest(*id, *probe))).await?;
            for ((index, _, probe), nearest) in probes.into_iter().zip(found) {
                seeks[index].1.found(probe, nearest);
            }
        }
        Ok(())
    }

    /// The nearest number at or before `probe` that is not void, with when it was sent. When a number was sent never
    /// changes, so it may be read at half the price.
    async fn nearest(&self, id: ConversationId, probe: Number) -> Result<Option<(Number, Timestamp)>, Error> {
        let found: Found<Entry> =
            self.stretch(Log::Messages, id, Stretch::back_from(probe), VOIDS_PASSED, Consistency::Eventual).await?;
        Ok(found.entries.iter().find_map(Entry::sent))
    }
}
