#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::http::Fatal> {
    shared::http::serve("auth", auth::routes()).await
}
