//! An operation on its way: everything that it may have seen so far.
//!
//! Seeing changes nothing, so it is never decided when something is seen: an operation sees whatever it still has to see
//! as soon as it is there, and where it may note one thing or another, it goes on as several threads.

use std::collections::BTreeSet;

use super::history::Number;
use super::model::{Cell, Notes, Sight, State};
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
