//! Whether what clients saw of a conversation can be explained: the checker behind the random histories.
//!
//! A history is a list of operations, each with the time of its call, the time of its answer and the answer. It is right if
//! there is one order of everything that happened, consistent with real time, by which every answer had to be as it was.
//! Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is linearizable if and only if its part on each
//! object is. So conversations, which share nothing, are checked one by one.
//!
//! Within a conversation an operation is not atomic, and is not promised to be: DynamoDB makes single calls atomic, and
//! most operations make several. So the specification says of each operation which atomic steps it takes, and in which
//! order: a send takes a number, then fills it, and moves its sender's read mark beside; an edit takes a number of the
//! second log, then writes text and change in one step; a page looks at the conversation and at each message's place, one by
//! one, as DynamoDB's queries do not promise more. A history is explained if all steps of all operations can be put in one
//! order in which each lies between its operation's call and answer, its operation's earlier steps before it, and what it
//! sees is what stands there. That is stronger than to ask each register alone, since one order must do for all of them.
//!
//! What follows from that, and is refused if it does not hold:
//! - numbers are dense and taken in the order of real time; every acknowledged send is there once, with its number, and
//!   stays there until it is deleted; a key leads to one message; what was deleted or voided never comes back;
//! - whoever reads after something was acknowledged sees it: a page, a walk, a row of the inbox, a detail, a single message;
//! - unread is the last number minus the read mark, the mark being read first;
//! - nobody sees or writes anything after their removal was acknowledged, but for what they had begun before.
//!
//! Where it is weaker than that:
//! - an outcome that is unknown (503, or a client that went away) may come about once, at any later time, or never;
//! - a number that was taken and never filled is not charged to anybody: that somebody was about who may have taken it is
//!   all that is asked. The same holds for who moves their own read mark by it, and for the void that ends it;
//! - who joins has read up to the last number that stood when the conversation was looked at, during the call;
//! - to whom a creator's rights go when they leave is left open, as long as it is somebody who stays;
//! - who was let in before a conversation was removed may find any part of it cleared already.

mod act;
mod background;
mod fates;
mod history;
mod model;
mod program;
mod search;
mod shrinking;
mod thread;
#[cfg(test)]
mod wrong;

use std::fmt;

pub use fates::Fates;
pub use history::{Answer, Change, Changes, Detail, Number, Operation, Page, Person, Request, Row, Shown, Text};
pub use program::Role;
pub use shrinking::shrunk;

/// Who is who in a history, and how it ends.
#[derive(Clone, Debug)]
pub struct Cast {
    pub roles: Vec<Role>,
    /// Whether the history ends with a look at everything that stands, when nobody writes any more.
    pub everything_is_known: bool,
}

/// Why a history is not explained.
#[derive(Clone, Debug)]
pub enum Unexplained {
    /// No order explains it.
    Refused(String),
    /// There was too much at once: neither was an order found, nor that there is none.
    Undecided(String),
}

impl fmt::Display for Unexplained {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(why) | Self::Undecided(why)) = self;
        formatter.write_str(why)
    }
}

/// A history that nothing explains.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The first operation whose answer cannot be explained, whatever happened before.
    pub operation: Box<Operation>,
    pub misses: Vec<String>,
    pub standing: String,
    /// Not refused, but not explained either: there was too much to try.
    pub gave_up: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.gave_up { "No order was found in time that explains" } else { "No order explains" };
        writeln!(formatter, "{verdict}\n  {}", self.operation)?;
        writeln!(formatter, "which still misses, in one attempt,")?;
        self.misses.iter().try_for_each(|missed| writeln!(formatter, "  {missed}"))?;
        write!(formatter, "while there stands {}", self.standing)
    }
}

/// Finds an order that explains all answers about one conversation.
pub fn explain(history: &[Operation], cast: &Cast) -> Result<(), Unexplained> {
    let fates = Fates::of(history).map_err(Unexplained::Refused)?;
    explain_with(history, cast, &fates).map_err(|refusal| match refusal.gave_up {
        false => Unexplained::Refused(refusal.to_string()),
        true => Unexplained::Undecided(refusal.to_string()),
    })
}

fn explain_with(history: &[Operation], cast: &Cast, fates: &Fates) -> Result<(), Refusal> {
    search::Search::new(history, cast, fates).run()
}
