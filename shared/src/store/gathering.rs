//! Items that are asked for at the same time are got by one call. Each call costs processor time, and calls side by side
//! need a connection each: the second one's handshakes would stand in the first request of a cold function.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::Store;
use super::calls::{Consistency, Failure};
use super::item::{Item, Reader};
use super::keys::Key;
use super::meter::Call;

tokio::task_local! {
    static GATHERING: Gathering;
}

/// The next round of each consistency: who comes before it is under way takes part in it.
#[derive(Clone, Default)]
struct Gathering(Arc<Mutex<Rounds>>);

#[derive(Default)]
struct Rounds {
    strong: Option<Round>,
    eventual: Option<Round>,
}

struct Round {
    keys: Vec<Key>,
    found: Found,
}

/// Whoever waits drives it: nobody depends on the others.
type Found = Shared<BoxFuture<'static, Result<Arc<[Item]>, Failure>>>;

/// What `work` gets at the same time, it gets in one call.
pub(super) async fn gathered<T>(work: impl Future<Output = T>) -> T {
    GATHERING.scope(Gathering::default(), work).await
}

impl Store {
    pub(super) async fn get(&self, key: Key, consistency: Consistency) -> Result<Option<Item>, Failure> {
        let Ok(found) = GATHERING.try_with(|gathering| gathering.found(self, &key, consistency)) else {
            return self.get_alone(key, consistency, Call::begin()).await;
        };
        // Lets everybody come who asks at the same time; whoever waits for what is found first has it looked for.
        tokio::task::yield_now().await;
        let items = found.await?;
        Ok(items.iter().find(|item| Reader(item).key().is_ok_and(|found| found == key)).cloned())
    }

    async fn get_gathered(&self, keys: &[Key], consistency: Consistency, metered: Call) -> Result<Vec<Item>, Failure> {
        match keys {
            [] => Ok(Vec::new()),
            [key] => Ok(self.get_alone(key.clone(), consistency, metered).await?.into_iter().collect()),
            keys => self.batch_get_metered(keys, consistency, &metered).await,
        }
    }
}

impl Gathering {
    fn found(&self, store: &Store, key: &Key, consistency: Consistency) -> Found {
        let mut rounds = self.lock();
        let round = rounds.of(consistency).get_or_insert_with(|| Round {
            keys: Vec::new(),
            // A round trip begins when the first one asks, not when the last has come.
            found: self.clone().round(store.clone(), consistency, Call::begin()).boxed().shared(),
        });
        if !round.keys.contains(key) {
            round.keys.push(key.clone());
        }
        round.found.clone()
    }

    async fn round(self, store: Store, consistency: Consistency, metered: Call) -> Result<Arc<[Item]>, Failure> {
        let gathered = self.lock().of(consistency).take();
        let keys = gathered.map(|round| round.keys).unwrap_or_default();
        Ok(store.get_gathered(&keys, consistency, metered).await?.into())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Rounds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rounds {
    fn of(&mut self, consistency: Consistency) -> &mut Option<Round> {
        match consistency {
            Consistency::Strong => &mut self.strong,
            Consistency::Eventual => &mut self.eventual,
        }
    }
}
