//! The functions of the workspace: their names, and how to see that each of them answers.

use serde_json::{Value, json};
use shared::http::Routes;

use crate::gateway;

pub(crate) struct Function {
    /// The name of its folder, its crate and its binary.
    pub(crate) name: &'static str,
    pub(crate) probe: Probe,
    /// None where it gets other events than HTTP requests.
    pub(crate) routes: fn() -> Routes,
}

/// What a function answers without credentials, and cheaply.
pub(crate) enum Probe {
    /// A path.
    Path(&'static str),
    /// An event.
    Event(fn() -> Value),
}

pub(crate) const FUNCTIONS: [Function; 7] = [
    Function { name: "auth", probe: Probe::Path("/api-auth/login/"), routes: auth::routes },
    Function { name: "users", probe: Probe::Path("/api/users/me/"), routes: users::routes },
    Function { name: "conversations", probe: Probe::Path("/api/conversations/"), routes: conversations::routes },
    Function { name: "messages", probe: Probe::Path("/api/messages/"), routes: messages::routes },
    Function { name: "root", probe: Probe::Path("/api/"), routes: root::routes },
    Function { name: REALTIME, probe: Probe::Event(gateway::end_of_nobody), routes: Routes::new },
    Function { name: FANOUT, probe: Probe::Event(|| json!({ "Records": [] })), routes: Routes::new },
];

/// What decides about sockets.
pub(crate) const REALTIME: &str = "realtime";
/// What gets the table's stream.
pub(crate) const FANOUT: &str = "fanout";

/// Those that answer HTTP requests.
pub(crate) fn with_http() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(|function| matches!(function.probe, Probe::Path(_)))
}
