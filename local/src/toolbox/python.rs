//! Python packages, each set in a virtual environment of its own. cargo-lambda and the template checks come as such.

use std::fs;
use std::path::{Path, PathBuf};

use super::{last_lines, lock, output, remove_folder, says_offline};
use crate::failure::{Context, Failure, Result};
use crate::process::Stack;
use crate::{terminal, workspace};

pub(super) struct Environment {
    pub(super) folder: &'static str,
    pub(super) requirements: &'static [&'static str],
    /// What the reader is told while it is installed.
    pub(super) step: &'static str,
}

impl Environment {
    /// The folder of the installed programs.
    pub(super) async fn programs(&self, stack: &Stack) -> Result<PathBuf> {
        let _lock = lock().await?;
        let folder = workspace::folder("tools")?.join(self.folder);
        if fs::read_to_string(stamp(&folder)).is_ok_and(|text| text == self.contents(&folder)) {
            return Ok(folder.join("bin"));
        }
        terminal::step(self.step, self.install(stack, &folder)).await?;
        Ok(folder.join("bin"))
    }

    async fn install(&self, stack: &Stack, folder: &PathBuf) -> Result<()> {
        remove_folder(folder)?;
        // Without pip of its own: Debian leaves out what that takes, and the machine's pip installs into it as well.
        let mut venv = stack.command("python3");
        venv.args(["-m", "venv", "--without-pip"]).arg(folder);
        let made =
            output(&mut venv, "python3 was not found: install Python 3.9 or newer with pip, then try again").await?;
        if !made.status.success() {
            let text = "python3 cannot make a virtual environment: install its module venv, then try again";
            return Err(Failure::with_output(text, last_lines(&made)));
        }
        let mut pip = stack.command("python3");
        pip.args(["-m", "pip", "--python"])
            .arg(folder.join("bin/python"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--retries", "2"])
            .args(self.requirements);
        let installed =
            output(&mut pip, "python3 has gone: install Python 3.9 or newer with pip, then try again").await?;
        if !installed.status.success() {
            let packages = self.requirements.join(" and ");
            let text = if says_offline(&installed) {
                format!("could not reach PyPI for {packages}: connect to the network for the first run, then try again")
            } else {
                format!("pip could not install {packages} (it must be pip 22.3 or newer): see its message above")
            };
            return Err(Failure::with_output(text, last_lines(&installed)));
        }
        // Last, since it is what says that everything before it is there.
        fs::write(stamp(folder), self.contents(folder)).context("cannot finish the installation")
    }

    /// What the stamp says: the versions, and the place, because a virtual environment does not work once moved.
    fn contents(&self, folder: &Path) -> String {
        format!("{}\n{}\n", folder.display(), self.requirements.join("\n"))
    }
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join("installed")
}
