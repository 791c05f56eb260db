//! DynamoDB Local as a process of the stack.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Storage;
use crate::failure::{Context, Failure, Result};
use crate::process::Stack;
use crate::{toolbox, workspace};

const PATIENCE: Duration = Duration::from_secs(30);

/// Whether there is a Java that runs: some systems have a `java` that only says where to get one.
pub(super) async fn has_java(stack: &Stack) -> bool {
    succeeds(stack, "java", "-version").await
}

pub(super) async fn has_jar(stack: &Stack) -> bool {
    toolbox::has_dynamodb_local() || succeeds(stack, "npm", "--version").await
}

async fn succeeds(stack: &Stack, program: &str, argument: &str) -> bool {
    let mut command = stack.command(program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// `program` is the folder of the jar.
pub(super) async fn start(stack: &Stack, program: &Path, port: u16, storage: &Storage, log: &str) -> Result<()> {
    let log_path = workspace::folder("logs")?.join(format!("{log}.log"));
    let log_shown = workspace::shown(&log_path);
    let log_file = File::create(&log_path).context(format!("cannot write {log_shown}"))?;
    let log_twin = log_file.try_clone().context(format!("cannot write {log_shown}"))?;

    let mut java = stack.command("java");
    java.args(["-Xmx2g", "-Djava.library.path=./DynamoDBLocal_lib"])
        .args(["-jar", "DynamoDBLocal.jar", "-sharedDb", "-disableTelemetry"])
        .args(["-port", &port.to_string()])
        .current_dir(program)
        .stdout(log_file)
        .stderr(log_twin);
    match storage {
        Storage::Memory => java.arg("-inMemory"),
        Storage::Folder(data) => java.arg("-dbPath").arg(&data.path),
    };
    let mut child = java.spawn().context("cannot run java")?;

    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        let ended = child.try_wait().context("cannot watch DynamoDB Local")?;
        if ended.is_some() || Instant::now() > deadline {
            let text = fs::read_to_string(&log_path).unwrap_or_default();
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            return Err(Failure::with_output(
                format!("DynamoDB Local did not start: see {log_shown}, or use `--database embedded`"),
                lines[lines.len().saturating_sub(8)..].to_vec(),
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
