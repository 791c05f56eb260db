//! `cargo dev createsuperuser`: the first admin of a table, whom nobody could create through the API.

use clap::Args;
use shared::domain::user::{Email, PersonName};

use crate::administration;
use crate::failure::{Context, Result};
use crate::password::PasswordSource;
use crate::table::Place;
use crate::terminal;

/// Create an admin
#[derive(Args)]
pub(crate) struct CreateSuperuser {
    #[arg(long)]
    email: String,
    #[arg(long)]
    first_name: String,
    #[arg(long)]
    last_name: String,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    place: Place,
}

impl CreateSuperuser {
    pub(crate) async fn run(self) -> Result<()> {
        let email = Email::parse(&self.email).context("--email")?;
        let first_name = PersonName::parse(&self.first_name).context("--first-name")?;
        let last_name = PersonName::parse(&self.last_name).context("--last-name")?;
        let store = self.place.connect().await?;
        let password = self.password.read(&email, &[&first_name, &last_name])?;
        administration::create_admin(&store, email, first_name, last_name, &password).await?;
        terminal::say(format!("Created the admin {}.", self.email));
        Ok(())
    }
}
