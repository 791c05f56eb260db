//! `cargo dev` itself, as a process that a test can end at any moment, on a table of the test's own or on the one under
//! test.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use shared::store::{Settings, Store};
use tokio::process::{Child, Command};
use uuid::Uuid;

/// A table, and the way to it.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub endpoint: String,
}

impl Table {
    /// The one that the stack under test uses.
    pub fn under_test() -> Self {
        Self { name: Settings::from_env().table_name, endpoint: super::database() }
    }

    /// A new one, which goes with the database.
    pub async fn new() -> Self {
        Self { name: super::make_table().await, endpoint: super::database() }
    }

    /// The same by another way.
    pub fn by_way_of(&self, endpoint: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), ..self.clone() }
    }

    pub async fn store(&self) -> Store {
        Store::connect(Settings { table_name: self.name.clone(), endpoint: Some(self.endpoint.clone()) }).await
    }

    /// Starts the tool on this table; it ends with the child's handle.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let tool = std::env::var_os("CONFAB_TOOL").expect("CONFAB_TOOL is not set: `cargo dev test` sets it");
        Command::new(tool)
            .args(arguments)
            .env("TABLE_NAME", &self.name)
            .env("DYNAMODB_ENDPOINT", &self.endpoint)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the tool starts")
    }

    /// Runs the tool to its end; what it printed, if it succeeded.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.start(arguments).wait_with_output().await.expect("the tool ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Imports a file; what was not taken as it was.
    pub async fn import(&self, file: &Path) -> Vec<Value> {
        let report = scratch_file("report.jsonl");
        let (file, report_argument) = (file.to_str().expect("UTF-8"), report.to_str().expect("UTF-8"));
        self.run(&["import", file, "--report", report_argument]).await.expect("imported");
        let lines = std::fs::read_to_string(&report).expect("a report");
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// All that an export holds, in an order that does not depend on the database.
    pub async fn exported(&self) -> Vec<String> {
        let lines = self.run(&["export"]).await.expect("exported");
        let mut lines: Vec<String> = lines.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    }
}

/// The path of a new file in a folder for such.
pub fn scratch_file(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join("confab-tests");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(format!("{}-{name}", Uuid::new_v4()))
}
