//! People: oneself, the others, one by id.

mod list;
mod read;

use shared::http::view::UserView;
use shared::http::{Access, Endpoint, Operation, Routes};

pub fn routes() -> Routes {
    Routes::new()
        .at(
            "/api/users",
            Endpoint::new("User List", Access::SignedIn).get(
                list::list,
                Operation::new("List people")
                    .about("Everybody active but the caller.")
                    .ordering(list::ORDERINGS)
                    .pages::<UserView>("Some people."),
            ),
        )
        .at(
            "/api/users/me",
            Endpoint::new("Me", Access::SignedIn)
                .get(read::me, Operation::new("Show oneself").answers::<UserView>(200, "The caller.")),
        )
        .at(
            "/api/users/{user_id}",
            Endpoint::new("User Instance", Access::SignedIn)
                .get(read::person, Operation::new("Show a person").answers::<UserView>(200, "The person.")),
        )
}
