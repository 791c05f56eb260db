//! What a client knows of one conversation: how far it has come, and what came too early. Nothing but decisions: events
//! and answers in, what is now to be shown out.
//!
//! A conversation has two logs, messages and changes, each numbered 1, 2, 3 …. Whatever arrives by whichever way, each
//! number is told once, and only after the one before it; a change of a message not before the message.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// How many events wait for earlier ones. More are let go: whoever asks for what is missing gets them again.
pub(crate) const MOST_HELD: usize = 256;

/// By which way something arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// By the socket, when it happened.
    Push,
    /// By asking what had changed.
    CatchUp,
}

/// A place in one of a conversation's two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Message(u64),
    Change(u64),
}

/// Something that is now to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub place: Place,
    /// The event, in the shape in which it is pushed; of type `void` where a number stands for nothing.
    pub event: Value,
    pub via: Via,
}

/// What a client knows of one conversation.
#[derive(Clone, Debug)]
pub struct Log {
    conversation: String,
    messages: Numbers,
    changes: Numbers,
}

/// One of the two logs.
#[derive(Clone, Debug, Default)]
struct Numbers {
    /// All up to this one were told.
    told: u64,
    /// What comes later and is here already.
    held: BTreeMap<u64, (Value, Via)>,
    /// What the server does not know the outcome of yet.
    pending: BTreeSet<u64>,
    /// Whether something was let go because too much was held.
    overflowed: bool,
    /// How far the answer that is being walked through has come.
    walked: u64,
}

impl Log {
    /// A conversation of which everything up to message `number` and change `change` is known.
    #[must_use]
    pub fn at(conversation: &str, number: u64, change: u64) -> Self {
        let numbers = |told| Numbers { told, ..Numbers::default() };
        Self { conversation: conversation.to_owned(), messages: numbers(number), changes: numbers(change) }
    }

    /// The last message and the last change that were told.
    #[must_use]
    pub fn position(&self) -> (u64, u64) {
        (self.messages.told, self.changes.told)
    }

    /// Whether something is known to be missing, so that it must be asked for unless it arrives soon.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        [&self.messages, &self.changes].iter().any(|numbers| {
            !numbers.held.is_empty()
                || numbers.overflowed
                || numbers.pending.iter().any(|number| *number > numbers.told)
        })
    }

    /// Takes an event that was pushed. What has no place in the logs (typing, for instance) does nothing here.
    pub fn push(&mut self, event: &Value) -> Vec<Step> {
        match Self::place(event) {
            Some(Place::Message(number)) => self.messages.hold(number, event.clone(), Via::Push, MOST_HELD),
            Some(Place::Change(change)) => self.changes.hold(change, event.clone(), Via::Push, MOST_HELD),
            None => {}
        }
        self.advance()
    }

    /// Takes an answer to "what changed after …", asked from a point at or before what is known here; `is_first` unless
    /// it is a later page of the same walk.
    pub fn page(&mut self, page: &Value, is_first: bool) -> Vec<Step> {
        self.messages.begin(is_first, &page["pending"]);
        self.changes.begin(is_first, &page["pending_changes"]);
        for entry in page["messages"].as_array().into_iter().flatten() {
            let Some(number) = entry["number"].as_u64() else { continue };
            let kind = if entry["void"] == true { "void" } else { "message.created" };
            let event = json!({ "type": kind, "conversation": self.conversation, "number": number, "message": entry });
            self.messages.hold(number, event, Via::CatchUp, usize::MAX);
        }
        for change in page["changes"].as_array().into_iter().flatten() {
            let Some(number) = change["change"].as_u64() else { continue };
            // What is left out between two changes, and is not pending, stands for nothing.
            for void in self.changes.untold_before(number) {
                let event = json!({ "type": "void", "conversation": self.conversation, "change": void });
                self.changes.hold(void, event, Via::CatchUp, usize::MAX);
            }
            let mut event = change.clone();
            event["type"] = change["kind"].clone();
            event["conversation"] = json!(self.conversation);
            self.changes.hold(number, event, Via::CatchUp, usize::MAX);
            self.changes.walked = self.changes.walked.max(number);
        }
        self.advance()
    }

    /// Where an event belongs; nothing if it belongs to no log.
    fn place(event: &Value) -> Option<Place> {
        match event["type"].as_str()? {
            "message.created" => event["number"].as_u64().map(Place::Message),
            "message.edited"
            | "message.deleted"
            | "participant.added"
            | "participant.removed"
            | "conversation.updated" => event["change"].as_u64().map(Place::Change),
            _ => None,
        }
    }

    fn advance(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        loop {
            if let Some((event, via)) = self.messages.next(|_| true) {
                steps.push(Step { place: Place::Message(self.messages.told), event, via });
                continue;
            }
            let told = self.messages.told;
            let is_due = |event: &Value| event["message"]["number"].as_u64().is_none_or(|number| number <= told);
            let Some((event, via)) = self.changes.next(is_due) else { return steps };
            steps.push(Step { place: Place::Change(self.changes.told), event, via });
        }
    }
}

impl Numbers {
    fn begin(&mut self, is_first: bool, pending: &Value) {
        if is_first {
            self.pending.clear();
            self.overflowed = false;
            self.walked = self.told;
        }
        let numbers = pending.as_array().into_iter().flatten().filter_map(Value::as_u64);
        self.pending.extend(numbers.filter(|number| *number > self.told));
    }

    fn hold(&mut self, number: u64, event: Value, via: Via, most: usize) {
        if number <= self.told || self.held.contains_key(&number) {
            return;
        }
        if self.held.len() >= most && number != self.told + 1 {
            self.overflowed = true;
            return;
        }
        self.pending.remove(&number);
        self.held.insert(number, (event, via));
    }

    /// The numbers that the walk has passed over.
    fn untold_before(&self, number: u64) -> Vec<u64> {
        let from = self.walked.max(self.told) + 1;
        (from..number).filter(|before| !self.held.contains_key(before) && !self.pending.contains(before)).collect()
    }

    fn next(&mut self, is_due: impl Fn(&Value) -> bool) -> Option<(Value, Via)> {
        let entry = self.held.first_entry()?;
        if *entry.key() != self.told + 1 || !is_due(&entry.get().0) {
            return None;
        }
        self.told += 1;
        Some(entry.remove())
    }
}

#[cfg(test)]
mod tests;
