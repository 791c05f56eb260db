//! What the kernel says that a process has used.

use std::fs;
use std::time::Duration;

use crate::failure::{Context, Result};

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

/// The time on a processor of all threads that live, to the nanosecond. Threads that ended are missing: those of a
/// function live ten seconds after their last work.
pub(crate) fn processor_time(pid: u32) -> Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).context("cannot see the threads of a function")?;
    let mut total = Duration::ZERO;
    for thread in threads.flatten() {
        // It may end at this moment.
        if let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) {
            total += parse_schedstat(&text).context("cannot read the processor time of a function")?;
        }
    }
    Ok(total)
}

pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("cannot see the memory of a function")?;
    parse_status(&status).context("cannot read the memory of a function")
}

/// `time on a processor in ns, time waiting, times run` (kernel documentation, "Scheduler Statistics")
fn parse_schedstat(text: &str) -> std::result::Result<Duration, String> {
    let first = text.split_whitespace().next().and_then(|nanoseconds| nanoseconds.parse().ok());
    first.map(Duration::from_nanos).ok_or_else(|| format!("{text:?} is no time"))
}

/// Lines such as `VmHWM:      3688 kB` (manual page proc_pid_status)
fn parse_status(text: &str) -> std::result::Result<Memory, String> {
    let bytes = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib: Option<u64> = value.and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| format!("there is no {name}"))
    };
    Ok(Memory { now: bytes("VmRSS")?, peak: bytes("VmHWM")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_the_first_of_three_numbers() {
        assert_eq!(parse_schedstat("1234567 40227 1\n"), Ok(Duration::from_nanos(1_234_567)));
        assert!(parse_schedstat("").is_err() && parse_schedstat("-1 0 0").is_err());
    }

    #[test]
    fn memory_is_told_now_and_at_its_peak() {
        let status = "Name:\tempty\nVmPeak:\t  9000 kB\nVmHWM:\t    3688 kB\nVmRSS:\t    3584 kB\n";
        assert_eq!(parse_status(status), Ok(Memory { now: 3584 * 1024, peak: 3688 * 1024 }));
        assert!(parse_status("VmHWM: 1 kB").is_err());
    }

    #[test]
    fn this_process_has_used_something() {
        let pid = std::process::id();
        let memory = memory(pid).unwrap();
        assert!(processor_time(pid).unwrap() > Duration::ZERO && memory.peak >= memory.now && memory.now > 0);
    }
}
