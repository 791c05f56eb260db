//! Where things stand in the workspace. All that the tool keeps lies in one git-ignored folder.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::failure::{Context, Result};

/// The root of the workspace that this tool was built in.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a folder of the workspace")
}

/// The program that this is. Where it was built anew since it started, the new one stands in its place.
pub(crate) fn this_tool() -> Result<PathBuf> {
    let path = env::current_exe().context("cannot find this program")?;
    Ok(path.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map(PathBuf::from).unwrap_or(path))
}

/// A folder of the tool's own, made when it is not there.
pub(crate) fn folder(name: &str) -> Result<PathBuf> {
    let path = root().join(".confab").join(name);
    fs::create_dir_all(&path).context(format!("cannot make the folder {}", shown(&path)))?;
    Ok(path)
}

/// A path as its reader would type it, from the root of the workspace.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
