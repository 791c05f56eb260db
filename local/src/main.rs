use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    local::main().await
}
