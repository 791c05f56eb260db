//! Failed logins, each an item of its own: however many fail at once, and however often a write is repeated, each counts
//! once. Those before an account's latest login count no more; DynamoDB clears what is over.

use std::time::Duration;

use super::Account;
use crate::domain::id::Nonce;
use crate::domain::login::{
    ACCOUNT_LIMIT, ACCOUNT_WINDOW, ADDRESS_LIMIT, ADDRESS_WINDOW, Attempt, wait_of_account, wait_of_address,
};
use crate::domain::{Error, Timestamp};
use crate::store::Store;
use crate::store::calls::Consistency;
use crate::store::item::{Item, Reader, Writer, text};
use crate::store::keys::{
    EXPIRES_AT, Key, PK, SK, account_failures_partition, address_failures_partition, failure_sort,
};

impl Store {
    /// The account whose password is to be checked, if there is one; refused while too many attempts failed. What is
    /// read does not depend on whether there is one.
    pub async fn account_to_check(&self, attempt: &Attempt, now: Timestamp) -> Result<Option<Account>, Error> {
        let guard = async {
            match &attempt.email {
                Some(email) => self.account(email).await,
                None => Ok(None),
            }
        };
        let of_address = async {
            match &attempt.origin {
                Some(origin) => {
                    let partition = address_failures_partition(origin);
                    self.failures(partition, now - ADDRESS_WINDOW, ADDRESS_LIMIT, Consistency::Eventual).await
                }
                None => Ok(Vec::new()),
            }
        };
        let of_account = account_failures_partition(&attempt.account);
        let of_account = self.failures(of_account, now - ACCOUNT_WINDOW, ACCOUNT_LIMIT, Consistency::Strong);
        let (account, mut of_account, of_address) = tokio::try_join!(guard, of_account, of_address)?;
        if let Some(signed_in_at) = account.as_ref().and_then(|account| account.signed_in_at) {
            of_account.retain(|failure| *failure > signed_in_at);
        }
        match wait_of_account(&of_account, now).max(wait_of_address(&of_address, now)) {
            Duration::ZERO => Ok(account),
            wait => Err(Error::Throttled(wait)),
        }
    }

    /// Counts an attempt whose credentials did not fit, against the account and where it came from.
    pub async fn count_failure(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Error> {
        let nonce = Nonce::unique();
        let failure = |partition: String, window: Duration| -> Item {
            Writer::at(Key::failure(partition, now, nonce)).integer(EXPIRES_AT, (now + window).epoch_seconds()).build()
        };
        let mut failures = vec![failure(account_failures_partition(&attempt.account), ACCOUNT_WINDOW)];
        failures.extend(
            attempt.origin.as_deref().map(|origin| failure(address_failures_partition(origin), ADDRESS_WINDOW)),
        );
        Ok(self.put_all(failures).await?)
    }

    /// When the latest failures after `start` were, newest first.
    async fn failures(
        &self,
        partition: String,
        start: Timestamp,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Vec<Timestamp>, Error> {
        let query = self
            .query(consistency)
            .key_condition_expression(format!("{PK} = :partition AND {SK} > :start"))
            .expression_attribute_values(":partition", text(partition))
            .expression_attribute_values(":start", text(failure_sort(start)))
            .scan_index_forward(false)
            .limit(limit as i32);
        self.rows(query).await?.items.iter().map(|item| Reader(item).sort_instant()).collect()
    }
}
