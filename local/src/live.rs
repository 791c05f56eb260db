//! Real time in a local stack: the WebSocket API in front of `realtime`, and the table's stream behind `fanout`.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use crate::environment::TABLE_NAME;
use crate::failure::{Context, Result};
use crate::functions::{FANOUT, REALTIME};
use crate::gateway::{Gateway, Limits};
use crate::invoke::Function;
use crate::stream::{Condition, Discarded, Mapping, Pump, WORTH_TELLING};

/// What functions and clients are told of where sockets are.
pub(crate) const URL: &str = "WEBSOCKET_URL";
pub(crate) const MANAGEMENT_URL: &str = "WEBSOCKET_MANAGEMENT_URL";

/// The WebSocket API on this port, in front of the functions at `functions`.
pub(crate) async fn sockets(port: u16, functions: &str, limits: Limits) -> Result<Gateway> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .context(format!("cannot listen on port {port} for WebSockets"))?;
    Gateway::start(listener, Function::at(functions, REALTIME), limits).context("cannot serve WebSockets")
}

/// The stream of the stack's table, handed to the functions at `functions`.
pub(crate) async fn stream(endpoint: &str, functions: &str) -> Result<Pump> {
    let function = Function::at(functions, FANOUT);
    let mapping = Mapping { filters: WORTH_TELLING, ..Mapping::default() };
    Pump::start(endpoint, TABLE_NAME, function, mapping).await.context("cannot read the table's stream")
}

/// What was given up, as a sentence.
pub(crate) fn tell(discarded: &Discarded) -> String {
    let records = match discarded.records.len() {
        1 => "a record".to_owned(),
        number => format!("{number} records"),
    };
    let why = match discarded.condition {
        Condition::RetryAttemptsExhausted => format!("after {} attempts", discarded.invocations),
        Condition::RecordAgeExceeded => "for being too old".to_owned(),
    };
    let error = discarded.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("`{FANOUT}` did not take {records} of the table's stream, given up {why}{error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_told_in_a_sentence() {
        let discarded = Discarded {
            condition: Condition::RetryAttemptsExhausted,
            records: vec![serde_json::json!({})],
            invocations: 6,
            error: Some("it broke".to_owned()),
            shard_id: "s".to_owned(),
            stream_arn: "a".to_owned(),
        };
        let told = "`fanout` did not take a record of the table's stream, given up after 6 attempts: it broke";
        assert_eq!(tell(&discarded), told);
    }
}
