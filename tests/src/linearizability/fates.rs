//! What became of each number, as far as any answer tells: a number ends as one thing for good, so whatever was seen
//! there once tells who took it. It spares the search all guesses about that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::history::{Answer, Change, Number, Operation, Person, Request, Shown, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// A message that said this at first.
    Text(Text),
    /// A message of theirs; it was edited or deleted before anybody saw what it said at first.
    SentBy(Person),
    Void,
}

#[derive(Clone, Debug, Default)]
pub struct Fates {
    messages: BTreeMap<Number, Fate>,
    changes: BTreeMap<Number, Change>,
    acknowledged: BTreeSet<Number>,
    /// The last number that any answer names.
    pub(super) highest: Number,
}

impl Fates {
    /// Fails if two answers tell different things of the same number.
    pub fn of(history: &[Operation]) -> Result<Self, String> {
        let first_texts: HashMap<Text, Person> = history
            .iter()
            .filter_map(|operation| match operation.request {
                Request::Send { text, .. } => Some((text, operation.person)),
                _ => None,
            })
            .collect();
        let mut fates = Self::default();
        for operation in history {
            for (number, shown) in shown_in(operation) {
                fates.learn(number, shown, &first_texts)?;
            }
            if let Answer::Sent(number) = operation.answer
                && !fates.acknowledged.insert(number)
            {
                return Err(format!("two sends were answered with the same number {number}"));
            }
            if let Answer::Changes(changes) = &operation.answer {
                for (number, change) in &changes.changes {
                    fates.learn_change(*number, *change)?;
                }
                for number in changes.after[1] + 1..=changes.through[1] {
                    let told = changes.changes.iter().any(|(told, _)| *told == number);
                    if !told && !changes.pending_changes.contains(&number) {
                        fates.learn_change(number, Change::Void)?;
                    }
                }
                fates.highest = fates.highest.max(changes.through[0]);
            }
        }
        fates.highest = fates.highest.max(fates.messages.keys().next_back().copied().unwrap_or_default());
        Ok(fates)
    }

    fn learn(&mut self, number: Number, shown: Shown, first_texts: &HashMap<Text, Person>) -> Result<(), String> {
        let fate = match shown {
            Shown::Message { sender, text } => match first_texts.get(&text) {
                Some(author) if *author == sender => Fate::Text(text),
                Some(_) => return Err(format!("number {number} shows text {text} as person {sender}'s: it is not")),
                None => Fate::SentBy(sender),
            },
            Shown::Tombstone { sender } => Fate::SentBy(sender),
            Shown::Void => Fate::Void,
        };
        let author = |fate: Fate| match fate {
            Fate::Text(text) => first_texts.get(&text).copied(),
            Fate::SentBy(person) => Some(person),
            Fate::Void => None,
        };
        let known = self.messages.entry(number).or_insert(fate);
        match (*known, fate) {
            (one, other) if one == other => Ok(()),
            (one, other) if author(one).is_none() || author(one) != author(other) => {
                Err(format!("number {number} was {one:?} to one and {other:?} to another"))
            }
            (Fate::Text(one), Fate::Text(other)) => {
                Err(format!("number {number} said {one} at first to one and {other} to another"))
            }
            (Fate::SentBy(_), Fate::Text(_)) => {
                *known = fate;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn learn_change(&mut self, number: Number, change: Change) -> Result<(), String> {
        let known = self.changes.entry(number).or_insert(change);
        if *known == change {
            Ok(())
        } else {
            Err(format!("change {number} was {known:?} to one and {change:?} to another"))
        }
    }

    pub(super) fn message(&self, number: Number) -> Option<Fate> {
        self.messages.get(&number).copied()
    }

    pub(super) fn change(&self, number: Number) -> Option<Change> {
        self.changes.get(&number).copied()
    }

    /// Whether that change may have been made.
    pub(super) fn may_have(&self, change: Change, everything_is_known: bool) -> bool {
        !everything_is_known || self.changes.values().any(|known| *known == change)
    }

    /// The last change that any answer names.
    pub(super) fn highest_change(&self) -> Number {
        self.changes.keys().next_back().copied().unwrap_or_default()
    }

    pub(super) fn voids(&self) -> impl Iterator<Item = Number> {
        (1..=self.highest).filter(|number| matches!(self.message(*number), None | Some(Fate::Void)))
    }

    pub(super) fn void_changes(&self) -> impl Iterator<Item = Number> {
        (1..=self.highest_change()).filter(|number| matches!(self.change(*number), None | Some(Change::Void)))
    }

    /// The numbers that a send with an unknown outcome may have filled.
    pub(super) fn candidates(&self, sender: Person, text: Text) -> Vec<Number> {
        let unclaimed = |number: &Number| !self.acknowledged.contains(number);
        let filled_by = |wanted: Fate| {
            let found = self.messages.iter().filter(move |(_, fate)| **fate == wanted);
            found.map(|(number, _)| *number).filter(unclaimed).collect::<Vec<_>>()
        };
        let seen = filled_by(Fate::Text(text));
        if seen.is_empty() { filled_by(Fate::SentBy(sender)) } else { seen }
    }
}

/// What an answer shows of the log.
fn shown_in(operation: &Operation) -> Vec<(Number, Shown)> {
    let sender = operation.person;
    match (&operation.request, &operation.answer) {
        (Request::Send { text, .. }, Answer::Sent(number)) => {
            vec![(*number, Shown::Message { sender, text: *text })]
        }
        (_, Answer::Repeated(number, shown)) => vec![(*number, *shown)],
        (Request::Message { number }, Answer::Message(shown)) => vec![(*number, *shown)],
        (_, Answer::Page(page)) => page.messages.clone(),
        (_, Answer::Changes(changes)) => changes.messages.iter().chain(&changes.changed).copied().collect(),
        (_, Answer::Row(Some(row))) => row.last.into_iter().collect(),
        (_, Answer::Detail(detail)) => detail.messages.clone(),
        _ => Vec::new(),
    }
}
