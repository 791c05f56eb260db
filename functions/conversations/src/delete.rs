use axum::extract::State;
use axum::http::StatusCode;
use shared::domain::id::ConversationId;
use shared::domain::session::Caller;
use shared::http::{App, PathId, Problem};

/// Removes a conversation for everybody.
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConversationId>,
) -> Result<StatusCode, Problem> {
    app.store.delete_conversation(&caller, id, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
