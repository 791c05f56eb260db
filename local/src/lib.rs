//! `cargo dev`: the tool that runs Confab on one machine, tests it, and gets it ready for AWS.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Result;

mod administration;
mod api;
mod bench;
mod building;
pub mod client;
mod columns;
mod commands;
pub mod costs;
mod database;
mod emulator;
mod environment;
mod failure;
mod functions;
pub mod gateway;
pub mod invoke;
mod live;
mod load;
mod log_check;
mod log_line;
mod migration;
mod password;
mod ports;
mod prices;
mod process;
mod progress;
pub mod runtime_api;
mod seed;
mod session_keys;
mod signals;
pub mod stream;
mod table;
mod tail;
mod terminal;
mod toolbox;
mod web;
mod workspace;

/// Runs Confab on this machine, tests it, and gets it ready for AWS.
#[derive(Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Up(commands::up::Up),
    Test(commands::test::Test),
    #[command(name = "createsuperuser")]
    CreateSuperuser(commands::create_superuser::CreateSuperuser),
    #[command(name = "changepassword")]
    ChangePassword(commands::change_password::ChangePassword),
    Migrate(commands::migrate::Migrate),
    Import(commands::import::Import),
    Export(commands::export::Export),
    Load(commands::load::Load),
    Check(commands::check::Check),
    Tail(commands::tail::Tail),
    Routes(commands::routes::Routes),
    Cost(commands::cost::Cost),
    Schema(commands::schema::Schema),
    Bench(commands::bench::Bench),
    Package(commands::package::Package),
    LintTemplate(commands::lint_template::LintTemplate),
    Deny(commands::deny::Deny),
}

/// Does what the arguments of this process ask for.
pub async fn main() -> ExitCode {
    // reqwest, as the whole workspace has it, takes its cryptography from here.
    rustls::crypto::ring::default_provider().install_default().expect("nothing else has installed one yet");
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                terminal::complain(text);
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(up) => process::with_stack(async |stack| up.run(stack).await).await,
        Command::Test(test) => process::with_stack(async |stack| test.run(stack).await).await,
        Command::Package(package) => process::with_stack(async |stack| package.run(stack).await).await,
        Command::Bench(bench) => process::with_stack(async |stack| bench.run(stack).await).await,
        Command::Deny(deny) => process::with_stack(async |stack| deny.run(stack).await).await,
        Command::LintTemplate(lint) => process::with_stack(async |stack| lint.run(stack).await).await,
        // These start no process, and leave Ctrl-C to the terminal, which restores its echo after a password prompt.
        Command::CreateSuperuser(command) => command.run().await,
        Command::ChangePassword(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Import(command) => command.run().await,
        Command::Export(command) => command.run().await,
        Command::Load(command) => command.run().await,
        Command::Check(command) => command.run().await,
        Command::Tail(command) => command.run().await,
        Command::Routes(command) => command.run(),
        Command::Cost(command) => command.run(),
        Command::Schema(command) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_password_is_never_an_argument() {
        let refused = ["createsuperuser", "--email", "a@example.com", "--first-name", "A", "--last-name", "B"];
        let refused = ["cargo dev"].into_iter().chain(refused).chain(["--password", "x"]);
        assert!(Arguments::try_parse_from(refused).is_err());
    }
}
