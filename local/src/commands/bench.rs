//! `cargo dev bench`: size, start, speed and memory of the functions, held against a function that does nothing.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::bench::logins::MEMORY_SIZES;
use crate::bench::report::{Measured, Report};
use crate::bench::scene::{EMPTY, OPERATIONS, Scene};
use crate::bench::share::Share;
use crate::bench::{cold, logins, warm};
use crate::database::{self, Engine, Storage};
use crate::failure::{Failure, Result};
use crate::functions::FUNCTIONS;
use crate::process::Stack;
use crate::{building, ports, table, terminal, workspace};

/// MB whose share of a processor cold starts are measured under.
const SHARES: [u64; 3] = [128, 256, 512];

/// Measure the release binaries: size, start, speed, memory, and the price of a login
///
/// Each function runs under the Lambda Runtime API on the embedded engine, beside an empty function in the same run:
/// machines differ, ratios hardly. CPU is that of the function alone. Times contain the engine, and whatever else the
/// machine does.
#[derive(Args)]
pub(crate) struct Bench {
    /// Measure only this function; may be repeated
    #[arg(long = "function", value_name = "NAME", value_parser = PossibleValuesParser::new(FUNCTIONS.iter().map(|function| function.name)))]
    functions: Vec<String>,
    /// How often each function is started
    #[arg(long, value_name = "TIMES", default_value_t = 20)]
    starts: usize,
    /// How often each operation is asked for
    #[arg(long, value_name = "TIMES", default_value_t = 500)]
    requests: usize,
    /// How often somebody logs in at each memory size
    #[arg(long, value_name = "TIMES", default_value_t = 5)]
    logins: usize,
    /// Measure the programs in this folder, and build none
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// Fail if a binary, its memory or its start is larger than it should be
    #[arg(long)]
    check: bool,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(crate) async fn run(self, stack: &Stack) -> Result<()> {
        let programs = match &self.programs {
            Some(folder) => folder.clone(),
            None => {
                self.say("Building the functions as they are deployed …");
                build(stack).await?
            }
        };
        let port = ports::any_free()?;
        let database = database::start(stack, Engine::Embedded, port, Storage::Memory, "bench-database").await?;
        table::local(&database.endpoint).await?;
        let report = self.measure(&programs, &database.endpoint).await?;
        let text = if self.json { format!("{:#}", report.json()) } else { format!("\n{}", report.tables()) };
        terminal::say(text.trim_end());
        let excesses = report.excesses();
        if self.check && !excesses.is_empty() {
            return Err(Failure::new(excesses.join("; ")));
        }
        Ok(())
    }

    /// The empty function, which everything is held against, and those that are asked for.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        let wanted = |name: &&str| self.functions.is_empty() || self.functions.iter().any(|function| function == name);
        std::iter::once(EMPTY).chain(FUNCTIONS.iter().map(|function| function.name).filter(wanted))
    }

    async fn measure(&self, programs: &Path, endpoint: &str) -> Result<Report> {
        self.say("Making people and conversations …");
        let scene = Scene::set(programs, endpoint, warm::turns(self.requests)).await?;
        let mut report = Report::default();
        let names: Vec<_> = self.names().collect();
        self.say("Measuring cold starts …");
        for (name, cold) in cold::measure(&scene, &names, None, self.starts).await? {
            let peak = cold.at_rest;
            report.functions.push(Measured { name, size: cold::size(&scene, name)?, cold, peak });
        }
        for function in &mut report.functions {
            self.say(&format!("Measuring {} …", function.name));
            for operation in OPERATIONS.iter().filter(|operation| operation.function == function.name) {
                let warm = warm::measure(&scene, operation, self.requests).await?;
                function.peak = function.peak.max(warm.peak);
                report.operations.push((operation, warm));
            }
        }
        if let Err(failure) = self.measure_shares(&scene, &mut report).await {
            let failure = failure.to_string();
            let reason = failure.strip_prefix("error: ").unwrap_or(&failure);
            report.left_out.push(format!("Nothing was measured under a share of a processor: {reason}."));
        }
        Ok(report)
    }

    async fn measure_shares(&self, scene: &Scene, report: &mut Report) -> Result<()> {
        let names: Vec<_> = self.names().collect();
        for memory in SHARES {
            self.say(&format!("Measuring cold starts with the processor of {memory} MB …"));
            let share = Share::of_memory(memory)?;
            let colds = cold::measure(scene, &names, Some(&share), self.starts.div_ceil(4)).await?;
            report.shares.push((memory, colds));
        }
        if names.contains(&"auth") {
            for memory in MEMORY_SIZES {
                self.say(&format!("Measuring logins with the processor of {memory} MB …"));
                report.logins.push(logins::measure(scene, memory, self.logins).await?);
            }
        }
        Ok(())
    }

    /// How far it is; on its own channel, so that JSON stays JSON.
    fn say(&self, sentence: &str) {
        if self.json {
            terminal::complain(sentence);
        } else {
            terminal::say(sentence);
        }
    }
}

/// Builds what is deployed, feature by feature, and the empty function; where the programs are.
async fn build(stack: &Stack) -> Result<PathBuf> {
    let mut arguments = vec!["build", "--release", "--locked", "--package", EMPTY];
    for function in &FUNCTIONS {
        arguments.extend(["--package", function.name]);
    }
    building::cargo(stack, &arguments).await?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).unwrap_or_else(|| "target".into());
    Ok(workspace::root().join(target).join("release"))
}
