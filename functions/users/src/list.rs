use axum::Json;
use axum::extract::State;
use shared::domain::search::Search;
use shared::domain::session::Caller;
use shared::http::view::UserView;
use shared::http::{App, Envelope, PageRequest, Problem};
use shared::store::Directory;

pub(crate) const ORDERINGS: &[&str] = &["-created_at", "created_at"];

/// Everybody active but the caller, who came last first; those in whose names or address words begin as `?search=`
/// says. A page may come short, even empty, and have a `next`: what is read for it is bounded.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Json<Envelope<UserView>>, Problem> {
    let ordering = request.ordering(ORDERINGS);
    let search = request.text("search").unwrap_or_default();
    let list = format!("people by {ordering} found by {search}");
    let slice = request.slice(&list, |position| Some(position.to_owned()))?;
    let directory = Directory { newest_first: ordering == "-created_at", search: Search::parse(search) };
    let (page, viewer) = app.store.people(&caller, &slice, &directory).await?;
    let page = page.map(|user| UserView::seen_by(&viewer, &user));
    Ok(Json(request.envelope(&list, page, String::clone)))
}
