//! What DynamoDB's answers have in common: what they cost, and the name of the call.

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// An answer that tells what it cost.
pub(in crate::store) trait Answer {
    /// Of the call, for the log.
    const CALL: &str;

    fn consumed(&self) -> &[ConsumedCapacity];
}

macro_rules! answers {
    ($($operation:ident :: $output:ident => $many:ident),+ $(,)?) => {
        $(impl Answer for aws_sdk_dynamodb::operation::$operation::$output {
            const CALL: &str = stringify!($operation);

            fn consumed(&self) -> &[ConsumedCapacity] {
                answers!($many self)
            }
        })+
    };
    (one $output:ident) => { $output.consumed_capacity().map(std::slice::from_ref).unwrap_or_default() };
    (many $output:ident) => { $output.consumed_capacity() };
}

answers! {
    get_item::GetItemOutput => one,
    query::QueryOutput => one,
    scan::ScanOutput => one,
    batch_get_item::BatchGetItemOutput => many,
    put_item::PutItemOutput => one,
    update_item::UpdateItemOutput => one,
    delete_item::DeleteItemOutput => one,
    batch_write_item::BatchWriteItemOutput => many,
    transact_get_items::TransactGetItemsOutput => many,
    transact_write_items::TransactWriteItemsOutput => many,
}
