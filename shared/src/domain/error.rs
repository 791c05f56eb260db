//! What can go wrong, as far as a caller branches on it. Ignorant of HTTP.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A kind of thing that a caller can ask for by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Conversation,
    Message,
    Session,
    User,
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's session was ended, or never was.
    #[error("the session is not alive")]
    SessionEnded,

    /// Not there, or not visible to the caller: the two are never told apart.
    #[error("no {0} that the caller may see")]
    NotFound(Resource),

    /// Visible to the caller, who may not do this with it.
    #[error("the caller may not do this")]
    Forbidden,

    /// The request makes no sense in the present state; the sentence says why.
    #[error("refused: {0}")]
    Refused(Cow<'static, str>),

    /// Somebody named as a participant is not there, or not active.
    #[error("not all participants are known and active")]
    UnknownParticipants,

    /// The credentials do not fit, for whatever reason.
    #[error("wrong e-mail address or password")]
    WrongCredentials,

    /// There were too many wrong credentials: none are looked at for that long.
    #[error("too many failed logins")]
    Throttled(Duration),

    /// Another person has this e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,

    /// The client key was used for a message with another body.
    #[error("the client key was used for another message")]
    KeyReused,

    /// Could not be done in time; whether it was done is unknown to the caller, who may repeat it.
    #[error("not to be done in time: {0}")]
    Unavailable(String),

    /// A defect, or a state that must not be.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    pub fn refused(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::Refused(sentence.into())
    }
}
