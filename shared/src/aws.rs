//! What every client of AWS needs: where it is, who we are, and the way there.

mod transport;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;

pub(crate) use transport::Transport;

/// Functions have region and credentials in their environment, and are a tenth smaller for looking nowhere else.
#[cfg(not(feature = "operator"))]
pub(crate) async fn environment() -> SdkConfig {
    use aws_config::Region;
    use aws_sdk_dynamodb::config::SharedCredentialsProvider;
    let credentials = aws_config::environment::EnvironmentVariableCredentialsProvider::new();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Transport::new())
        .region(std::env::var("AWS_REGION").ok().map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Operators may have them in profiles, in single sign-on, or with a helper program, and may be behind a proxy.
#[cfg(feature = "operator")]
pub(crate) async fn environment() -> SdkConfig {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    let https = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(https).load().await
}

/// What stands in for a service on this machine takes any credentials.
pub(crate) fn nobody() -> Credentials {
    Credentials::new("local", "local", None, None, "local")
}
