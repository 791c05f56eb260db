//! cargo-lambda's emulator, which plays API Gateway and Lambda: it takes HTTP requests, finds the function by the
//! routing table of the workspace manifest, and runs each function as a Lambda process.
//!
//! It holds 100 waiting requests of a function. One more, and it stops for good (cargo-lambda 1.9.2 waits for room in
//! the queue under the lock that emptying it takes), so no client should have as many under way at once.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{fs, io};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};

use crate::failure::{Context, Failure, Result};
use crate::functions::{FUNCTIONS, Function, Probe};
use crate::invoke;
use crate::log_line::LogLine;
use crate::process::{Stack, lines_of};
use crate::{environment, workspace};

/// How long the functions may take to answer once they are built.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a function may take from its end to its disappearance.
const SETTLING: Duration = Duration::from_millis(500);

pub(crate) struct Options<'a> {
    pub(crate) port: u16,
    /// Processes of each function at most.
    pub(crate) concurrency: usize,
    pub(crate) release: bool,
    /// Whether the functions start anew when their source changes.
    pub(crate) reload: bool,
    pub(crate) endpoint: &'a str,
    pub(crate) session_keys: &'a str,
    /// What else the functions find in their environment.
    pub(crate) environment: &'a [(&'a str, &'a str)],
}

pub(crate) struct Emulator {
    pub(crate) url: String,
    lines: UnboundedReceiver<String>,
}

impl Emulator {
    /// `programs` is the folder of cargo-lambda.
    pub(crate) fn start(stack: &Stack, programs: &Path, options: &Options<'_>) -> Result<Self> {
        let mut command = stack.command(programs.join("cargo-lambda"));
        environment::scrub(&mut command);
        environment::use_local_table(&mut command, options.endpoint, options.session_keys);
        command
            .envs(options.environment.iter().copied())
            .args(["lambda", "watch", "--disable-cors", "--invoke-address", "127.0.0.1"])
            .args(["--invoke-port", &options.port.to_string()])
            .args(["--concurrency", &options.concurrency.to_string()])
            .arg("--manifest-path")
            .arg(workspace::root().join("Cargo.toml"));
        if options.release {
            command.arg("--release");
        }
        if options.reload {
            command.current_dir(watched_folder().context("cannot make the folder that is watched for changes")?);
        } else {
            command.arg("--ignore-changes").current_dir(workspace::folder("unwatched")?);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().context("cannot run cargo-lambda")?;
        Ok(Self { url: format!("http://127.0.0.1:{}", options.port), lines: lines_of(&mut process) })
    }

    /// Waits until every function has answered a request. `see` gets every line printed meanwhile.
    pub(crate) async fn wait_until_ready(&mut self, stack: &Stack, mut see: impl FnMut(&str)) -> Result<()> {
        let client = reqwest::Client::new();
        let mut waiting: HashSet<_> = FUNCTIONS.iter().map(|function| function.name).collect();
        let mut probes: FuturesUnordered<_> =
            FUNCTIONS.iter().map(|function| answer(&client, &self.url, function)).collect();
        let mut tail = Tail::default();
        let deadline = Instant::now() + PATIENCE;
        while !waiting.is_empty() {
            tokio::select! {
                Some(name) = probes.next() => {
                    waiting.remove(name);
                }
                line = self.lines.recv() => {
                    let Some(line) = line else {
                        return Err(tail.failure("cargo-lambda ended before the functions answered"));
                    };
                    see(&line);
                    let parsed = LogLine::parse(&line);
                    if parsed.is_trouble() {
                        tail.push(line);
                    }
                    if parsed == LogLine::Exit {
                        sleep(SETTLING).await;
                        let ended = ended_functions(stack);
                        let ended: Vec<_> = waiting.intersection(&ended).copied().collect();
                        if !ended.is_empty() {
                            return Err(tail.failure(&format!(
                                "{} ended before answering: mend what stands above, then try again",
                                named(ended),
                            )));
                        }
                    }
                }
                () = sleep_until(deadline) => {
                    return Err(tail.failure(&format!(
                        "{} did not answer within {} s: end other cargo commands, which may hold it up, then try again",
                        named(waiting.into_iter().collect()),
                        PATIENCE.as_secs(),
                    )));
                }
            }
        }
        Ok(())
    }

    /// The troubles printed so far. Drops the rest: requests of our own, which nobody wants to read.
    pub(crate) fn troubles_so_far(&mut self) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.lines.try_recv().ok()).map(|line| LogLine::parse(&line));
        lines.filter(LogLine::is_trouble).filter_map(|line| line.render()).collect()
    }

    /// The next line that the emulator or a function printed; nothing once the emulator has ended.
    pub(crate) async fn next_line(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}

/// The functions of which no process is left. Each process carries the name of its function in its environment.
pub(crate) fn ended_functions(stack: &Stack) -> HashSet<&'static str> {
    let alive = stack.values_of("AWS_LAMBDA_FUNCTION_NAME");
    FUNCTIONS.iter().map(|function| function.name).filter(|name| !alive.contains(*name)).collect()
}

fn named(mut functions: Vec<&str>) -> String {
    functions.sort_unstable();
    let plural = if functions.len() == 1 { "" } else { "s" };
    format!("the function{plural} {}", functions.join(", "))
}

async fn answer(client: &reqwest::Client, url: &str, function: &Function) -> &'static str {
    let invoked = invoke::Function::at(url, function.name);
    loop {
        let answers = match function.probe {
            Probe::Path(path) => {
                let response = client.get(format!("{url}{path}")).send().await;
                response.is_ok_and(|response| !response.status().is_server_error())
            }
            Probe::Event(event) => invoked.invoke(event()).await.is_ok(),
        };
        if answers {
            return function.name;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// The folder that cargo-lambda watches. Every process of a function watches it with all that is below, so on Linux,
/// where watching costs by the folder and follows links, it links to the sources alone and leaves `target` out.
fn watched_folder() -> io::Result<PathBuf> {
    let root = workspace::root();
    if !cfg!(target_os = "linux") {
        return Ok(root.to_owned());
    }
    let folder = root.join(".confab/watched");
    fs::create_dir_all(&folder)?;
    for name in ["Cargo.toml", "functions", "shared"] {
        match std::os::unix::fs::symlink(Path::new("../..").join(name), folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(folder)
}

/// The last lines that may tell what went wrong. Several processes of a function say the same: it is kept once.
#[derive(Default)]
pub(crate) struct Tail(VecDeque<String>);

impl Tail {
    const SHOWN: usize = 16;

    pub(crate) fn push(&mut self, line: String) {
        if self.0.contains(&line) {
            return;
        }
        if self.0.len() == Self::SHOWN {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.0.into()
    }

    fn failure(self, text: &str) -> Failure {
        let lines = self.into_lines();
        let lines = lines.iter().map(|line| LogLine::parse(line).render().unwrap_or_else(|| line.clone()));
        Failure::with_output(text, lines.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_last_lines_once_each() {
        let mut tail = Tail::default();
        for line in 0..20 {
            tail.push(line.to_string());
            tail.push(line.to_string());
        }
        let kept: Vec<_> = (4..20).map(|line| line.to_string()).collect();
        assert_eq!(tail.into_lines(), kept);
    }
}
