use axum::extract::State;
use shared::domain::session::Session;
use shared::domain::user::Role;
use shared::http::{App, Body, Client, Created, Host, NewPerson, Problem, Registration};

use crate::sign_in::SignedIn;

/// Makes a guest, whatever role is asked for, and signs them in.
pub(crate) async fn register(
    State(app): State<App>,
    host: Host,
    client: Client,
    body: Body<NewPerson>,
) -> Result<Created<SignedIn>, Problem> {
    if app.registration == Registration::Closed {
        return Err(Problem::forbidden());
    }
    let new = body.parsed()?.into_new_user(Role::Guest, true).await?;
    let now = app.now();
    let session = Session::begin(new.id, now, client.address, client.agent);
    let user = app.store.create_user(new, Some(&session), now).await?;
    Ok(Created { location: host.link(&format!("/api/users/{}/", user.id)), body: SignedIn::new(&app, &session, &user) })
}
