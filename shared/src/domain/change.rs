//! What happened to a conversation after the fact: edits, deletes, comings and goings, each with a number of its own.

use super::Timestamp;
use super::id::{Number, UserId};
use super::log::Numbered;
use super::message::Version;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub number: Number,
    pub at: Timestamp,
    pub kind: ChangeKind,
}

impl Numbered for Change {
    fn number(&self) -> Number {
        self.number
    }

    fn at(&self) -> Timestamp {
        self.at
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    MessageEdited {
        message: Number,
        by: UserId,
        /// The body that was replaced, and since when it had stood; gone when the message is deleted.
        earlier: Option<Version>,
    },
    MessageDeleted {
        message: Number,
        by: UserId,
    },
    ParticipantAdded {
        user: UserId,
        by: UserId,
    },
    ParticipantRemoved {
        user: UserId,
        by: UserId,
    },
    ConversationUpdated {
        by: UserId,
    },
    /// A number whose writer never came.
    Void,
}
