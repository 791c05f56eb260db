use axum::Json;
use axum::extract::State;
use shared::domain::Error;
use shared::domain::id::ConversationId;
use shared::domain::session::Caller;
use shared::http::view::ConversationView;
use shared::http::{App, Host, PathId, Problem};

pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    let detail = app.store.conversation(&caller, id, app.now()).await?;
    let viewer =
        detail.people.get(&caller.user).ok_or_else(|| Error::Internal("the caller takes no part".to_owned()))?;
    Ok(Json(ConversationView::new(viewer, &detail, &host)?))
}
