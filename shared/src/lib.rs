//! What every function of Confab shares, in layers whose dependencies point one way: [`sockets`] (what is told without being
//! asked) and [`http`] (requests, errors, pages) → [`store`] (the DynamoDB table) → [`domain`] (pure).

mod aws;
pub mod domain;
pub mod http;
pub mod sockets;
pub mod store;
