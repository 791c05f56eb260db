use axum::Json;
use axum::extract::State;
use shared::domain::message::MessageBody;
use shared::domain::session::Caller;
use shared::http::view::MessageView;
use shared::http::{App, Body, Field, Fields, FromFields, MessagePath, Problem};

/// Only the body can be changed; everything else is ignored.
pub(crate) struct Replacement(MessageBody);

impl FromFields for Replacement {
    const FIELDS: &'static [Field] = &[crate::send::BODY];

    fn read(fields: &mut Fields) -> Option<Self> {
        crate::send::body(fields).map(Self)
    }
}

/// The same; what is not there stays as it is.
pub(crate) struct Amendment(Option<MessageBody>);

impl FromFields for Amendment {
    const FIELDS: &'static [Field] = &[crate::send::BODY.optional()];

    fn read(fields: &mut Fields) -> Option<Self> {
        if fields.has("message_body") {
            crate::send::body(fields).map(|body| Self(Some(body)))
        } else {
            Some(Self(None))
        }
    }
}

pub(crate) async fn replace(
    State(app): State<App>,
    caller: Caller,
    MessagePath(id): MessagePath,
    body: Body<Replacement>,
) -> Result<Json<MessageView>, Problem> {
    let Replacement(body) = body.parsed_or(app.store.may_edit(&caller, id)).await?;
    let (message, sender) = app.store.edit(&caller, id, &body, app.now()).await?;
    Ok(Json(MessageView::new(caller.user, &message, &sender)))
}

pub(crate) async fn amend(
    State(app): State<App>,
    caller: Caller,
    MessagePath(id): MessagePath,
    body: Body<Amendment>,
) -> Result<Json<MessageView>, Problem> {
    let Amendment(body) = body.parsed_or(app.store.may_edit(&caller, id)).await?;
    let (message, sender) = match body {
        Some(body) => app.store.edit(&caller, id, &body, app.now()).await?,
        None => {
            app.store.may_edit(&caller, id).await?;
            app.store.message(&caller, id).await?
        }
    };
    Ok(Json(MessageView::new(caller.user, &message, &sender)))
}
