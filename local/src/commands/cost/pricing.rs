//! From what an operation spends to what a million of it costs.

use clap::Args;
use serde_json::{Value, json};

use crate::costs::{Cost, Front, Operation};
use crate::functions::FUNCTIONS;
use crate::prices::{
    ARM_GB_SECOND, HTTP_REQUEST, INVOCATION, LOGGED_GB, READ_REQUEST_UNIT, SOCKET_MESSAGE, WRITE_REQUEST_UNIT,
    X86_GB_SECOND,
};

/// What the price of a request rests on beside request units.
#[derive(Args, Clone, Debug)]
pub(super) struct Assumptions {
    /// Milliseconds that a function waits for DynamoDB in each round trip
    #[arg(long, value_name = "MS", default_value_t = 5.0)]
    round_trip: f64,
    /// Milliseconds that a function takes for itself
    #[arg(long, value_name = "MS", default_value_t = 2.0)]
    processing: f64,
    /// Milliseconds that a password hash takes on a whole processor, which Lambda gives at 1769 MB
    #[arg(long, value_name = "MS", default_value_t = 40.0)]
    hash: f64,
    /// Memory of the functions but auth, in MB
    #[arg(long, value_name = "MB", default_value_t = 256)]
    memory: u32,
    /// Memory of the auth function, in MB
    #[arg(long, value_name = "MB", default_value_t = 1024)]
    auth_memory: u32,
    /// Functions on x86-64 instead of arm64
    #[arg(long)]
    x86_64: bool,
    /// Bytes logged for a request
    #[arg(long, value_name = "BYTES", default_value_t = 1000)]
    logged: u32,
}

/// Memory at which Lambda gives a function one whole processor.
const WHOLE_PROCESSOR: f64 = 1769.0;

const MB_IN_GB: f64 = 1024.0;
const BYTES_IN_GB: f64 = 1e9;
const MILLION: f64 = 1e6;

impl Assumptions {
    pub(super) fn told(&self) -> String {
        format!(
            "Lambda: {} MB, auth {} MB, on {}; {} ms a round trip, {} ms beside them, {} ms a password hash on a whole \
             processor. Logs: {} bytes a request.",
            self.memory,
            self.auth_memory,
            if self.x86_64 { "x86-64" } else { "arm64" },
            self.round_trip,
            self.processing,
            self.hash,
            self.logged,
        )
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "round_trip_ms": self.round_trip, "processing_ms": self.processing, "hash_ms": self.hash,
            "memory_mb": self.memory, "auth_memory_mb": self.auth_memory,
            "architecture": if self.x86_64 { "x86_64" } else { "arm64" },
            "logged_bytes": self.logged,
        })
    }

    /// Billed by the millisecond that has begun.
    fn gb_seconds(&self, operation: &Operation, cost: &Cost) -> f64 {
        let memory = f64::from(if is_of_auth(operation) { self.auth_memory } else { self.memory });
        let hash = self.hash * (WHOLE_PROCESSOR / memory).max(1.0);
        let milliseconds =
            self.processing + f64::from(cost.round_trips) * self.round_trip + f64::from(operation.hashes) * hash;
        milliseconds.ceil() / 1000.0 * memory / MB_IN_GB
    }
}

fn is_of_auth(operation: &Operation) -> bool {
    let auth = FUNCTIONS.iter().find(|function| function.name == "auth");
    let paths = operation.endpoints.iter().filter_map(|endpoint| endpoint.split(' ').nth(1));
    let routes = auth.map(|function| (function.routes)());
    paths.into_iter().any(|path| routes.iter().any(|routes| routes.iter().any(|(known, _, _)| known == path)))
}

/// US dollars for a million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Price {
    writes: f64,
    reads: f64,
    lambda: f64,
    api_gateway: f64,
    logs: f64,
}

/// What API Gateway charges for once. A frame is answered by another.
fn api_gateway(operation: &Operation, posts: u64) -> f64 {
    let called = match operation.front() {
        Front::Http => HTTP_REQUEST.dollars,
        Front::Frame => 2.0 * SOCKET_MESSAGE.dollars,
        // Openings are free, but for the minutes that follow; Lambda reads the stream for nothing.
        Front::Handshake | Front::Stream => 0.0,
    };
    called + posts as f64 * SOCKET_MESSAGE.dollars
}

pub(super) fn price(operation: &Operation, cost: &Cost, posts: u64, assumptions: &Assumptions) -> Price {
    let gb_second = if assumptions.x86_64 { X86_GB_SECOND } else { ARM_GB_SECOND };
    Price {
        writes: MILLION * cost.wru * WRITE_REQUEST_UNIT.dollars,
        reads: MILLION * cost.rru * READ_REQUEST_UNIT.dollars,
        lambda: MILLION * (INVOCATION.dollars + assumptions.gb_seconds(operation, cost) * gb_second.dollars),
        api_gateway: MILLION * api_gateway(operation, posts),
        logs: MILLION * f64::from(assumptions.logged) / BYTES_IN_GB * LOGGED_GB.dollars,
    }
}

impl Price {
    pub(super) fn dynamodb(&self) -> f64 {
        self.writes + self.reads
    }

    pub(super) fn beside(&self) -> f64 {
        self.lambda + self.api_gateway + self.logs
    }

    pub(super) fn total(&self) -> f64 {
        self.dynamodb() + self.beside()
    }

    pub(super) fn to_json(self) -> Value {
        json!({
            "dynamodb_writes": self.writes, "dynamodb_reads": self.reads, "lambda": self.lambda,
            "api_gateway": self.api_gateway, "logs": self.logs, "total": self.total(),
        })
    }
}
