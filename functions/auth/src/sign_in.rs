//! Checking credentials and beginning a session, the same for programs and browsers.

use serde::Serialize;
use shared::domain::Error;
use shared::domain::login::Attempt;
use shared::domain::password::{Password, PasswordHash};
use shared::domain::session::Session;
use shared::domain::user::User;
use shared::http::view::UserView;
use shared::http::{App, Client, Problem, Token};
use shared::store::Account;
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
/// and take the same time; what cannot even be an address or a password is wrong like the rest. While too many attempts
/// failed, none is looked at.
pub(crate) async fn sign_in(app: &App, email: &str, password: &str, client: Client) -> Result<SignedIn, Problem> {
    let attempt = Attempt::new(email, client.address.as_deref());
    let account = app.store.account_to_check(&attempt, app.now()).await?;
    match begin(app, &attempt, account, Password::parse(password).ok(), &client).await {
        Err(Error::WrongCredentials) => {
            app.store.count_failure(&attempt, app.now()).await?;
            Err(Error::WrongCredentials.into())
        }
        outcome => Ok(outcome?),
    }
}

async fn begin(
    app: &App,
    attempt: &Attempt,
    account: Option<Account>,
    password: Option<Password>,
    client: &Client,
) -> Result<SignedIn, Error> {
    let password = password.ok_or(Error::WrongCredentials)?;
    let again = match begin_at(app, account, &password, client).await? {
        Some(signed_in) => return Ok(signed_in),
        // The account changed after it was read, if only because another login renewed the hash: a second look decides.
        None => attempt.email.as_ref().ok_or(Error::WrongCredentials)?,
    };
    let account = app.store.account(again).await?;
    begin_at(app, account, &password, client).await?.ok_or(Error::WrongCredentials)
}

/// One look at the account; nothing if it changed while its password was checked.
async fn begin_at(
    app: &App,
    account: Option<Account>,
    password: &Password,
    client: &Client,
) -> Result<Option<SignedIn>, Error> {
    let hash = account.as_ref().map_or_else(PasswordHash::of_nobody, |account| account.password_hash.clone());
    let (fits, rehashed) = password.clone().checked(hash).await?;
    let account = account.filter(|account| fits && account.active).ok_or(Error::WrongCredentials)?;
    let session = Session::begin(account.user, app.now(), client.address.clone(), client.agent.clone());
    match app.store.begin_session(&account, &session, rehashed.as_ref()).await {
        Ok(user) => Ok(Some(SignedIn::new(app, &session, &user))),
        Err(Error::WrongCredentials) => Ok(None),
        Err(error) => Err(error),
    }
}
