//! A function that does nothing, as cheaply as it can be done: what `cargo dev bench` holds the others against.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(answer)).await
}

async fn answer(_: Request) -> Result<Response<Body>, Error> {
    Ok(Response::new(Body::Text("{}".to_owned())))
}
