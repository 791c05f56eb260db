//! What AWS charges for the units that operations are counted in: US dollars in us-east-1, on demand, without free tiers and
//! without the discounts of large volumes. Prices change: each tells where it stands and when it was looked up.

/// The price of one unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnitPrice {
    pub(crate) dollars: f64,
    pub(crate) unit: &'static str,
    pub(crate) source: &'static str,
    /// When it was looked up.
    pub(crate) as_of: &'static str,
}

impl UnitPrice {
    const fn new(dollars: f64, unit: &'static str, source: &'static str) -> Self {
        Self { dollars, unit, source, as_of: "2026-11-22" }
    }
}

pub(crate) const REGION: &str = "us-east-1";

const MILLION: f64 = 1e6;

const DYNAMODB: &str = "https://aws.amazon.com/dynamodb/pricing/on-demand/";
const LAMBDA: &str = "https://aws.amazon.com/lambda/pricing/";
const API_GATEWAY: &str = "https://aws.amazon.com/api-gateway/pricing/";
const CLOUDWATCH: &str = "https://aws.amazon.com/cloudwatch/pricing/";

/// Halved on 2024-11-01, as was the next.
pub(crate) const WRITE_REQUEST_UNIT: UnitPrice =
    UnitPrice::new(0.625 / MILLION, "DynamoDB write request unit", DYNAMODB);
pub(crate) const READ_REQUEST_UNIT: UnitPrice = UnitPrice::new(0.125 / MILLION, "DynamoDB read request unit", DYNAMODB);
pub(crate) const STORAGE: UnitPrice = UnitPrice::new(0.25, "DynamoDB GB-month", DYNAMODB);
pub(crate) const INVOCATION: UnitPrice = UnitPrice::new(0.20 / MILLION, "Lambda request", LAMBDA);
pub(crate) const ARM_GB_SECOND: UnitPrice = UnitPrice::new(0.000_013_333_4, "Lambda GB-second on arm64", LAMBDA);
pub(crate) const X86_GB_SECOND: UnitPrice = UnitPrice::new(0.000_016_666_7, "Lambda GB-second on x86-64", LAMBDA);
/// Up to 512 KB; larger ones count several times.
pub(crate) const HTTP_REQUEST: UnitPrice = UnitPrice::new(1.0 / MILLION, "API Gateway HTTP request", API_GATEWAY);
/// Up to 32 KB, either way.
pub(crate) const SOCKET_MESSAGE: UnitPrice =
    UnitPrice::new(1.0 / MILLION, "API Gateway WebSocket message", API_GATEWAY);
pub(crate) const SOCKET_MINUTE: UnitPrice =
    UnitPrice::new(0.25 / MILLION, "API Gateway WebSocket connection minute", API_GATEWAY);
pub(crate) const LOGGED_GB: UnitPrice = UnitPrice::new(0.50, "CloudWatch Logs GB ingested", CLOUDWATCH);

pub(crate) const ALL: [UnitPrice; 10] = [
    WRITE_REQUEST_UNIT,
    READ_REQUEST_UNIT,
    STORAGE,
    INVOCATION,
    ARM_GB_SECOND,
    X86_GB_SECOND,
    HTTP_REQUEST,
    SOCKET_MESSAGE,
    SOCKET_MINUTE,
    LOGGED_GB,
];
