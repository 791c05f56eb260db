//! Open sockets: who may open one, who is told what, and what happens when somebody cannot be told.

mod connecting;
mod failing;
mod frames;
mod telling;

use serde_json::Value;

/// The types of events, for comparisons.
fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().expect("events have types")).collect()
}
