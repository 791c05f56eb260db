use axum::Json;
use axum::extract::State;
use shared::domain::Timestamp;
use shared::domain::id::ConversationId;
use shared::domain::search::Search;
use shared::domain::session::Caller;
use shared::http::view::InboxRowView;
use shared::http::{App, Envelope, PageRequest, Problem};
use shared::store::{InboxOrder, InboxPosition, InboxQuery};

pub(crate) const ORDERINGS: &[&str] = &["-created_at", "created_at", "-last_activity", "last_activity"];

/// The caller's conversations, the newest first unless asked otherwise.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Json<Envelope<InboxRowView>>, Problem> {
    let ordering = request.ordering(ORDERINGS);
    let order = if ordering.ends_with("created_at") { InboxOrder::CreatedAt } else { InboxOrder::LastActivity };
    let search = request.text("search").and_then(Search::parse);
    let list = format!("conversations of {} by {ordering} matching {search:?}", caller.user);
    let (slice, page) = match search {
        // How many match is not known, so they have no numbered pages.
        Some(_) => (request.slice(&list, parse_position)?, None),
        None => (request.slice_by_cursor(&list, parse_position)?, request.page()?),
    };
    let query = InboxQuery { order, newest_first: ordering.starts_with('-'), slice, page, search };
    let inbox = app.store.inbox(&caller, &query, app.now()).await?.ok_or_else(Problem::invalid_page)?;
    let rows = inbox.page.rows.iter().map(|row| InboxRowView::new(caller.user, row, &inbox.people));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(Json(request.envelope(&list, inbox.page.with_rows(rows), spell_position)))
}

fn spell_position((at, id): &InboxPosition) -> String {
    format!("{at}#{id}")
}

fn parse_position(text: &str) -> Option<InboxPosition> {
    let (at, id) = text.split_once('#')?;
    Some((Timestamp::parse(at)?, ConversationId::parse(id).ok()?))
}
