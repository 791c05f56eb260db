//! The model, pure: no AWS, no HTTP, no environment, no clock. Time and ids come in as values.
//!
//! Everything from outside is parsed here once, into types that cannot hold what the rules forbid.

pub mod change;
pub mod connection;
pub mod conversation;
pub mod cursor;
pub mod error;
pub mod filter;
pub mod id;
pub mod log;
pub mod login;
pub mod message;
pub mod page;
pub mod password;
pub mod permission;
pub mod positions;
pub mod search;
pub mod seek;
pub mod session;
pub mod text;
pub mod time;
pub mod timeline;
pub mod user;

pub use error::{Error, Resource};
pub use text::Invalid;
pub use time::Timestamp;
