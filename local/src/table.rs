//! The table that a command acts on: a local one, or a deployed one.

use std::env;

use clap::Args;
use shared::domain::Error;
use shared::store::{Settings, Store};

use crate::environment::TABLE_NAME;
use crate::failure::{Failure, Result};
use crate::{ports, terminal};

/// Where `cargo dev up` puts its database unless told otherwise.
pub(crate) const LOCAL_PORT: u16 = 8000;

/// The table in a local database, created or brought up to date.
pub(crate) async fn local(endpoint: &str) -> Result<Store> {
    let settings = Settings { table_name: TABLE_NAME.to_owned(), endpoint: Some(endpoint.to_owned()) };
    let store = Store::connect(settings).await;
    store.migrate().await.map_err(|error| failure(&format!("cannot create the table at {endpoint}"), error))?;
    Ok(store)
}

/// Why something could not be done with a table.
pub(crate) fn failure(what: &str, error: Error) -> Failure {
    match error {
        Error::Unavailable(_) => Failure::new(format!(
            "{what}: the database does not answer; see that it runs, and that the address is its own"
        )),
        error => Failure::new(format!("{what}: {error}")),
    }
}

/// Where a command finds its table
#[derive(Args)]
pub(crate) struct Place {
    /// Act on the deployed table named by TABLE_NAME, with the usual AWS environment
    ///
    /// Without this: the database at DYNAMODB_ENDPOINT, else the one of a running `cargo dev up`, else the deployed
    /// table where AWS credentials are set.
    #[arg(long)]
    aws: bool,
}

impl Place {
    /// Connects, and says to which table.
    pub(crate) async fn connect(&self) -> Result<Store> {
        self.connect_saying(terminal::say).await
    }

    pub(crate) async fn connect_saying(&self, say: impl Fn(String)) -> Result<Store> {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let mut settings = Settings::from_env();
        settings.endpoint = choose(
            self.aws,
            settings.endpoint,
            ports::has_listener(LOCAL_PORT),
            is_set("AWS_PROFILE") || is_set("AWS_ACCESS_KEY_ID"),
        )?;
        let place = settings.endpoint.as_deref().unwrap_or("AWS");
        say(format!("Table {} at {place}", settings.table_name));
        Ok(Store::connect_for_bulk(settings).await)
    }
}

/// The address of the database; nothing where it is AWS.
fn choose(aws: bool, endpoint: Option<String>, local_listens: bool, has_credentials: bool) -> Result<Option<String>> {
    if aws {
        Ok(None)
    } else if endpoint.is_some() {
        Ok(endpoint)
    } else if local_listens {
        Ok(Some(format!("http://127.0.0.1:{LOCAL_PORT}")))
    } else if has_credentials {
        Ok(None)
    } else {
        Err(Failure::new(format!(
            "no table to act on: nothing listens on port {LOCAL_PORT}; start `cargo dev up`, set DYNAMODB_ENDPOINT, \
             or give `--aws`"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_named_most_plainly() {
        let named = || Some("http://127.0.0.1:8001".to_owned());
        let default = Some("http://127.0.0.1:8000".to_owned());
        assert_eq!(choose(true, named(), true, false).unwrap(), None);
        assert_eq!(choose(false, named(), true, true).unwrap(), named());
        assert_eq!(choose(false, None, true, true).unwrap(), default);
        assert_eq!(choose(false, None, false, true).unwrap(), None);
        assert!(choose(false, None, false, false).is_err());
    }
}
