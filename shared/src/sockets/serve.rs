//! Running a function that takes events which are no requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::timeout;

use crate::http::Fatal;
use crate::http::log::{Log, Origin};
use crate::http::metrics::Closing;
use crate::store::Meter;

/// An event, and what the line that ends it tells of it.
pub trait Invocation: Send + Sync + 'static {
    /// An event that takes longer has failed: well before Lambda ends it without answer.
    const TIME_LIMIT: Duration;

    /// What kind of event it is.
    fn kind(&self, event: &Value) -> &'static str;

    /// What API Gateway calls it, if it came from there.
    fn gateway_id(&self, event: &Value) -> Option<String>;

    /// Answers it; with the status for the log.
    fn invoke(&self, event: Value) -> impl Future<Output = Result<(Value, StatusCode), Fatal>> + Send;
}

/// Serves events until Lambda ends the process.
pub fn serve_events<I, S>(function: &'static str, start: S) -> Result<(), Fatal>
where
    I: Invocation,
    S: AsyncFnOnce() -> Result<I, String>,
{
    Log::start(function);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build()?.block_on(async move {
        let invoked = Arc::new(start().await.inspect_err(|sentence| tracing::error!("{sentence}"))?);
        let handler = service_fn(move |event: LambdaEvent<Value>| {
            let invoked = invoked.clone();
            async move { observed(function, &*invoked, event).await }
        });
        lambda_runtime::run_concurrent(handler).await
    })
}

/// What surrounds every event: its ids, its meter, and its line in the log.
async fn observed<I: Invocation>(
    function: &'static str,
    invoked: &I,
    event: LambdaEvent<Value>,
) -> Result<Value, Fatal> {
    let started = Instant::now();
    let (payload, context) = event.into_parts();
    let (kind, meter) = (invoked.kind(&payload), Meter::default());
    let origin = Origin::of_event(function, context.request_id, invoked.gateway_id(&payload));
    origin
        .around(async {
            // In a box: the compiler follows futures within futures only so deep.
            let work = Box::pin(invoked.invoke(payload));
            let outcome = meter.measure(timeout(I::TIME_LIMIT, work)).await;
            let outcome = outcome.unwrap_or_else(|_| Err(format!("not done within {:?}", I::TIME_LIMIT).into()));
            if let Err(error) = &outcome {
                tracing::error!("an event failed: {error}");
            }
            let status = outcome.as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, |(_, status)| *status);
            let ms = started.elapsed().as_secs_f64() * 1000.0;
            Log::close(&origin, &Closing { method: kind, path: "", status, ms, spent: meter.spent() });
            outcome.map(|(answer, _)| answer)
        })
        .await
}
