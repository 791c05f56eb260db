//! The login page: a form for browsers, and the same address in JSON for programs that live on cookies.

use askama::Template;
use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Response};
use shared::http::{
    App, Body, Client, CsrfToken, Field, Fields, FromFields, Host, Problem, Query, csrf_cookie, local_path,
    session_cookie,
};

use crate::login::Login;
use crate::sign_in::{SignedIn, sign_in};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginForm<'a> {
    csrf_token: &'a str,
    next: &'a str,
    username: &'a str,
    username_error: Option<&'a str>,
    password_error: Option<&'a str>,
    form_error: Option<&'a str>,
}

pub(crate) async fn show(host: Host, token: CsrfToken, query: Query) -> Result<Response, Problem> {
    let next = query.text("next").and_then(local_path).unwrap_or_default();
    let form = LoginForm {
        csrf_token: token.as_str(),
        next,
        username: "",
        username_error: None,
        password_error: None,
        form_error: None,
    };
    form.answer(&host)
}

/// What was filled in; the page says what is missing.
pub(crate) struct Submitted {
    username: String,
    password: String,
    next: Option<String>,
}

impl FromFields for Submitted {
    const FIELDS: &'static [Field] = &[
        Field::email("username").about("The e-mail address."),
        Field::email("email").optional().about("Another name for `username`."),
        Field::password("password"),
        Field::text("next", 2000).optional().about("A path of this site to go on to."),
        Field::text("csrfmiddlewaretoken", 32)
            .optional()
            .about("What the cookie `csrftoken` says; or in `X-CSRFToken`."),
    ];

    fn read(fields: &mut Fields) -> Option<Self> {
        let as_it_is = |text: &str| Ok(text.to_owned());
        let username = if fields.has("username") { "username" } else { "email" };
        let (username, password) = (fields.optional(username, as_it_is), fields.optional("password", as_it_is));
        let next = fields.optional("next", as_it_is);
        Some(Self { username: username?.unwrap_or_default(), password: password?.unwrap_or_default(), next: next? })
    }
}

/// Browsers submit the form; programs that live on cookies send JSON.
pub(crate) async fn submit(
    State(app): State<App>,
    host: Host,
    client: Client,
    token: CsrfToken,
    query: Query,
    request: Request,
) -> Result<Response, Problem> {
    if is_json(request.headers()) {
        let Ok(body) = Body::<Login>::from_request(request, &()).await;
        let Login { email, password } = body.parsed()?;
        let signed_in = sign_in(&app, &email, &password, client).await?;
        return Ok((cookies(&signed_in, &host), Json(signed_in)).into_response());
    }
    let Ok(body) = Body::<Submitted>::from_request(request, &()).await;
    let submitted = body.parsed()?;
    let next = submitted.next.as_deref().or_else(|| query.text("next")).and_then(local_path).unwrap_or_default();
    let form = LoginForm::refilled(&submitted, next, &token);
    if form.username_error.is_some() || form.password_error.is_some() {
        return form.answer(&host);
    }
    match sign_in(&app, &submitted.username, &submitted.password, client).await {
        Ok(signed_in) => Ok((StatusCode::FOUND, cookies(&signed_in, &host), location(next)?).into_response()),
        Err(problem) if problem.status() == StatusCode::BAD_REQUEST => {
            LoginForm { form_error: Some(Problem::WRONG_CREDENTIALS), ..form }.answer(&host)
        }
        Err(problem) if problem.status() == StatusCode::TOO_MANY_REQUESTS => {
            let page = LoginForm { form_error: problem.sentence(), ..form }.answer(&host)?;
            Ok(problem.told_by(page))
        }
        Err(problem) => Err(problem),
    }
}

fn location(next: &str) -> Result<[(HeaderName, HeaderValue); 1], Problem> {
    let next = HeaderValue::from_str(if next.is_empty() { "/" } else { next });
    next.map(|next| [(header::LOCATION, next)]).map_err(|_| Problem::malformed("next is no path."))
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.to_ascii_lowercase().starts_with("application/json")
}

fn cookies(signed_in: &SignedIn, host: &Host) -> AppendHeaders<[(HeaderName, HeaderValue); 2]> {
    AppendHeaders([
        (header::SET_COOKIE, session_cookie(&signed_in.token, host)),
        (header::SET_COOKIE, csrf_cookie(CsrfToken::fresh().as_str(), host)),
    ])
}

impl<'a> LoginForm<'a> {
    /// The form as it was submitted, with what is missing.
    fn refilled(submitted: &'a Submitted, next: &'a str, token: &'a CsrfToken) -> Self {
        let missing = |text: &str| text.is_empty().then_some("This field is required.");
        Self {
            csrf_token: token.as_str(),
            next,
            username: &submitted.username,
            username_error: missing(&submitted.username),
            password_error: missing(&submitted.password),
            form_error: None,
        }
    }

    /// The page, with the cookie that its token is compared with.
    fn answer(&self, host: &Host) -> Result<Response, Problem> {
        let html = self.render().map_err(|error| Problem::internal(error.to_string()))?;
        Ok(([(header::SET_COOKIE, csrf_cookie(self.csrf_token, host))], Html(html)).into_response())
    }
}
