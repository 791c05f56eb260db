use axum::Json;
use axum::extract::State;
use shared::domain::page::{Anchor, Slice};
use shared::domain::session::Caller;
use shared::http::view::VersionView;
use shared::http::{App, Envelope, MessagePath, PageRequest, Problem, parsed_or};

/// What a message said and says: oldest first, the present wording last.
pub(crate) async fn history(
    State(app): State<App>,
    caller: Caller,
    MessagePath(id): MessagePath,
    request: PageRequest,
) -> Result<Json<Envelope<VersionView>>, Problem> {
    let list = format!("history of {id}");
    let visible = async { app.store.message(&caller, id).await.map(drop) };
    let slice = parsed_or(slice(&request, &list), visible).await?;
    let versions = app.store.history(&caller, id, &slice).await?;
    if versions.rows.is_empty() {
        return Err(Problem::invalid_page());
    }
    Ok(Json(request.envelope(&list, versions.map(|version| VersionView::new(&version)), usize::to_string)))
}

/// Positions count versions, so pages have numbers.
fn slice(request: &PageRequest, list: &str) -> Result<Slice<usize>, Problem> {
    let mut slice = request.slice_by_cursor(list, |text| text.parse().ok())?;
    if let Some(page) = request.page_number()? {
        slice.anchor = Anchor::After((page - 1).saturating_mul(slice.limit));
    }
    Ok(slice)
}
