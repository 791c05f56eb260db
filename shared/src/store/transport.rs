//! How requests travel to DynamoDB: HTTP/1.1 over connections that are kept open.
//!
//! The SDK's own client brings HTTP/2, proxies, and a certificate store that is read and parsed at every cold start. That
//! was a tenth of each function's size and most of its initialisation; DynamoDB speaks HTTP/1.1, and the roots of trust
//! are compiled in.

mod link;
#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};

use link::{Link, Tls};

/// A connection that was not used for so long has probably been closed at the other end.
const LONGEST_IDLE: Duration = Duration::from_secs(60);

/// After this long without work, what the other end did meanwhile is looked at before a connection is used again: Lambda
/// freezes a function between its requests.
const SHORT_IDLE: Duration = Duration::from_millis(100);

/// The connections of one store.
#[derive(Clone, Default)]
pub(super) struct Transport(Arc<Shared>);

#[derive(Default)]
struct Shared {
    idle: Mutex<Vec<Idle>>,
    /// Made when it is first needed: a database on this machine needs none.
    tls: OnceLock<Tls>,
}

/// A connection that waits for its next request.
struct Idle {
    origin: Origin,
    sender: SendRequest<SdkBody>,
    since: Instant,
}

/// Where a connection leads.
#[derive(Clone, PartialEq, Eq)]
struct Origin {
    authority: Authority,
    is_https: bool,
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Transport")
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let (transport, connect_timeout) = (self.clone(), settings.connect_timeout());
        SharedHttpConnector::new(Connector { transport, connect_timeout })
    }
}

#[derive(Debug)]
struct Connector {
    transport: Transport,
    connect_timeout: Option<Duration>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (transport, connect_timeout) = (self.transport.clone(), self.connect_timeout);
        HttpConnectorFuture::new(async move { transport.exchange(request, connect_timeout).await })
    }
}

impl Transport {
    async fn exchange(
        &self,
        request: HttpRequest,
        connect_timeout: Option<Duration>,
    ) -> Result<HttpResponse, ConnectorError> {
        let (origin, mut request) = addressed(request)?;
        while let Some(mut sender) = self.idle(&origin).await {
            match sender.try_send_request(request).await {
                Ok(response) => return self.received(origin, sender, response).await,
                Err(mut failed) => match failed.take_message() {
                    // The other end had closed it before anything of the request was sent.
                    Some(unsent) => request = unsent,
                    None => return Err(broken(failed.into_error())),
                },
            }
        }
        let opening = self.open(&origin);
        let mut sender = match connect_timeout {
            None => opening.await?,
            Some(limit) => tokio::time::timeout(limit, opening)
                .await
                .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))??,
        };
        let response = sender.send_request(request).await.map_err(broken)?;
        self.received(origin, sender, response).await
    }

    /// An open connection that nobody uses.
    async fn idle(&self, origin: &Origin) -> Option<SendRequest<SdkBody>> {
        loop {
            let Idle { mut sender, since, .. } = self.take_idle(origin)?;
            if since.elapsed() > SHORT_IDLE {
                // Lets the runtime look at its sockets first: a connection closed meanwhile says so then.
                tokio::task::yield_now().await;
            }
            if since.elapsed() < LONGEST_IDLE && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    fn take_idle(&self, origin: &Origin) -> Option<Idle> {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = idle.iter().rposition(|idle| idle.origin == *origin)?;
        Some(idle.remove(newest))
    }

    async fn open(&self, origin: &Origin) -> Result<SendRequest<SdkBody>, ConnectorError> {
        let tls = origin.is_https.then(|| self.0.tls.get_or_init(Tls::new));
        let port = origin.authority.port_u16().unwrap_or(if origin.is_https { 443 } else { 80 });
        let link =
            Link::open(origin.authority.host(), port, tls).await.map_err(|error| ConnectorError::io(error.into()))?;
        let (sender, connection) = handshake(link).await.map_err(broken)?;
        // How it ends is told to whoever waits for an answer.
        tokio::spawn(async { drop(connection.await) });
        Ok(sender)
    }

    /// The whole answer. Only a connection whose answer was read to its end is used again.
    async fn received(
        &self,
        origin: Origin,
        sender: SendRequest<SdkBody>,
        response: Response<Incoming>,
    ) -> Result<HttpResponse, ConnectorError> {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(broken)?.to_bytes();
        if !sender.is_closed() {
            let idle = Idle { origin, sender, since: Instant::now() };
            self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        }
        let response = Response::from_parts(parts, SdkBody::from(bytes));
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

/// Where a request goes, and the request as HTTP/1.1 has it: a path, and the host in a header.
fn addressed(request: HttpRequest) -> Result<(Origin, Request<SdkBody>), ConnectorError> {
    let mut request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let uri = std::mem::take(request.uri_mut()).into_parts();
    let (Some(authority), Some(path)) = (uri.authority, uri.path_and_query) else {
        return Err(ConnectorError::user("an address without host or path".into()));
    };
    let host = HeaderValue::from_str(authority.as_str()).map_err(|error| ConnectorError::user(error.into()))?;
    request.headers_mut().entry(header::HOST).or_insert(host);
    *request.uri_mut() = Uri::from(path);
    Ok((Origin { authority, is_https: uri.scheme == Some(Scheme::HTTPS) }, request))
}

/// Whether the request had arrived is not known: the SDK repeats it, and every write recognises itself.
fn broken(error: hyper::Error) -> ConnectorError {
    let is_ours = error.is_user();
    let error: Box<dyn StdError + Send + Sync> = error.into();
    if is_ours { ConnectorError::user(error) } else { ConnectorError::io(error) }
}
