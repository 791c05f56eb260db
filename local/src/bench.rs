//! What a function weighs and how fast it is, measured on its release binary under the Lambda Runtime API.

pub(crate) mod cold;
pub(crate) mod logins;
pub(crate) mod report;
pub(crate) mod sample;
pub(crate) mod scene;
pub(crate) mod share;
pub(crate) mod sockets;
pub(crate) mod usage;
pub(crate) mod warm;
