//! What happened to a conversation after the fact: edits, deletes, comings and goings, each with a number of its own.

use super::Timestamp;
use super::id::{Number, UserId};
use super::log::Numbered;
use super::message::MessageBody;

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
        earlier: Option<EarlierBody>,
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierBody {
    pub body: MessageBody,
    pub at: Timestamp,
}
