//! What clients say.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use shared::domain::connection::{FLOOD, MOST_FRAMES, MOST_TOLD_OF_TYPING, MOST_WATCHED};
use shared::domain::id::{ConversationId, Number, UserId};
use shared::domain::session::Caller;
use shared::domain::{Error, Resource, Timestamp};
use shared::http::view::Events;
use shared::sockets::{Code, Frame, Named, Outbox, Presence, Reply};
use shared::store::Counted;

use super::Realtime;
use super::event::{Answer, SocketEvent};

impl Realtime {
    /// A frame is counted first, by which its person is found. Whatever is wrong with it, the socket stays; but not for a
    /// flood, and not if nobody knows it any more.
    pub(crate) async fn frame(&self, event: &SocketEvent, now: Timestamp) -> Answer {
        let Some(id) = event.connection() else { return Answer::status(StatusCode::BAD_REQUEST) };
        let Named { id: name, frame } = match event.text() {
            Some(text) => Named::parse(text),
            None => Named { id: None, frame: Err(Reply::error(Code::Malformed, "A frame must be text.")) },
        };
        let counted = match self.app.store.count_frame(&id, now).await {
            Ok(Some(counted)) => counted,
            // Its session has ended, or it was superseded, or taken for gone.
            Ok(None) => {
                self.gateway.close(&id).await;
                return Answer::status(StatusCode::GONE);
            }
            Err(error) => return Answer::reply(&told(&error), name.as_deref()),
        };
        if counted.frames > FLOOD {
            tracing::warn!("a socket sent {} frames within a minute, and is closed", counted.frames);
            if let Err(error) = self.app.store.forget(&counted.connection).await {
                tracing::warn!("a socket could not be forgotten: {error}");
            }
            self.gateway.close(&id).await;
            return Answer::status(StatusCode::TOO_MANY_REQUESTS);
        }
        if counted.frames > MOST_FRAMES {
            let detail = format!("A client may send {MOST_FRAMES} frames a minute.");
            return Answer::reply(&Reply::error(Code::SlowDown, detail), name.as_deref());
        }
        let outcome = match frame {
            Ok(frame) => self.perform(frame, &counted, now).await.unwrap_or_else(|error| Some(told(&error))),
            Err(reply) => Some(reply),
        };
        match outcome {
            Some(Reply::Error { code: Code::Ended, .. }) => {
                self.gateway.close(&id).await;
                Answer::status(StatusCode::GONE)
            }
            // Nobody waits for an answer to this unless it has a name.
            Some(Reply::Typing) if name.is_none() => Answer::status(StatusCode::OK),
            Some(reply) => Answer::reply(&reply, name.as_deref()),
            None => Answer::status(StatusCode::OK),
        }
    }

    async fn perform(&self, frame: Frame, counted: &Counted, now: Timestamp) -> Result<Option<Reply>, Error> {
        let connection = &counted.connection;
        let caller = Caller { user: connection.user, session: connection.session, at: now };
        Ok(Some(match frame {
            Frame::Ping => Reply::Pong,
            Frame::Typing { conversation } => {
                self.typing(&caller, conversation_id(&conversation)?, now).await?;
                Reply::Typing
            }
            Frame::Read { conversation, number } => {
                let id = conversation_id(&conversation)?;
                let number = Number::new(number).ok_or_else(|| Error::refused("There is no such number."))?;
                let (read, unread_count) = self.app.store.mark_read(&caller, id, number).await?;
                Reply::Read { conversation: id.to_string(), read_number: read.get(), unread_count }
            }
            Frame::Watch { users } => Reply::Watch { users: self.watch(&caller, counted, &users).await? },
        }))
    }

    /// Told to whoever is there, and written nowhere.
    async fn typing(&self, caller: &Caller, id: ConversationId, now: Timestamp) -> Result<(), Error> {
        let store = &self.app.store;
        let others = store.others_in(caller, id).await?;
        if others.len() < MOST_TOLD_OF_TYPING {
            let sockets = store.sockets_of(others.iter().copied()).await?;
            let mut outbox = Outbox::default();
            outbox.push_to(&others, &sockets, &Events::typing(id, caller.user)?);
            outbox.deliver(store, &self.gateway, now).await;
        }
        Ok(())
    }

    async fn watch(&self, caller: &Caller, counted: &Counted, users: &[String]) -> Result<Vec<Presence>, Error> {
        let parsed: Result<BTreeSet<UserId>, _> = users.iter().map(|user| UserId::parse(user)).collect();
        let watched = parsed.map_err(|_| Error::refused("People are watched by their ids."))?;
        if watched.len() > MOST_WATCHED {
            return Err(Error::refused(format!("A client may watch {MOST_WATCHED} people.")));
        }
        let present = self.app.store.watch(caller, counted, &watched).await?;
        let presence = |user: &UserId| Presence { user: user.to_string(), online: present.contains(user) };
        Ok(watched.iter().map(presence).collect())
    }
}

fn conversation_id(text: &str) -> Result<ConversationId, Error> {
    ConversationId::parse(text).map_err(|_| Error::NotFound(Resource::Conversation))
}

/// A failure as the client is told of it.
fn told(error: &Error) -> Reply {
    match error {
        Error::SessionEnded => Reply::error(Code::Ended, "The session has ended."),
        Error::NotFound(resource) => Reply::error(Code::NotFound, format!("No {resource} matches the given query.")),
        Error::Forbidden => Reply::error(Code::Refused, "You do not have permission to perform this action."),
        Error::Refused(sentence) => Reply::error(Code::Refused, sentence.clone()),
        Error::Unavailable(cause) => {
            tracing::warn!("a frame was not done: {cause}");
            Reply::error(Code::Unavailable, "Not to be done in time: send it again.")
        }
        error => {
            tracing::error!("a frame was not done: {error}");
            Reply::error(Code::Internal, "A server error occurred.")
        }
    }
}
