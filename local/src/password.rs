//! Asking for a password: at a prompt that does not show it, or on standard input. Never as an argument, which every
//! process of the machine could read.

use std::io::stdin;

use clap::Args;
use shared::domain::password::Password;
use shared::domain::user::{Email, PersonName};

use crate::failure::{Context, Failure, Result};

#[derive(Args)]
pub(crate) struct PasswordSource {
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordSource {
    /// A password that is strong enough for the person whom it is for.
    pub(crate) fn read(&self, email: &Email, names: &[&PersonName]) -> Result<Password> {
        let text = if self.password_stdin { first_line()? } else { prompt()? };
        let password = Password::parse(&text).context("this password cannot be used")?;
        let weaknesses = password.weaknesses(Some(email), names);
        if weaknesses.is_empty() {
            return Ok(password);
        }
        let sentences: Vec<_> = weaknesses.iter().map(ToString::to_string).collect();
        Err(Failure::new(sentences.join(" ")))
    }

    /// The password that somebody has, if it is not known already.
    pub(crate) fn known(&self, known: Option<&str>) -> Result<String> {
        match known {
            _ if self.password_stdin => first_line(),
            Some(known) => Ok(known.to_owned()),
            None => ask("Password: "),
        }
    }
}

fn ask(what: &str) -> Result<String> {
    rpassword::prompt_password(what).context("cannot ask for a password here (use `--password-stdin`)")
}

fn first_line() -> Result<String> {
    let mut line = String::new();
    stdin().read_line(&mut line).context("cannot read the password from standard input")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

fn prompt() -> Result<String> {
    let first = ask("Password: ")?;
    let second = ask("Password (again): ")?;
    if first == second { Ok(first) } else { Err(Failure::new("the two passwords differ: try again")) }
}
