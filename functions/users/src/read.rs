use axum::Json;
use axum::extract::State;
use shared::domain::id::UserId;
use shared::domain::session::Caller;
use shared::http::view::UserView;
use shared::http::{App, PathId, Problem};

pub(crate) async fn me(State(app): State<App>, caller: Caller) -> Result<Json<UserView>, Problem> {
    Ok(Json(UserView::own(&app.store.me(&caller).await?)))
}

pub(crate) async fn person(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<UserId>,
) -> Result<Json<UserView>, Problem> {
    let (person, caller) = app.store.person(&caller, id).await?;
    Ok(Json(UserView::seen_by(&caller, &person)))
}
