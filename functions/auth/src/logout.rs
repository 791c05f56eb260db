use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use shared::domain::session::Caller;
use shared::http::{App, CsrfToken, Host, Problem, Query, SESSION_COOKIE, clear_cookie, csrf_cookie, local_path};

/// From then on the token is dead.
pub(crate) async fn log_out(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.store.alive(&caller).await?;
    app.store.end_session(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct LoggedOut;

#[derive(Template)]
#[template(path = "confirm_logout.html")]
struct ConfirmLogout<'a> {
    csrf_token: &'a str,
    next: &'a str,
}

/// Ends the session, if there is one. A link or an image on another site must not: then the page asks first.
pub(crate) async fn page(
    State(app): State<App>,
    caller: Option<Caller>,
    method: Method,
    host: Host,
    token: CsrfToken,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
    let next = query.text("next").and_then(local_path);
    if method == Method::GET && is_from_another_site(&headers) && caller.is_some() {
        let form = ConfirmLogout { csrf_token: token.as_str(), next: next.unwrap_or_default() };
        return Ok(([(header::SET_COOKIE, csrf_cookie(token.as_str(), &host))], html(&form)?).into_response());
    }
    if method == Method::HEAD {
        return html(&LoggedOut).map(IntoResponse::into_response);
    }
    if let Some(caller) = caller {
        app.store.end_session(&caller).await?;
    }
    let forget = [(header::SET_COOKIE, clear_cookie(SESSION_COOKIE, &host))];
    match next.and_then(|next| HeaderValue::from_str(next).ok()) {
        Some(next) => Ok((StatusCode::FOUND, forget, [(header::LOCATION, next)]).into_response()),
        None => Ok((forget, html(&LoggedOut)?).into_response()),
    }
}

/// Browsers tell where a request came from (Fetch Metadata, W3C).
fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

fn html(template: &impl Template) -> Result<Html<String>, Problem> {
    template.render().map(Html).map_err(|error| Problem::internal(error.to_string()))
}
