//! Where things stand in the workspace. All that the tool keeps lies in one git-ignored folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Context, Result};

/// The root of the workspace that this tool was built in.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a folder of the workspace")
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
