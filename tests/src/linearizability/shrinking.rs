//! Making a refused history short enough to be read.
//!
//! Only what cannot make a right history wrong is taken away: everything that was called after the refused answer, and
//! whatever writes nothing. What became of numbers is kept in mind from the whole history.

use super::background::wastes;
use super::history::{Answer, Operation, Request};
use super::{Cast, Fates, explain_with};

/// The shortest part that is still refused, if the history is.
pub fn shrunk(history: &[Operation], cast: &Cast) -> Vec<Operation> {
    let Ok(fates) = Fates::of(history) else { return history.to_vec() };
    let refused = |history: &[Operation]| explain_with(history, cast, &fates).err().filter(|refusal| !refusal.gave_up);
    let Some(refusal) = refused(history) else { return history.to_vec() };
    let mut kept = until(history, refusal.operation.answered.unwrap_or(u64::MAX));
    if refused(&kept).is_none() {
        return history.to_vec();
    }
    let mut size = kept.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        while from < kept.len() {
            let to = (from + size).min(kept.len());
            let candidate: Vec<Operation> = (kept.iter().enumerate())
                .filter(|(index, operation)| !(from..to).contains(index) || !only_looks(history, operation))
                .map(|(_, operation)| operation.clone())
                .collect();
            if candidate.len() < kept.len() && refused(&candidate).is_some() {
                kept = candidate;
            } else {
                from = to;
            }
        }
        if size == 1 {
            return kept;
        }
        size /= 2;
    }
}

/// What had been called by then; what was answered later has no answer yet.
fn until(history: &[Operation], time: u64) -> Vec<Operation> {
    let called = history.iter().filter(|operation| operation.called < time).cloned();
    let known = called.map(|operation| match operation.answered {
        Some(answered) if answered > time => Operation { answered: None, ..operation },
        _ => operation,
    });
    known.filter(|operation| operation.is_certain() || !only_looks(history, operation)).collect()
}

/// Whether the rest would be as right without it.
fn only_looks(history: &[Operation], operation: &Operation) -> bool {
    let refused =
        matches!(operation.answer, Answer::NotFound | Answer::Forbidden | Answer::Refused | Answer::KeyReused);
    let looks = matches!(
        operation.request,
        Request::Message { .. } | Request::Page | Request::Changes | Request::Inbox | Request::Detail
    );
    !operation.impatient && (looks || (refused && !wastes(history, operation)))
}
