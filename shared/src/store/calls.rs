//! The calls to DynamoDB, each metered, its errors turned into outcomes that the access patterns branch on.
//!
//! What DynamoDB left unprocessed is finished here, and a transaction that lost against another or was throttled is tried again;
//! the request's deadline, which ends the whole future, bounds both.

mod answer;

use std::time::Instant;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, ReturnConsumedCapacity,
    ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem, WriteRequest,
};
use futures::future::try_join_all;

use self::answer::Answer;
use super::Store;
use super::attempts::pause;
use super::item::{Item, text};
use super::keys::{Key, PK, SK};
use super::meter::{Call, Direction, Happened, Meter};
use crate::domain::Error;

/// The limits of one call.
const BATCH_GET_LIMIT: usize = 100;
const BATCH_WRITE_LIMIT: usize = 25;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Consistency {
    /// For what authorises, and for what must show one's own acknowledged writes.
    Strong,
    /// Half the price, for what only decorates.
    Eventual,
}

/// Why a call did nothing.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The condition did not hold; the item as it stands, if there is one.
    Condition(Option<Item>),
    /// The transaction's conditions did not hold; for each action whose condition failed, the item that stands there.
    Cancelled(Vec<Option<Item>>),
    /// Lost against a concurrent transaction, more often than it was tried again.
    Conflict,
    /// A transaction was throttled, more often than it was tried again: the SDK repeats only what is not one.
    Throttled,
    Unavailable(String),
    Defect(String),
}

impl From<Failure> for Error {
    /// For calls whose conditions are not expected to fail.
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Condition(_) | Failure::Cancelled(_) => {
                Self::Internal("a condition failed that nothing else could break".to_owned())
            }
            Failure::Conflict => Self::Unavailable("too many concurrent transactions".to_owned()),
            Failure::Throttled => Self::Unavailable("a transaction was throttled".to_owned()),
            Failure::Unavailable(cause) => Self::Unavailable(cause),
            Failure::Defect(cause) => Self::Internal(cause),
        }
    }
}

impl Failure {
    fn of<E: ProvideErrorMetadata>(error: SdkError<E>) -> Self
    where
        aws_sdk_dynamodb::Error: From<SdkError<E>>,
    {
        use aws_sdk_dynamodb::Error as Sdk;
        let cause = format!("{}: {}", error.code().unwrap_or("no answer"), error.message().unwrap_or("from DynamoDB"));
        match &error {
            SdkError::ConstructionFailure(_) => return Self::Defect(format!("a request could not be built: {cause}")),
            SdkError::ServiceError(answer) if !answer.raw().status().is_server_error() => {}
            _ => return Self::Unavailable(cause),
        }
        match Sdk::from(error) {
            Sdk::ConditionalCheckFailedException(failed) => Self::Condition(failed.item),
            Sdk::TransactionCanceledException(cancelled) => {
                Self::of_cancelled(cancelled.cancellation_reasons.unwrap_or_default())
            }
            Sdk::TransactionConflictException(_) | Sdk::TransactionInProgressException(_) => Self::Conflict,
            Sdk::ProvisionedThroughputExceededException(_)
            | Sdk::RequestLimitExceeded(_)
            | Sdk::ThrottlingException(_) => Self::Unavailable(cause),
            _ => Self::Defect(cause),
        }
    }

    fn of_cancelled(reasons: Vec<aws_sdk_dynamodb::types::CancellationReason>) -> Self {
        let has = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
        if has("ConditionalCheckFailed") {
            let failed = reasons.into_iter().map(|reason| {
                (reason.code.as_deref() == Some("ConditionalCheckFailed")).then(|| reason.item.unwrap_or_default())
            });
            Self::Cancelled(failed.collect())
        } else if has("TransactionConflict") {
            Self::Conflict
        } else if has("ThrottlingError") || has("ProvisionedThroughputExceeded") {
            Self::Throttled
        } else {
            // Not the items that stand there: this is for the log.
            let codes: Vec<_> = reasons.iter().map(|reason| reason.code().unwrap_or_default()).collect();
            Self::Defect(format!("a transaction was cancelled: {codes:?}"))
        }
    }
}

/// One page of a query, and where the next begins.
pub(super) struct Rows {
    pub(super) items: Vec<Item>,
    pub(super) next: Option<Item>,
}

impl Store {
    /// One item by a call of its own; [`Store::get`] shares calls.
    pub(super) async fn get_alone(
        &self,
        key: Key,
        consistency: Consistency,
        metered: Call,
    ) -> Result<Option<Item>, Failure> {
        let request = self
            .client
            .get_item()
            .table_name(&self.table_name)
            .set_key(Some(key_item(key)))
            .consistent_read(consistency == Consistency::Strong)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        Ok(metered_call(metered, Direction::Read, || request.clone().send()).await?.item)
    }

    /// All of `keys` that are there, in no order; in one round trip, however many there are.
    pub(super) async fn batch_get(&self, keys: Vec<Key>, consistency: Consistency) -> Result<Vec<Item>, Failure> {
        self.batch_get_metered(&keys, consistency, &Call::begin()).await
    }

    pub(super) async fn batch_get_metered(
        &self,
        keys: &[Key],
        consistency: Consistency,
        metered: &Call,
    ) -> Result<Vec<Item>, Failure> {
        let batches = keys.chunks(BATCH_GET_LIMIT).map(|keys| self.batch_get_once(keys, consistency, metered.clone()));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn batch_get_once(
        &self,
        keys: &[Key],
        consistency: Consistency,
        mut metered: Call,
    ) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::with_capacity(keys.len());
        let mut remaining: Vec<Item> = keys.iter().cloned().map(key_item).collect();
        let mut attempt = 0;
        while !remaining.is_empty() {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(remaining))
                .consistent_read(consistency == Consistency::Strong)
                .build();
            let wanted = wanted.map_err(|error| Failure::Defect(error.to_string()))?;
            let request = self
                .client
                .batch_get_item()
                .request_items(&self.table_name, wanted)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let mut answer = metered_call(metered, Direction::Read, || request.clone().send()).await?;
            items.extend(
                answer.responses.as_mut().and_then(|tables| tables.remove(&self.table_name)).unwrap_or_default(),
            );
            remaining = answer
                .unprocessed_keys
                .as_mut()
                .and_then(|tables| tables.remove(&self.table_name))
                .map(|rest| rest.keys)
                .unwrap_or_default();
            if !remaining.is_empty() {
                pause(&mut attempt).await?;
            }
            metered = Call::begin();
        }
        Ok(items)
    }

    pub(super) fn query(&self, consistency: Consistency) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table_name)
            .consistent_read(consistency == Consistency::Strong)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// One page, as long as its limit or DynamoDB's 1 MB lets it be.
    pub(super) async fn rows(&self, query: QueryFluentBuilder) -> Result<Rows, Failure> {
        let answer = call(Direction::Read, || query.clone().send()).await?;
        Ok(Rows { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key })
    }

    /// One page of the whole table, in no order: for operators.
    pub(super) async fn scan(&self, from: Option<Item>) -> Result<Rows, Failure> {
        let request = self
            .client
            .scan()
            .table_name(&self.table_name)
            .consistent_read(true)
            .set_exclusive_start_key(from)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = call(Direction::Read, || request.clone().send()).await?;
        Ok(Rows { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key })
    }

    /// Every row, page after page: only for what is bounded by nature.
    pub(super) async fn all_rows(&self, query: QueryFluentBuilder) -> Result<Vec<Item>, Failure> {
        let mut page = self.rows(query.clone()).await?;
        let mut items = page.items;
        while let Some(next) = page.next {
            page = self.rows(query.clone().set_exclusive_start_key(Some(next))).await?;
            items.append(&mut page.items);
        }
        Ok(items)
    }

    /// Writes an item where none stands.
    pub(super) async fn put_new(&self, item: Item) -> Result<(), Failure> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table_name)
            .set_item(Some(item))
            .condition_expression(format!("attribute_not_exists({PK})"))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        call(Direction::Write, || request.clone().send()).await.map(drop)
    }

    pub(super) fn update(&self, key: Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table_name)
            .set_key(Some(key_item(key)))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// The attributes that `return_values` asked for.
    pub(super) async fn updated(&self, request: UpdateItemFluentBuilder) -> Result<Item, Failure> {
        Ok(call(Direction::Write, || request.clone().send()).await?.attributes.unwrap_or_default())
    }

    pub(super) async fn delete(&self, key: Key) -> Result<(), Failure> {
        let request = self.deletion(key);
        call(Direction::Write, || request.clone().send()).await.map(drop)
    }

    /// Removes an item if its attribute still has that value, and leaves it otherwise; whether it is gone. Repeated by
    /// the SDK after an answer was lost, it finds the item gone.
    pub(super) async fn delete_if(&self, key: Key, attribute: &str, value: AttributeValue) -> Result<bool, Failure> {
        let request = self
            .deletion(key)
            .condition_expression(format!("{attribute} = :value"))
            .expression_attribute_values(":value", value)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        match call(Direction::Write, || request.clone().send()).await {
            Ok(_) => Ok(true),
            Err(Failure::Condition(standing)) => Ok(standing.is_none()),
            Err(failure) => Err(failure),
        }
    }

    fn deletion(&self, key: Key) -> DeleteItemFluentBuilder {
        self.client
            .delete_item()
            .table_name(&self.table_name)
            .set_key(Some(key_item(key)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// All or nothing, at most 100 actions.
    pub(super) async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<(), Failure> {
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        call(Direction::Write, || request.clone().send()).await.map(drop)
    }

    /// Each on its own, in no order, all of them in the end; in one round trip unless DynamoDB asks for more.
    pub(super) async fn put_all(&self, items: Vec<Item>) -> Result<(), Failure> {
        let writes = items.into_iter().map(|item| {
            let put = PutRequest::builder()
                .set_item(Some(item))
                .build()
                .map_err(|error| Failure::Defect(error.to_string()))?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        self.write_all(writes.collect::<Result<_, Failure>>()?).await
    }

    pub(super) async fn delete_all(&self, keys: Vec<Key>) -> Result<(), Failure> {
        let writes = keys.into_iter().map(|key| {
            let delete = DeleteRequest::builder()
                .set_key(Some(key_item(key)))
                .build()
                .map_err(|error| Failure::Defect(error.to_string()))?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        });
        self.write_all(writes.collect::<Result<_, Failure>>()?).await
    }

    async fn write_all(&self, writes: Vec<WriteRequest>) -> Result<(), Failure> {
        try_join_all(writes.chunks(BATCH_WRITE_LIMIT).map(|writes| self.write_batch(writes.to_vec()))).await.map(drop)
    }

    async fn write_batch(&self, mut remaining: Vec<WriteRequest>) -> Result<(), Failure> {
        let mut attempt = 0;
        while !remaining.is_empty() {
            let request = self
                .client
                .batch_write_item()
                .request_items(&self.table_name, remaining)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let mut answer = call(Direction::Write, || request.clone().send()).await?;
            remaining = answer
                .unprocessed_items
                .as_mut()
                .and_then(|tables| tables.remove(&self.table_name))
                .unwrap_or_default();
            if !remaining.is_empty() {
                pause(&mut attempt).await?;
            }
        }
        Ok(())
    }
}

pub(super) async fn call<O, E, F>(direction: Direction, send: impl Fn() -> F) -> Result<O, Failure>
where
    O: Answer,
    E: ProvideErrorMetadata,
    F: Future<Output = Result<O, SdkError<E>>>,
    aws_sdk_dynamodb::Error: From<SdkError<E>>,
{
    metered_call(Call::begin(), direction, send).await
}

/// The first attempt was metered from when it was asked for.
async fn metered_call<O, E, F>(mut metered: Call, direction: Direction, send: impl Fn() -> F) -> Result<O, Failure>
where
    O: Answer,
    E: ProvideErrorMetadata,
    F: Future<Output = Result<O, SdkError<E>>>,
    aws_sdk_dynamodb::Error: From<SdkError<E>>,
{
    let mut attempt = 0;
    loop {
        let began = Instant::now();
        let answer = Box::pin(send()).await;
        let outcome = answer.as_ref().map_or_else(|error| error.code().unwrap_or("no answer"), |_| "done");
        tracing::debug!(call = O::CALL, us = began.elapsed().as_micros() as u64, outcome, "a call to DynamoDB");
        match answer {
            Ok(answer) => {
                metered.answered(direction, answer.consumed());
                return Ok(answer);
            }
            Err(error) => {
                metered.answered(direction, &[]);
                let failure = Failure::of(error);
                match failure {
                    Failure::Conflict => Meter::note(Happened::Conflict),
                    Failure::Throttled => Meter::note(Happened::Retry),
                    failure => return Err(failure),
                }
                pause(&mut attempt).await.map_err(|_| failure)?;
                metered = Call::begin();
            }
        }
    }
}

pub(super) fn key_item(key: Key) -> Item {
    Item::from([(PK.to_owned(), text(key.pk)), (SK.to_owned(), text(key.sk))])
}
