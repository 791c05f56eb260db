//! `cargo dev test`: unit tests, and the suite through the front door on each database.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use clap::{Args, ValueEnum};
use tokio::process::Command;

use crate::database::{self, Engine, Machine, NO_JAVA, Storage};
use crate::emulator::{Emulator, Options, Tail};
use crate::failure::{Context, Failure, Result};
use crate::gateway::Limits;
use crate::log_check::{self, Secrets};
use crate::log_line::LogLine;
use crate::process::{Stack, lines_of};
use crate::terminal::Colour;
use crate::{building, environment, live, ports, session_keys, table, terminal, toolbox, workspace};

/// Run the unit tests, and the suite on fresh databases in memory
///
/// The suite speaks HTTP to the functions as real Lambda processes. It never touches the data of `cargo dev up`, and
/// runs beside it.
#[derive(Args)]
pub(crate) struct Test {
    /// Run the suite against this address instead, a deployed one for instance
    ///
    /// Tests that need this machine, or an admin, are left out.
    #[arg(long, value_name = "URL", conflicts_with_all = ["database", "no_unit"])]
    target: Option<String>,
    /// Which databases to run the suite on
    #[arg(long, value_enum, default_value_t = Databases::Auto)]
    database: Databases,
    /// Leave out the unit tests
    #[arg(long)]
    no_unit: bool,
    /// Run only tests whose names contain this
    filter: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Databases {
    /// DynamoDB Local where Java is, and the embedded engine
    Auto,
    /// DynamoDB Local and the embedded engine
    Both,
    DynamodbLocal,
    Embedded,
}

impl Databases {
    fn engines(self, machine: Machine) -> Result<Vec<Engine>> {
        let both = vec![Engine::DynamoDbLocal, Engine::Embedded];
        match self {
            Self::Embedded => Ok(vec![Engine::Embedded]),
            Self::Auto if !machine.has_java => Ok(vec![Engine::Embedded]),
            _ if !machine.has_java => Err(Failure::new(NO_JAVA)),
            Self::Auto | Self::Both => Ok(both),
            Self::DynamodbLocal => Ok(vec![Engine::DynamoDbLocal]),
        }
    }
}

/// One part of the run, and how it went.
struct Part {
    name: String,
    counts: Counts,
    seconds: u64,
}

impl Test {
    pub(crate) async fn run(self, stack: &Stack) -> Result<()> {
        let parts = match &self.target {
            Some(url) => vec![self.deployed(stack, url).await?],
            None => self.on_this_machine(stack).await?,
        };
        summarise(&parts)
    }

    async fn deployed(&self, stack: &Stack, url: &str) -> Result<Part> {
        building::cargo(stack, &["test", "--test", "suite", "--no-run"]).await?;
        terminal::say(format!("\nThe suite on {url}, without the tests that need this machine"));
        let mut command = self.suite(stack);
        command.env("CONFAB_TARGET", url.trim_end_matches('/'));
        command.args(["--skip", "machine::"]);
        let started = Instant::now();
        let mut counts = count_tests(&mut command).await?;
        if self.filter.is_none() {
            counts.skipped += counts.filtered_out;
        }
        Ok(Part::new(format!("suite on {url}"), counts, started))
    }

    async fn on_this_machine(&self, stack: &Stack) -> Result<Vec<Part>> {
        let machine = Machine::look(stack).await;
        let engines = self.database.engines(machine)?;
        if self.database == Databases::Auto && !machine.has_java {
            terminal::warn("there is no Java here, so the suite does not run on DynamoDB Local");
        }
        let programs = toolbox::cargo_lambda(stack).await?;
        let fuzzer = toolbox::fuzzer(stack).await?;
        building::functions(stack, false).await?;
        terminal::say("Building the tests …");
        let tests: &[_] = if self.no_unit { &["--test", "suite"] } else { &["--workspace"] };
        building::cargo(stack, &[&["test", "--no-run"], tests].concat()).await?;

        let mut parts = Vec::new();
        if !self.no_unit {
            terminal::say("\nUnit tests");
            let started = Instant::now();
            let counts = count_tests(&mut self.unit(stack)).await?;
            parts.push(Part::new("unit tests".to_owned(), counts, started));
        }
        let last = engines.last().copied();
        for engine in engines {
            terminal::say(format!("\nThe suite on {engine}"));
            let started = Instant::now();
            // What a fuzzer is answered does not depend on the database: once is enough.
            let fuzzer = (Some(engine) == last).then_some(&*fuzzer);
            let counts = self.on_engine(stack, &programs, fuzzer, engine).await.unwrap_or_else(|failure| {
                terminal::complain(failure);
                Counts { failed: 1, ..Counts::default() }
            });
            parts.push(Part::new(format!("suite on {engine}"), counts, started));
        }
        Ok(parts)
    }

    /// The suite on a database of its own, which is gone afterwards with all that ran for it.
    async fn on_engine(&self, stack: &Stack, programs: &Path, fuzzer: Option<&Path>, engine: Engine) -> Result<Counts> {
        let part = stack.part()?;
        let database_log = format!("test-{}-database", engine.name());
        let database = database::start(&part, engine, ports::any_free()?, Storage::Memory, &database_log).await?;
        table::local(&database.endpoint).await?;

        let keys = session_keys::generate();
        let port = ports::any_free()?;
        let gateway = live::sockets(ports::any_free()?, &format!("http://127.0.0.1:{port}"), Limits::default()).await?;
        let (socket_url, management_url) = (gateway.url(), gateway.management_url());
        let options = Options {
            port,
            concurrency: 4,
            release: false,
            reload: false,
            endpoint: &database.endpoint,
            session_keys: &keys,
            // All that functions can be made to say must be fit to be read.
            environment: &[
                ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
                ("METRICS_NAMESPACE", "confab"),
                (live::URL, &socket_url),
                (live::MANAGEMENT_URL, &management_url),
            ],
        };
        let log_path = workspace::folder("logs")?.join(format!("test-{}.log", engine.name()));
        let secrets = Secrets::new(workspace::folder("logs")?.join(format!("test-{}.secrets", engine.name())))?;
        let mut log = File::create(&log_path).context(format!("cannot write {}", workspace::shown(&log_path)))?;
        // A log that cannot be written any more must not fail the tests.
        let mut record = move |line: &str| drop(writeln!(log, "{line}"));
        let mut emulator = Emulator::start(&part, programs, &options)?;
        emulator.wait_until_ready(&part, &mut record).await?;
        let pump = live::stream(&database.endpoint, &emulator.url).await?;

        let mut command = self.suite(&part);
        environment::use_local_table(&mut command, &database.endpoint, &keys);
        command
            .env("CONFAB_TARGET", &emulator.url)
            .env("CONFAB_SOCKETS", &socket_url)
            .env("CONFAB_DATABASE", &database.endpoint)
            .env("CONFAB_TOOL", workspace::this_tool()?)
            .env("CONFAB_DATABASE_KIND", engine.name())
            .env("CONFAB_SECRETS", secrets.path());
        match fuzzer {
            Some(fuzzer) => command.env("CONFAB_SCHEMATHESIS", fuzzer.join("schemathesis")),
            None => command.args(["--skip", "machine::fuzzing::"]),
        };
        let recorder = tokio::spawn(async move {
            while let Some(line) = emulator.next_line().await {
                record(&line);
            }
        });
        let mut counts = count_tests(&mut command).await?;
        // Whatever the tests did, `fanout` must have taken each record of it.
        let discarded: BTreeSet<_> = pump.discarded().iter().map(live::tell).collect();
        pump.stop().await;
        drop(part);
        recorder.await.context("cannot read what the functions print")?;
        let faults = log_check::faults(&log_path, &secrets)?;
        counts = counts.plus(told("the functions' log", &faults)).plus(told("the stream", &discarded));
        if counts.failed > 0 {
            say_trouble(&log_path);
        }
        Ok(counts)
    }

    fn unit(&self, stack: &Stack) -> Command {
        let mut command = environment::cargo(stack);
        command.args(["test", "--quiet", "--workspace", "--lib", "--bins", "--no-fail-fast"]);
        self.give_arguments(&mut command);
        command
    }

    fn suite(&self, stack: &Stack) -> Command {
        let mut command = environment::cargo(stack);
        command.args(["test", "--quiet", "--test", "suite"]);
        self.give_arguments(&mut command);
        command
    }

    fn give_arguments(&self, command: &mut Command) {
        command.args(&self.filter).arg("--");
        if terminal::has_colours() {
            command.args(["--color", "always"]);
        }
    }
}

impl Part {
    fn new(name: String, counts: Counts, started: Instant) -> Self {
        Self { name, counts, seconds: started.elapsed().as_secs() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
    filtered_out: u64,
}

impl Counts {
    /// From the line with which a test binary ends.
    fn parse(line: &str) -> Option<Self> {
        let (_, list) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = Self::default();
        for entry in list.split("; ") {
            let Some((number, what)) = entry.split_once(' ') else { continue };
            let Ok(number) = number.parse() else { continue };
            match what {
                "passed" => counts.passed = number,
                "failed" => counts.failed = number,
                "ignored" => counts.skipped = number,
                "filtered out" => counts.filtered_out = number,
                _ => {}
            }
        }
        Some(counts)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            filtered_out: self.filtered_out + other.filtered_out,
        }
    }
}

/// Runs tests, shows what they print, and counts them.
async fn count_tests(command: &mut Command) -> Result<Counts> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let mut lines = lines_of(&mut child);
    let mut counts = Counts::default();
    while let Some(line) = lines.recv().await {
        if let Some(more) = Counts::parse(&terminal::without_colours(&line)) {
            counts = counts.plus(more);
        }
        terminal::say(line);
    }
    let status = child.wait().await.context("cannot run cargo")?;
    if !status.success() && counts.failed == 0 {
        // A test binary that crashed has counted nothing.
        counts.failed = 1;
    }
    Ok(counts)
}

/// All that was found wrong somewhere counts as one test more.
fn told(place: &str, faults: &BTreeSet<String>) -> Counts {
    for fault in faults {
        terminal::complain(format!("{place}: {fault}"));
    }
    Counts { passed: u64::from(faults.is_empty()), failed: u64::from(!faults.is_empty()), ..Counts::default() }
}

fn say_trouble(log_path: &PathBuf) {
    let mut tail = Tail::default();
    for line in fs::read_to_string(log_path).unwrap_or_default().lines() {
        if LogLine::parse(line).is_trouble() {
            tail.push(line.to_owned());
        }
    }
    terminal::say(format!("The functions' log is in {}. Its last warnings and errors:", workspace::shown(log_path)));
    for line in tail.into_lines() {
        terminal::say(format!("  {}", LogLine::parse(&line).render().unwrap_or(line)));
    }
}

/// Ends with the sum alone on a line, and fails if a test did.
fn summarise(parts: &[Part]) -> Result<()> {
    terminal::say("");
    for Part { name, counts, seconds } in parts {
        let colour = if counts.failed > 0 { Colour::Red } else { Colour::Green };
        let numbers = format!("{:>5} passed {:>3} failed {:>3} skipped", counts.passed, counts.failed, counts.skipped);
        terminal::say(format!("{name:<30} {} {seconds:>5} s", colour.paint(&numbers)));
    }
    let sum = parts.iter().fold(Counts::default(), |sum, part| sum.plus(part.counts));
    terminal::say(format!("{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped));
    if sum.failed > 0 { Err(Failure::Told) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_a_test_binary_is_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s";
        let counts = Counts { passed: 12, failed: 3, skipped: 1, filtered_out: 4 };
        assert_eq!(Counts::parse(line), Some(counts));
        assert_eq!(Counts::parse("test result: ok. 1 passed; 0 failed").map(|counts| counts.passed), Some(1));
    }

    #[test]
    fn other_lines_are_not() {
        for line in ["running 3 tests", "test result of mine ... ok", "test a::b ... ok", ""] {
            assert_eq!(Counts::parse(line), None);
        }
    }

    #[test]
    fn the_suite_runs_on_every_database_that_the_machine_can_run() {
        let with_java = Machine { has_java: true, has_jar: true };
        let without_java = Machine { has_java: false, has_jar: true };
        let both = [Engine::DynamoDbLocal, Engine::Embedded];
        assert_eq!(Databases::Auto.engines(with_java).unwrap(), both);
        assert_eq!(Databases::Both.engines(with_java).unwrap(), both);
        assert_eq!(Databases::Auto.engines(without_java).unwrap(), [Engine::Embedded]);
        assert_eq!(Databases::Embedded.engines(without_java).unwrap(), [Engine::Embedded]);
        assert!(Databases::Both.engines(without_java).is_err());
        assert!(Databases::DynamodbLocal.engines(without_java).is_err());
    }
}
