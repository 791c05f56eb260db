//! Signing up, in and out: as JSON for programs, as pages for browsers.

mod login;
mod login_page;
mod logout;
mod password;
mod register;
mod sessions;
mod sign_in;

use shared::http::view::SessionView;
use shared::http::{Access, Endpoint, NewPerson, Operation, Routes};

use login::Login;
use login_page::Submitted;
use password::ChangePassword;
use sign_in::SignedIn;

const THROTTLED: &str = "Too many attempts failed: `Retry-After` says in how many seconds the next is looked at.";

pub fn routes() -> Routes {
    Routes::new()
        .at(
            "/api/auth/register",
            Endpoint::new("Register", Access::EverybodyWithoutCsrf).post(
                register::register,
                Operation::new("Register")
                    .about("Makes a guest, whatever role is asked for, and signs them in. Sets no cookie.")
                    .takes::<NewPerson>()
                    .answers::<SignedIn>(201, "The person, and the token of a first session.")
                    .refuses(403, "Registration is closed here."),
            ),
        )
        .at(
            "/api/auth/login",
            Endpoint::new("Login", Access::EverybodyWithoutCsrf).post(
                login::log_in,
                Operation::new("Log in")
                    .about("Sets no cookie and heeds none: the token is in the answer.")
                    .takes::<Login>()
                    .answers::<SignedIn>(200, "The token, and whose it is.")
                    .refuses(429, THROTTLED),
            ),
        )
        .at(
            "/api/auth/logout",
            Endpoint::new("Logout", Access::SignedIn).post(
                logout::log_out,
                Operation::new("Log out").answers_nothing(204, "The token is dead from now on."),
            ),
        )
        .at(
            "/api/auth/password",
            Endpoint::new("Password Change", Access::SignedIn).post(
                password::change_password,
                Operation::new("Change the password")
                    .takes::<ChangePassword>()
                    .answers_nothing(204, "Every other session of the caller has ended.")
                    .refuses(429, THROTTLED),
            ),
        )
        .at(
            "/api/auth/sessions",
            Endpoint::new("Session List", Access::SignedIn)
                .get(
                    sessions::list,
                    Operation::new("List one's sessions")
                        .about("The caller's logins that have not ended, the latest first.")
                        .pages::<SessionView>("Some of them."),
                )
                .delete(
                    sessions::end_others,
                    Operation::new("End all other sessions").answers_nothing(204, "Only the current one is left."),
                ),
        )
        .at(
            "/api/auth/sessions/{session_id}",
            Endpoint::new("Session Instance", Access::SignedIn).delete(
                sessions::end_one,
                Operation::new("End a session")
                    .about("One of the caller's own, be it the current one.")
                    .answers_nothing(204, "Its token is dead from now on."),
            ),
        )
        .at(
            "/api-auth/login",
            Endpoint::page("Login", Access::EverybodyWithCsrf)
                .get(
                    login_page::show,
                    Operation::new("Show the login page")
                        .query("next", "A path of this site to go on to.")
                        .answers_html(200, "A form, and the cookie `csrftoken`."),
                )
                .post(
                    login_page::submit,
                    Operation::new("Log in with cookies")
                        .about("For browsers, which send the form; a program that sends JSON is answered in JSON.")
                        .takes::<Submitted>()
                        .query("next", "A path of this site to go on to.")
                        .answers_html(200, "The form again, with what is wrong.")
                        .answers_html(429, "The form again: too many attempts failed.")
                        .answers_nothing(302, "Signed in: on to `next`, with the cookies `sessionid` and `csrftoken`."),
                ),
        )
        .at(
            "/api-auth/logout",
            Endpoint::page("Logout", Access::Everybody)
                .get(
                    logout::page,
                    Operation::new("Log out by a link")
                        .query("next", "A path of this site to go on to.")
                        .answers_html(200, "Logged out; or, if another site led here, a form that asks first.")
                        .answers_nothing(302, "Logged out: on to `next`."),
                )
                .post(
                    logout::page,
                    Operation::new("Log out with cookies")
                        .query("next", "A path of this site to go on to.")
                        .answers_html(200, "Logged out.")
                        .answers_nothing(302, "Logged out: on to `next`."),
                ),
        )
}
