//! `cargo dev lint-template`: what AWS would say of `template.yaml`, without AWS.

use std::path::Path;

use clap::Args;

use crate::failure::{Context, Failure, Result};
use crate::process::Stack;
use crate::{environment, terminal, toolbox, workspace};

/// Check template.yaml with `sam validate --lint` and cfn-lint
#[derive(Args)]
pub(crate) struct LintTemplate {}

impl LintTemplate {
    pub(crate) async fn run(self, stack: &Stack) -> Result<()> {
        let programs = toolbox::template_checks(stack).await?;
        let sam = check(stack, &programs, &["sam", "validate", "--lint"]).await?;
        let cfn_lint = check(stack, &programs, &["cfn-lint", "template.yaml"]).await?;
        if sam && cfn_lint { Ok(()) } else { Err(Failure::new("template.yaml has faults: mend what is listed above")) }
    }
}

async fn check(stack: &Stack, programs: &Path, words: &[&str]) -> Result<bool> {
    terminal::say(words.join(" "));
    let mut command = stack.command(programs.join(words[0]));
    environment::prefer_programs_in(&mut command, programs);
    command
        .args(&words[1..])
        .current_dir(workspace::root())
        .env("SAM_CLI_TELEMETRY", "0")
        // Only to name one: nothing is called there.
        .env("AWS_DEFAULT_REGION", "us-east-1");
    let status = command.status().await.context(format!("cannot run {}", words[0]))?;
    Ok(status.success())
}
