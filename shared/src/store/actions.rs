//! What a transaction is made of, for [`Store::transact`].

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
    Update,
};

use super::Store;
use super::calls::key_item;
use super::item::Item;
use super::keys::{Key, PK};

impl Store {
    /// Writes an item where none stands.
    pub(super) fn putting_new(&self, item: Item) -> TransactWriteItem {
        let put = Put::builder()
            .table_name(&self.table_name)
            .set_item(Some(item))
            .condition_expression(format!("attribute_not_exists({PK})"))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .expect("table and item are set");
        TransactWriteItem::builder().put(put).build()
    }

    /// Writes an item, whatever stands there.
    pub(super) fn putting(&self, item: Item) -> TransactWriteItem {
        let put =
            Put::builder().table_name(&self.table_name).set_item(Some(item)).build().expect("table and item are set");
        TransactWriteItem::builder().put(put).build()
    }

    /// Changes an item on a condition.
    pub(super) fn updating(
        &self,
        key: Key,
        expression: &str,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> TransactWriteItem {
        let values = expression_values(values);
        let update = Update::builder()
            .table_name(&self.table_name)
            .set_key(Some(key_item(key)))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }

    /// Changes nothing; fails unless the item stands.
    pub(super) fn requiring(&self, key: Key) -> TransactWriteItem {
        let check = ConditionCheck::builder()
            .table_name(&self.table_name)
            .set_key(Some(key_item(key)))
            .condition_expression(format!("attribute_exists({PK})"))
            .build()
            .expect("table, key and condition are set");
        TransactWriteItem::builder().condition_check(check).build()
    }

    /// Removes an item, whether it stands or not.
    pub(super) fn deleting(&self, key: Key) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(&self.table_name)
            .set_key(Some(key_item(key)))
            .build()
            .expect("table and key are set");
        TransactWriteItem::builder().delete(delete).build()
    }

    /// Removes an item on a condition.
    pub(super) fn deleting_if(
        &self,
        key: Key,
        condition: &str,
        values: impl IntoIterator<Item = (&'static str, AttributeValue)>,
    ) -> TransactWriteItem {
        let delete = Delete::builder()
            .table_name(&self.table_name)
            .set_key(Some(key_item(key)))
            .condition_expression(condition)
            .set_expression_attribute_values(Some(expression_values(values)))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .expect("table and key are set");
        TransactWriteItem::builder().delete(delete).build()
    }
}

fn expression_values(values: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Item {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
