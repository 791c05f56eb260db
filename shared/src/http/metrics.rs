//! What a request's last line says of it, in CloudWatch's embedded metric format: one line is log and metric, and no call
//! is made for it.
//!
//! A metric is billed for each value of its dimension and each hour in which it is sent. So the function is the only
//! dimension; by `method` and `route`, which are plain fields, Logs Insights groups. And what seldom happens is
//! sent only when it did.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::store::Spent;

/// A metric, named like the field that holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
}

const fn count(name: &'static str) -> Metric {
    Metric { name, unit: "Count" }
}

/// Sent with every request. How many there were is how often `ms` was sent.
const ALWAYS: [Metric; 4] =
    [Metric { name: "ms", unit: "Milliseconds" }, count("round_trips"), count("rru"), count("wru")];

/// Sent only where they are not zero.
const SELDOM: [Metric; 5] = [count("errors"), count("retries"), count("conflicts"), count("voids"), count("posts")];

/// Ids are shorter, and tokens longer.
const LONGEST_SEGMENT: usize = 64;

/// The dimension of all metrics.
pub const DIMENSION: &str = "function";

/// Every metric that a function may send.
pub fn all() -> impl Iterator<Item = Metric> {
    ALWAYS.into_iter().chain(SELDOM)
}

/// How a request ended.
pub(crate) struct Closing<'r> {
    /// Of an event that is no request: what it is.
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) status: StatusCode,
    pub(crate) ms: f64,
    pub(crate) spent: Spent,
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Embedded<'n> {
    timestamp: u128,
    cloud_watch_metrics: [Directive<'n>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'n> {
    namespace: &'n str,
    dimensions: [[&'static str; 1]; 1],
    metrics: Vec<Metric>,
}

pub(super) fn write<M: SerializeMap>(
    line: &mut M,
    closing: &Closing<'_>,
    namespace: Option<&str>,
    now: SystemTime,
) -> Result<(), M::Error> {
    let spent = closing.spent;
    line.serialize_entry("method", closing.method)?;
    line.serialize_entry("path", &fit_to_be_told(closing.path))?;
    line.serialize_entry("status", &closing.status.as_u16())?;
    line.serialize_entry("ms", &((closing.ms * 10.0).round() / 10.0))?;
    line.serialize_entry("round_trips", &spent.round_trips)?;
    line.serialize_entry("rru", &spent.rru)?;
    line.serialize_entry("wru", &spent.wru)?;
    let counts =
        [u32::from(closing.status.is_server_error()), spent.retries, spent.conflicts, spent.voids, spent.posts];
    let happened = || SELDOM.into_iter().zip(counts).filter(|(_, count)| *count > 0);
    happened().try_for_each(|(metric, count)| line.serialize_entry(metric.name, &count))?;
    let Some(namespace) = namespace else { return Ok(()) };
    let metrics = ALWAYS.into_iter().chain(happened().map(|(metric, _)| metric)).collect();
    let embedded = Embedded {
        timestamp: now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
        cloud_watch_metrics: [Directive { namespace, dimensions: [[DIMENSION]], metrics }],
    };
    line.serialize_entry("_aws", &embedded)
}

/// A path without what ids and names never hold: somebody's address, or whatever else was put there by mistake.
fn fit_to_be_told(path: &str) -> String {
    let fit = |segment: &str| {
        segment.len() <= LONGEST_SEGMENT
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    let segments: Vec<_> = path.split('/').map(|segment| if fit(segment) { segment } else { "…" }).collect();
    segments.join("/")
}
