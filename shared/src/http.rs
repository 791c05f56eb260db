//! Requests, answers and errors: everything between API Gateway and the store that is the same for every endpoint.
//!
//! A function lists its endpoints ([`Routes`]); each gets negotiation, authentication, CSRF protection, `Allow`,
//! `OPTIONS` and the 405 from its declaration, and parsing, pages and errors by what its handler takes and returns.

mod app;
mod body;
mod cookie;
mod credential;
mod csrf;
mod endpoint;
mod field;
mod handshake;
mod hashing;
mod input;
mod links;
pub(crate) mod log;
pub mod metrics;
mod negotiation;
mod new_person;
mod observe;
#[cfg(feature = "openapi")]
pub mod openapi;
mod operation;
mod pages;
mod path;
mod problem;
mod serve;
mod token;
pub mod view;

pub use app::{App, Registration};
pub use body::type_name;
pub use cookie::{CSRF_COOKIE, SESSION_COOKIE, clear_cookie, csrf_cookie, session_cookie};
pub use csrf::CsrfToken;
pub use endpoint::{Access, Endpoint, Routes};
pub use field::Field;
pub use handshake::{Handshake, SUBPROTOCOL};
pub use input::{Body, Fields, FromFields, parsed_or};
pub use links::{Client, Host, local_path};
pub use new_person::NewPerson;
pub use operation::Operation;
pub use pages::{Envelope, PageRequest, Query};
pub use path::{MessagePath, PathId};
pub use problem::Problem;
pub use serve::{Fatal, serve, service};
pub use token::{Keyring, Token};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// 201 with the address of what was made.
pub struct Created<T> {
    pub location: String,
    pub body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, axum::Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::from_str(&self.location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}
