use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

/// What the functions declare, written down by `cargo dev schema`; a test holds the two against each other.
const DOCUMENT: &str = include_str!("../openapi.json");

/// An OpenAPI document.
#[derive(ToSchema)]
pub(crate) struct Document {}

pub(crate) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")], DOCUMENT)
        .into_response()
}
