//! What an operation does, step by step, if it was answered as it was: for each way in which that can come about, the
//! instants that it must find between its call and its answer, in order.

use super::act::{Act, Effect, Right};
use super::fates::Fates;
use super::history::{Answer, Change, Changes, Detail, Number, Operation, Page, Person, Request, Row, Shown, Text};
use super::model::{LAST_MESSAGE_DEPTH, Look, Sight};

/// What people may do where they take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Guest,
    Host,
    Admin,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Each of these is seen at some instant: items are read one by one, in any order.
    See(Vec<Sight>),
    /// The person's read mark is noted, if there is one.
    NoteReadMark(Person),
    /// The conversation is seen to be like that, and its last number noted.
    NoteLastNumber(Look),
    Act(Act),
}

pub(super) type Program = Vec<Step>;

/// How an operation may have gone; not at all, if there is no way.
pub(super) struct Compiler<'a> {
    pub(super) roles: &'a [Role],
    pub(super) fates: &'a Fates,
    /// Whether the history ends with a look at everything there is.
    pub(super) everything_is_known: bool,
}

impl Compiler<'_> {
    pub(super) fn programs(&self, operation: &Operation) -> Vec<Program> {
        let (by, fates) = (operation.person, self.fates);
        let programs = match (&operation.request, &operation.answer) {
            (Request::Start { people, title }, Answer::Done | Answer::Unknown) => {
                vec![vec![Step::Act(Act::Start { people: people.clone(), creator: by, title: *title })]]
            }
            (Request::Send { text, key }, Answer::Sent(number)) => vec![sending(by, *number, *text, *key)],
            (Request::Send { text, key }, Answer::Unknown) => {
                let candidates = fates.candidates(by, *text).into_iter();
                candidates.map(|number| sending(by, number, *text, *key)).collect()
            }
            (Request::Send { text, key: Some(key) }, Answer::Repeated(number, shown)) => {
                let known = Sight::Key { person: by, key: *key, number: *number, text: *text };
                vec![vec![see(known), Step::See(vec![looked(by), Sight::Slot(*number, *shown)])]]
            }
            (Request::Send { text, key: Some(key) }, Answer::KeyReused) => {
                let known = Sight::KeyOfAnotherText { person: by, key: *key, text: *text };
                vec![vec![see(known), see(looked(by))]]
            }
            (Request::Edit { number, text }, Answer::Done) => {
                let same = Sight::Slot(*number, Shown::Message { sender: by, text: *text });
                let edit = Effect::Edit { number: *number, by, text: *text };
                vec![recording(edit), vec![Step::See(vec![looked(by), same])]]
            }
            (Request::Edit { number, text }, Answer::Unknown) => {
                self.perhaps(Effect::Edit { number: *number, by, text: *text })
            }
            (Request::Delete { number }, Answer::Done) => vec![recording(Effect::Delete { number: *number, by })],
            (Request::Delete { number }, Answer::Unknown) => self.perhaps(Effect::Delete { number: *number, by }),
            (Request::Edit { number, .. } | Request::Delete { number }, Answer::Forbidden) => {
                vec![vec![Step::See(vec![looked(by), Sight::MessageOfAnother(*number, by)])]]
            }
            (
                Request::Edit { number, .. } | Request::Delete { number } | Request::Message { number },
                Answer::NotFound,
            ) => vec![vec![see(Sight::Outside(by))], vec![see(Sight::NoMessage(*number))]],
            (Request::MarkRead { number }, answer) => marking(by, *number, answer),
            (Request::Message { number }, Answer::Message(shown)) => {
                vec![vec![Step::See(vec![looked(by), Sight::Slot(*number, *shown)])]]
            }
            (Request::Page, Answer::Page(page)) => vec![self.paging(by, page)],
            (Request::Changes, Answer::Changes(changes)) => vec![following(by, changes)],
            (Request::Settle, Answer::Done) => {
                let messages = (1..=fates.highest).map(Sight::Settled);
                let changes = (1..=fates.highest_change()).map(Sight::SettledChange);
                vec![vec![Step::See(messages.chain(changes).chain([looked(by)]).collect())]]
            }
            (Request::Inbox, Answer::Row(Some(row))) => vec![self.row(by, row)],
            (Request::Inbox, Answer::Row(None)) => {
                vec![vec![see(Sight::Outside(by))], vec![see(Sight::NoReadMark(by))]]
            }
            (Request::Detail | Request::Start { .. }, Answer::Detail(detail)) => vec![self.detail(by, detail)],
            (Request::Detail, Answer::NotFound) => {
                vec![vec![see(Sight::Outside(by))], vec![see(looked(by)), see(Sight::NoReadMark(by))]]
            }
            (request, answer) => self.changing(by, request, answer),
        };
        match operation.answer {
            Answer::NotFound if programs.is_empty() => vec![vec![see(Sight::Outside(by))]],
            _ => programs,
        }
    }

    /// What is moved beside a send: the sender has read what the sender has sent.
    pub(super) fn programs_beside(&self, operation: &Operation) -> Vec<Program> {
        let moving = |number| vec![Step::Act(Act::MoveReadMark { person: operation.person, number })];
        match (&operation.request, &operation.answer) {
            (Request::Send { .. }, Answer::Sent(number)) => vec![moving(*number)],
            (Request::Send { text, .. }, Answer::Unknown) => {
                self.fates.candidates(operation.person, *text).into_iter().map(moving).collect()
            }
            _ => Vec::new(),
        }
    }

    fn changing(&self, by: Person, request: &Request, answer: &Answer) -> Vec<Program> {
        let right = if self.role(by) == Role::Guest { Right::Creator } else { Right::Role };
        match (request, answer) {
            (_, Answer::Forbidden) => {
                vec![vec![see(Sight::Conversation(Look { not_created_by: Some(by), ..Look::by(by) }))]]
            }
            (Request::Add { person }, Answer::Refused) => {
                vec![vec![see(Sight::Conversation(Look { has: Some(*person), ..Look::by(by) }))]]
            }
            (Request::Remove { person }, Answer::Refused) => {
                vec![vec![see(Sight::Conversation(Look { lacks: Some(*person), ..Look::by(by) }))]]
            }
            (Request::Add { person }, Answer::Done) => adding(Effect::Add { person: *person, by, right }, by),
            (Request::Add { person }, Answer::Unknown) => {
                let add = Effect::Add { person: *person, by, right };
                if self.perhaps(add).is_empty() { Vec::new() } else { adding(add, by) }
            }
            (Request::Remove { person }, Answer::Done) => {
                vec![recording(Effect::Remove { person: *person, by, right })]
            }
            (Request::Remove { person }, Answer::Unknown) => {
                self.perhaps(Effect::Remove { person: *person, by, right })
            }
            (Request::Leave, Answer::Done) => vec![leaving(by), ending(by, Right::Last), found_gone(by)],
            (Request::Leave, Answer::Unknown) => vec![leaving(by), ending(by, Right::Last)],
            (Request::DeleteConversation, Answer::Done) => vec![ending(by, self.right_to_end(by)), found_gone(by)],
            (Request::DeleteConversation, Answer::Unknown) => vec![ending(by, self.right_to_end(by))],
            (Request::Rename { title }, Answer::Unknown) => self.perhaps(Effect::Rename { title: *title, by }),
            (Request::Rename { title }, Answer::Detail(detail)) => {
                let renamed = recording(Effect::Rename { title: *title, by });
                let same = vec![see(Sight::Conversation(Look { title: Some(*title), ..Look::by(by) }))];
                [renamed, same].into_iter().map(|first| [first, self.detail(by, detail)].concat()).collect()
            }
            // It is told in full afterwards, unless its teller is out by then.
            (Request::Rename { title }, Answer::NotFound) => {
                let renamed = [recording(Effect::Rename { title: *title, by }), vec![see(Sight::Outside(by))]].concat();
                vec![vec![see(Sight::Outside(by))], renamed]
            }
            _ => Vec::new(),
        }
    }

    fn role(&self, person: Person) -> Role {
        self.roles.get(usize::from(person)).copied().unwrap_or(Role::Guest)
    }

    fn right_to_end(&self, by: Person) -> Right {
        if self.role(by) == Role::Admin { Right::Role } else { Right::Creator }
    }

    /// With an unknown outcome: only if the log of changes does not show that it never happened.
    fn perhaps(&self, effect: Effect) -> Vec<Program> {
        let possible = self.fates.may_have(effect.change(), self.everything_is_known);
        if possible { vec![recording(effect)] } else { Vec::new() }
    }

    /// Whatever was looked at and not shown was no message.
    fn stretch(&self, from: Number, through: Number, messages: &[(Number, Shown)]) -> Vec<Sight> {
        let shown = messages.iter().map(|(number, shown)| Sight::Slot(*number, *shown));
        let absent = (from..=through.min(self.fates.highest))
            .filter(|number| messages.iter().all(|(shown, _)| shown != number))
            .map(Sight::NoMessage);
        shown.chain(absent).collect()
    }

    fn paging(&self, by: Person, page: &Page) -> Program {
        let mut sights = self.stretch(page.from, page.through, &page.messages);
        sights.push(Sight::Conversation(Look { visible: page.count, ..Look::by(by) }));
        vec![Step::See(sights)]
    }

    fn row(&self, by: Person, row: &Row) -> Program {
        let look = Look {
            title: Some(row.title),
            creator: Some(row.creator),
            participants: Some(row.participants),
            unread: Some(row.unread),
            ..Look::by(by)
        };
        let last = match row.last {
            Some((number, shown)) => {
                let newer = number + 1..=self.fates.highest.min(number + 2 * LAST_MESSAGE_DEPTH);
                std::iter::once(Sight::Slot(number, shown)).chain(newer.map(Sight::NoMessageUpToNoted)).collect()
            }
            None => (0..LAST_MESSAGE_DEPTH).map(Sight::NoMessageBeforeNoted).collect(),
        };
        vec![Step::NoteReadMark(by), Step::NoteLastNumber(look), Step::See(last)]
    }

    fn detail(&self, by: Person, detail: &Detail) -> Program {
        let look = Look {
            title: Some(detail.title),
            creator: Some(detail.creator),
            participants: Some(detail.participants),
            messages: Some((detail.last, detail.last)),
            ..Look::by(by)
        };
        let mut sights = self.stretch(detail.from, Number::MAX, &detail.messages);
        sights.push(Sight::Conversation(look));
        vec![Step::See(sights), see(Sight::ReadMark(by, detail.read))]
    }
}

fn see(sight: Sight) -> Step {
    Step::See(vec![sight])
}

fn looked(by: Person) -> Sight {
    Sight::Conversation(Look::by(by))
}

fn sending(sender: Person, number: Number, text: Text, key: Option<Text>) -> Program {
    vec![Step::Act(Act::TakeMessage { by: sender, number }), Step::Act(Act::Fill { number, sender, text, key })]
}

fn recording(effect: Effect) -> Program {
    vec![Step::Act(Act::TakeChange(effect)), Step::Act(Act::Record(effect))]
}

/// Who joins has read everything up to the number that the conversation showed when it was looked at: at first, or
/// again after somebody else had come or gone.
fn adding(add: Effect, by: Person) -> Vec<Program> {
    let look = || Step::NoteLastNumber(Look::by(by));
    let (take, record) = (Step::Act(Act::TakeChange(add)), Step::Act(Act::Record(add)));
    vec![vec![look(), take.clone(), record.clone()], vec![take, look(), record]]
}

fn leaving(by: Person) -> Program {
    recording(Effect::Remove { person: by, by, right: Right::Role })
}

fn ending(by: Person, right: Right) -> Program {
    vec![Step::Act(Act::End { by, right })]
}

/// Somebody else was faster.
fn found_gone(by: Person) -> Program {
    vec![see(looked(by)), see(Sight::Gone)]
}

fn marking(by: Person, number: Number, answer: &Answer) -> Vec<Program> {
    let reached = |messages| see(Sight::Conversation(Look { messages: Some(messages), ..Look::by(by) }));
    match *answer {
        Answer::Marked { read, unread } => {
            let last = if unread > 0 { (read + unread, read + unread) } else { (number, read) };
            vec![vec![reached(last), Step::Act(Act::MarkRead { person: by, number, stands: read })]]
        }
        Answer::Unknown => {
            vec![vec![reached((number, Number::MAX)), Step::Act(Act::MoveReadMark { person: by, number })]]
        }
        Answer::Refused => vec![vec![reached((0, number.saturating_sub(1)))]],
        _ => vec![vec![see(Sight::Outside(by))], vec![see(looked(by)), see(Sight::NoReadMark(by))]],
    }
}

fn following(by: Person, changes: &Changes) -> Program {
    let [messages, kinds] = changes.through.map(|through| (through, if changes.more { Number::MAX } else { through }));
    let look = Look { messages: Some(messages), changes: Some(kinds), ..Look::by(by) };
    let mut sights = vec![Sight::Conversation(look)];
    sights.extend(changes.messages.iter().map(|(number, shown)| Sight::Slot(*number, *shown)));
    sights.extend(changes.pending.iter().map(|number| Sight::Pending(*number)));
    sights.extend(changes.pending_changes.iter().map(|number| Sight::PendingChange(*number)));
    for number in changes.after[1] + 1..=changes.through[1] {
        let told = changes.changes.iter().find(|(told, _)| *told == number).map(|(_, change)| *change);
        if !changes.pending_changes.contains(&number) {
            sights.push(Sight::Change(number, told.unwrap_or(Change::Void)));
        }
    }
    // What a change points at is read after it.
    let mut pointed: Vec<Sight> = changes.changed.iter().map(|(number, shown)| Sight::Slot(*number, *shown)).collect();
    pointed.extend(changes.title.map(|title| Sight::Conversation(Look { title: Some(title), ..Look::by(by) })));
    vec![Step::See(sights), Step::See(pointed)]
}
