use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use shared::domain::id::{ConversationId, UserId};
use shared::domain::message::{ClientKey, Draft, MessageBody};
use shared::domain::session::Caller;
use shared::domain::{Error, Invalid, Resource};
use shared::http::view::SentView;
use shared::http::{App, Body, Created, Field, Fields, FromFields, Host, PathId, Problem};
use shared::store::Sent;

use crate::filter::parse_sender;

/// What is to be said; who says it may be named, and is checked.
pub(crate) struct Send {
    body: MessageBody,
    sender: Option<UserId>,
}

pub(crate) const BODY: Field = Field::text("message_body", MessageBody::MOST_CHARACTERS)
    .about("What is said: trimmed, and something of it must be visible.")
    .example("Hello Grace!");
const SENDER: Field = Field::id("sender").nullable().about("Oneself, if it is there at all.");

impl FromFields for Send {
    const FIELDS: &'static [Field] = &[BODY, SENDER];

    fn read(fields: &mut Fields) -> Option<Self> {
        let (body, sender) = (body(fields), fields.optional("sender", parse_sender));
        Some(Self { body: body?, sender: sender? })
    }
}

/// The same, and where.
pub(crate) struct SendTo {
    send: Send,
    conversation: ConversationId,
    /// As the client called it, which may be by an old id.
    called: String,
}

impl FromFields for SendTo {
    const FIELDS: &'static [Field] = &[Field::id("conversation").about("Where to."), BODY, SENDER];

    fn read(fields: &mut Fields) -> Option<Self> {
        let (conversation, send) = (fields.required("conversation", parse_conversation), Send::read(fields));
        let (conversation, called) = conversation?;
        Some(Self { conversation, called, send: send? })
    }
}

pub(crate) fn body(fields: &mut Fields) -> Option<MessageBody> {
    if !fields.has("message_body") {
        return fields.refuse("message_body", [Invalid::new("Message body is required")]);
    }
    fields.required("message_body", MessageBody::parse)
}

fn parse_conversation(text: &str) -> Result<(ConversationId, String), Invalid> {
    ConversationId::parse(text).map(|id| (id, text.to_owned())).map_err(|_| Invalid::no_uuid(text))
}

/// A conversation that is not the caller's is a wrong value of a field here.
pub(crate) async fn send(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    headers: HeaderMap,
    body: Body<SendTo>,
) -> Result<Response, Problem> {
    let parsed = body.and_then(|to| Ok((to.send.into_draft(&caller, &headers)?, to.conversation, to.called)));
    let (draft, conversation, called) = parsed.parsed()?;
    match app.store.send(&caller, conversation, draft, app.now()).await {
        Err(Error::NotFound(Resource::Conversation)) => {
            let reason = format!("Invalid pk \"{called}\" - object does not exist.");
            Err(Problem::field("conversation", &Invalid::new(reason)))
        }
        sent => Ok(answer(&caller, &host, &sent?)),
    }
}

/// A conversation that is not the caller's is not there.
pub(crate) async fn send_into(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    PathId(conversation): PathId<ConversationId>,
    headers: HeaderMap,
    body: Body<Send>,
) -> Result<Response, Problem> {
    let draft = body.and_then(|send| send.into_draft(&caller, &headers));
    let draft = draft.parsed_or(app.store.takes_part(&caller, conversation)).await?;
    Ok(answer(&caller, &host, &app.store.send(&caller, conversation, draft, app.now()).await?))
}

impl Send {
    fn into_draft(self, caller: &Caller, headers: &HeaderMap) -> Result<Draft, Problem> {
        if self.sender.is_some_and(|sender| sender != caller.user) {
            return Err(Problem::field("sender", &Invalid::new("You can only send messages as yourself.")));
        }
        let key = headers
            .get("idempotency-key")
            .map(|value| ClientKey::parse(value.to_str().unwrap_or_default()))
            .transpose();
        let key = key.map_err(|reason| Problem::malformed(reason.0))?;
        Ok(Draft { body: self.body, key })
    }
}

/// 201 for a new message; 200 for one that an earlier send with the same key made.
fn answer(caller: &Caller, host: &Host, sent: &Sent) -> Response {
    let body = SentView::new(caller.user, sent);
    if sent.repeated {
        return Json(body).into_response();
    }
    Created { location: host.link(&format!("/api/messages/{}/", sent.id)), body }.into_response()
}
