//! Running a function: on Lambda, under `cargo lambda watch`, and inside a test.

use std::future::ready;
use std::pin::Pin;

use axum::http::{HeaderMap, Response, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse};
use http_body_util::BodyExt;
use lambda_http::{Body, Request};
use tower::{ServiceExt, service_fn};

use super::app::App;
use super::endpoint::Routes;
use super::log::Log;
use super::negotiation;
use super::observe::observe;
use super::problem::Problem;

/// Why a function could not start or go on.
pub type Fatal = lambda_http::Error;

/// Password hashes under way at once: each takes 19 MiB, and Lambda gives a function about one processor.
const BLOCKING_THREADS: usize = 2;

/// Serves a function's endpoints until Lambda ends the process.
pub fn serve(function: &'static str, routes: Routes) -> Result<(), Fatal> {
    Log::start(function);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(BLOCKING_THREADS).build()?.block_on(answer_requests(function, routes))
}

/// The connection to DynamoDB is opened before the first request is taken.
async fn answer_requests(function: &'static str, routes: Routes) -> Result<(), Fatal> {
    let app = App::from_env().await.inspect_err(|sentence| tracing::error!("{sentence}"))?;
    if let Err(error) = app.store.warm().await {
        tracing::warn!("the first read failed: {error}");
    }
    let router = service(function, routes, app);
    let handler = service_fn(move |request: Request| {
        let router = router.clone();
        async move { Ok::<_, std::convert::Infallible>(collected(router.oneshot(request).await.into_response()).await) }
    });
    lambda_http::run_concurrent(handler).await
}

/// A function's endpoints as a service of HTTP requests.
pub fn service(function: &'static str, routes: Routes, app: App) -> axum::Router {
    routes.into_router(&app).fallback(nothing_here).layer(from_fn_with_state(function, observe)).with_state(app)
}

/// An address that nobody has: a page for browsers, JSON for everybody else.
async fn nothing_here(headers: HeaderMap) -> axum::response::Response {
    const PAGE: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Not found – Confab</title>\n\
        <h1>Not found</h1>\n<p>There is nothing at this address. <a href=\"/\">Where everything begins</a></p>\n</html>\n";
    if negotiation::prefers_html(&headers) {
        (StatusCode::NOT_FOUND, Html(PAGE)).into_response()
    } else {
        Problem::nothing_here().into_response()
    }
}

/// An answer as Lambda takes it. lambda_http would look for the character set of any other body, and bring every one
/// there is.
struct Answer(Response<Body>);

impl lambda_http::IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

/// Lambda answers with whole bodies.
async fn collected(response: axum::response::Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = match String::from_utf8(bytes.into()) {
        Ok(text) if text.is_empty() => Body::Empty,
        Ok(text) => Body::Text(text),
        Err(binary) => Body::Binary(binary.into_bytes()),
    };
    Answer(Response::from_parts(parts, body))
}
