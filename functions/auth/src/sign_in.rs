//! Checking credentials and beginning a session, the same for programs and browsers.

use serde::Serialize;
use shared::domain::Error;
use shared::domain::password::{Password, PasswordHash};
use shared::domain::session::Session;
use shared::domain::user::{Email, User};
use shared::http::view::UserView;
use shared::http::{App, Client, Problem, Token};
use utoipa::ToSchema;

/// What a client gets when it has signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub(crate) token: Token,
    #[schema(format = DateTime)]
    expires_at: String,
    user: UserView,
}

impl SignedIn {
    pub(crate) fn new(app: &App, session: &Session, user: &User) -> Self {
        Self { token: app.keyring.sign(session), expires_at: session.expires_at.to_string(), user: UserView::own(user) }
    }
}

fn expose<S: serde::Serializer>(token: &Token, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

/// Begins a session if the credentials fit. An unknown account, an inactive person and a wrong password look the same
/// and take the same time; what cannot even be an address or a password is wrong like the rest.
pub(crate) async fn sign_in(app: &App, email: &str, password: &str, client: Client) -> Result<SignedIn, Problem> {
    let password = Password::parse(password).map_err(|_| Error::WrongCredentials)?;
    let email = Email::parse(email).ok();
    let first = attempt(app, email.as_ref(), &password, &client).await?;
    // The account changed after it was read, if only because another login renewed the hash: the second look decides.
    let signed_in = if first.is_some() { first } else { attempt(app, email.as_ref(), &password, &client).await? };
    Ok(signed_in.ok_or(Error::WrongCredentials)?)
}

/// One look at the account; nothing if it changed while its password was checked.
async fn attempt(
    app: &App,
    email: Option<&Email>,
    password: &Password,
    client: &Client,
) -> Result<Option<SignedIn>, Problem> {
    let account = match email {
        Some(email) => app.store.account(email).await?,
        None => None,
    };
    let hash = account.as_ref().map_or_else(PasswordHash::of_nobody, |account| account.password_hash.clone());
    let (fits, rehashed) = check(password.clone(), hash).await?;
    let account = account.filter(|account| fits && account.active).ok_or(Error::WrongCredentials)?;
    let session = Session::begin(account.user, app.now(), client.address.clone(), client.agent.clone());
    match app.store.begin_session(&account, &session, rehashed.as_ref()).await {
        Ok(user) => Ok(Some(SignedIn::new(app, &session, &user))),
        Err(Error::WrongCredentials) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the password fits, and a new hash if it does and the old one's parameters are outdated.
pub(crate) async fn check(password: Password, hash: PasswordHash) -> Result<(bool, Option<PasswordHash>), Problem> {
    off_the_runtime(move || {
        let fits = password.matches(&hash);
        (fits, (fits && hash.is_outdated()).then(|| password.hash()))
    })
    .await
}

/// Hashing takes tens of milliseconds of processor time: other requests go on meanwhile.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(error.to_string()))
}
