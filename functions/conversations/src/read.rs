use axum::Json;
use axum::extract::State;
use shared::domain::Error;
use shared::domain::id::ConversationId;
use shared::domain::session::Caller;
use shared::http::view::ConversationView;
use shared::http::{App, Host, PathId, Problem};
use shared::store::Detail;

pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    PathId(id): PathId<ConversationId>,
) -> Result<Json<ConversationView>, Problem> {
    let detail = app.store.conversation(&caller, id, app.now()).await?;
    Ok(Json(shown(&caller, &detail, &host)?))
}

/// A conversation as the caller sees it.
pub(crate) fn shown(caller: &Caller, detail: &Detail, host: &Host) -> Result<ConversationView, Error> {
    let viewer = detail.people.get(&caller.user);
    ConversationView::new(viewer.ok_or_else(|| Error::Internal("the caller takes no part".to_owned()))?, detail, host)
}
