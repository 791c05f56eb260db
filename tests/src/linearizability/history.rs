//! What clients asked of one conversation, when, and what they were answered.

use std::fmt;

/// People, texts, titles and keys are numbered in a history: each text is sent once, but for repeats of a keyed send.
pub type Person = u8;
pub type Text = u32;
/// A position in the log of messages or of changes.
pub type Number = u64;

/// What somebody asked, and what they were answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub client: usize,
    pub person: Person,
    /// When, by a clock that ticks with every call and every answer of the history.
    pub called: u64,
    /// Never, where the outcome is unknown: what was asked may be done at any time afterwards, or not at all.
    pub answered: Option<u64>,
    /// Something was in the way between this request and the database: it may have taken more numbers than it used.
    pub disturbed: bool,
    /// What it writes beside may be missing, or come later: most of its calls were in vain.
    pub crippled: bool,
    /// It may take writers for dead that are not: its clock runs ahead, or the history has lasted that long.
    pub impatient: bool,
    pub request: Request,
    pub answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Start {
        people: Vec<Person>,
        title: Option<Text>,
    },
    Send {
        text: Text,
        key: Option<Text>,
    },
    Edit {
        number: Number,
        text: Text,
    },
    Delete {
        number: Number,
    },
    MarkRead {
        number: Number,
    },
    Message {
        number: Number,
    },
    Page,
    Changes,
    /// Takes every writer for dead, and settles what they left.
    Settle,
    Inbox,
    Detail,
    Add {
        person: Person,
    },
    Remove {
        person: Person,
    },
    Leave,
    Rename {
        title: Option<Text>,
    },
    DeleteConversation,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Unknown,
    /// There is no such thing for this caller.
    NotFound,
    /// It is there, and not for this caller to change.
    Forbidden,
    /// It makes no sense now: somebody to be added is there already, one to be removed is not, a number is not reached.
    Refused,
    /// The key was used for another text.
    KeyReused,
    Done,
    /// A new message.
    Sent(Number),
    /// An earlier send with this key had made it.
    Repeated(Number, Shown),
    Marked {
        read: Number,
        unread: u64,
    },
    Message(Shown),
    Page(Page),
    Changes(Changes),
    /// As the inbox shows the conversation; none if it does not.
    Row(Option<Row>),
    Detail(Detail),
}

/// What is shown at a number of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Message { sender: Person, text: Text },
    Tombstone { sender: Person },
    Void,
}

/// Part of the log, with the messages that were shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The first number that was looked at, and the last, both included.
    pub from: Number,
    pub through: Number,
    pub messages: Vec<(Number, Shown)>,
    /// How many messages there are in all, if it was told.
    pub count: Option<u64>,
}

/// One step along both logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The last numbers that were seen before, in both logs, and the last that were looked at.
    pub after: [Number; 2],
    pub through: [Number; 2],
    /// Whether the logs go on.
    pub more: bool,
    pub messages: Vec<(Number, Shown)>,
    pub pending: Vec<Number>,
    pub changes: Vec<(Number, Change)>,
    pub pending_changes: Vec<Number>,
    /// The messages that the changes point at, as they were shown with them.
    pub changed: Vec<(Number, Shown)>,
    /// The title that was shown with a change of it.
    pub title: Option<Option<Text>>,
}

/// What stands at a number of the second log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    Edited { number: Number, by: Person },
    Deleted { number: Number, by: Person },
    Added { person: Person, by: Person },
    Removed { person: Person, by: Person },
    Renamed { by: Person },
    Void,
}

impl Change {
    /// The message whose changes stand in the order in which they were made.
    pub(super) fn message(self) -> Option<Number> {
        match self {
            Self::Edited { number, .. } | Self::Deleted { number, .. } => Some(number),
            Self::Added { .. } | Self::Removed { .. } | Self::Renamed { .. } | Self::Void => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub title: Option<Text>,
    pub creator: Person,
    pub participants: usize,
    pub unread: u64,
    pub last: Option<(Number, Shown)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    pub title: Option<Text>,
    pub creator: Person,
    pub participants: usize,
    pub last: Number,
    pub read: Number,
    pub messages: Vec<(Number, Shown)>,
    /// From which number on everything was looked at.
    pub from: Number,
}

impl Operation {
    /// Whether it has happened if somebody says that it has not.
    pub fn is_certain(&self) -> bool {
        self.answered.is_some()
    }

    /// Something undisturbed, by that client and person, from then to then.
    pub fn new(client: usize, person: Person, times: (u64, u64), request: Request, answer: Answer) -> Self {
        let (called, answered) = (times.0, Some(times.1));
        let (disturbed, crippled, impatient) = (false, false, matches!(request, Request::Settle));
        Self { client, person, called, answered, disturbed, crippled, impatient, request, answer }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.answered.map_or("…".to_owned(), |answered| answered.to_string());
        let Self { client, person, called, request, answer, .. } = self;
        let note = if self.disturbed { " (disturbed)" } else { "" };
        write!(formatter, "{called:>6} – {until:<6} client {client}, person {person}{note}: {request:?} → {answer:?}")
    }
}
