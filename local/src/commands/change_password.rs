//! `cargo dev changepassword`: for whoever cannot log in to change it.

use clap::Args;
use shared::domain::user::Email;

use crate::administration;
use crate::failure::{Context, Result};
use crate::password::PasswordSource;
use crate::table::Place;
use crate::terminal;

/// Give somebody a new password, and end all their sessions
#[derive(Args)]
pub(crate) struct ChangePassword {
    #[arg(long)]
    email: String,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    place: Place,
}

impl ChangePassword {
    pub(crate) async fn run(self) -> Result<()> {
        let email = Email::parse(&self.email).context("--email")?;
        let store = self.place.connect().await?;
        let account = administration::account(&store, &email).await?;
        let person = administration::person(&store, &account).await?;
        let password = self.password.read(&email, &[&person.first_name, &person.last_name])?;
        administration::change_password(&store, &account, &password).await?;
        terminal::say(format!("Changed the password of {}; all their sessions have ended.", self.email));
        Ok(())
    }
}
