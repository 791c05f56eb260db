//! Starting processes, and ending every one of them with all that they started in turn.
//!
//! cargo-lambda runs each function in a process group of its own, where neither the terminal's Ctrl-C nor a signal to
//! our own children reaches. So whatever a [`Stack`] starts carries the stack's mark in its environment, which
//! processes hand down; who carries the mark, or descends from one that does, is ended with the stack.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::failure::{Context, Failure, Result};
use crate::signals::Signals;
use crate::terminal;

const MARK: &str = "CONFAB_STACK";
/// How long a process that was asked to end may take.
const GRACE: Duration = Duration::from_secs(2);
/// How long the system may take to remove a process that was killed.
const REMOVAL: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(30);

/// Everything that one command has started. Dropping it ends all of it.
pub(crate) struct Stack {
    mark: String,
    family: Mutex<Family>,
    /// Set by a second request to stop: nobody wants to wait for an orderly end.
    hurry: Arc<AtomicBool>,
}

/// Runs `work` until it is done or somebody asks to stop, and leaves no process of it behind.
pub(crate) async fn with_stack<T>(work: impl AsyncFnOnce(&Stack) -> Result<T>) -> Result<T> {
    let mut signals = Signals::listen()?;
    let stack = Stack::marked(Uuid::new_v4().to_string(), Arc::default())?;
    let (tell, told) = oneshot::channel();
    let hurry = Arc::clone(&stack.hurry);
    // A task of its own, since ending a stack blocks this one.
    tokio::spawn(async move {
        // The receiver is gone where the work was done before: then the stack is ending already.
        let _ = tell.send(signals.next().await);
        signals.next().await;
        hurry.store(true, Ordering::Relaxed);
    });
    let outcome = tokio::select! {
        outcome = work(&stack) => outcome,
        Ok(stop) = told => {
            terminal::say("\nStopping …");
            Err(Failure::Stopped(stop))
        }
    };
    drop(stack);
    outcome
}

impl Stack {
    fn marked(mark: String, hurry: Arc<AtomicBool>) -> Result<Self> {
        let system = System::new().context("cannot look at the processes of this machine")?;
        let family = Mutex::new(Family { system, known: HashMap::new() });
        Ok(Self { mark, family, hurry })
    }

    /// A part that ends before the whole does.
    pub(crate) fn part(&self) -> Result<Self> {
        Self::marked(format!("{}/{}", self.mark, Uuid::new_v4()), Arc::clone(&self.hurry))
    }

    /// A command whose process belongs to this stack. It reads nothing from the terminal, and the terminal's Ctrl-C
    /// passes it by: it is this program that ends it.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env(MARK, &self.mark).process_group(0).stdin(Stdio::null());
        command
    }

    /// The values that a variable has among the living processes of this stack.
    pub(crate) fn values_of(&self, variable: &str) -> HashSet<String> {
        let mut family = self.family();
        let alive = family.members(&self.mark);
        alive
            .iter()
            .filter_map(|pid| family.system.process(*pid))
            .filter_map(|process| value_of(process.environ(), variable))
            .map(|value| value.to_string_lossy().into_owned())
            .collect()
    }

    fn family(&self) -> MutexGuard<'_, Family> {
        // What is known stays true if whoever learned it panicked.
        self.family.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let started = Instant::now();
        let mut family = self.family();
        let mut asked = HashSet::new();
        loop {
            let alive = family.members(&self.mark);
            if alive.is_empty() {
                return;
            }
            let elapsed = started.elapsed();
            if elapsed > GRACE + REMOVAL {
                let pids: Vec<_> = alive.iter().map(ToString::to_string).collect();
                terminal::warn(&format!("these processes do not end: {}", pids.join(" ")));
                return;
            }
            let kill = elapsed > GRACE || self.hurry.load(Ordering::Relaxed);
            for pid in alive {
                if kill {
                    send(pid, rustix::process::Signal::KILL);
                } else if asked.insert(pid) {
                    send(pid, rustix::process::Signal::TERM);
                }
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.end();
    }
}

/// Who belongs to a stack, looked up again and again while it ends.
struct Family {
    system: System,
    /// Members seen so far with the time of their start, so that one whose parent has gone is not lost, and one that
    /// got the same number later is not taken for it.
    known: HashMap<sysinfo::Pid, u64>,
}

impl Family {
    fn members(&mut self, mark: &str) -> HashSet<sysinfo::Pid> {
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing().with_environ(UpdateKind::Always).without_tasks(),
        );
        let alive = || {
            self.system
                .processes()
                .values()
                .filter(|process| !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead))
        };
        let mut members: HashSet<_> = alive()
            .filter(|process| {
                self.known.get(&process.pid()) == Some(&process.start_time())
                    || value_of(process.environ(), MARK)
                        .is_some_and(|value| value.as_bytes().starts_with(mark.as_bytes()))
            })
            .map(sysinfo::Process::pid)
            .collect();
        loop {
            let children: Vec<_> = alive()
                .filter(|process| process.parent().is_some_and(|parent| members.contains(&parent)))
                .map(sysinfo::Process::pid)
                .filter(|pid| !members.contains(pid))
                .collect();
            if children.is_empty() {
                break;
            }
            members.extend(children);
        }
        for pid in &members {
            if let Some(process) = self.system.process(*pid) {
                self.known.insert(*pid, process.start_time());
            }
        }
        members
    }
}

fn value_of<'a>(environment: &'a [OsString], variable: &str) -> Option<&'a OsStr> {
    environment.iter().find_map(|entry| {
        let value = entry.as_bytes().strip_prefix(variable.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value))
    })
}

fn send(pid: sysinfo::Pid, signal: rustix::process::Signal) {
    let raw = i32::try_from(pid.as_u32()).ok();
    if let Some(pid) = raw.and_then(rustix::process::Pid::from_raw) {
        // It may have ended in the meantime, which is what we want.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// What a process prints to the streams that were piped, line by line.
pub(crate) fn lines_of(child: &mut Child) -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    if let Some(stdout) = child.stdout.take() {
        tokio::spawn(forward(stdout, sender.clone()));
    }
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(forward(stderr, sender));
    }
    lines
}

async fn forward(stream: impl AsyncRead + Unpin, lines: mpsc::UnboundedSender<String>) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    // Read as bytes: a line that is not UTF-8 must not end the reading.
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line);
        if lines.send(text.trim_end_matches(['\n', '\r']).to_owned()).is_err() {
            return;
        }
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack() -> Stack {
        Stack::marked(Uuid::new_v4().to_string(), Arc::default()).unwrap()
    }

    fn count(mark: &str) -> usize {
        let mut family = Family { system: System::new().unwrap(), known: HashMap::new() };
        family.members(mark).len()
    }

    async fn wait_for(stack: &Stack, expected: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while stack.family().members(&stack.mark).len() < expected {
            assert!(Instant::now() < deadline, "the processes did not start");
            tokio::time::sleep(POLL).await;
        }
    }

    #[tokio::test]
    async fn ending_a_stack_ends_grandchildren_in_sessions_of_their_own() {
        let stack = stack();
        let script = "setsid sh -c 'sleep 300 & sleep 300' & sleep 300 & sleep 300";
        let _child = stack.command("sh").args(["-c", script]).spawn().unwrap();
        wait_for(&stack, 6).await;
        let mark = stack.mark.clone();
        drop(stack);
        assert_eq!(count(&mark), 0);
    }

    #[tokio::test]
    async fn ending_a_stack_kills_what_will_not_listen_and_finds_what_dropped_the_mark() {
        let stack = stack();
        let script = "trap '' TERM; env -i sh -c 'trap \"\" TERM; sleep 300' & while :; do sleep 1; done";
        let _child = stack.command("sh").args(["-c", script]).spawn().unwrap();
        wait_for(&stack, 3).await;
        let unmarked = stack.family().members(&stack.mark);
        let started = Instant::now();
        drop(stack);
        assert!(started.elapsed() >= GRACE);
        let mut system = System::new().unwrap();
        system.refresh_processes(ProcessesToUpdate::All, true);
        for pid in unmarked {
            assert!(system.process(pid).is_none_or(|process| process.status() == ProcessStatus::Zombie), "{pid}");
        }
    }

    #[tokio::test]
    async fn a_hurried_end_does_not_wait() {
        let stack = stack();
        let script = "trap '' TERM; while :; do sleep 1; done";
        let _child = stack.command("sh").args(["-c", script]).spawn().unwrap();
        wait_for(&stack, 1).await;
        stack.hurry.store(true, Ordering::Relaxed);
        let started = Instant::now();
        drop(stack);
        assert!(started.elapsed() < GRACE);
    }

    #[tokio::test]
    async fn a_part_ends_without_the_whole() {
        let stack = stack();
        let part = stack.part().unwrap();
        let _sleeper = stack.command("sleep").arg("300").spawn().unwrap();
        let _other = part.command("sleep").arg("300").spawn().unwrap();
        wait_for(&stack, 2).await;
        drop(part);
        assert_eq!(count(&stack.mark), 1);
    }

    #[tokio::test]
    async fn the_values_of_a_variable_are_those_of_living_processes() {
        let stack = stack();
        let mut child = stack.command("sleep").arg("300").env("NAME", "a").spawn().unwrap();
        let _other = stack.command("sleep").arg("300").env("NAME", "b").spawn().unwrap();
        wait_for(&stack, 2).await;
        child.kill().await.unwrap();
        assert_eq!(stack.values_of("NAME"), HashSet::from(["b".to_owned()]));
    }

    #[tokio::test]
    async fn lines_of_both_streams_arrive() {
        let stack = stack();
        let mut command = stack.command("sh");
        command.args(["-c", r"echo one; echo two >&2; printf 'thr\377ee'"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = lines_of(&mut child);
        let mut seen = Vec::new();
        while let Some(line) = lines.recv().await {
            seen.push(line);
        }
        seen.sort();
        assert_eq!(seen, ["one", "thr\u{fffd}ee", "two"]);
    }
}
