//! API Gateway's management of open sockets.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html>

use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_apigatewaymanagement::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_apigatewaymanagement::config::timeout::TimeoutConfig;
use aws_sdk_apigatewaymanagement::config::{Builder, StalledStreamProtectionConfig};
use aws_sdk_apigatewaymanagement::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_apigatewaymanagement::primitives::Blob;
use aws_sdk_apigatewaymanagement::{Client, Config};

use crate::aws;
use crate::domain::connection::ConnectionId;
use crate::domain::id::Nonce;
use crate::store::{Happened, Meter};

/// How long one attempt at a post may take. A socket that takes longer is slower than its person can read.
const ATTEMPT: Duration = Duration::from_secs(1);

/// API Gateway, as the one who holds the sockets.
#[derive(Clone, Debug)]
pub struct Gateway(Client);

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    Done,
    /// There is no such socket, or not yet.
    Gone,
    /// It cannot be reached now; why, for the log.
    Refused(String),
}

impl Gateway {
    /// From the environment: `WEBSOCKET_MANAGEMENT_URL`, the address of the WebSocket API's stage.
    pub async fn from_env() -> Result<Self, String> {
        match std::env::var("WEBSOCKET_MANAGEMENT_URL") {
            Ok(url) if !url.is_empty() => Ok(Self::connect(&url).await),
            _ => {
                Err("WEBSOCKET_MANAGEMENT_URL is not set: it is where frames for open sockets are posted to".to_owned())
            }
        }
    }

    /// `http://…` is a gateway on this machine, which takes any credentials.
    pub async fn connect(url: &str) -> Self {
        let config = if url.starts_with("http://") {
            Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(aws::Transport::new())
                .region(Region::new("us-east-1"))
                .credentials_provider(aws::nobody())
        } else {
            Builder::from(&aws::environment().await)
        };
        let retries = RetryConfig::standard()
            .with_max_attempts(2)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(200));
        let timeouts = TimeoutConfig::builder().connect_timeout(ATTEMPT).operation_attempt_timeout(ATTEMPT).build();
        let config = config
            .endpoint_url(url)
            .retry_config(retries)
            .timeout_config(timeouts)
            // One slow socket's attempts cost the others none of theirs.
            .retry_partition(RetryPartition::new(Nonce::unique().to_string()))
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self(Client::from_conf(config))
    }

    pub async fn post(&self, connection: &ConnectionId, frame: &str) -> Posted {
        Meter::note(Happened::Post);
        let request = self.0.post_to_connection().connection_id(connection.as_str()).data(Blob::new(frame.as_bytes()));
        posted(request.send().await)
    }

    /// Ends a socket.
    pub async fn close(&self, connection: &ConnectionId) -> Posted {
        Meter::note(Happened::Post);
        posted(self.0.delete_connection().connection_id(connection.as_str()).send().await)
    }
}

fn posted<O, E: ProvideErrorMetadata>(answer: Result<O, SdkError<E>>) -> Posted {
    const GONE: u16 = 410;
    match answer {
        Ok(_) => Posted::Done,
        Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == GONE) => Posted::Gone,
        Err(error) => Posted::Refused(error.code().unwrap_or("no answer").to_owned()),
    }
}
