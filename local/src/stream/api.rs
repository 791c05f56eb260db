//! DynamoDB Streams, by its JSON protocol: what `GetRecords` answers is what functions get, nearly word for word.

use std::fmt::{self, Display, Formatter};

use reqwest::Client;
use serde_json::{Value, json};

use crate::web;

/// What emulators look for and do not check.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature=0";
const REGION: &str = "us-east-1";

/// The stream of one table.
#[derive(Clone)]
pub(super) struct Streams {
    client: Client,
    endpoint: String,
    pub(super) arn: String,
}

pub(super) struct Shard {
    pub(super) id: String,
    pub(super) parent: Option<String>,
}

/// Part of a shard.
pub(super) struct Page {
    pub(super) records: Vec<Value>,
    /// Where the next part begins; nothing where the shard has ended.
    pub(super) next: Option<String>,
}

/// Why a stream could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError {
    /// The last part of the error's type, `ExpiredIteratorException` for instance; empty if nobody answered.
    pub kind: String,
    pub message: String,
}

impl Display for StreamError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.message)
    }
}

impl std::error::Error for StreamError {}

impl StreamError {
    /// Whether a place in a shard has become unknown, so that another must be asked for.
    pub(super) fn has_lost_its_place(&self) -> bool {
        matches!(self.kind.as_str(), "ExpiredIteratorException" | "TrimmedDataAccessException")
    }
}

impl Streams {
    pub(super) async fn of_table(endpoint: &str, table: &str) -> Result<Self, StreamError> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let mut streams = Self { client: web::client(), endpoint, arn: String::new() };
        let answer = streams.call("DynamoDB_20120810.DescribeTable", &json!({ "TableName": table })).await?;
        let Some(arn) = answer["Table"]["LatestStreamArn"].as_str() else {
            let message = format!("the table {table} has no stream: `cargo dev migrate` enables it");
            return Err(StreamError { kind: "ResourceNotFoundException".to_owned(), message });
        };
        streams.arn = arn.to_owned();
        Ok(streams)
    }

    /// All shards, those that are full included.
    pub(super) async fn shards(&self) -> Result<Vec<Shard>, StreamError> {
        let mut shards = Vec::new();
        let mut request = json!({ "StreamArn": self.arn });
        loop {
            let answer = self.call("DynamoDBStreams_20120810.DescribeStream", &request).await?;
            let description = &answer["StreamDescription"];
            let text = |shard: &Value, name: &str| shard[name].as_str().map(str::to_owned);
            shards.extend(
                description["Shards"].as_array().into_iter().flatten().filter_map(|shard| {
                    Some(Shard { id: text(shard, "ShardId")?, parent: text(shard, "ParentShardId") })
                }),
            );
            match description["LastEvaluatedShardId"].as_str() {
                Some(last) => request["ExclusiveStartShardId"] = json!(last),
                None => return Ok(shards),
            }
        }
    }

    /// A place in a shard: `TRIM_HORIZON`, `LATEST`, or `AFTER_SEQUENCE_NUMBER` with one.
    pub(super) async fn iterator(&self, shard: &str, kind: &str, after: Option<&str>) -> Result<String, StreamError> {
        let mut request = json!({ "StreamArn": self.arn, "ShardId": shard, "ShardIteratorType": kind });
        if let Some(after) = after {
            request["SequenceNumber"] = json!(after);
        }
        let answer = self.call("DynamoDBStreams_20120810.GetShardIterator", &request).await?;
        answer["ShardIterator"].as_str().map(str::to_owned).ok_or_else(|| StreamError {
            kind: String::new(),
            message: format!("an answer lacks its ShardIterator: {answer}"),
        })
    }

    /// The next records, as functions get them.
    pub(super) async fn records(&self, iterator: &str, limit: usize) -> Result<Page, StreamError> {
        let request = json!({ "ShardIterator": iterator, "Limit": limit.clamp(1, 1000) });
        let mut answer = self.call("DynamoDBStreams_20120810.GetRecords", &request).await?;
        let mut records = match answer["Records"].take() {
            Value::Array(records) => records,
            _ => Vec::new(),
        };
        for record in &mut records {
            record["eventSourceARN"] = json!(self.arn);
            record["awsRegion"] = json!(REGION);
        }
        Ok(Page { records, next: answer["NextShardIterator"].as_str().map(str::to_owned) })
    }

    async fn call(&self, target: &str, request: &Value) -> Result<Value, StreamError> {
        let unreachable = |error: reqwest::Error| StreamError { kind: String::new(), message: error.to_string() };
        let response = self
            .client
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", AUTHORIZATION)
            .body(request.to_string())
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        let text = response.text().await.map_err(unreachable)?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let kind = answer["__type"].as_str().and_then(|kind| kind.rsplit('#').next()).unwrap_or_default();
        Err(StreamError { kind: kind.to_owned(), message: format!("{status} {text}") })
    }
}
