//! Items that are asked for at the same time are got by one call. Each call costs processor time, and calls side by side
//! need a connection each: the second one's handshakes would stand in the first request of a cold function.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// The latest round of each consistency.
#[derive(Default)]
struct Gathering {
    strong: Mutex<Option<Round>>,
    eventual: Mutex<Option<Round>>,
}

/// Takes in who comes before it is under way.
struct Round {
    keys: Keys,
    found: Found,
}

/// Nothing once the round is under way.
type Keys = Arc<Mutex<Option<Vec<Key>>>>;

/// Whoever waits drives it: nobody depends on the others.
type Found = Shared<BoxFuture<'static, Result<Arc<[Item]>, Failure>>>;

/// What `work` gets at the same time, it gets in one call.
pub(super) async fn gathered<T>(work: impl Future<Output = T>) -> T {
    GATHERING.scope(Gathering::default(), work).await
}

impl Store {
    pub(super) async fn get(&self, key: Key, consistency: Consistency) -> Result<Option<Item>, Failure> {
        let Ok(found) = GATHERING.try_with(|gathering| gathering.found(self, &key, consistency)) else {
            return self.get_alone(key, consistency, Call::begin()).boxed().await;
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
        let mut latest = lock(match consistency {
            Consistency::Strong => &self.strong,
            Consistency::Eventual => &self.eventual,
        });
        if !latest.as_ref().is_some_and(|round| round.takes_in(key)) {
            *latest = None;
        }
        latest.get_or_insert_with(|| Round::of(key.clone(), store.clone(), consistency)).found.clone()
    }
}

impl Round {
    fn of(first: Key, store: Store, consistency: Consistency) -> Self {
        let keys = Keys::new(Mutex::new(Some(vec![first])));
        // A round trip begins when the first one asks, not when the last has come.
        let (gathered, metered) = (keys.clone(), Call::begin());
        let found = async move {
            let keys = lock(&gathered).take().unwrap_or_default();
            Ok(store.get_gathered(&keys, consistency, metered).await?.into())
        };
        Self { keys, found: found.boxed().shared() }
    }

    /// Whether it does; it does not once it is under way.
    fn takes_in(&self, key: &Key) -> bool {
        let mut keys = lock(&self.keys);
        if let Some(keys) = keys.as_mut()
            && !keys.contains(key)
        {
            keys.push(key.clone());
        }
        keys.is_some()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
