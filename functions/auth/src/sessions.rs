//! One's own logins: which there are, and ending them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::domain::Timestamp;
use shared::domain::id::SessionId;
use shared::domain::session::Caller;
use shared::http::view::SessionView;
use shared::http::{App, Envelope, PageRequest, PathId, Problem};
use shared::store::SessionPosition;

/// The caller's logins, the latest first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Json<Envelope<SessionView>>, Problem> {
    let list = format!("sessions of {}", caller.user);
    let slice = request.slice(&list, parse_position)?;
    let page = app.store.sessions(&caller, &slice).await?.map(|session| SessionView::new(&caller, &session));
    Ok(Json(request.envelope(&list, page, spell_position)))
}

fn spell_position((at, id): &SessionPosition) -> String {
    format!("{at}#{id}")
}

fn parse_position(text: &str) -> Option<SessionPosition> {
    let (at, id) = text.split_once('#')?;
    Some((Timestamp::parse(at)?, SessionId::parse(id).ok()?))
}

/// Ends all but the one that this is asked by.
pub(crate) async fn end_others(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.store.end_other_sessions(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of them, be it the current one.
pub(crate) async fn end_one(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<SessionId>,
) -> Result<StatusCode, Problem> {
    app.store.end_one_session(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
