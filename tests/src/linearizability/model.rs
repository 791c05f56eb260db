//! One conversation as a handful of registers, and what can be seen of them and done to them at one instant.
//!
//! This is what the table holds, without any of its machinery: each register is an item, and each [`Act`] one call that
//! DynamoDB makes atomic.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::history::{Change, Number, Person, Shown, Text};

/// How many of the last numbers are looked through for the last message.
pub(super) const LAST_MESSAGE_DEPTH: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cell {
    Conversation,
    Slot(Number),
    Change(Number),
    Key(Person, Text),
    ReadMark(Person),
}

/// What stands in a cell; a cell that was never written holds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Value {
    Conversation(Conversation),
    Message { sender: Person, text: Text },
    Tombstone { sender: Person },
    Void,
    Change(Change),
    Key { number: Number, text: Text },
    ReadMark(Number),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Conversation {
    pub(super) alive: bool,
    /// One bit a person.
    pub(super) participants: u64,
    pub(super) creator: Person,
    pub(super) title: Option<Text>,
    pub(super) messages: Number,
    pub(super) changes: Number,
    pub(super) hidden: u64,
}

impl Conversation {
    pub(super) fn has(&self, person: Person) -> bool {
        self.alive && self.participants & bit(person) != 0
    }
}

pub(super) fn bit(person: Person) -> u64 {
    1 << person
}

pub(super) fn people_in(set: u64) -> impl Iterator<Item = Person> {
    (0..64).filter(move |person| set & bit(*person) != 0)
}

pub(super) type Writes = Vec<(Cell, Option<Value>)>;

/// All cells, with a fingerprint that follows every write.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    cells: HashMap<Cell, Value>,
    pub(super) fingerprint: u64,
}

impl State {
    /// Makes the writes; returns those that undo them.
    pub(super) fn write(&mut self, writes: Writes) -> Writes {
        let mut undo: Writes = writes.into_iter().map(|(cell, value)| (cell, self.set(cell, value))).collect();
        undo.reverse();
        undo
    }

    fn set(&mut self, cell: Cell, value: Option<Value>) -> Option<Value> {
        self.fingerprint ^= value.as_ref().map_or(0, |value| digest(&(cell, value)));
        let before = match value {
            Some(value) => self.cells.insert(cell, value),
            None => self.cells.remove(&cell),
        };
        self.fingerprint ^= before.as_ref().map_or(0, |value| digest(&(cell, value)));
        before
    }

    pub(super) fn get(&self, cell: Cell) -> Option<&Value> {
        self.cells.get(&cell)
    }

    /// Unless it was never started.
    pub(super) fn conversation(&self) -> Option<&Conversation> {
        match self.get(Cell::Conversation) {
            Some(Value::Conversation(conversation)) => Some(conversation),
            _ => None,
        }
    }

    pub(super) fn read_mark(&self, person: Person) -> Option<Number> {
        match self.get(Cell::ReadMark(person)) {
            Some(Value::ReadMark(number)) => Some(*number),
            _ => None,
        }
    }

    fn slot_shows(&self, number: Number, shown: Shown) -> bool {
        match (self.get(Cell::Slot(number)), shown) {
            (Some(Value::Message { sender, text }), Shown::Message { sender: by, text: said }) => {
                (*sender, *text) == (by, said)
            }
            (Some(Value::Tombstone { sender }), Shown::Tombstone { sender: by }) => *sender == by,
            (Some(Value::Void), Shown::Void) => true,
            _ => false,
        }
    }

    fn is_gone(&self) -> bool {
        self.conversation().is_some_and(|conversation| !conversation.alive)
    }
}

pub(super) fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What is seen of the conversation's own item in one look.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// Who takes part.
    pub(super) by: Option<Person>,
    pub(super) has: Option<Person>,
    pub(super) lacks: Option<Person>,
    pub(super) creator: Option<Person>,
    pub(super) not_created_by: Option<Person>,
    pub(super) title: Option<Option<Text>>,
    pub(super) participants: Option<usize>,
    pub(super) messages: Option<(Number, Number)>,
    pub(super) changes: Option<(Number, Number)>,
    /// Messages that are neither deleted nor void, as counted.
    pub(super) visible: Option<u64>,
    /// The last number minus the read mark that was noted.
    pub(super) unread: Option<u64>,
}

impl Look {
    pub(super) fn by(person: Person) -> Self {
        Self { by: Some(person), ..Self::default() }
    }

    /// Whether it can never be seen again: counters only rise, and what is gone stays so.
    pub(super) fn is_past(&self, state: &State) -> bool {
        let exceeds = |range: Option<(Number, Number)>, number| range.is_some_and(|(_, high)| number > high);
        state.conversation().is_some_and(|seen| {
            !seen.alive || exceeds(self.messages, seen.messages) || exceeds(self.changes, seen.changes)
        })
    }

    pub(super) fn holds(&self, state: &State, read_mark: Number) -> bool {
        let Some(seen) = state.conversation() else { return false };
        let within = |range: Option<(Number, Number)>, number: Number| {
            range.is_none_or(|(low, high)| (low..=high).contains(&number))
        };
        seen.alive
            && self.by.is_none_or(|person| seen.has(person))
            && self.has.is_none_or(|person| seen.has(person))
            && self.lacks.is_none_or(|person| !seen.has(person))
            && self.creator.is_none_or(|person| seen.creator == person)
            && self.not_created_by.is_none_or(|person| seen.creator != person)
            && self.title.is_none_or(|title| seen.title == title)
            && self.participants.is_none_or(|count| seen.participants.count_ones() as usize == count)
            && within(self.messages, seen.messages)
            && within(self.changes, seen.changes)
            && self.visible.is_none_or(|count| seen.messages.saturating_sub(seen.hidden) == count)
            && self.unread.is_none_or(|unread| seen.messages.saturating_sub(read_mark) == unread)
    }
}

/// Something that was seen at one instant.
#[derive(Clone, Debug)]
pub(super) enum Sight {
    Conversation(Look),
    /// The person does not take part, or there is no conversation.
    Outside(Person),
    Gone,
    Slot(Number, Shown),
    /// Nothing stands there yet.
    Pending(Number),
    /// Something stands there for good, or the number was not reached.
    Settled(Number),
    SettledChange(Number),
    /// No message stands there.
    NoMessage(Number),
    /// The same, if that number had been reached when the conversation was looked at.
    NoMessageUpToNoted(Number),
    /// The same for the number that lies so far before the one that had been reached.
    NoMessageBeforeNoted(u64),
    /// A message of somebody else stands there.
    MessageOfAnother(Number, Person),
    Change(Number, Change),
    PendingChange(Number),
    Key {
        person: Person,
        key: Text,
        number: Number,
        text: Text,
    },
    KeyOfAnotherText {
        person: Person,
        key: Text,
        text: Text,
    },
    ReadMark(Person, Number),
    NoReadMark(Person),
}

/// What an operation has noted on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Notes {
    pub(super) read_mark: Number,
    pub(super) messages: Number,
    /// The number of a change that was taken.
    pub(super) change: Number,
}

impl Sight {
    pub(super) fn holds(&self, state: &State, notes: &Notes) -> bool {
        let message_at = |number| matches!(state.get(Cell::Slot(number)), Some(Value::Message { .. }));
        // Whoever was let in before the conversation was removed may find any part of it cleared.
        let no_message = |number| state.is_gone() || !message_at(number);
        let reached = |counter: fn(&Conversation) -> Number, number: Number| {
            state.conversation().is_some_and(|seen| seen.alive && counter(seen) >= number)
        };
        match *self {
            Self::Conversation(ref look) => look.holds(state, notes.read_mark),
            Self::Outside(person) => state.conversation().is_none_or(|conversation| !conversation.has(person)),
            Self::Gone => state.is_gone(),
            Self::Slot(number, shown) => state.slot_shows(number, shown),
            Self::Pending(number) => state.is_gone() || state.get(Cell::Slot(number)).is_none(),
            Self::Settled(number) => state.get(Cell::Slot(number)).is_some() || !reached(|seen| seen.messages, number),
            Self::SettledChange(number) => {
                state.get(Cell::Change(number)).is_some() || !reached(|seen| seen.changes, number)
            }
            Self::NoMessage(number) => no_message(number),
            Self::NoMessageUpToNoted(number) => number > notes.messages || no_message(number),
            Self::NoMessageBeforeNoted(distance) => {
                notes.messages.checked_sub(distance).is_none_or(|number| number == 0 || no_message(number))
            }
            Self::MessageOfAnother(number, person) => {
                matches!(state.get(Cell::Slot(number)), Some(Value::Message { sender, .. }) if *sender != person)
            }
            Self::Change(number, change) => state.get(Cell::Change(number)) == Some(&Value::Change(change)),
            Self::PendingChange(number) => state.is_gone() || state.get(Cell::Change(number)).is_none(),
            Self::Key { person, key, number, text } => {
                state.get(Cell::Key(person, key)) == Some(&Value::Key { number, text })
            }
            Self::KeyOfAnotherText { person, key, text } => {
                matches!(state.get(Cell::Key(person, key)), Some(Value::Key { text: other, .. }) if *other != text)
            }
            Self::ReadMark(person, number) => state.read_mark(person) == Some(number),
            Self::NoReadMark(person) => state.read_mark(person).is_none(),
        }
    }

    /// Which cells it looks at.
    pub(super) fn cells(&self, notes: &Notes) -> Vec<Cell> {
        match *self {
            Self::Conversation(_) | Self::Outside(_) | Self::Gone => vec![Cell::Conversation],
            Self::Slot(number, _)
            | Self::Pending(number)
            | Self::Settled(number)
            | Self::NoMessage(number)
            | Self::NoMessageUpToNoted(number)
            | Self::MessageOfAnother(number, _) => vec![Cell::Slot(number)],
            Self::NoMessageBeforeNoted(distance) => vec![Cell::Slot(notes.messages.saturating_sub(distance))],
            Self::Change(number, _) | Self::PendingChange(number) | Self::SettledChange(number) => {
                vec![Cell::Change(number)]
            }
            Self::Key { person, key, .. } | Self::KeyOfAnotherText { person, key, .. } => vec![Cell::Key(person, key)],
            Self::ReadMark(person, _) | Self::NoReadMark(person) => vec![Cell::ReadMark(person)],
        }
    }
}
