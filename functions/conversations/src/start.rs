use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use shared::domain::Invalid;
use shared::domain::conversation::{MOST_PARTICIPANTS, NewConversation, Title};
use shared::domain::id::UserId;
use shared::domain::session::Caller;
use shared::http::{App, Body, Created, Field, Fields, FromFields, Host, Problem, type_name};

use crate::read::shown;

pub(crate) struct Start {
    participants: Vec<UserId>,
    title: Option<Title>,
}

impl FromFields for Start {
    const FIELDS: &'static [Field] = &[
        Field::ids(PARTICIPANTS).about("The others; oneself is added, repeats collapse. At most 250 people in all."),
        Field::text("title", Title::MOST_CHARACTERS).nullable().about("What the group is called.").example("Engines"),
    ];

    fn read(fields: &mut Fields) -> Option<Self> {
        let (participants, title) = (participants(fields), fields.optional("title", Title::parse_optional));
        Some(Self { participants: participants?, title: title?.flatten() })
    }
}

const PARTICIPANTS: &str = "participant_ids";

fn participants(fields: &mut Fields) -> Option<Vec<UserId>> {
    let elements = match fields.value(PARTICIPANTS) {
        None => return fields.refuse(PARTICIPANTS, [Invalid::new("At least one participant ID is required")]),
        Some(Value::Null) => return fields.refuse(PARTICIPANTS, [Invalid::NULL]),
        Some(Value::Array(elements)) => elements.clone(),
        Some(other) => {
            let reason = Invalid::new(format!("Expected a list of items but got type \"{}\".", type_name(other)));
            return fields.refuse(PARTICIPANTS, [reason]);
        }
    };
    match elements.len() {
        0 => return fields.refuse(PARTICIPANTS, [Invalid::new("At least one participant is required.")]),
        // Before anything is done for each of them.
        count if count > 4 * MOST_PARTICIPANTS => {
            return fields.refuse(PARTICIPANTS, [Invalid::new("Too many participants.")]);
        }
        _ => {}
    }
    let parsed: Vec<Result<UserId, Invalid>> = elements.iter().map(parse_participant).collect();
    let wrong: Vec<(usize, Invalid)> =
        parsed.iter().enumerate().filter_map(|(index, parsed)| Some((index, parsed.as_ref().err()?.clone()))).collect();
    if wrong.is_empty() {
        Some(parsed.into_iter().flatten().collect())
    } else {
        fields.refuse_elements(PARTICIPANTS, wrong)
    }
}

fn parse_participant(element: &Value) -> Result<UserId, Invalid> {
    match element {
        Value::Null => Err(Invalid::NULL),
        Value::String(text) => UserId::parse(text).map_err(|_| Invalid::no_uuid(text)),
        other => Err(Invalid::no_uuid(other)),
    }
}

impl Start {
    fn into_conversation(self, caller: &Caller) -> Result<NewConversation, Problem> {
        NewConversation::between(caller.user, &self.participants, self.title)
            .map_err(|reason| Problem::field(PARTICIPANTS, &reason))
    }
}

/// Two people without a title get the one direct conversation that they have, if they have it: 200; else 201.
pub(crate) async fn start(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    body: Body<Start>,
) -> Result<Response, Problem> {
    let new = body.and_then(|start| start.into_conversation(&caller)).parsed()?;
    let started = app.store.start_conversation(&caller, new, app.now()).await?;
    let body = shown(&caller, &started.detail, &host)?;
    if started.existed {
        return Ok(Json(body).into_response());
    }
    let location = host.link(&format!("/api/conversations/{}/", started.detail.conversation.id));
    Ok(Created { location, body }.into_response())
}
