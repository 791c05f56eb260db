//! Building with cargo, whose progress the reader sees.

use crate::environment;
use crate::failure::{Context, Failure, Result};
use crate::functions::FUNCTIONS;
use crate::process::Stack;
use crate::terminal;

/// Builds the functions exactly as the emulator will ask for them, so that it finds everything built.
pub(crate) async fn functions(stack: &Stack, release: bool) -> Result<()> {
    terminal::say("Building the functions …");
    let mut arguments = vec!["build"];
    for function in &FUNCTIONS {
        arguments.extend(["--bin", function.name]);
    }
    if release {
        arguments.push("--release");
    }
    cargo(stack, &arguments).await
}

/// Runs cargo to its end.
pub(crate) async fn cargo(stack: &Stack, arguments: &[&str]) -> Result<()> {
    let mut command = environment::cargo(stack);
    let status = command.args(arguments).status().await.context("cannot run cargo")?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new("the build failed: mend what the compiler says above, then try again"))
}
