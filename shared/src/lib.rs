//! What every function of Confab shares, in three layers whose dependencies point one way:
//! [`http`] (requests, errors, pages) → [`store`] (the DynamoDB table) → [`domain`] (pure).

pub mod domain;
pub mod http;
pub mod store;
