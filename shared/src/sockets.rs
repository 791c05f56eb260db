//! What is told to open sockets without being asked, and the functions that tell it.
//!
//! A WebSocket API of API Gateway holds the sockets, and hands events of theirs to a function; whoever has something to
//! tell posts it to API Gateway. <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html>

#[cfg(feature = "openapi")]
pub mod asyncapi;
mod frame;
mod gateway;
mod outbox;
mod serve;

pub use frame::{Code, Frame, Named, Presence, Reply};
pub use gateway::{Gateway, Posted};
pub use outbox::{Delivered, Outbox};
pub use serve::{Invocation, serve_events};
