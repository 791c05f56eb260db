//! The keyring that signs session tokens: the same shape as Secrets Manager holds for a deployed stack.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

use serde_json::json;
use uuid::Uuid;

use crate::failure::{Context, Result};
use crate::workspace;

pub(crate) fn generate() -> String {
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    json!({ "active": "k1", "k1": secret }).to_string()
}

/// The keyring of `up`, made once, so that sessions outlive a restart.
pub(crate) fn kept() -> Result<String> {
    let path = workspace::folder("")?.join("session-keys.json");
    let shown = workspace::shown(&path);
    match fs::read_to_string(&path) {
        Ok(keys) => return Ok(keys),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).context(format!("cannot read {shown}")),
    }
    let keys = generate();
    let beside = path.with_extension(Uuid::new_v4().to_string());
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(keys.as_bytes()))
        .and_then(|()| fs::rename(&beside, &path));
    written.context(format!("cannot write {shown}"))?;
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_keyring_names_its_active_key_and_never_repeats() {
        let keyring: Value = serde_json::from_str(&generate()).unwrap();
        let active = keyring["active"].as_str().unwrap();
        assert!(keyring[active].as_str().unwrap().len() >= 32);
        assert_ne!(generate(), generate());
    }
}
