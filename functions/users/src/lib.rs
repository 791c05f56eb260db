//! People: oneself, the others, one by id; and for admins who there is and what they may do.

mod change;
mod create;
mod deactivate;
mod list;
mod read;

use shared::http::view::UserView;
use shared::http::{Access, Endpoint, Operation, Routes};

use change::{ChangeMe, ChangePerson};
use create::CreatePerson;

pub fn routes() -> Routes {
    Routes::new()
        .at(
            "/api/users",
            Endpoint::new("User List", Access::SignedIn)
                .get(
                    list::list,
                    Operation::new("List people")
                        .about("Everybody active but the caller. A page of a search may come short and have a `next`.")
                        .query("search", "Beginnings of words of names or of the e-mail address.")
                        .ordering(list::ORDERINGS)
                        .pages::<UserView>("Some people."),
                )
                .post(
                    create::create,
                    Operation::new("Make a person")
                        .about("For admins.")
                        .takes::<CreatePerson>()
                        .answers::<UserView>(201, "The person.")
                        .refuses(403, "The caller is no admin."),
                ),
        )
        .at(
            "/api/users/me",
            Endpoint::new("Me", Access::SignedIn)
                .get(read::me, Operation::new("Show oneself").answers::<UserView>(200, "The caller."))
                .patch(
                    change::me,
                    Operation::new("Change oneself")
                        .about("What is missing stays as it is.")
                        .takes::<ChangeMe>()
                        .answers::<UserView>(200, "The caller, changed."),
                ),
        )
        .at(
            "/api/users/{user_id}",
            Endpoint::new("User Instance", Access::SignedIn)
                .get(read::person, Operation::new("Show a person").answers::<UserView>(200, "The person."))
                .patch(
                    change::person,
                    Operation::new("Change a person")
                        .about("For admins. What is missing stays as it is; deactivation ends every session.")
                        .takes::<ChangePerson>()
                        .answers::<UserView>(200, "The person, changed.")
                        .refuses(400, "The last active admin can be neither demoted nor deactivated.")
                        .refuses(403, "The caller is no admin."),
                )
                .delete(
                    deactivate::deactivate,
                    Operation::new("Deactivate a person")
                        .about("For admins. What the person wrote stays.")
                        .answers_nothing(204, "Barred, and signed out everywhere.")
                        .refuses(400, "The last active admin cannot be deactivated.")
                        .refuses(403, "The caller is no admin."),
                ),
        )
}
