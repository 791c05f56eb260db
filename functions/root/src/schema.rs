use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

/// What the functions declare, written down by `cargo dev schema`; a test holds the two against each other.
const DOCUMENT: &str = include_str!("../openapi.json");

/// An OpenAPI document.
#[derive(ToSchema)]
pub(crate) struct Document {}

/// The same of what open sockets say and are told.
const EVENTS: &str = include_str!("../asyncapi.json");

/// An AsyncAPI document.
#[derive(ToSchema)]
pub(crate) struct EventsDocument {}

pub(crate) async fn document() -> Response {
    handed_out(DOCUMENT)
}

pub(crate) async fn events() -> Response {
    handed_out(EVENTS)
}

fn handed_out(document: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], document)
        .into_response()
}
