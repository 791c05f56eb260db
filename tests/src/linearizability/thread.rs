//! An operation on its way: everything that it may have seen so far.
//!
//! Seeing changes nothing, so it is never decided when something is seen: an operation sees whatever it still has to see
//! as soon as it is there, and where it may note one thing or another, it goes on as several threads.

use std::collections::BTreeSet;

use super::act::Act;
use super::history::{Number, Person};
use super::model::{Cell, Look, Notes, Sight, State};
use super::program::{Program, Step};

/// One way in which an operation may have gone so far.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Thread {
    program: usize,
    pub(super) step: usize,
    pub(super) notes: Notes,
    /// Which sights of this step are still to be seen.
    unseen: Vec<usize>,
}

pub(super) type Threads = BTreeSet<Thread>;

pub(super) fn begin(programs: &[Program]) -> Threads {
    let start = |program| Thread::at(program, 0, Notes::default(), programs);
    (0..programs.len()).map(start).collect()
}

pub(super) fn has_ended(threads: &Threads, programs: &[Program]) -> bool {
    threads.iter().any(|thread| thread.step == programs[thread.program].len())
}

/// Sees all that is there now to be seen.
pub(super) fn look_around(threads: &mut Threads, programs: &[Program], state: &State) {
    let mut fresh: Vec<Thread> = std::mem::take(threads).into_iter().collect();
    while let Some(thread) = fresh.pop() {
        if threads.contains(&thread) {
            continue;
        }
        match thread.current(programs) {
            Some(Step::See(sights)) => {
                let mut thread = thread;
                thread.unseen.retain(|index| !sights[*index].holds(state, &thread.notes));
                if thread.unseen.is_empty() {
                    fresh.push(thread.next(thread.notes, programs));
                } else {
                    threads.insert(thread);
                }
            }
            Some(Step::NoteReadMark(person)) => {
                if let Some(read_mark) = state.read_mark(*person) {
                    fresh.push(thread.next(Notes { read_mark, ..thread.notes }, programs));
                }
                threads.insert(thread);
            }
            Some(Step::NoteLastNumber(look)) => {
                if look.holds(state, thread.notes.read_mark)
                    && let Some(seen) = state.conversation()
                {
                    fresh.push(thread.next(Notes { messages: seen.messages, ..thread.notes }, programs));
                }
                threads.insert(thread);
            }
            Some(Step::Act(_)) | None => drop(threads.insert(thread)),
        }
    }
}

impl Thread {
    fn at(program: usize, step: usize, notes: Notes, programs: &[Program]) -> Self {
        let unseen = match programs[program].get(step) {
            Some(Step::See(sights)) => (0..sights.len()).collect(),
            _ => Vec::new(),
        };
        Self { program, step, notes, unseen }
    }

    pub(super) fn next(&self, notes: Notes, programs: &[Program]) -> Self {
        Self::at(self.program, self.step + 1, notes, programs)
    }

    pub(super) fn current<'p>(&self, programs: &'p [Program]) -> Option<&'p Step> {
        programs[self.program].get(self.step)
    }

    /// What it does from here on.
    pub(super) fn rest<'p>(&self, programs: &'p [Program]) -> &'p [Step] {
        &programs[self.program][self.step..]
    }

    /// The cells that it has still to look at or to write.
    pub(super) fn cells(&self, programs: &[Program], reached: Number) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (index, step) in self.rest(programs).iter().enumerate() {
            match step {
                Step::See(sights) if index == 0 => {
                    cells.extend(self.unseen.iter().flat_map(|index| sights[*index].cells(&self.notes)));
                }
                Step::See(sights) => cells.extend(sights.iter().flat_map(|sight| sight.cells(&self.notes))),
                Step::NoteReadMark(person) => cells.push(Cell::ReadMark(*person)),
                Step::NoteLastNumber(_) => cells.push(Cell::Conversation),
                Step::Act(act) => cells.extend(act.cells(reached)),
            }
        }
        cells
    }

    /// The looks that it still has to take.
    fn looks<'p>(&self, programs: &'p [Program]) -> impl Iterator<Item = &'p Look> {
        let unseen = self.unseen.clone();
        self.rest(programs).iter().enumerate().flat_map(move |(index, step)| {
            let is_left = |sight: &usize| index > 0 || unseen.contains(sight);
            let looks: Vec<&Look> = match step {
                Step::See(sights) => {
                    let left = sights.iter().enumerate().filter(|(sight, _)| is_left(sight));
                    left.filter_map(|(_, sight)| if let Sight::Conversation(look) = sight { Some(look) } else { None })
                        .collect()
                }
                Step::NoteLastNumber(look) => vec![look],
                Step::NoteReadMark(_) | Step::Act(_) => Vec::new(),
            };
            looks
        })
    }

    /// Whether it can never end, for it has missed something that will not come again.
    pub(super) fn is_lost(&self, programs: &[Program], state: &State) -> bool {
        self.looks(programs).any(|look| look.is_past(state))
    }

    /// The read mark that somebody must have before it can go on, however that comes about.
    pub(super) fn wanted_mark(&self, programs: &[Program], state: &State) -> Option<(Person, Number)> {
        match self.current(programs)? {
            Step::Act(Act::MarkRead { person, number, stands }) => {
                let is_there = state.read_mark(*person).is_some_and(|mark| mark.max(*number) == *stands);
                (!is_there).then_some((*person, *stands))
            }
            Step::See(sights) => self.unseen.iter().find_map(|index| match sights[*index] {
                Sight::ReadMark(person, number) => Some((person, number)),
                _ => None,
            }),
            _ => None,
        }
    }

    /// Whether it may yet give the person that read mark.
    pub(super) fn may_set_mark(&self, programs: &[Program], wanted: (Person, Number), state: &State) -> bool {
        let is_ahead = state.read_mark(wanted.0).is_some_and(|mark| mark < wanted.1);
        self.rest(programs).iter().any(|step| match step {
            Step::Act(
                Act::MoveReadMark { person, number: reached } | Act::MarkRead { person, number: reached, .. },
            ) => is_ahead && (*person, *reached) == wanted,
            Step::Act(act) => act.lets_in(wanted.0),
            _ => false,
        })
    }

    /// What it has still to see, in words.
    pub(super) fn misses(&self, programs: &[Program]) -> String {
        match self.current(programs) {
            Some(Step::See(sights)) => {
                let missed: Vec<&Sight> = self.unseen.iter().map(|index| &sights[*index]).take(5).collect();
                format!("{missed:?}")
            }
            Some(step) => format!("{step:?}"),
            None => "nothing".to_owned(),
        }
    }
}
