use axum::Json;
use axum::extract::State;
use shared::domain::filter::MessageFilter;
use shared::domain::id::{ConversationId, MessageId};
use shared::domain::page::{Anchor, Page, Slice};
use shared::domain::session::Caller;
use shared::domain::timeline::Place;
use shared::domain::{Error, Resource, Timestamp};
use shared::http::view::MessageRowView;
use shared::http::{App, Envelope, PageRequest, Problem};

use crate::filter::{filter, given};

/// The caller's messages over all conversations, or in one of them, newest first. A conversation that is not the
/// caller's is not there.
pub(crate) async fn list_all(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Json<Envelope<MessageRowView>>, Problem> {
    let only = given(&request, "conversation_id").map(ConversationId::parse).transpose();
    let only = only.map_err(|_| Problem::no_such_conversation())?;
    let asked = asked(&request, &caller, only);
    if let (Err(_), Some(id)) = (&asked, only) {
        app.store.takes_part(&caller, id).await.map_err(problem)?;
    }
    let Asked { list, slice, filter } = asked?;
    let after = if let Anchor::After(place) = slice.anchor { Some(place) } else { None };
    let found = app.store.messages_of(&caller, only, filter, after, slice.limit).await.map_err(problem)?;
    let rows = MessageRowView::all(&found.messages, &found.senders)?;
    // Nothing leads back: where the pages before began would have to be sought again in every conversation.
    let page = Page { rows, previous: None, next: found.next, count: None };
    Ok(Json(request.envelope(&list, page, spell_place)))
}

struct Asked {
    list: String,
    slice: Slice<Place>,
    filter: MessageFilter,
}

fn asked(request: &PageRequest, caller: &Caller, only: Option<ConversationId>) -> Result<Asked, Problem> {
    let filter = filter(request)?;
    let list = format!("messages of {} in {only:?} that are {filter:?}", caller.user);
    Ok(Asked { slice: request.slice(&list, parse_place)?, list, filter })
}

fn problem(error: Error) -> Problem {
    match error {
        Error::NotFound(Resource::Conversation) => Problem::no_such_conversation(),
        other => other.into(),
    }
}

fn spell_place(place: &Place) -> String {
    format!("{}#{}", place.at, place.id.map(|id| id.to_string()).unwrap_or_default())
}

fn parse_place(text: &str) -> Option<Place> {
    let (at, id) = text.split_once('#')?;
    let at = Timestamp::parse(at)?;
    if id.is_empty() { Some(Place::before(at)) } else { Some(Place { at, id: Some(MessageId::parse(id).ok()?) }) }
}
