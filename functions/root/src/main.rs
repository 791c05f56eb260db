#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::http::Fatal> {
    shared::http::serve("root", root::routes()).await
}
