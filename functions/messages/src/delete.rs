use axum::extract::State;
use axum::http::StatusCode;
use shared::domain::session::Caller;
use shared::http::{App, MessagePath, Problem};

pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    MessagePath(id): MessagePath,
) -> Result<StatusCode, Problem> {
    app.store.delete_message(&caller, id, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
