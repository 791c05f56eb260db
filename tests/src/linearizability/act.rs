//! What can be done to a conversation at one instant: one call of a request each, on its conditions.

use super::fates::{Fate, Fates};
use super::history::{Change, Number, Person, Text};
use super::model::{Cell, Conversation, Notes, State, Value, Writes, bit, people_in};

#[derive(Clone, Debug)]
pub(super) enum Act {
    Start {
        people: Vec<Person>,
        creator: Person,
        title: Option<Text>,
    },
    TakeMessage {
        by: Person,
        number: Number,
    },
    Fill {
        number: Number,
        sender: Person,
        text: Text,
        key: Option<Text>,
    },
    /// Beside a send: whoever is out by now has no mark to move.
    MoveReadMark {
        person: Person,
        number: Number,
    },
    MarkRead {
        person: Person,
        number: Number,
        stands: Number,
    },
    TakeChange(Effect),
    /// Takes effect, at the number that was taken.
    Record(Effect),
    /// Ends the conversation; the last one to leave does, whatever their rights.
    End {
        by: Person,
        right: Right,
    },
}

/// By what right somebody changes a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    Creator,
    Role,
    Last,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    Edit { number: Number, by: Person, text: Text },
    Delete { number: Number, by: Person },
    Add { person: Person, by: Person, right: Right },
    Remove { person: Person, by: Person, right: Right },
    Rename { title: Option<Text>, by: Person },
}

impl Effect {
    pub(super) fn change(self) -> Change {
        match self {
            Self::Edit { number, by, .. } => Change::Edited { number, by },
            Self::Delete { number, by } => Change::Deleted { number, by },
            Self::Add { person, by, .. } => Change::Added { person, by },
            Self::Remove { person, by, .. } => Change::Removed { person, by },
            Self::Rename { by, .. } => Change::Renamed { by },
        }
    }

    fn by(self) -> Person {
        match self {
            Self::Edit { by, .. }
            | Self::Delete { by, .. }
            | Self::Add { by, .. }
            | Self::Remove { by, .. }
            | Self::Rename { by, .. } => by,
        }
    }

    /// What it would write now, one list for each way in which it may; none if its conditions do not hold.
    fn writes(self, state: &State, notes: &Notes) -> Vec<Writes> {
        let change = Cell::Change(notes.change);
        if state.get(change).is_some() || self.is_overtaken(state, notes) {
            return Vec::new();
        }
        let recorded = (change, Some(Value::Change(self.change())));
        let seen = state.conversation().filter(|seen| seen.alive);
        let mut each = match (self, seen) {
            // An edit asks the message alone: it may still be made while the conversation is being cleared.
            (Self::Edit { number, by, text }, _) => match state.get(Cell::Slot(number)) {
                Some(Value::Message { sender, .. }) if *sender == by => {
                    vec![vec![(Cell::Slot(number), Some(Value::Message { sender: by, text }))]]
                }
                _ => Vec::new(),
            },
            (Self::Delete { number, .. }, Some(seen)) => match state.get(Cell::Slot(number)) {
                Some(Value::Message { sender, .. }) => {
                    let hidden = Conversation { hidden: seen.hidden + 1, ..seen.clone() };
                    let tombstone = (Cell::Slot(number), Some(Value::Tombstone { sender: *sender }));
                    vec![vec![tombstone, written(hidden)]]
                }
                _ => Vec::new(),
            },
            (Self::Add { person, by, right }, Some(seen)) if may(seen, by, right) && !seen.has(person) => {
                let participants = seen.participants | bit(person);
                let joined = (Cell::ReadMark(person), Some(Value::ReadMark(notes.messages)));
                vec![vec![written(Conversation { participants, ..seen.clone() }), joined]]
            }
            (Self::Remove { person, by, right }, Some(seen)) if may(seen, by, right) && seen.has(person) => {
                taken_out(seen, person)
            }
            (Self::Rename { title, by }, Some(seen)) if seen.has(by) => {
                vec![vec![written(Conversation { title, ..seen.clone() })]]
            }
            _ => Vec::new(),
        };
        each.iter_mut().for_each(|writes| writes.push(recorded.clone()));
        each
    }

    /// Whether the same message was changed with a later number.
    fn is_overtaken(self, state: &State, notes: &Notes) -> bool {
        let last = state.conversation().map_or(0, |seen| seen.changes);
        let is_of_the_same = |number| match state.get(Cell::Change(number)) {
            Some(Value::Change(later)) => later.message().is_some() && later.message() == self.change().message(),
            _ => false,
        };
        (notes.change + 1..=last).any(is_of_the_same)
    }

    fn cells(self) -> Vec<Cell> {
        match self {
            Self::Edit { number, .. } => vec![Cell::Slot(number)],
            Self::Delete { number, .. } => vec![Cell::Slot(number), Cell::Conversation],
            Self::Add { person, .. } | Self::Remove { person, .. } => {
                vec![Cell::Conversation, Cell::ReadMark(person)]
            }
            Self::Rename { .. } => vec![Cell::Conversation],
        }
    }
}

/// Whoever stays may come into the rights of a creator who goes: who has been there longest is not modelled.
fn taken_out(seen: &Conversation, leaver: Person) -> Vec<Writes> {
    let participants = seen.participants & !bit(leaver);
    let heirs: Vec<Person> =
        if seen.creator == leaver { people_in(participants).collect() } else { vec![seen.creator] };
    let out = |creator| {
        let gone = (Cell::ReadMark(leaver), None);
        vec![written(Conversation { participants, creator, ..seen.clone() }), gone]
    };
    if participants == 0 { Vec::new() } else { heirs.into_iter().map(out).collect() }
}

fn may(seen: &Conversation, by: Person, right: Right) -> bool {
    let rightful = match right {
        Right::Creator => seen.creator == by,
        Right::Role => true,
        Right::Last => seen.participants == bit(by),
    };
    seen.has(by) && rightful
}

fn written(conversation: Conversation) -> (Cell, Option<Value>) {
    (Cell::Conversation, Some(Value::Conversation(conversation)))
}

impl Act {
    /// What it would do now, one for each way in which it may; none if its conditions do not hold.
    pub(super) fn outcomes(&self, state: &State, notes: &Notes, fates: &Fates) -> Vec<(Writes, Notes)> {
        if let Self::Record(effect) = self {
            return effect.writes(state, notes).into_iter().map(|writes| (writes, *notes)).collect();
        }
        let mut notes = *notes;
        let writes = self.writes(state, &mut notes, fates);
        writes.map(|writes| (writes, notes)).into_iter().collect()
    }

    fn writes(&self, state: &State, notes: &mut Notes, fates: &Fates) -> Option<Writes> {
        let seen = state.conversation();
        match *self {
            Self::Start { ref people, creator, title } => {
                let participants = people.iter().fold(bit(creator), |set, person| set | bit(*person));
                let started =
                    Conversation { alive: true, participants, creator, title, messages: 0, changes: 0, hidden: 0 };
                let marks = people_in(participants).map(|person| (Cell::ReadMark(person), Some(Value::ReadMark(0))));
                seen.is_none().then(|| std::iter::once(written(started)).chain(marks).collect())
            }
            Self::TakeMessage { by, number } => {
                let seen = seen.filter(|seen| seen.has(by) && seen.messages + 1 == number)?;
                Some(vec![written(Conversation { messages: number, ..seen.clone() })])
            }
            Self::Fill { number, sender, text, key } => {
                let key = key.map(|key| Cell::Key(sender, key));
                let is_free = |cell| state.get(cell).is_none();
                let free = is_free(Cell::Slot(number)) && key.is_none_or(is_free);
                let message = (Cell::Slot(number), Some(Value::Message { sender, text }));
                let key = key.map(|key| (key, Some(Value::Key { number, text })));
                free.then(|| std::iter::once(message).chain(key).collect())
            }
            Self::MoveReadMark { person, number } => {
                seen.filter(|seen| seen.messages >= number)?;
                let moves = state.read_mark(person).is_some_and(|mark| mark < number);
                Some(if moves { vec![(Cell::ReadMark(person), Some(Value::ReadMark(number)))] } else { Vec::new() })
            }
            Self::MarkRead { person, number, stands } => {
                let mark = state.read_mark(person)?.max(number);
                (mark == stands).then(|| vec![(Cell::ReadMark(person), Some(Value::ReadMark(mark)))])
            }
            Self::TakeChange(effect) => {
                let seen = seen.filter(|seen| seen.has(effect.by()))?;
                let number = seen.changes + 1;
                notes.change = number;
                let fits = fates.change(number).is_none_or(|change| change == effect.change());
                fits.then(|| vec![written(Conversation { changes: number, ..seen.clone() })])
            }
            Self::End { by, right } => {
                let seen = seen.filter(|seen| may(seen, by, right))?;
                Some(vec![written(Conversation { alive: false, ..seen.clone() })])
            }
            Self::Record(_) => None,
        }
    }

    /// Whether it takes that number, of messages or of changes, for what any answer shows there.
    pub(super) fn takes(&self, log: usize, wanted: Number, fates: &Fates) -> bool {
        match (self, log) {
            (Self::TakeMessage { number, .. }, 0) => *number == wanted,
            (Self::TakeChange(effect), 1) => fates.change(wanted) == Some(effect.change()),
            _ => false,
        }
    }

    pub(super) fn lets_in(&self, joiner: Person) -> bool {
        match self {
            Self::Start { .. } => true,
            Self::Record(Effect::Add { person, .. }) => *person == joiner,
            _ => false,
        }
    }

    /// The cells that it asks or writes, where numbers have been taken up to `reached`.
    pub(super) fn cells(&self, reached: Number) -> Vec<Cell> {
        match *self {
            Self::Start { .. } | Self::TakeMessage { .. } | Self::End { .. } => vec![Cell::Conversation],
            Self::Fill { number, sender, key, .. } => {
                std::iter::once(Cell::Slot(number)).chain(key.map(|key| Cell::Key(sender, key))).collect()
            }
            // It waits for the number to be taken.
            Self::MoveReadMark { person, number } if number > reached => {
                vec![Cell::ReadMark(person), Cell::Conversation]
            }
            Self::MoveReadMark { person, .. } | Self::MarkRead { person, .. } => vec![Cell::ReadMark(person)],
            Self::TakeChange(effect) => [vec![Cell::Conversation], effect.cells()].concat(),
            Self::Record(effect) => effect.cells(),
        }
    }
}

/// Numbers that were taken for nothing, and what stands there in the end. Whose they were does not matter: nobody ever
/// sees more of them than the counter and the void. Each with the cell that it is about in the end.
pub(super) fn wasting(state: &State, fates: &Fates, takers: [u64; 2], may_settle: [bool; 2]) -> Vec<(Cell, Writes)> {
    let Some(seen) = state.conversation().filter(|seen| seen.alive) else { return Vec::new() };
    let mut all = Vec::new();
    // What no answer names, and nothing that any answer names comes after, makes no difference.
    let (next, next_change) = (seen.messages + 1, seen.changes + 1);
    let is_void = next <= fates.highest && matches!(fates.message(next), None | Some(Fate::Void));
    let is_void_change =
        next_change <= fates.highest_change() && matches!(fates.change(next_change), None | Some(Change::Void));
    if takers[0] & seen.participants != 0 && is_void {
        all.push((Cell::Slot(next), vec![written(Conversation { messages: next, ..seen.clone() })]));
    }
    if takers[1] & seen.participants != 0 && is_void_change {
        let taken = Conversation { changes: next_change, ..seen.clone() };
        all.push((Cell::Change(next_change), vec![written(taken)]));
    }
    if may_settle[0] {
        for number in fates.voids().filter(|number| *number <= seen.messages) {
            let slot = Cell::Slot(number);
            if state.get(slot).is_none() {
                let hidden = Conversation { hidden: seen.hidden + 1, ..seen.clone() };
                all.push((slot, vec![(slot, Some(Value::Void)), written(hidden)]));
            }
        }
    }
    if may_settle[1] {
        for number in fates.void_changes().filter(|number| *number <= seen.changes) {
            let change = Cell::Change(number);
            if state.get(change).is_none() {
                all.push((change, vec![(change, Some(Value::Change(Change::Void)))]));
            }
        }
    }
    all
}
