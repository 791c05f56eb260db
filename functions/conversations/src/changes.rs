use axum::Json;
use axum::extract::State;
use shared::domain::Invalid;
use shared::domain::id::ConversationId;
use shared::domain::session::Caller;
use shared::http::view::{ChangesView, walk_from};
use shared::http::{App, PageRequest, PathId, Problem, parsed_or};

/// What happened after a point; from the beginning where none is given.
pub(crate) async fn changes(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConversationId>,
    request: PageRequest,
) -> Result<Json<ChangesView>, Problem> {
    let walk = walk_from(id, &request).ok_or_else(|| Problem::field("after", &Invalid::new("Invalid cursor.")));
    let walk = parsed_or(walk, app.store.takes_part(&caller, id)).await?;
    let feed = app.store.changes_since(&caller, id, walk, request.size_or_largest(), app.now()).await?;
    Ok(Json(ChangesView::new(caller.user, id, &feed, &request)?))
}
