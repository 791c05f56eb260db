//! The log: JSON lines on standard output, each with the ids of the request during which it was printed.
//!
//! What libraries say below INFO may quote whole requests, with bodies and tokens; no setting lets them say it. Spans are
//! not kept: a request's ids lie in a task-local, where lines of every layer find them at no cost.

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::SystemTime;

use axum::extract::Request;
use axum::http::HeaderName;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use serde::ser::{SerializeMap, Serializer as _};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use super::metrics::{self, Closing};
use crate::domain::Timestamp;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static REQUEST: Origin;
}

/// The log of this process, once it has one.
static LOG: OnceLock<Log> = OnceLock::new();

/// What every line of a request tells: whose it is, and by what other logs know it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    function: &'static str,
    /// The client's id, or Lambda's where that is not fit.
    request_id: String,
    /// By which Lambda's own lines name the request.
    lambda_id: Option<String>,
    /// By which API Gateway's access log does.
    gateway_id: Option<String>,
    /// The pattern of the endpoint's address, once it is found.
    route: OnceLock<&'static str>,
}

impl Origin {
    pub(super) fn of(function: &'static str, request: &Request) -> Self {
        let lambda_id = request.lambda_context_ref().map(|context| context.request_id.clone());
        let gateway_id = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
            _ => None,
        };
        let request_id = id_of_client(request)
            .map(str::to_owned)
            .or_else(|| lambda_id.clone())
            .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        Self { function, request_id, lambda_id, gateway_id, route: OnceLock::new() }
    }

    /// Of an event that is no request: what Lambda calls it, and API Gateway if it came from there.
    pub(crate) fn of_event(function: &'static str, lambda_id: String, gateway_id: Option<String>) -> Self {
        let request_id = gateway_id.clone().unwrap_or_else(|| lambda_id.clone());
        Self { function, request_id, lambda_id: Some(lambda_id), gateway_id, route: OnceLock::new() }
    }

    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Does `work`, and lets every line that it prints tell this origin.
    pub(crate) async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        REQUEST.scope(self.clone(), work).await
    }

    /// The origin of what is done around the caller of this.
    pub(super) fn here() -> Self {
        REQUEST.try_with(Self::clone).unwrap_or_default()
    }

    /// Lets lines from here on tell the endpoint, by the pattern of its address.
    pub(crate) fn found(route: &'static str) {
        // Outside of a request there is nobody to tell.
        let _ = REQUEST.try_with(|origin| origin.route.set(route));
    }

    fn write<M: SerializeMap>(&self, line: &mut M) -> Result<(), M::Error> {
        line.serialize_entry("function", self.function)?;
        if !self.request_id.is_empty() {
            line.serialize_entry("request_id", &self.request_id)?;
        }
        let ids = [("lambda_id", &self.lambda_id), ("gateway_id", &self.gateway_id)];
        ids.into_iter().try_for_each(|(name, id)| id.iter().try_for_each(|id| line.serialize_entry(name, id)))?;
        self.route.get().map_or(Ok(()), |route| line.serialize_entry("route", route))
    }
}

/// An id that is fit to stand in a log.
fn id_of_client(request: &Request) -> Option<&str> {
    let fit = |id: &&str| {
        (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(fit)
}

/// Where lines go and what they begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    function: &'static str,
    /// The least severe level of our own lines.
    level: LevelFilter,
    /// Of the metrics that a request's last line holds; none where nobody collects them.
    namespace: Option<&'static str>,
}

impl Log {
    /// From the environment: `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets, and `METRICS_NAMESPACE`.
    pub(crate) fn start(function: &'static str) {
        let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().and_then(|level| level.parse().ok());
        let namespace = std::env::var("METRICS_NAMESPACE").ok().filter(|namespace| !namespace.is_empty());
        let namespace = namespace.map(|namespace| &*namespace.leak());
        let log = *LOG.get_or_init(|| Self { function, level: level.unwrap_or(LevelFilter::INFO), namespace });
        // Fails where this process has one already.
        let _ = tracing::subscriber::set_global_default(log);
        // Not the message: a panic quotes what it happened on.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "a panic");
        }));
    }

    /// Prints the line with which a request ends, whatever the level: metrics are made of it.
    pub(crate) fn close(origin: &Origin, closing: &Closing<'_>) {
        let Some(log) = LOG.get() else { return };
        print(|line| log.write_closing(line, SystemTime::now(), origin, closing));
    }

    fn write_closing(
        self,
        line: &mut Vec<u8>,
        now: SystemTime,
        origin: &Origin,
        closing: &Closing<'_>,
    ) -> serde_json::Result<()> {
        let mut serializer = serde_json::Serializer::new(line);
        let mut line = serializer.serialize_map(None)?;
        begin(&mut line, now, tracing::Level::INFO, module_path!())?;
        origin.write(&mut line)?;
        line.serialize_entry("message", "request")?;
        metrics::write(&mut line, closing, self.namespace, now)?;
        line.end()
    }

    fn write_event(self, line: &mut Vec<u8>, event: &Event<'_>) -> serde_json::Result<()> {
        let mut serializer = serde_json::Serializer::new(line);
        let mut line = serializer.serialize_map(None)?;
        let metadata = event.metadata();
        begin(&mut line, SystemTime::now(), *metadata.level(), metadata.target())?;
        match REQUEST.try_with(|origin| origin.write(&mut line)) {
            Ok(written) => written?,
            Err(_) => line.serialize_entry("function", self.function)?,
        }
        let mut fields = Fields { line, outcome: Ok(()) };
        event.record(&mut fields);
        fields.outcome.and_then(|()| fields.line.end())
    }

    fn is_ours(self, target: &str) -> bool {
        let library = target.split("::").next();
        library == Some("shared") || library == Some(self.function)
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let most = if self.is_ours(metadata.target()) { self.level } else { self.level.min(LevelFilter::INFO) };
        metadata.is_event() && *metadata.level() <= most
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        print(|line| self.write_event(line, event));
    }

    // Spans are not enabled, so none of these is called.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Level and timestamp as Lambda looks for them.
fn begin<M: SerializeMap>(line: &mut M, now: SystemTime, level: tracing::Level, target: &str) -> Result<(), M::Error> {
    line.serialize_entry("timestamp", &format_args!("{}", Timestamp::from(now)))?;
    line.serialize_entry("level", level.as_str())?;
    line.serialize_entry("target", target)
}

/// In one write, so that lines of several processes do not mix.
fn print(write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) {
    let mut line = Vec::with_capacity(1024);
    if write(&mut line).is_ok() {
        line.push(b'\n');
        // A log that cannot be written must not end a request.
        let _ = io::stdout().lock().write_all(&line);
    }
}

/// The fields of an event, beside those that all lines have.
struct Fields<M: SerializeMap> {
    line: M,
    outcome: Result<(), M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn add<V: serde::Serialize + ?Sized>(&mut self, field: &Field, value: &V) {
        if self.outcome.is_ok() {
            self.outcome = self.line.serialize_entry(field.name(), value);
        }
    }
}

impl<M: SerializeMap> Visit for Fields<M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests;
