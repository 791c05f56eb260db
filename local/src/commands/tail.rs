//! `cargo dev tail`: what happens to one person, as it happens.

use clap::Args;

use crate::api::{Api, Call, text};
use crate::client::{Client, Settings, Told};
use crate::failure::{Failure, Result};
use crate::password::PasswordSource;
use crate::tail::{Names, json_line, line};
use crate::{seed, terminal};

/// Print what happens in somebody's conversations, as it happens
///
/// Says what came by catching up, and when the connection was lost and came back. Ctrl-C ends it.
#[derive(Args)]
pub(crate) struct Tail {
    /// Whose, by e-mail address
    ///
    /// The password of the demo people of `cargo dev up` is known; others are asked for theirs.
    #[arg(long = "as", value_name = "EMAIL")]
    email: String,
    #[command(flatten)]
    password: PasswordSource,
    /// Where the API is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000")]
    target: String,
    /// Print each event as a line of JSON
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(crate) async fn run(self) -> Result<()> {
        let api = Api::at(&self.target);
        let index = api.expect(None, &Call::get("/api/")).await?;
        let socket = text(&index, "/websocket").map_err(|_| {
            Failure::new(format!(
                "{} names no address of WebSockets: update it, or give another `--target`",
                self.target
            ))
        })?;
        let password = self.password.known(demo_password(&self.email, &self.target))?;
        let person = api.log_in(&self.email, &password).await?;
        let mut names = Names::new(api, person.clone());
        let mut client = Client::start(Settings::new(&self.target, &socket, &person.token, &person.id));
        while let Some(told) = client.next().await {
            let is_heard = if self.json {
                terminal::say_if_heard(json_line(&told))
            } else {
                names.learn(&told).await;
                let line = line(&told, &names);
                let time = chrono::Local::now().format("%H:%M:%S");
                line.is_none_or(|line| terminal::say_if_heard(format!("{time} {line}")))
            };
            if !is_heard {
                return Ok(());
            }
            if matches!(told, Told::SessionEnded) {
                return Err(Failure::new("the session has ended: somebody signed out, or the password was changed"));
            }
        }
        Ok(())
    }
}

/// The password of a demo person. It is sent to nobody but this machine.
fn demo_password(email: &str, target: &str) -> Option<&'static str> {
    let is_demo = [seed::ADA, seed::GRACE, seed::ADMIN].iter().any(|person| person.email.eq_ignore_ascii_case(email));
    let host = target.split_once("://").map_or(target, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    (is_demo && ["127.0.0.1", "localhost", "[::1]"].contains(&host)).then_some(seed::PASSWORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_password_goes_to_this_machine_only() {
        assert_eq!(demo_password("ada@example.com", "http://127.0.0.1:9000"), Some(seed::PASSWORD));
        assert_eq!(demo_password("Grace@example.com", "http://localhost:1/x"), Some(seed::PASSWORD));
        assert_eq!(demo_password("ada@example.com", "https://localhost.example.com"), None);
        assert_eq!(demo_password("ada@example.com", "https://localhost@example.com"), None);
        assert_eq!(demo_password("ada@example.com", "https://example.com/localhost"), None);
        assert_eq!(demo_password("somebody@example.com", "http://127.0.0.1:9000"), None);
    }
}
