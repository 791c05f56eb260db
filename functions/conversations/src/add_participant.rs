use axum::Json;
use axum::extract::State;
use shared::domain::id::ConversationId;
use shared::domain::session::Caller;
use shared::http::{App, Body, PathId, Problem};

use crate::participant::{Done, Named, problem};

/// Adds somebody to a group, who sees all of it from then on.
pub(crate) async fn add_participant(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConversationId>,
    body: Body<Named>,
) -> Result<Json<Done>, Problem> {
    let authorise = async { app.store.may_add(&caller, id).await.map_err(problem) };
    let user = body.and_then(Named::user).parsed_or(authorise).await?;
    app.store.add_participant(&caller, id, user, app.now()).await.map_err(problem)?;
    Ok(Json(Done::new("Participant added successfully")))
}
