//! What AWS asks for, in US dollars, in the region us-east-1, without free tiers and savings plans.
//!
//! From the page "AWS Lambda Pricing" of aws.amazon.com, as it was in November 2025.

/// A function's memory, held for a second: by the GB of 1024 MB, on arm64, the first 7.5 billion a month.
pub(crate) const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;

/// One call of a function.
pub(crate) const LAMBDA_REQUEST: f64 = 0.20 / 1_000_000.0;
