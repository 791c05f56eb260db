use axum::Json;
use axum::extract::State;
use shared::domain::message::MessageBody;
use shared::domain::session::Caller;
use shared::http::view::MessageView;
use shared::http::{App, Body, Fields, FromFields, MessagePath, Problem};

/// Only the body can be changed; everything else is ignored.
pub(crate) struct Edit(MessageBody);

impl FromFields for Edit {
    fn read(fields: &mut Fields) -> Option<Self> {
        crate::send::body(fields).map(Self)
    }
}

pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    MessagePath(id): MessagePath,
    body: Body<Edit>,
) -> Result<Json<MessageView>, Problem> {
    let Edit(body) = body.parsed_or(app.store.may_edit(&caller, id)).await?;
    let (message, sender) = app.store.edit(&caller, id, &body, app.now()).await?;
    Ok(Json(MessageView::new(caller.user, &message, &sender)))
}
