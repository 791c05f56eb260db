use axum::Json;
use axum::extract::State;
use shared::domain::Invalid;
use shared::domain::id::{ConversationId, Number};
use shared::domain::page::Anchor;
use shared::domain::session::Caller;
use shared::http::view::MessageView;
use shared::http::{App, Envelope, PageRequest, PathId, Problem, parsed_or};
use shared::store::Window;

pub(crate) const ORDERINGS: &[&str] = &["number", "-number"];

/// A conversation's messages, oldest first unless asked otherwise. `?before=N` is the page nearest before N.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConversationId>,
    request: PageRequest,
) -> Result<Json<Envelope<MessageView>>, Problem> {
    let (window, list) = parsed_or(window(id, &request), app.store.takes_part(&caller, id)).await?;
    let found = app.store.messages(&caller, id, &window, app.now()).await?;
    let rows = MessageView::all(caller.user, &found.page.rows, &found.senders)?;
    Ok(Json(request.envelope(&list, found.page.with_rows(rows), Number::to_string)))
}

fn window(id: ConversationId, request: &PageRequest) -> Result<(Window, String), Problem> {
    let ordering = request.ordering(ORDERINGS);
    let (above, below) = (bound(request, "after")?, bound(request, "before")?);
    let list = format!("messages of {id} by {ordering} after {above:?} before {below:?}");
    let mut slice = request.slice(&list, |position| position.parse().ok().and_then(Number::new))?;
    let newest_first = ordering == "-number";
    if let (Anchor::Start, Some(below), None, false) = (&slice.anchor, below, above, newest_first) {
        slice.anchor = Anchor::Before(below);
    }
    Ok((Window { above: above.unwrap_or_default(), below, newest_first, slice }, list))
}

fn bound(request: &PageRequest, name: &str) -> Result<Option<Number>, Problem> {
    let Some(text) = request.text(name) else { return Ok(None) };
    match text.parse().ok().and_then(Number::new) {
        Some(number) => Ok(Some(number)),
        None => Err(Problem::field(name, &Invalid::new("A valid integer is required."))),
    }
}
