use axum::Json;
use axum::extract::State;
use shared::domain::Invalid;
use shared::domain::id::{ConversationId, Number};
use shared::domain::page::Anchor;
use shared::domain::session::Caller;
use shared::http::view::MessageView;
use shared::http::{App, Envelope, PageRequest, PathId, Problem, parsed_or};
use shared::store::Window;

use crate::filter::filter;

pub(crate) const ORDERINGS: &[&str] = &["number", "-number"];

/// A conversation's messages, oldest first unless asked otherwise. `?before=N` is the page nearest before N. Numbers are
/// dense, so pages of the whole have numbers too: they come short by what was deleted.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConversationId>,
    request: PageRequest,
) -> Result<Json<Envelope<MessageView>>, Problem> {
    let (window, list) = parsed_or(window(id, &request), app.store.takes_part(&caller, id)).await?;
    let found = app.store.messages(&caller, id, &window, app.now()).await?;
    if is_beyond(&window, found.last) {
        return Err(Problem::invalid_page());
    }
    let rows = MessageView::all(caller.user, &found.page.rows, &found.senders)?;
    Ok(Json(request.envelope(&list, found.page.with_rows(rows), Number::to_string)))
}

fn window(id: ConversationId, request: &PageRequest) -> Result<(Window, String), Problem> {
    let ordering = request.ordering(ORDERINGS);
    let (above, below, filter) = (bound(request, "after")?, bound(request, "before")?, filter(request)?);
    let list = format!("messages of {id} by {ordering} after {above:?} before {below:?} that are {filter:?}");
    let newest_first = ordering == "-number";
    let numbered = !newest_first && above.or(below).is_none() && filter.takes_all();
    let parse = |position: &str| position.parse().ok().and_then(Number::new);
    let mut slice = if numbered { request.slice_by_cursor(&list, parse) } else { request.slice(&list, parse) }?;
    if let (Anchor::Start, Some(below), None, false) = (&slice.anchor, below, above, newest_first) {
        slice.anchor = Anchor::Before(below);
    }
    let page = request.page_number()?.filter(|_| numbered);
    if let Some(page) = page {
        let read = (page as u64 - 1).saturating_mul(slice.limit as u64);
        slice.anchor = Anchor::After(Number::ZERO.plus(read));
    }
    let by_number = page.is_some();
    Ok((Window { above: above.unwrap_or_default(), below, filter, newest_first, slice, by_number }, list))
}

/// The first page is there even if nothing stands on it.
fn is_beyond(window: &Window, last: Number) -> bool {
    window.by_number && matches!(window.slice.anchor, Anchor::After(read) if read >= last && read > Number::ZERO)
}

fn bound(request: &PageRequest, name: &str) -> Result<Option<Number>, Problem> {
    let Some(text) = request.text(name) else { return Ok(None) };
    match text.parse().ok().and_then(Number::new) {
        Some(number) => Ok(Some(number)),
        None => Err(Problem::field(name, &Invalid::new("A valid integer is required."))),
    }
}
