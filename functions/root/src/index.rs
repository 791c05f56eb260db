use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::Html;
use serde::Serialize;
use shared::http::{App, Host, Problem};
use utoipa::ToSchema;

#[derive(Template)]
#[template(path = "front_page.html")]
struct FrontPage;

pub(crate) async fn front_page() -> Result<Html<String>, Problem> {
    FrontPage.render().map(Html).map_err(|error| Problem::internal(error.to_string()))
}

/// Where everything begins, as absolute addresses.
#[derive(Serialize, ToSchema)]
pub(crate) struct Index {
    conversations: String,
    messages: String,
    users: String,
    me: String,
    login: String,
    register: String,
    schema: String,
    /// What open sockets say and are told, as an AsyncAPI document.
    events: String,
    /// Where sockets are opened; null where there are none.
    #[schema(required, example = "wss://example.com/socket")]
    websocket: Option<String>,
}

pub(crate) async fn api(State(app): State<App>, host: Host) -> Json<Index> {
    Json(Index {
        conversations: host.link("/api/conversations/"),
        messages: host.link("/api/messages/"),
        users: host.link("/api/users/"),
        me: host.link("/api/users/me/"),
        login: host.link("/api/auth/login/"),
        register: host.link("/api/auth/register/"),
        schema: host.link("/api/schema/"),
        events: host.link("/api/schema/events/"),
        websocket: app.websocket,
    })
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// That the function runs; it asks nothing of the database.
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}
