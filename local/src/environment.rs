//! What started programs find in their environment.

use std::env;
use std::path::Path;

use tokio::process::Command;

use crate::process::Stack;
use crate::workspace;

/// The table of every local stack.
pub(crate) const TABLE_NAME: &str = "confab";

/// `cargo`, as if it were started by hand. What the outer `cargo run` sets for this tool would make build scripts
/// think that something has changed, and run again.
pub(crate) fn cargo(stack: &Stack) -> Command {
    let mut command = stack.command("cargo");
    command.current_dir(workspace::root());
    scrub(&mut command);
    command
}

pub(crate) fn scrub(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo_run) {
            command.env_remove(name);
        }
    }
}

fn is_set_by_cargo_run(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "CARGO",
        "CARGO_BIN_NAME",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_PATH",
        "CARGO_PRIMARY_PACKAGE",
        "RUST_RECURSION_COUNT",
    ];
    const PREFIXES: [&str; 2] = ["CARGO_PKG_", "CARGO_BIN_EXE_"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Points a program at the table in a local database, and away from any real AWS account.
pub(crate) fn use_local_table(command: &mut Command, endpoint: &str, session_keys: &str) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
    }
    command
        .env("TABLE_NAME", TABLE_NAME)
        .env("DYNAMODB_ENDPOINT", endpoint)
        .env("SESSION_KEYS", session_keys)
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_REGION", "us-east-1");
}

/// Puts a folder before all others in the search path of a program.
pub(crate) fn prefer_programs_in(command: &mut Command, folder: &Path) {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(env::split_paths(&path));
    // A folder whose name holds the separator cannot stand in a search path at all.
    if let Ok(joined) = env::join_paths(folders) {
        command.env("PATH", joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_run_sets_is_told_from_what_a_person_sets() {
        for name in ["CARGO", "CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_BIN_EXE_local"] {
            assert!(is_set_by_cargo_run(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_NET_OFFLINE",
            "CARGO_TERM_COLOR",
            "CARGO_LAMBDA_TARGET",
            "CARGO_BUILD_JOBS",
            "RUSTUP_TOOLCHAIN",
            "RUST_LOG",
            "PATH",
        ] {
            assert!(!is_set_by_cargo_run(name), "{name}");
        }
    }
}
