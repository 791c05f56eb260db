//! What is done to accounts past the API, directly at the table.

use std::time::SystemTime;

use shared::domain::password::Password;
use shared::domain::user::{Email, NewUser, PersonName, Role, User};
use shared::domain::{Error, Timestamp, id::UserId};
use shared::store::{Account, Store};

use crate::failure::{Context, Failure, Result};
use crate::{seed, table};

pub(crate) async fn create_admin(
    store: &Store,
    email: Email,
    first_name: PersonName,
    last_name: PersonName,
    password: &Password,
) -> Result<()> {
    let address = email.as_str().to_owned();
    let admin = NewUser {
        id: UserId::unique(),
        first_name,
        last_name,
        email,
        phone_number: None,
        role: Role::Admin,
        active: true,
        password: password.hash(),
    };
    match store.create_user(admin, None, Timestamp::from(SystemTime::now())).await {
        Ok(_) => Ok(()),
        Err(Error::EmailTaken) => Err(Failure::new(format!(
            "somebody has the address {address} already: give another, or change their password with \
             `cargo dev changepassword`"
        ))),
        Err(error) => Err(table::failure("cannot create the admin", error)),
    }
}

pub(crate) async fn account(store: &Store, email: &Email) -> Result<Account> {
    find(store, email)
        .await?
        .ok_or_else(|| Failure::new(format!("nobody has the address {}: check its spelling", email.as_str())))
}

pub(crate) async fn person(store: &Store, account: &Account) -> Result<User> {
    store.user(account.user).await.map_err(|error| table::failure("cannot look for the person", error))
}

async fn find(store: &Store, email: &Email) -> Result<Option<Account>> {
    store.account(email).await.map_err(|error| table::failure("cannot look for the account", error))
}

/// Ends all sessions of the account, too.
pub(crate) async fn change_password(store: &Store, account: &Account, password: &Password) -> Result<()> {
    let changed = store.change_password(account, &password.hash(), None).await;
    changed.map_err(|error| table::failure("cannot change the password", error))
}

/// The demo admin, unless there is one.
pub(crate) async fn seed_admin(store: &Store) -> Result<()> {
    let parse_name = |name| PersonName::parse(name).context("the demo admin's name");
    let email = Email::parse(seed::ADMIN.email).context("the demo admin's address")?;
    if find(store, &email).await?.is_some() {
        return Ok(());
    }
    let password = Password::parse(seed::PASSWORD).context("the demo password")?;
    create_admin(store, email, parse_name(seed::ADMIN.first_name)?, parse_name(seed::ADMIN.last_name)?, &password).await
}
