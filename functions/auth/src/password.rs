use axum::extract::State;
use axum::http::StatusCode;
use shared::domain::login::Attempt;
use shared::domain::password::Password;
use shared::domain::session::Caller;
use shared::domain::{Error, Invalid};
use shared::http::{App, Body, Client, Field, Fields, FromFields, Problem};

pub(crate) struct ChangePassword {
    old_password: Password,
    new_password: Password,
}

impl FromFields for ChangePassword {
    const FIELDS: &'static [Field] = &[Field::password("old_password"), Field::password("new_password")];

    fn read(fields: &mut Fields) -> Option<Self> {
        let old_password = fields.required("old_password", Password::parse);
        let new_password = fields.required("new_password", Password::parse);
        Some(Self { old_password: old_password?, new_password: new_password? })
    }
}

/// Every other session of the caller ends with it. Wrong old passwords count as failed logins do.
pub(crate) async fn change_password(
    State(app): State<App>,
    caller: Caller,
    client: Client,
    body: Body<ChangePassword>,
) -> Result<StatusCode, Problem> {
    let ChangePassword { old_password, new_password } = body.parsed()?;
    let user = app.store.me(&caller).await?;
    let attempt = Attempt::new(user.email.as_str(), client.address.as_deref());
    let account = app.store.account_to_check(&attempt, app.now()).await?.ok_or(Error::SessionEnded)?;
    let (fits, _) = old_password.checked(account.password_hash.clone()).await?;
    if !fits {
        app.store.count_failure(&attempt, app.now()).await?;
        let reason = Invalid::new("Your old password was entered incorrectly. Please enter it again.");
        return Err(Problem::field("old_password", &reason));
    }
    let weaknesses = new_password.weaknesses(Some(&user.email), &[&user.first_name, &user.last_name]);
    if let Some(problem) = Problem::weak("new_password", weaknesses) {
        return Err(problem);
    }
    let hash = new_password.hashed().await?;
    app.store.change_password(&account, &hash, Some(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}
