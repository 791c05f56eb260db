use axum::Json;
use axum::extract::State;
use shared::domain::Invalid;
use shared::domain::session::Caller;
use shared::http::view::{EverywhereView, positions_after};
use shared::http::{App, Host, Problem, Query, parsed_or};
use shared::store::Reach;

/// What happened in all of the caller's conversations after a point.
pub(crate) async fn changes_everywhere(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    query: Query,
) -> Result<Json<EverywhereView>, Problem> {
    let after = positions_after(caller.user, &query);
    let after = after.map_err(|_| Problem::field("after", &Invalid::new("Invalid cursor.")));
    let after = parsed_or(after, app.store.alive(&caller)).await?;
    let told = app.store.changes_everywhere(&caller, &after, &Reach::default(), app.now()).await?;
    Ok(Json(EverywhereView::new(caller.user, &told, &host)?))
}
