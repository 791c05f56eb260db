//! The mapping on the embedded engine, with a function that is a closure of the test.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::database::{Storage, serve_embedded};
use crate::invoke::FunctionError;
use crate::{ports, web};

const PATIENCE: Duration = Duration::from_secs(10);

/// A table with a stream, and nothing that knows of Confab.
struct Table {
    endpoint: String,
    client: reqwest::Client,
}

impl Table {
    async fn new() -> Self {
        let port = ports::any_free().unwrap();
        serve_embedded(port, &Storage::Memory).await.unwrap();
        let table = Self { endpoint: format!("http://127.0.0.1:{port}"), client: web::client() };
        let definition = json!({
            "TableName": "things",
            "AttributeDefinitions": [{ "AttributeName": "k", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "k", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        table.call("CreateTable", definition).await;
        table
    }

    async fn call(&self, action: &str, request: Value) {
        let sent = self
            .client
            .post(&self.endpoint)
            .header("x-amz-target", format!("DynamoDB_20120810.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .header("x-amz-date", "20260101T000000Z")
            .body(request.to_string());
        let answer = sent.send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{action}: {status} {}", answer.text().await.unwrap());
    }

    async fn put(&self, key: &str, value: u64) {
        let item = json!({ "k": { "S": key }, "v": { "N": value.to_string() } });
        self.call("PutItem", json!({ "TableName": "things", "Item": item })).await;
    }
}

fn keys(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["dynamodb"]["Keys"]["k"]["S"].as_str().unwrap().to_owned()).collect()
}

/// A function that sends its events to the test and answers as the closure says.
fn function(
    answer: impl Fn(&Value) -> Result<Value, FunctionError> + Send + Sync + 'static,
) -> (Function, mpsc::UnboundedReceiver<Value>) {
    let (seen, events) = mpsc::unbounded_channel();
    let function = Function::new(move |event| {
        let output = answer(&event);
        drop(seen.send(event));
        async move { output }
    });
    (function, events)
}

async fn next(events: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    timeout(PATIENCE, events.recv()).await.unwrap().unwrap()
}

/// All keys until `last` has come.
async fn keys_until(events: &mut mpsc::UnboundedReceiver<Value>, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while all.last().is_none_or(|key| key != last) {
        all.extend(keys(&next(events).await));
    }
    all
}

fn done() -> Result<Value, FunctionError> {
    Ok(json!({ "batchItemFailures": [] }))
}

#[tokio::test]
async fn writes_arrive_in_order_and_as_lambda_tells_them() {
    let table = Table::new().await;
    table.put("before", 0).await;
    let (function, mut events) = function(|_| done());
    let pump = Pump::start(&table.endpoint, "things", function, Mapping::default()).await.unwrap();
    table.put("a", 1).await;
    table.put("a", 2).await;
    table.call("DeleteItem", json!({ "TableName": "things", "Key": { "k": { "S": "a" } } })).await;
    let mut records = Vec::new();
    while records.len() < 3 {
        records.extend(next(&mut events).await["Records"].as_array().unwrap().clone());
    }
    let names: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let record = &records[1];
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert_eq!(record["awsRegion"], "us-east-1");
    assert!(record["eventSourceARN"].as_str().unwrap().contains("/stream/"), "{record}");
    assert!(record["eventID"].is_string() && record["eventVersion"].is_string(), "{record}");
    let change = &record["dynamodb"];
    assert_eq!(change["Keys"], json!({ "k": { "S": "a" } }));
    assert_eq!(change["OldImage"]["v"], json!({ "N": "1" }));
    assert_eq!(change["NewImage"]["v"], json!({ "N": "2" }));
    assert_eq!(change["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert!(change["SequenceNumber"].is_string() && change["SizeBytes"].is_number(), "{change}");
    assert!(change["ApproximateCreationDateTime"].is_number(), "{change}");
    assert!(pump.discarded().is_empty());
}

#[tokio::test]
async fn it_can_begin_with_the_oldest_and_fills_batches_no_further_than_it_may() {
    let table = Table::new().await;
    for index in 0..7 {
        table.put(&format!("k{index}"), 0).await;
    }
    let (function, mut events) = function(|_| done());
    let mapping = Mapping { starting_position: StartingPosition::TrimHorizon, batch_size: 3, ..Mapping::default() };
    let _pump = Pump::start(&table.endpoint, "things", function, mapping).await.unwrap();
    let sizes = [next(&mut events).await, next(&mut events).await, next(&mut events).await].map(|e| keys(&e).len());
    assert_eq!(sizes, [3, 3, 1]);
}

#[tokio::test]
async fn a_batch_waits_for_its_window() {
    let table = Table::new().await;
    let (function, mut events) = function(|_| done());
    let mapping = Mapping { maximum_batching_window: Duration::from_secs(1), ..Mapping::default() };
    let _pump = Pump::start(&table.endpoint, "things", function, mapping).await.unwrap();
    for index in 0..4 {
        table.put(&format!("k{index}"), 0).await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(keys(&next(&mut events).await), ["k0", "k1", "k2", "k3"]);
}

#[tokio::test]
async fn a_poisoned_record_alone_ends_in_the_queue_and_holds_up_nobody_for_long() {
    let table = Table::new().await;
    let (function, mut events) = function(|event| match keys(event).iter().position(|key| key == "poison") {
        Some(_) => Err(FunctionError("it broke".to_owned())),
        None => done(),
    });
    let mapping = Mapping {
        maximum_retry_attempts: Some(1),
        maximum_batching_window: Duration::from_millis(500),
        ..Mapping::default()
    };
    let pump = Pump::start(&table.endpoint, "things", function, mapping).await.unwrap();
    for key in ["a", "b", "poison", "c", "d"] {
        table.put(key, 0).await;
    }
    let discarded = timeout(PATIENCE, pump.next_discarded()).await.unwrap();
    assert_eq!(keys(&json!({ "Records": discarded.records })), ["poison"]);
    assert_eq!((discarded.condition, discarded.invocations), (Condition::RetryAttemptsExhausted, 2));
    assert_eq!(discarded.error.as_deref(), Some("it broke"));
    let message = discarded.to_message();
    assert_eq!(message["DDBStreamBatchInfo"]["batchSize"], 1);
    assert!(message["DDBStreamBatchInfo"]["startSequenceNumber"].is_string(), "{message}");
    let seen: BTreeSet<_> = keys_until(&mut events, "d").await.into_iter().collect();
    assert_eq!(seen.len(), 5);
    assert_eq!(pump.discarded().len(), 1);
}

#[tokio::test]
async fn a_function_that_reports_what_failed_gets_no_more_than_that_again() {
    let table = Table::new().await;
    let failed = Mutex::new(false);
    let (function, mut events) = function(move |event| {
        let records = event["Records"].as_array().unwrap();
        let failing = records.iter().find(|record| record["dynamodb"]["Keys"]["k"]["S"] == "b");
        match failing {
            Some(record) if !std::mem::replace(&mut *failed.lock().unwrap(), true) => {
                let id = &record["dynamodb"]["SequenceNumber"];
                Ok(json!({ "batchItemFailures": [{ "itemIdentifier": id }] }))
            }
            _ => done(),
        }
    });
    for key in ["a", "b", "c"] {
        table.put(key, 0).await;
    }
    let mapping = Mapping { starting_position: StartingPosition::TrimHorizon, ..Mapping::default() };
    let pump = Pump::start(&table.endpoint, "things", function, mapping).await.unwrap();
    assert_eq!(keys(&next(&mut events).await), ["a", "b", "c"]);
    assert_eq!(keys(&next(&mut events).await), ["b", "c"]);
    assert!(pump.discarded().is_empty());
}

#[tokio::test]
async fn a_stopped_mapping_delivers_nothing() {
    let table = Table::new().await;
    let (function, mut events) = function(|_| done());
    let pump = Pump::start(&table.endpoint, "things", function, Mapping::default()).await.unwrap();
    table.put("a", 0).await;
    assert_eq!(keys(&next(&mut events).await), ["a"]);
    pump.stop().await;
    table.put("b", 0).await;
    assert!(timeout(PATIENCE, events.recv()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_table_without_a_stream_is_refused_with_what_to_do() {
    let table = Table::new().await;
    let definition = json!({
        "TableName": "quiet",
        "AttributeDefinitions": [{ "AttributeName": "k", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "k", "KeyType": "HASH" }],
        "BillingMode": "PAY_PER_REQUEST",
    });
    table.call("CreateTable", definition).await;
    let (function, _events) = function(|_| done());
    let refused = Pump::start(&table.endpoint, "quiet", function, Mapping::default()).await.err().unwrap();
    assert!(refused.to_string().contains("cargo dev migrate"), "{refused}");
}
