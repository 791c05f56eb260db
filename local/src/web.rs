//! HTTP clients, wherever they are made.

/// A client of its own pool of connections. reqwest, as the workspace has it, brings no cryptography: this gives it some
/// where the process has not, as in tests.
pub(crate) fn client() -> reqwest::Client {
    // It fails where there is some already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::new()
}
