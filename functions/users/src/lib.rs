//! People: oneself, the others, one by id.

mod list;
mod read;

use shared::http::{Access, Endpoint, Routes};

pub fn routes() -> Routes {
    Routes::new()
        .at("/api/users", Endpoint::new("User List", Access::SignedIn).get(list::list))
        .at("/api/users/me", Endpoint::new("Me", Access::SignedIn).get(read::me))
        .at("/api/users/{user_id}", Endpoint::new("User Instance", Access::SignedIn).get(read::person))
}
