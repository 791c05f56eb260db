//! The search for an order that explains a history: Wing and Gong's, with Lowe's just-in-time steps and memory.
//!
//! It goes through calls and answers in the order in which they were. Nothing is done before an answer asks for it: only
//! when an operation was answered that has not come to its end does the search decide what happened before, step by step,
//! and takes that back where it leads nowhere. Where it has been, it does not go again; and of what it did before a failure
//! it takes back only what touched something that the failure has to do with (conflict-directed backjumping).

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::act::{Act, wasting};
use super::background::{Background, background_before, wastes};
use super::fates::Fates;
use super::history::{Number, Operation, Person};
use super::model::{Cell, State, Value, Writes, bit, digest};
use super::program::{Compiler, Program, Step};
use super::thread::{Thread, Threads, begin, has_ended, look_around};
use super::{Cast, Refusal};

type Cells = BTreeSet<Cell>;

/// How many situations are looked at before the search gives up.
const MOST_SITUATIONS: usize = 400_000;

/// An operation, or what is done beside it.
struct Unit {
    operation: usize,
    programs: Vec<Program>,
    answered: Option<u64>,
    /// It may have done what no answer tells.
    wastes: bool,
}

#[derive(Clone, Copy)]
enum Event {
    Called(usize),
    Answered(usize),
}

/// Where the search stands, beside the state.
#[derive(Clone)]
struct Position {
    next_event: usize,
    open: Vec<(usize, Rc<Threads>)>,
}

struct Move {
    rank: usize,
    /// Which of the open units moves, and by which of its threads; none of them if it happens in the background.
    by: Option<(usize, Thread)>,
    /// What its operation has to do with from here on.
    cells: Cells,
    writes: Writes,
}

/// Where the search has to decide.
#[derive(Clone, Copy)]
enum Halt {
    /// At the answer to an operation that has not come to its end.
    Blocked(usize),
    /// At the answer to one that has, and may have done before what no answer tells.
    Leaving(usize),
}

/// A situation in which something had to be decided.
struct Choice {
    position: Position,
    leaving: Option<usize>,
    moves: std::vec::IntoIter<Move>,
    undo: Writes,
    /// The cells that can become otherwise by another choice.
    footprint: Cells,
    /// The cells that all failures so far have to do with.
    blame: Cells,
    key: u64,
}

pub(super) struct Search<'a> {
    history: &'a [Operation],
    fates: &'a Fates,
    units: Vec<Unit>,
    events: Vec<Event>,
    background: Vec<Background>,
    state: State,
}

impl<'a> Search<'a> {
    pub(super) fn new(history: &'a [Operation], cast: &Cast, fates: &'a Fates) -> Self {
        let compiler = Compiler { roles: &cast.roles, fates, everything_is_known: cast.everything_is_known };
        let wasting: Vec<bool> = history.iter().map(|operation| wastes(history, operation)).collect();
        let mut units = Vec::new();
        for (operation, asked) in history.iter().enumerate() {
            let (wastes, answered) = (wasting[operation], asked.answered);
            let programs = compiler.programs(asked);
            if !programs.is_empty() {
                units.push(Unit { operation, programs, answered, wastes: wastes || asked.impatient });
            }
            let programs = compiler.programs_beside(asked);
            if !programs.is_empty() {
                let answered = answered.filter(|_| !asked.crippled);
                units.push(Unit { operation, programs, answered, wastes: false });
            }
        }
        let mut timed: Vec<(u64, Event)> = Vec::new();
        for (unit, Unit { operation, answered, .. }) in units.iter().enumerate() {
            timed.push((history[*operation].called, Event::Called(unit)));
            timed.extend(answered.map(|answered| (answered, Event::Answered(unit))));
        }
        timed.sort_by_key(|(time, _)| *time);
        let background = timed.iter().map(|(time, _)| background_before(history, &wasting, *time)).collect();
        let events = timed.into_iter().map(|(_, event)| event).collect();
        Self { history, fates, units, events, background, state: State::default() }
    }

    /// Finds an order, or the answer before which all ways end.
    pub(super) fn run(mut self) -> Result<(), Refusal> {
        let mut position = Position { next_event: 0, open: Vec::new() };
        let mut choices: Vec<Choice> = Vec::new();
        let mut failed: HashMap<u64, Rc<Cells>> = HashMap::new();
        let mut refusal: Option<(usize, Refusal)> = None;
        loop {
            let Some(halt) = self.advance(&mut position) else { return Ok(()) };
            if let Halt::Blocked(blocked) = halt
                && refusal.as_ref().is_none_or(|(furthest, _)| position.next_event > *furthest)
            {
                refusal = Some((position.next_event, self.refusal(&position, blocked)));
            }
            if failed.len() + choices.len() > MOST_SITUATIONS
                && let Some((_, refusal)) = refusal
            {
                return Err(Refusal { gave_up: true, ..refusal });
            }
            let key = digest(&(position.next_event, &position.open, self.state.fingerprint));
            let mut blame = failed.get(&key).cloned();
            if blame.is_none() {
                choices.push(self.choice(position, halt, key));
            }
            // The next way that is left, going back as far as needed, past all that had nothing to do with the failure.
            position = loop {
                let Some(choice) = choices.last_mut() else {
                    return refusal.map_or(Ok(()), |(_, refusal)| Err(refusal));
                };
                self.state.write(std::mem::take(&mut choice.undo));
                let mut is_lost = false;
                if let Some(blame) = blame.take() {
                    is_lost = choice.footprint.is_disjoint(&blame);
                    if is_lost {
                        choice.blame = Cells::clone(&blame);
                    } else {
                        choice.blame.extend(blame.iter().copied());
                    }
                }
                if !is_lost {
                    // To leave without more ado is tried first.
                    if let Some(open) = choice.leaving.take() {
                        let mut position = choice.position.clone();
                        position.open.remove(open);
                        position.next_event += 1;
                        break position;
                    }
                    if let Some(next) = choice.moves.next() {
                        choice.undo = self.state.write(next.writes);
                        let mut position = choice.position.clone();
                        if let Some((open, thread)) = next.by {
                            position.open[open].1 = Rc::new(Threads::from([thread]));
                        }
                        self.look_around(&mut position);
                        break position;
                    }
                }
                blame = choices.pop().map(|choice| {
                    let blame = Rc::new(choice.blame);
                    failed.insert(choice.key, blame.clone());
                    blame
                });
            };
        }
    }

    fn choice(&self, position: Position, halt: Halt, key: u64) -> Choice {
        if let Some(blame) = self.lost(&position, halt) {
            let (moves, footprint) = (Vec::new().into_iter(), Cells::new());
            return Choice { position, leaving: None, moves, undo: Vec::new(), footprint, blame, key };
        }
        let (moves, blame, leaving) = match halt {
            Halt::Blocked(blocked) => {
                let wanted = self.cells_of(&position.open[blocked]);
                let relevant = self.relevant(&position, &wanted);
                (self.moves(&position, blocked, &wanted, &relevant), relevant, None)
            }
            Halt::Leaving(open) => (self.parting_moves(&position), Cells::new(), Some(open)),
        };
        let touched = |next: &Move| {
            next.cells.iter().copied().chain(next.writes.iter().map(|(cell, _)| *cell)).collect::<Vec<_>>()
        };
        let footprint = moves.iter().flat_map(touched).collect();
        Choice { position, leaving, moves: moves.into_iter(), undo: Vec::new(), footprint, blame, key }
    }

    /// Whether it is of no use to go on, and what that has to do with: an operation has missed what it should have seen, or
    /// the blocked one waits for a read mark that nobody sets.
    fn lost(&self, position: &Position, halt: Halt) -> Option<Cells> {
        let is_missed = |(unit, threads): &&(usize, Rc<Threads>)| {
            let Unit { programs, answered, .. } = &self.units[*unit];
            answered.is_some() && threads.iter().all(|thread| thread.is_lost(programs, &self.state))
        };
        if let Some(open) = position.open.iter().find(is_missed) {
            return Some(self.cells_of(open));
        }
        let Halt::Blocked(blocked) = halt else { return None };
        let (unit, threads) = &position.open[blocked];
        let waits_in_vain = |thread: &Thread| {
            let wanted = thread.wanted_mark(&self.units[*unit].programs, &self.state);
            wanted.is_some_and(|wanted| !self.may_be_marked(position, wanted))
        };
        threads.iter().all(waits_in_vain).then(|| self.cells_of(&position.open[blocked]))
    }

    /// Whether anything that is under way may give the person that read mark.
    fn may_be_marked(&self, position: &Position, wanted: (Person, Number)) -> bool {
        let may_set = |(unit, threads): &(usize, Rc<Threads>)| {
            let programs = &self.units[*unit].programs;
            threads.iter().any(|thread| thread.may_set_mark(programs, wanted, &self.state))
        };
        let is_void = || self.fates.voids().any(|number| number == wanted.1);
        let marked = self.background[position.next_event].marked;
        (marked & bit(wanted.0) != 0 && is_void()) || position.open.iter().any(may_set)
    }

    /// Goes on to where something has to be decided; to the end if there is nothing.
    fn advance(&self, position: &mut Position) -> Option<Halt> {
        while let Some(event) = self.events.get(position.next_event) {
            match *event {
                Event::Called(unit) => {
                    let programs = &self.units[unit].programs;
                    let mut threads = begin(programs);
                    look_around(&mut threads, programs, &self.state);
                    position.open.push((unit, Rc::new(threads)));
                }
                Event::Answered(unit) => {
                    let open = position.open.iter().position(|(open, _)| *open == unit)?;
                    if !has_ended(&position.open[open].1, &self.units[unit].programs) {
                        return Some(Halt::Blocked(open));
                    }
                    if self.units[unit].wastes && !self.parting_moves(position).is_empty() {
                        return Some(Halt::Leaving(open));
                    }
                    position.open.remove(open);
                }
            }
            position.next_event += 1;
        }
        None
    }

    fn look_around(&self, position: &mut Position) {
        for (unit, threads) in &mut position.open {
            look_around(Rc::make_mut(threads), &self.units[*unit].programs, &self.state);
        }
    }

    /// Everything that can happen now and matters to the blocked operation; first what it does itself.
    fn moves(&self, position: &Position, blocked: usize, wanted: &Cells, relevant: &Cells) -> Vec<Move> {
        let mut moves = Vec::new();
        for (open, (unit, threads)) in position.open.iter().enumerate() {
            let programs = &self.units[*unit].programs;
            for thread in threads.iter() {
                let Some(Step::Act(act)) = thread.current(programs) else { continue };
                let cells: Cells = thread.cells(programs, self.reached()).into_iter().collect();
                if open != blocked && !cells.iter().any(|cell| relevant.contains(cell)) {
                    continue;
                }
                let helps = cells.iter().any(|cell| *cell != Cell::Conversation && wanted.contains(cell));
                let rank = if open == blocked {
                    0
                } else if helps {
                    1
                } else {
                    4
                };
                moves.extend(self.moves_of(position, open, thread, act, rank));
            }
        }
        for (cell, writes) in self.wasting(position) {
            let cells = Cells::from([cell]);
            let is_relevant = |(cell, _): &(Cell, Option<Value>)| relevant.contains(cell);
            if relevant.contains(&cell) || writes.iter().any(is_relevant) {
                moves.push(Move { rank: if wanted.contains(&cell) { 2 } else { 5 }, by: None, cells, writes });
            }
        }
        for cell in relevant {
            if let Cell::ReadMark(person) = *cell
                && self.background[position.next_event].marked & bit(person) != 0
            {
                moves.extend(self.marks_moved_for_nothing(person).map(|writes| Move {
                    rank: 6,
                    by: None,
                    cells: Cells::new(),
                    writes,
                }));
            }
        }
        moves.sort_by_key(|next| (next.rank, next.by.as_ref().map_or(u64::MAX, |(open, _)| self.due(position, *open))));
        moves
    }

    /// What can happen at the last moment of an operation that may have done what no answer tells: that, and what must
    /// have come before it.
    fn parting_moves(&self, position: &Position) -> Vec<Move> {
        let wasting = self.wasting(position).into_iter();
        let mut moves: Vec<Move> =
            wasting.map(|(cell, writes)| Move { rank: 0, by: None, cells: Cells::from([cell]), writes }).collect();
        if let Some(seen) = self.state.conversation().filter(|seen| seen.alive) {
            let takers = self.background[position.next_event].takers.map(|takers| takers & seen.participants != 0);
            let voids = [
                self.fates.voids().find(|number| *number > seen.messages),
                self.fates.void_changes().find(|number| *number > seen.changes),
            ];
            let next = [seen.messages + 1, seen.changes + 1];
            for log in 0..2 {
                // All numbers up to the void are on their way.
                if takers[log]
                    && let Some(void) = voids[log]
                    && next[log] < void
                    && (next[log]..void).all(|number| self.taking(position, log, number).next().is_some())
                {
                    let taking = self.taking(position, log, next[log]);
                    moves.extend(taking.flat_map(|(open, thread, act)| self.moves_of(position, open, thread, act, 0)));
                }
            }
        }
        moves
    }

    /// Those under way who may take that number of that log, for what stands there in the end.
    fn taking<'p>(
        &'p self,
        position: &'p Position,
        log: usize,
        number: Number,
    ) -> impl Iterator<Item = (usize, &'p Thread, &'p Act)> {
        let threads = position.open.iter().enumerate().flat_map(move |(open, (unit, threads))| {
            threads.iter().map(move |thread| (open, thread, thread.current(&self.units[*unit].programs)))
        });
        threads.filter_map(move |(open, thread, step)| match step {
            Some(Step::Act(act)) if act.takes(log, number, self.fates) => Some((open, thread, act)),
            _ => None,
        })
    }

    fn moves_of(&self, position: &Position, open: usize, thread: &Thread, act: &Act, rank: usize) -> Vec<Move> {
        let programs = &self.units[position.open[open].0].programs;
        let cells: Cells = thread.cells(programs, self.reached()).into_iter().collect();
        let outcomes = act.outcomes(&self.state, &thread.notes, self.fates).into_iter();
        let moved = |(writes, notes)| {
            let by = Some((open, thread.next(notes, programs)));
            Move { rank, by, cells: cells.clone(), writes }
        };
        outcomes.map(moved).collect()
    }

    /// The last number that was taken.
    fn reached(&self) -> Number {
        self.state.conversation().map_or(0, |seen| seen.messages)
    }

    fn wasting(&self, position: &Position) -> Vec<(Cell, Writes)> {
        let Background { takers, may_settle, .. } = self.background[position.next_event];
        wasting(&self.state, self.fates, takers, may_settle)
    }

    /// What an open operation has still to look at or to write.
    fn cells_of(&self, (unit, threads): &(usize, Rc<Threads>)) -> Cells {
        let (Unit { programs, .. }, reached) = (&self.units[*unit], self.reached());
        let mut cells: Cells = threads.iter().flat_map(|thread| thread.cells(programs, reached)).collect();
        // A note that was made too early is in the way of threads that would make it later.
        let noted = programs.iter().flatten().filter_map(|step| match step {
            Step::NoteReadMark(person) => Some(Cell::ReadMark(*person)),
            _ => None,
        });
        cells.extend(noted);
        cells
    }

    /// The cells on which it can depend what becomes of the wanted ones: whatever operation touches one of them brings
    /// the others that it touches. What touches none of them can as well happen later.
    fn relevant(&self, position: &Position, wanted: &Cells) -> Cells {
        let mut relevant = wanted.clone();
        let marked = self.background[position.next_event].marked;
        // A mark that a number taken for nothing moves waits for that number to be taken.
        let waits = |cell: &Cell| matches!(cell, Cell::ReadMark(person) if marked & bit(*person) != 0);
        if wanted.iter().any(waits) {
            relevant.insert(Cell::Conversation);
        }
        let mut rest: Vec<Cells> = position.open.iter().map(|open| self.cells_of(open)).collect();
        loop {
            let (near, far): (Vec<_>, Vec<_>) = rest.into_iter().partition(|cells| !cells.is_disjoint(&relevant));
            if near.is_empty() {
                return relevant;
            }
            relevant.extend(near.into_iter().flatten());
            rest = far;
        }
    }

    fn due(&self, position: &Position, open: usize) -> u64 {
        self.units[position.open[open].0].answered.unwrap_or(u64::MAX)
    }

    /// A send that took a number and found it voided has moved its sender's mark there all the same.
    fn marks_moved_for_nothing(&self, person: Person) -> impl Iterator<Item = Writes> {
        let last = self.reached();
        let mark = self.state.read_mark(person).unwrap_or(Number::MAX);
        let further = self.fates.voids().filter(move |number| mark < *number && *number <= last);
        further.map(move |number| vec![(Cell::ReadMark(person), Some(Value::ReadMark(number)))])
    }

    fn refusal(&self, position: &Position, blocked: usize) -> Refusal {
        let (unit, threads) = &position.open[blocked];
        let Unit { operation, programs, .. } = &self.units[*unit];
        let misses: Vec<String> = threads.iter().take(4).map(|thread| thread.misses(programs)).collect();
        let standing = format!("{:?}", self.state.conversation());
        Refusal { operation: Box::new(self.history[*operation].clone()), misses, standing, gave_up: false }
    }
}
