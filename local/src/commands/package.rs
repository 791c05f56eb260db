//! `cargo dev package`: the functions as Lambda takes them, where `template.yaml` looks for them.

use std::fs;

use clap::Args;

use crate::bench::report::{MIB, MOST_BYTES};
use crate::failure::{Context, Failure, Result};
use crate::functions::FUNCTIONS;
use crate::process::Stack;
use crate::{environment, terminal, toolbox, workspace};

/// Build all functions for Lambda, ready for `sam deploy`
#[derive(Args)]
pub(crate) struct Package {
    /// Build for x86_64 instead of arm64 (deploy with the template's parameter for it)
    #[arg(long = "x86-64")]
    x86_64: bool,
}

impl Package {
    pub(crate) async fn run(self, stack: &Stack) -> Result<()> {
        let programs = toolbox::cargo_lambda(stack).await?;
        let (target, flag) = if self.x86_64 {
            ("x86_64-unknown-linux-gnu", "--x86-64")
        } else {
            ("aarch64-unknown-linux-gnu", "--arm64")
        };
        require_target(stack, target).await?;

        terminal::say("Building the functions for Lambda …");
        let mut command = stack.command(programs.join("cargo-lambda"));
        environment::scrub(&mut command);
        environment::prefer_programs_in(&mut command, &programs);
        command.current_dir(workspace::root()).args(["lambda", "build", "--release", "--locked", flag]);
        // Named, because the template looks there whatever cargo's own target folder is.
        command.args(["--lambda-dir", "target/lambda"]);
        for function in &FUNCTIONS {
            command.args(["--package", function.name]);
        }
        let status = command.status().await.context("cannot run cargo-lambda")?;
        if !status.success() {
            return Err(Failure::new("the build failed: mend what the compiler says above, then try again"));
        }
        check_sizes()?;
        terminal::say("\nNext: `sam deploy --guided`, once; `sam deploy` from then on.");
        Ok(())
    }
}

async fn require_target(stack: &Stack, target: &str) -> Result<()> {
    let mut command = stack.command("rustup");
    environment::scrub(&mut command);
    let Ok(output) = command.args(["target", "list", "--installed"]).output().await else {
        // Without rustup there is no telling: the build will.
        return Ok(());
    };
    if String::from_utf8_lossy(&output.stdout).lines().any(|line| line == target) {
        return Ok(());
    }
    Err(Failure::new(format!("Rust cannot build for {target} yet: run `rustup target add {target}`, then try again")))
}

fn check_sizes() -> Result<()> {
    let mut too_large = Vec::new();
    for function in &FUNCTIONS {
        let path = workspace::root().join("target/lambda").join(function.name).join("bootstrap");
        let shown = workspace::shown(&path);
        let bytes = fs::metadata(&path).context(format!("{shown} was not built"))?.len();
        terminal::say(format!("{:<14} {:>5.2} MiB  {shown}", function.name, bytes as f64 / MIB as f64));
        if bytes > MOST_BYTES {
            too_large.push(function.name);
        }
    }
    if too_large.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "larger than {} MiB: {}; look for new dependencies with `cargo tree`",
        MOST_BYTES / MIB,
        too_large.join(", ")
    )))
}
