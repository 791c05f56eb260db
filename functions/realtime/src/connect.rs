//! The first and the last that is heard of a socket.

use axum::http::StatusCode;
use futures::future::join_all;
use shared::domain::{Error, Timestamp};
use shared::http::{Handshake, Problem, SUBPROTOCOL};

use super::Realtime;
use super::event::{Answer, SocketEvent};

impl Realtime {
    /// The handshake succeeds if the session is alive when the socket is noted: one that ends afterwards finds it there.
    pub(crate) async fn connect(&self, event: &SocketEvent, now: Timestamp) -> Answer {
        let judged = Handshake::judge(&event.headers(), &self.app.keyring, &self.settings.origins, now);
        let Handshake { caller, names_subprotocol } = match judged {
            Ok(handshake) => handshake,
            Err(problem) => return Answer::problem(problem),
        };
        let Some(id) = event.connection() else { return Answer::status(StatusCode::BAD_REQUEST) };
        match self.app.store.open_connection(&caller, &id, self.settings.most_connections).await {
            Ok(superseded) => {
                // They are forgotten already: one that cannot be closed is told nothing more.
                join_all(superseded.iter().map(|connection| self.gateway.close(&connection.id))).await;
                let answer = Answer::status(StatusCode::OK);
                if names_subprotocol { answer.with("Sec-WebSocket-Protocol", SUBPROTOCOL) } else { answer }
            }
            Err(error) => Answer::problem(Problem::from(error)),
        }
    }

    /// API Gateway does what it can to tell of a socket's end, and may fail: what stays noted is forgotten by the next post.
    pub(crate) async fn disconnect(&self, event: &SocketEvent) -> Answer {
        let Some(id) = event.connection() else { return Answer::status(StatusCode::OK) };
        match self.app.store.forget_closed(&id).await {
            Ok(()) => Answer::status(StatusCode::OK),
            Err(error @ Error::Unavailable(_)) => {
                tracing::warn!("a socket that was closed stays noted: {error}");
                Answer::status(StatusCode::SERVICE_UNAVAILABLE)
            }
            Err(error) => Answer::problem(Problem::from(error)),
        }
    }
}
