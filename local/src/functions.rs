//! The functions of the workspace: their names, and how to see that each of them answers.

use shared::http::Routes;

pub(crate) struct Function {
    /// The name of its folder, its crate and its binary.
    pub(crate) name: &'static str,
    /// A path that it answers without credentials, and cheaply.
    pub(crate) probe: &'static str,
    pub(crate) routes: fn() -> Routes,
}

pub(crate) const FUNCTIONS: [Function; 5] = [
    Function { name: "auth", probe: "/api-auth/login/", routes: auth::routes },
    Function { name: "users", probe: "/api/users/me/", routes: users::routes },
    Function { name: "conversations", probe: "/api/conversations/", routes: conversations::routes },
    Function { name: "messages", probe: "/api/messages/", routes: messages::routes },
    Function { name: "root", probe: "/api/", routes: root::routes },
];
