//! Several items as they stood at one moment.

use aws_sdk_dynamodb::types::{Get, ReturnConsumedCapacity, TransactGetItem};

use crate::store::Store;
use crate::store::calls::{Failure, call, key_item};
use crate::store::item::Item;
use crate::store::keys::Key;
use crate::store::meter::Direction;

impl Store {
    /// What stands under at most 100 keys, in their order, at one moment: at twice the price of a strongly consistent
    /// read, for judging what belongs together.
    pub(super) async fn snapshot(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, Failure> {
        let wanted = keys.iter().map(|key| {
            let get = Get::builder().table_name(&self.table_name).set_key(Some(key_item(key.clone()))).build();
            TransactGetItem::builder().get(get.expect("table and key are set")).build()
        });
        let request = self
            .client
            .transact_get_items()
            .set_transact_items(Some(wanted.collect()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = call(Direction::Read, || request.clone().send()).await?;
        Ok(answer.responses.unwrap_or_default().into_iter().map(|response| response.item).collect())
    }
}
