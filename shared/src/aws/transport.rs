//! How requests travel to AWS: HTTP/1.1 over connections that are kept open.
//!
//! The SDK's own client brings HTTP/2, proxies, and a certificate store that is read and parsed at every cold start. That
//! was a tenth of each function's size and most of its initialisation; DynamoDB and API Gateway speak HTTP/1.1, and the roots of trust
//! are compiled in. Pool and TLS are those that the SDK's client has, too.

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::http::Response;
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector as Tcp;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

/// A connection that was not used for so long has probably been closed at the other end.
const LONGEST_IDLE: Duration = Duration::from_secs(60);

/// Reaching a service in the same region takes milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The connections of one client.
#[derive(Clone)]
pub(crate) struct Transport(Client<HttpsConnector<Tcp>, SdkBody>);

impl Transport {
    /// Trusts the certificate authorities that Mozilla trusts, as they were when this was compiled.
    pub(crate) fn new() -> Self {
        Self::trusting(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    fn trusting(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the versions of TLS that it is compiled for")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = Tcp::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut pool = Client::builder(TokioExecutor::new());
        Self(pool.pool_timer(TokioTimer::new()).pool_idle_timeout(LONGEST_IDLE).build(connector))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (parts, body) = self.0.request(request).await.map_err(failed)?.into_parts();
        let bytes = body.collect().await.map_err(|error| ConnectorError::io(error.into()))?.to_bytes();
        let response = Response::from_parts(parts, SdkBody::from(bytes));
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

/// Whether the request had arrived is not known: the SDK repeats it, and every write recognises itself.
fn failed(error: Error) -> ConnectorError {
    ConnectorError::io(error.into())
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transport").finish_non_exhaustive()
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.clone();
        HttpConnectorFuture::new(async move { transport.exchange(request).await })
    }
}
