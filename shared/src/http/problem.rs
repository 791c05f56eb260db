//! Errors as clients see them. Here alone errors become statuses and bodies.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::domain::{Error, Invalid, Resource};

/// How credentials travel (RFC 6750).
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");

/// An answer that is not what was asked for.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    body: Value,
    /// Boxed: problems travel in results, which are to stay small.
    header: Option<Box<(HeaderName, HeaderValue)>>,
    /// For the log, never for the client.
    cause: Option<String>,
}

/// Why a request failed through no fault of the client: rides on the response to whoever writes the log.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub(super) cause: String,
    /// What the client is told, to which its request's id is added.
    pub(super) told: Value,
}

impl Problem {
    /// The same for an unknown account, a wrong password and an inactive person.
    pub const WRONG_CREDENTIALS: &str =
        "Please enter a correct email address and password. Note that both fields may be case-sensitive.";

    fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body, header: None, cause: None }
    }

    fn detail(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self::new(status, json!({ "detail": sentence.into() }))
    }

    fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.header = Some(Box::new((name, value.into())));
        self
    }

    fn caused_by(mut self, cause: String) -> Self {
        self.cause = Some(cause);
        self
    }

    /// Status and body, where there is no HTTP answer to make of it; the cause of a failure of ours, for the log.
    pub fn into_parts(self) -> (StatusCode, Value, Option<String>) {
        (self.status, self.body, self.cause)
    }

    pub fn not_authenticated() -> Self {
        Self::detail(StatusCode::UNAUTHORIZED, "Authentication credentials were not provided.")
            .with(header::WWW_AUTHENTICATE, BEARER)
    }

    pub fn session_ended() -> Self {
        Self::detail(StatusCode::UNAUTHORIZED, "Invalid or expired session.").with(header::WWW_AUTHENTICATE, BEARER)
    }

    pub fn csrf(reason: &str) -> Self {
        Self::detail(StatusCode::FORBIDDEN, format!("CSRF Failed: {reason}"))
    }

    /// A page of a site that is not known would open a socket with a cookie.
    pub fn foreign_origin() -> Self {
        Self::detail(
            StatusCode::FORBIDDEN,
            "Origin checking failed: pages of this origin may not use the session cookie.",
        )
    }

    pub fn forbidden() -> Self {
        Self::detail(StatusCode::FORBIDDEN, "You do not have permission to perform this action.")
    }

    /// There is nothing at this address, or the id in it is none.
    pub fn nothing_here() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Not found.")
    }

    /// The thing is not there, or not visible to the caller.
    pub fn not_found(resource: Resource) -> Self {
        Self::detail(StatusCode::NOT_FOUND, format!("No {resource} matches the given query."))
    }

    pub fn invalid_page() -> Self {
        Self::detail(StatusCode::NOT_FOUND, "Invalid page.")
    }

    pub fn method_not_allowed(method: &Method) -> Self {
        Self::detail(StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."))
    }

    pub fn not_acceptable() -> Self {
        Self::detail(StatusCode::NOT_ACCEPTABLE, "Could not satisfy the request Accept header.")
    }

    pub fn too_large(most: usize) -> Self {
        Self::detail(StatusCode::PAYLOAD_TOO_LARGE, format!("The request body is larger than {most} bytes."))
    }

    pub fn unsupported_media_type(media_type: &str) -> Self {
        Self::detail(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("Unsupported media type \"{media_type}\" in request."))
    }

    pub fn malformed(sentence: impl Into<String>) -> Self {
        Self::detail(StatusCode::BAD_REQUEST, sentence)
    }

    /// A conversation that a list is asked for is not there, in the shape that its clients know.
    pub fn no_such_conversation() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "error": "Conversation not found" }))
    }

    /// An action on who takes part that was refused, in the shape that its clients know: `{"error": "sentence"}`.
    pub fn refused_action(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ "error": sentence.into() }))
    }

    /// Whom an action names is not there, or not active, in the same shape.
    pub fn no_such_user() -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "error": "User not found" }))
    }

    /// Fields that were refused: `{"field": ["sentence", …]}`.
    pub fn fields(errors: serde_json::Map<String, Value>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Value::Object(errors))
    }

    /// One field that was refused.
    pub fn field(name: &str, reason: &Invalid) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ name: [reason.0] }))
    }

    /// A password that is too weak, if it is.
    pub fn weak(field: &str, weaknesses: Vec<Invalid>) -> Option<Self> {
        let reasons: Vec<_> = weaknesses.into_iter().map(|weakness| weakness.0).collect();
        (!reasons.is_empty()).then(|| Self::new(StatusCode::BAD_REQUEST, json!({ field: reasons })))
    }

    /// Something wrong with more than one field, or with the body as a whole.
    pub fn non_field(sentence: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ "non_field_errors": [sentence] }))
    }

    /// Longer than `wait` by less than a second: clients are told whole ones.
    fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let sentence = format!("Too many failed login attempts. Try again in {seconds} seconds.");
        Self::detail(StatusCode::TOO_MANY_REQUESTS, sentence).with(header::RETRY_AFTER, seconds)
    }

    pub fn internal(cause: impl Into<String>) -> Self {
        Self::detail(StatusCode::INTERNAL_SERVER_ERROR, "An error occurred; it was recorded.").caused_by(cause.into())
    }

    pub fn unavailable(cause: impl Into<String>) -> Self {
        let detail = "The request could not be completed in time; whether it took effect is unknown. Repeat it, a send with its Idempotency-Key.";
        Self::detail(StatusCode::SERVICE_UNAVAILABLE, detail).with(header::RETRY_AFTER, 1).caused_by(cause.into())
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What people are told, where that is one sentence.
    pub fn sentence(&self) -> Option<&str> {
        self.body["detail"].as_str()
    }

    /// The same refusal, told by a page instead.
    pub fn told_by(self, mut page: Response) -> Response {
        *page.status_mut() = self.status;
        page.headers_mut().extend(self.header.map(|header| *header));
        page
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::SessionEnded => Self::session_ended(),
            Error::NotFound(resource) => Self::not_found(resource),
            Error::Forbidden => Self::forbidden(),
            Error::Refused(sentence) => Self::malformed(sentence),
            Error::UnknownParticipants => {
                Self::field("participant_ids", &Invalid::new("One or more participant IDs are invalid."))
            }
            Error::WrongCredentials => Self::non_field(Self::WRONG_CREDENTIALS),
            Error::Throttled(wait) => Self::throttled(wait),
            Error::EmailTaken => Self::field("email", &Invalid::new("A user with this email already exists.")),
            Error::KeyReused => Self::detail(
                StatusCode::UNPROCESSABLE_ENTITY,
                "This Idempotency-Key was used for a message with another body.",
            ),
            Error::Unavailable(cause) => Self::unavailable(cause),
            Error::Internal(cause) => Self::internal(cause),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let failure = self.cause.map(|cause| Cause { cause, told: self.body.clone() });
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        if let Some(failure) = failure {
            response.extensions_mut().insert(failure);
        }
        response
    }
}
