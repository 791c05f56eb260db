//! People: oneself, the others, one by id; and for admins who there is and what they may do.

mod change;
mod create;
mod deactivate;
mod list;
mod read;

use shared::http::{Access, Endpoint, Routes};

pub fn routes() -> Routes {
    Routes::new()
        .at("/api/users", Endpoint::new("User List", Access::SignedIn).get(list::list).post(create::create))
        .at("/api/users/me", Endpoint::new("Me", Access::SignedIn).get(read::me).patch(change::me))
        .at(
            "/api/users/{user_id}",
            Endpoint::new("User Instance", Access::SignedIn)
                .get(read::person)
                .patch(change::person)
                .delete(deactivate::deactivate),
        )
}
