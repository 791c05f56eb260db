use axum::Json;
use axum::extract::State;
use shared::domain::user::Email;
use shared::http::{App, Body, Client, Field, Fields, FromFields, Problem};

use crate::sign_in::{SignedIn, sign_in};

/// The credentials as they came: what is wrong with them is not told apart.
pub(crate) struct Login {
    pub(crate) email: String,
    pub(crate) password: String,
}

impl FromFields for Login {
    const FIELDS: &'static [Field] = &[
        Field::email("email").optional().about("Required, here or as `username`.").example("ada@example.com"),
        Field::text("username", Email::MOST_CHARACTERS).optional().about("Another name for `email`."),
        Field::password("password"),
    ];

    fn read(fields: &mut Fields) -> Option<Self> {
        let name = if fields.has("email") || !fields.has("username") { "email" } else { "username" };
        let (email, password) = (fields.required(name, filled), fields.required("password", filled));
        Some(Self { email: email?, password: password? })
    }
}

fn filled(text: &str) -> Result<String, shared::domain::Invalid> {
    if text.is_empty() { Err(shared::domain::Invalid::BLANK) } else { Ok(text.to_owned()) }
}

/// Sets no cookie and heeds none: the token is in the answer.
pub(crate) async fn log_in(
    State(app): State<App>,
    client: Client,
    body: Body<Login>,
) -> Result<Json<SignedIn>, Problem> {
    let Login { email, password } = body.parsed()?;
    Ok(Json(sign_in(&app, &email, &password, client).await?))
}
