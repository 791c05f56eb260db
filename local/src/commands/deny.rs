//! `cargo dev deny`: what the dependencies are allowed to be, held against `Cargo.lock`.

use std::path::Path;

use clap::Args;
use tokio::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::process::Stack;
use crate::{environment, terminal, toolbox, workspace};

/// What needs nothing but the dependencies themselves.
const ALWAYS: [&str; 3] = ["bans", "licenses", "sources"];

/// Check licences, duplicates, sources and known flaws of all dependencies
///
/// Known flaws come from the RustSec database on GitHub. Where that cannot be reached, they are left out with a warning.
#[derive(Args)]
pub(crate) struct Deny {
    /// Fail where the RustSec database cannot be reached
    #[arg(long)]
    require_advisories: bool,
}

impl Deny {
    pub(crate) async fn run(self, stack: &Stack) -> Result<()> {
        let programs = toolbox::cargo_deny(stack).await?;
        let mut checks = ALWAYS.to_vec();
        let fetched = cargo_deny(stack, &programs, &["fetch", "db"]).output().await.context("cannot run cargo-deny")?;
        if fetched.status.success() {
            checks.insert(0, "advisories");
        } else if self.require_advisories {
            return Err(Failure::new("the RustSec database cannot be reached: connect to the network, then try again"));
        } else {
            terminal::warn("the RustSec database cannot be reached, so nothing is said about known flaws");
        }
        let mut words = vec!["check", "--hide-inclusion-graph"];
        words.extend(checks);
        let status = cargo_deny(stack, &programs, &words).status().await.context("cannot run cargo-deny")?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::new("a dependency is not as .deny.toml wants it: see above"))
        }
    }
}

fn cargo_deny(stack: &Stack, programs: &Path, words: &[&str]) -> Command {
    let mut command = stack.command(programs.join("cargo-deny"));
    environment::scrub(&mut command);
    command.current_dir(workspace::root()).args(["--workspace", "--locked", "--config", ".deny.toml"]).args(words);
    command
}
