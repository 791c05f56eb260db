//! Ports of this machine.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::failure::{Context, Failure, Result};

/// Fails with a sentence when the port cannot be listened on.
pub(crate) fn require_free(port: u16, what: &str, flag: &str) -> Result<()> {
    // Binding alone does not tell everywhere: some systems let it stand beside a listener on all addresses.
    if !has_listener(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "port {port} for {what} is taken: stop what listens there, or choose another with `{flag} PORT`"
    )))
}

pub(crate) fn has_listener(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
}

/// Some port that nothing listens on.
pub(crate) fn any_free() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot find a free port")?;
    Ok(listener.local_addr().context("cannot find a free port")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_with_the_flag_that_helps() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let refused = require_free(port, "the API", "--port").unwrap_err().to_string();
        assert!(refused.contains(&port.to_string()) && refused.contains("--port"), "{refused}");
    }

    #[test]
    fn a_free_port_is_not() {
        // Other tests may take one between the two calls, but not all of them.
        let is_free = |_| require_free(any_free().unwrap(), "the API", "--port").is_ok();
        assert!((0..10).any(is_free));
    }
}
