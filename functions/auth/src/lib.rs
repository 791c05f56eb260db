//! Signing up, in and out: as JSON for programs, as pages for browsers.

mod login;
mod login_page;
mod logout;
mod password;
mod register;
mod sessions;
mod sign_in;

use shared::http::{Access, Endpoint, Routes};

pub fn routes() -> Routes {
    Routes::new()
        .at("/api/auth/register", Endpoint::new("Register", Access::EverybodyWithoutCsrf).post(register::register))
        .at("/api/auth/login", Endpoint::new("Login", Access::EverybodyWithoutCsrf).post(login::log_in))
        .at("/api/auth/logout", Endpoint::new("Logout", Access::SignedIn).post(logout::log_out))
        .at("/api/auth/password", Endpoint::new("Password Change", Access::SignedIn).post(password::change_password))
        .at(
            "/api/auth/sessions",
            Endpoint::new("Session List", Access::SignedIn).get(sessions::list).delete(sessions::end_others),
        )
        .at(
            "/api/auth/sessions/{session_id}",
            Endpoint::new("Session Instance", Access::SignedIn).delete(sessions::end_one),
        )
        .at(
            "/api-auth/login",
            Endpoint::page("Login", Access::EverybodyWithCsrf).get(login_page::show).post(login_page::submit),
        )
        .at("/api-auth/logout", Endpoint::page("Logout", Access::Everybody).get(logout::page).post(logout::page))
}
