//! A function as whatever calls it sees it: an event in, an answer or an error out.
//!
//! In a stack it is a process under cargo-lambda, called by the API with which Lambda itself is called; in a test it may
//! be anything.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::web;

/// How many events one function is given at once. cargo-lambda stops for good when more than 100 wait.
const AT_ONCE: usize = 48;
/// Longer than any function may run.
const PATIENCE: Duration = Duration::from_secs(60);

/// Something that takes events.
#[derive(Clone)]
pub struct Function(Arc<dyn Fn(Value) -> BoxFuture<'static, Result<Value, FunctionError>> + Send + Sync>);

/// Why a function gave no answer: it reported an error, or could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError(pub String);

impl Function {
    /// Whatever `answer` does with events.
    pub fn new<F>(answer: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Value, FunctionError>> + Send + 'static,
    {
        Self(Arc::new(move |event| answer(event).boxed()))
    }

    /// The function `name` behind the address at which cargo-lambda (or Lambda) takes invocations.
    #[must_use]
    pub fn at(address: &str, name: &str) -> Self {
        let client = web::client();
        let url = format!("{}/2015-03-31/functions/{name}/invocations", address.trim_end_matches('/'));
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self::new(move |event| {
            let (client, url, places) = (client.clone(), url.clone(), places.clone());
            async move {
                // It is never closed.
                let _place = places.acquire().await;
                post(&client, &url, &event).await
            }
        })
    }

    /// What the function makes of an event.
    ///
    /// # Errors
    /// If it reports an error, or cannot be reached.
    pub async fn invoke(&self, event: Value) -> Result<Value, FunctionError> {
        (self.0)(event).await
    }
}

async fn post(client: &reqwest::Client, url: &str, event: &Value) -> Result<Value, FunctionError> {
    let unreachable = |error: reqwest::Error| FunctionError(format!("the function cannot be reached: {error}"));
    let response = client.post(url).timeout(PATIENCE).json(event).send().await.map_err(unreachable)?;
    // Lambda tells an error of the function by a header and answers 200; cargo-lambda tells it by the status.
    let failed = !response.status().is_success() || response.headers().contains_key("x-amz-function-error");
    let status = response.status();
    let text = response.text().await.map_err(unreachable)?;
    if failed {
        return Err(FunctionError(format!("{status}: {text}")));
    }
    serde_json::from_str(&text).map_err(|error| FunctionError(format!("an answer that is not JSON: {error}")))
}
