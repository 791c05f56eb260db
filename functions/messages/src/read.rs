use axum::Json;
use axum::extract::State;
use shared::domain::session::Caller;
use shared::http::view::MessageView;
use shared::http::{App, MessagePath, Problem};

pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    MessagePath(id): MessagePath,
) -> Result<Json<MessageView>, Problem> {
    let (message, sender) = app.store.message(&caller, id).await?;
    Ok(Json(MessageView::new(caller.user, &message, &sender)))
}
