use axum::extract::State;
use axum::http::StatusCode;
use shared::domain::id::UserId;
use shared::domain::session::Caller;
use shared::domain::user::UserChange;
use shared::http::{App, PathId, Problem};

/// Nobody is removed, since what they wrote stays: they are barred, and signed out everywhere.
pub(crate) async fn deactivate(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, Problem> {
    app.store.change_person(&caller, id, &UserChange::DEACTIVATION).await?;
    Ok(StatusCode::NO_CONTENT)
}
