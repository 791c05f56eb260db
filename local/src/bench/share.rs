//! A share of a processor, as Lambda gives it by memory: 1769 MB have one (Lambda developer guide, "Configure Lambda function
//! memory").

use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::failure::{Context, Result};

const MB_OF_ONE_PROCESSOR: u64 = 1769;

/// Microseconds in which a process may use its share: the shorter, the more evenly it runs. Lambda's was measured so.
const PERIOD: u64 = 20_000;

/// A control group that slows down whoever is in it. It goes when this is dropped, unless somebody is left in it.
pub(crate) struct Share(PathBuf);

impl Share {
    /// Microseconds of each period that memory of so many MB buys.
    fn quota(memory: u64) -> u64 {
        PERIOD * memory / MB_OF_ONE_PROCESSOR
    }

    /// The share of a function with so many MB; an error where control groups cannot be made.
    pub(crate) fn of_memory(memory: u64) -> Result<Self> {
        let (quota, name) = (Self::quota(memory), format!("confab-bench-{}-{memory}", std::process::id()));
        let first = Path::new("/sys/fs/cgroup/cpu");
        let (group, limits) = if first.is_dir() {
            let limits = vec![("cpu.cfs_period_us", PERIOD.to_string()), ("cpu.cfs_quota_us", quota.to_string())];
            (first.join(name), limits)
        } else {
            (Path::new("/sys/fs/cgroup").join(name), vec![("cpu.max", format!("{quota} {PERIOD}"))])
        };
        fs::create_dir(&group).context("cannot make a control group")?;
        let share = Self(group);
        for (file, limit) in limits {
            fs::write(share.0.join(file), limit).context("cannot limit a control group")?;
        }
        Ok(share)
    }

    /// A command that moves itself into the group, then becomes `program`.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg("echo $$ > \"$1\"; exec \"$0\"").arg(program).arg(self.0.join("cgroup.procs"));
        command
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Whoever is still in it keeps it; an empty group slows nobody down.
        let _ = fs::remove_dir(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_grow_with_memory_up_to_one_processor() {
        assert_eq!(Share::quota(1769), PERIOD);
        assert_eq!(Share::quota(128), 1447);
    }
}
