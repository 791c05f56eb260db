use axum::Json;
use axum::extract::State;
use shared::domain::conversation::Title;
use shared::domain::id::ConversationId;
use shared::domain::session::Caller;
use shared::domain::{Error, Invalid};
use shared::http::view::ConversationView;
use shared::http::{App, Body, Field, Fields, FromFields, Host, PathId, Problem};

use crate::read::shown;

const TITLE: &str = "title";

/// Another title, or none; or nothing to change.
pub(crate) struct Rename(Option<Option<Title>>);

impl FromFields for Rename {
    const FIELDS: &'static [Field] = &[Field::text(TITLE, Title::MOST_CHARACTERS)
        .nullable()
        .about("What the group is called; blank or null for nothing.")
        .example("Engines")];

    fn read(fields: &mut Fields) -> Option<Self> {
        let named = fields.has(TITLE);
        let title = fields.optional(TITLE, Title::parse_optional)?.flatten();
        Some(Self(named.then_some(title)))
    }
}

/// Only the title can be changed; everything else is ignored.
pub(crate) async fn rename(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    PathId(id): PathId<ConversationId>,
    body: Body<Rename>,
) -> Result<Json<ConversationView>, Problem> {
    let Rename(title) = body.parsed_or(app.store.may_rename(&caller, id)).await?;
    let detail = match title {
        Some(title) => app.store.rename(&caller, id, title.as_ref(), app.now()).await,
        None => {
            app.store.may_rename(&caller, id).await?;
            app.store.conversation(&caller, id, app.now()).await
        }
    };
    let detail = detail.map_err(|error| match error {
        Error::Refused(sentence) => Problem::field(TITLE, &Invalid(sentence)),
        other => other.into(),
    })?;
    Ok(Json(shown(&caller, &detail, &host)?))
}
