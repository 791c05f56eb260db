//! What goes on unseen: numbers that are taken for nothing, the voids that end them, and the marks that they move. No answer
//! tells of them, so all that is asked is that somebody was about who may have done it.

use super::history::{Answer, Operation, Request};
use super::model::bit;

/// Who may be doing what cannot be told from any answer, between one event and the next.
#[derive(Clone, Copy, Default)]
pub(super) struct Background {
    /// By log: people who may be taking numbers for nothing, one bit each.
    pub(super) takers: [u64; 2],
    /// By log: whether anybody may be writing voids.
    pub(super) may_settle: [bool; 2],
    /// People whose read marks may have been moved by such a number at any time before.
    pub(super) marked: u64,
}

/// What may go on unseen just before that time.
pub(super) fn background_before(history: &[Operation], wasting: &[bool], time: u64) -> Background {
    let mut background = Background::default();
    let called = history.iter().zip(wasting).filter(|(operation, _)| operation.called < time);
    for (operation, wastes) in called {
        let is_open = operation.answered.is_none_or(|answered| answered >= time);
        let taker = bit(operation.person);
        let (log, settles) = match operation.request {
            // A twin voids the number that it has no use for, and so does who cannot find out whether they may send.
            Request::Send { key, .. } => (0, *wastes && (key.is_some() || operation.disturbed)),
            // Who comes too late with a change voids its number.
            _ => (1, *wastes),
        };
        if *wastes && is_open {
            background.takers[log] |= taker;
        }
        if *wastes && log == 0 {
            background.marked |= taker;
        }
        background.may_settle[log] |= is_open && settles;
        if is_open && operation.impatient {
            background.may_settle = [true; 2];
        }
    }
    background
}

/// Whether an operation may have taken more numbers than its answer tells.
pub(super) fn wastes(history: &[Operation], operation: &Operation) -> bool {
    let is_sent = matches!(operation.answer, Answer::Sent(_));
    let takes_if_all_goes_well = match operation.request {
        Request::Send { key, .. } => key.is_some() && !is_sent,
        Request::Edit { .. } | Request::Delete { .. } | Request::Add { .. } | Request::Remove { .. } => {
            operation.answer != Answer::Done
        }
        Request::Rename { .. } => !matches!(operation.answer, Answer::Detail(_)),
        Request::Leave => true,
        _ => return false,
    };
    let overlaps = |other: &&Operation| {
        other.called <= operation.answered.unwrap_or(u64::MAX)
            && other.answered.is_none_or(|answered| answered >= operation.called)
    };
    // Whoever was overtaken takes another number.
    let meets = |other: &Operation| {
        other.impatient || (!std::ptr::eq(other, operation) && are_rivals(&operation.request, &other.request))
    };
    takes_if_all_goes_well
        || operation.disturbed
        || !operation.is_certain()
        || history.iter().filter(overlaps).any(meets)
}

/// Whether one of them changes what the other is on condition of.
fn are_rivals(one: &Request, other: &Request) -> bool {
    let changed = |request: &Request| match request {
        Request::Edit { number, .. } | Request::Delete { number } => Some(Some(*number)),
        Request::Add { .. } | Request::Remove { .. } | Request::Leave => Some(None),
        _ => None,
    };
    match (one, other) {
        // There is room for both.
        (Request::Add { person }, Request::Add { person: other }) => person == other,
        _ => changed(one).is_some() && changed(one) == changed(other),
    }
}
