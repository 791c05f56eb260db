use axum::Json;
use axum::extract::State;
use shared::domain::session::Caller;
use shared::http::view::UserView;
use shared::http::{App, Envelope, PageRequest, Problem};

pub(crate) const ORDERINGS: &[&str] = &["-created_at", "created_at"];

/// Everybody active but the caller, who came last first.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    request: PageRequest,
) -> Result<Json<Envelope<UserView>>, Problem> {
    let ordering = request.ordering(ORDERINGS);
    let list = format!("people by {ordering}");
    let slice = request.slice(&list, |position| Some(position.to_owned()))?;
    let (page, viewer) = app.store.people(&caller, &slice, ordering == "-created_at").await?;
    let page = page.map(|user| UserView::seen_by(&viewer, &user));
    Ok(Json(request.envelope(&list, page, String::clone)))
}
