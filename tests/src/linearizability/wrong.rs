//! The checker, checked: histories made by hand, right and wrong.

use super::*;

const ADA: Person = 0;
const GRACE: Person = 1;

fn cast() -> Cast {
    Cast { roles: vec![Role::Guest, Role::Guest, Role::Guest], everything_is_known: false }
}

/// One after the other, unless a time is given: a conversation of two, and then what the test adds.
#[derive(Clone)]
struct Script(Vec<Operation>);

impl Script {
    fn new() -> Self {
        let start = Request::Start { people: vec![ADA, GRACE], title: None };
        Self(vec![Operation::new(0, ADA, (0, 1), start, Answer::Done)])
    }

    fn then(self, person: Person, request: Request, answer: Answer) -> Self {
        let now = self.0.iter().filter_map(|operation| operation.answered).max().unwrap_or_default();
        self.between(now + 1, now + 2, person, request, answer)
    }

    fn between(mut self, from: u64, to: u64, person: Person, request: Request, answer: Answer) -> Self {
        self.0.push(Operation::new(usize::from(person), person, (from, to), request, answer));
        self
    }

    /// The outcome of the last one is not known.
    fn lost(mut self) -> Self {
        let last = self.0.last_mut().expect("there is one");
        (last.answered, last.disturbed, last.answer) = (None, true, Answer::Unknown);
        self
    }

    fn sent(self, person: Person, text: Text, number: Number) -> Self {
        self.then(person, Request::Send { text, key: None }, Answer::Sent(number))
    }

    fn sees(self, person: Person, messages: &[(Number, Person, Text)]) -> Self {
        self.then(person, Request::Page, page(messages))
    }

    fn is_explained(&self) {
        explain(&self.0, &cast()).unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    fn is_refused(&self) {
        let refusal = explain(&self.0, &cast()).expect_err("wrong");
        assert!(matches!(refusal, Unexplained::Refused(_)), "{refusal}");
        let shrunk = shrunk(&self.0, &cast());
        assert!(explain(&shrunk, &cast()).is_err() && shrunk.len() <= self.0.len());
    }
}

fn message(sender: Person, text: Text) -> Shown {
    Shown::Message { sender, text }
}

fn page(messages: &[(Number, Person, Text)]) -> Answer {
    let messages = messages.iter().map(|(number, sender, text)| (*number, message(*sender, *text))).collect();
    Answer::Page(Page { from: 1, through: Number::MAX, messages, count: None })
}

fn send(text: Text) -> Request {
    Request::Send { text, key: None }
}

fn keyed(text: Text) -> Request {
    Request::Send { text, key: Some(1) }
}

fn row(unread: u64, last: Option<(Number, Shown)>) -> Answer {
    Answer::Row(Some(Row { title: None, creator: ADA, participants: 2, unread, last }))
}

fn walk(after: Number, through: Number, messages: Vec<(Number, Shown)>, pending: Vec<Number>) -> Answer {
    Answer::Changes(Changes {
        after: [after, 0],
        through: [through, 0],
        more: false,
        messages,
        pending,
        changes: Vec::new(),
        pending_changes: Vec::new(),
        changed: Vec::new(),
        title: None,
    })
}

/// From the beginning, past two messages that were read before.
fn walk_of_changes(through: Number, changes: Vec<(Number, Change)>, pending_changes: Vec<Number>) -> Answer {
    Answer::Changes(Changes {
        after: [2, 0],
        through: [2, through],
        more: false,
        messages: Vec::new(),
        pending: Vec::new(),
        changes,
        pending_changes,
        changed: Vec::new(),
        title: None,
    })
}

#[test]
fn what_is_sent_is_read_and_one_after_the_other_is_right() {
    let right = Script::new().sent(ADA, 1, 1).sent(GRACE, 2, 2).sees(GRACE, &[(1, ADA, 1), (2, GRACE, 2)]);
    let right = right.then(ADA, Request::Delete { number: 1 }, Answer::Done).sees(GRACE, &[(2, GRACE, 2)]);
    right.then(GRACE, Request::Edit { number: 2, text: 3 }, Answer::Done).sees(ADA, &[(2, GRACE, 3)]).is_explained();
}

#[test]
fn a_lost_send_is_refused() {
    Script::new().sent(ADA, 1, 1).sees(GRACE, &[]).is_refused();
    Script::new().sent(ADA, 1, 1).sent(ADA, 2, 2).sees(GRACE, &[(2, ADA, 2)]).is_refused();
    Script::new().sent(ADA, 1, 1).then(GRACE, Request::Message { number: 1 }, Answer::NotFound).is_refused();
}

#[test]
fn a_number_that_was_left_out_or_given_twice_is_refused() {
    Script::new().sent(ADA, 1, 1).sent(ADA, 2, 3).is_refused();
    Script::new().sent(ADA, 1, 1).sent(GRACE, 2, 1).is_refused();
    Script::new().sent(ADA, 1, 2).is_refused();
}

#[test]
fn numbers_against_the_order_of_sends_are_refused_unless_the_sends_were_concurrent() {
    Script::new().sent(ADA, 1, 2).sent(GRACE, 2, 1).is_refused();
    let at_once = Script::new().between(10, 20, ADA, send(1), Answer::Sent(2));
    at_once.between(11, 19, GRACE, send(2), Answer::Sent(1)).is_explained();
}

#[test]
fn a_doubled_key_is_refused() {
    let first = || Script::new().then(ADA, keyed(1), Answer::Sent(1));
    first().then(ADA, keyed(1), Answer::Repeated(1, message(ADA, 1))).is_explained();
    first().then(ADA, keyed(2), Answer::KeyReused).is_explained();
    first().then(ADA, keyed(1), Answer::Sent(2)).is_refused();
    first().then(ADA, keyed(2), Answer::Sent(2)).is_refused();
    first().then(ADA, keyed(1), Answer::Repeated(2, message(ADA, 1))).is_refused();
    Script::new().then(ADA, keyed(1), Answer::KeyReused).is_refused();
}

#[test]
fn a_stale_read_is_refused() {
    let edited = || Script::new().sent(ADA, 1, 1).then(ADA, Request::Edit { number: 1, text: 2 }, Answer::Done);
    edited().sees(GRACE, &[(1, ADA, 2)]).is_explained();
    edited().sees(GRACE, &[(1, ADA, 1)]).is_refused();
    let read = Request::Message { number: 1 };
    edited().then(GRACE, read.clone(), Answer::Message(message(ADA, 1))).is_refused();
    // While the edit is under way either will do, but not the old text after the new one.
    let during = |first, second| {
        let script =
            Script::new().sent(ADA, 1, 1).between(10, 20, ADA, Request::Edit { number: 1, text: 2 }, Answer::Done);
        script.between(11, 12, GRACE, read.clone(), Answer::Message(message(ADA, first))).between(
            13,
            14,
            GRACE,
            read.clone(),
            Answer::Message(message(ADA, second)),
        )
    };
    during(1, 1).is_explained();
    during(1, 2).is_explained();
    during(2, 2).is_explained();
    during(2, 1).is_refused();
}

#[test]
fn a_deleted_message_that_comes_back_is_refused() {
    let deleted = || Script::new().sent(ADA, 1, 1).then(ADA, Request::Delete { number: 1 }, Answer::Done);
    deleted().sees(GRACE, &[]).sees(GRACE, &[(1, ADA, 1)]).is_refused();
    deleted().then(ADA, Request::Edit { number: 1, text: 2 }, Answer::Done).is_refused();
    deleted().then(ADA, Request::Edit { number: 1, text: 2 }, Answer::NotFound).sees(GRACE, &[]).is_explained();
}

#[test]
fn unread_is_the_last_number_minus_the_read_mark() {
    let sent = || Script::new().sent(ADA, 1, 1).sent(ADA, 2, 2);
    let last = Some((2, message(ADA, 2)));
    sent().then(GRACE, Request::Inbox, row(2, last)).is_explained();
    sent().then(ADA, Request::Inbox, row(0, last)).is_explained();
    for wrong in [0, 1, 3] {
        sent().then(GRACE, Request::Inbox, row(wrong, last)).is_refused();
    }
    let read = || sent().then(GRACE, Request::MarkRead { number: 1 }, Answer::Marked { read: 1, unread: 1 });
    read().then(GRACE, Request::Inbox, row(1, last)).is_explained();
    read().then(GRACE, Request::Inbox, row(2, last)).is_refused();
    read().then(GRACE, Request::MarkRead { number: 3 }, Answer::Marked { read: 3, unread: 0 }).is_refused();
    sent().then(GRACE, Request::Inbox, row(2, Some((1, message(ADA, 1))))).is_refused();
}

#[test]
fn whoever_was_removed_reads_nothing_more() {
    let removed = || Script::new().sent(ADA, 1, 1).then(ADA, Request::Remove { person: GRACE }, Answer::Done);
    removed().sees(GRACE, &[(1, ADA, 1)]).is_refused();
    removed().then(GRACE, send(2), Answer::Sent(2)).is_refused();
    removed().then(GRACE, Request::Inbox, row(1, None)).is_refused();
    removed().then(GRACE, Request::Page, Answer::NotFound).sent(ADA, 2, 2).is_explained();
    removed().then(ADA, Request::Page, Answer::NotFound).is_refused();
}

#[test]
fn who_may_not_change_a_conversation_does_not() {
    Script::new().then(GRACE, Request::Add { person: 2 }, Answer::Done).is_refused();
    Script::new().then(GRACE, Request::Add { person: 2 }, Answer::Forbidden).is_explained();
    Script::new().then(ADA, Request::Add { person: 2 }, Answer::Forbidden).is_refused();
    Script::new()
        .then(ADA, Request::Leave, Answer::Done)
        .then(GRACE, Request::Add { person: 2 }, Answer::Done)
        .is_explained();
}

#[test]
fn a_lost_answer_may_mean_once_or_never_and_not_twice() {
    let lost = || Script::new().then(ADA, send(1), Answer::Unknown).lost();
    lost().sees(GRACE, &[]).sees(GRACE, &[(1, ADA, 1)]).is_explained();
    lost().sent(GRACE, 2, 1).sees(GRACE, &[(1, GRACE, 2)]).is_explained();
    lost().sent(GRACE, 2, 2).sees(GRACE, &[(2, GRACE, 2)]).is_explained();
    lost().sees(GRACE, &[(1, ADA, 1), (2, ADA, 1)]).is_refused();
    lost().sees(GRACE, &[(1, ADA, 1)]).sees(GRACE, &[]).is_refused();
}

#[test]
fn what_is_pending_may_come_and_what_is_void_may_not() {
    let void = || Script::new().then(ADA, send(1), Answer::Unknown).lost().sent(GRACE, 2, 2);
    let read = |first| walk(0, 2, vec![(1, first), (2, message(GRACE, 2))], vec![]);
    let pending = || walk(0, 2, vec![(2, message(GRACE, 2))], vec![1]);
    void().then(GRACE, Request::Changes, pending()).then(ADA, Request::Changes, read(message(ADA, 1))).is_explained();
    let settled = || void().then(GRACE, Request::Settle, Answer::Done).then(GRACE, Request::Changes, read(Shown::Void));
    settled().is_explained();
    // Who cannot find out whether they may send voids the number that they have taken.
    void().then(GRACE, Request::Changes, read(Shown::Void)).is_explained();
    settled().then(GRACE, Request::Changes, pending()).is_refused();
    settled().then(GRACE, Request::Changes, read(message(ADA, 1))).is_refused();
    // The number that was taken for nothing has moved its taker's mark, or not.
    let last = Some((2, message(GRACE, 2)));
    for unread in [1, 2] {
        settled().then(ADA, Request::Inbox, row(unread, last)).is_explained();
    }
    settled().then(ADA, Request::Inbox, row(0, last)).is_refused();
    settled().then(ADA, Request::MarkRead { number: 0 }, Answer::Marked { read: 1, unread: 1 }).is_explained();
    // Nobody was there who could have taken it for nothing.
    let undisturbed = Script::new().sent(GRACE, 2, 2).then(GRACE, Request::Settle, Answer::Done);
    undisturbed.then(GRACE, Request::Changes, read(Shown::Void)).is_refused();
}

/// A twin took number 3 for nothing and voided it; the send after it, whose first call was lost, could have taken it too.
#[test]
fn a_void_is_explained_by_whoever_was_there_to_write_it() {
    let script = Script::new()
        .between(37, 54, ADA, keyed(27), Answer::Sent(1))
        .between(47, 68, ADA, keyed(27), Answer::Repeated(1, message(ADA, 27)))
        .between(69, 99, ADA, send(42), Answer::Unknown)
        .lost()
        .between(73, 80, ADA, send(39), Answer::Sent(3));
    let told = vec![(1, message(ADA, 27)), (2, Shown::Void), (3, message(ADA, 39)), (4, message(ADA, 42))];
    script.between(89, 98, GRACE, Request::Changes, walk(0, 4, told, vec![])).is_explained();
}

/// A number that was taken for nothing comes after others that were on their way, and is ended before they are.
#[test]
fn a_void_may_come_after_what_is_answered_later() {
    let counted = |messages: &[(Number, Person, Text)]| {
        let Answer::Page(seen) = page(messages) else { unreachable!("a page") };
        Answer::Page(Page { count: Some(messages.len() as u64), ..seen })
    };
    let sent = || {
        let first = Script::new().then(ADA, keyed(1), Answer::Sent(1));
        first.between(10, 50, GRACE, send(2), Answer::Sent(2)).between(11, 49, GRACE, send(3), Answer::Sent(3))
    };
    let twin = |from, to, script: Script| script.between(from, to, ADA, keyed(1), Answer::Repeated(1, message(ADA, 1)));
    let told = |script: Script| {
        let all = [(1, ADA, 1), (2, GRACE, 2), (3, GRACE, 3)];
        let mut shown = all.map(|(number, sender, text)| (number, message(sender, text))).to_vec();
        shown.push((4, Shown::Void));
        let seen = script.between(60, 61, GRACE, Request::Page, counted(&all));
        seen.between(62, 63, ADA, Request::Changes, walk(0, 4, shown, vec![]))
    };
    told(twin(20, 30, sent())).is_explained();
    told(twin(5, 8, sent())).is_refused();
    told(sent()).is_refused();
    // A number that was taken by a send which is answered with a later one: who was impatient has voided it.
    let settled = |from, to| {
        let script = Script::new().between(20, 40, GRACE, send(1), Answer::Sent(2));
        let script = script.between(from, to, ADA, Request::Settle, Answer::Done);
        script.between(50, 51, GRACE, Request::Page, counted(&[(2, GRACE, 1)]))
    };
    settled(18, 25).is_explained();
    settled(10, 15).is_refused();
}

/// An edit took its number before a delete was done, and lost to it.
#[test]
fn a_change_that_came_too_late_voids_its_number_and_nobody_else_does() {
    let sent = || Script::new().sent(ADA, 1, 1).sent(GRACE, 2, 2);
    let deleted = |script: Script| script.between(10, 12, ADA, Request::Delete { number: 1 }, Answer::Done);
    let crossed = |script| deleted(script).between(9, 14, ADA, Request::Edit { number: 1, text: 3 }, Answer::NotFound);
    let told = |through, pending| walk_of_changes(through, vec![(1, Change::Deleted { number: 1, by: ADA })], pending);
    let (void, pending) = (|| told(2, vec![]), || told(2, vec![2]));
    crossed(sent()).then(GRACE, Request::Changes, void()).is_explained();
    crossed(sent()).then(GRACE, Request::Changes, told(1, vec![])).is_explained();
    // Whoever was about took no number, or none of this log.
    deleted(sent()).then(GRACE, Request::Changes, void()).is_refused();
    let sending = |script: Script| script.then(ADA, send(4), Answer::Unknown).lost();
    sending(deleted(sent())).then(GRACE, Request::Changes, void()).is_refused();
    // What it left is voided by who takes it for dead, and by no sender.
    let left = || crossed(sent()).then(GRACE, Request::Changes, pending());
    left().then(GRACE, Request::Settle, Answer::Done).then(GRACE, Request::Changes, void()).is_explained();
    left().then(GRACE, Request::Changes, void()).is_refused();
    sending(left()).then(GRACE, Request::Changes, void()).is_refused();
}

/// Two edits of a message at once: whoever was overtaken takes another number, and the one that is read in the end is the
/// later one.
#[test]
fn changes_of_one_message_stand_in_the_order_in_which_they_were_made() {
    let edit = |text| Request::Edit { number: 1, text };
    let edited = || {
        let script = Script::new().sent(ADA, 1, 1).sent(GRACE, 2, 2);
        script.between(10, 20, ADA, edit(3), Answer::Done).between(11, 25, ADA, edit(4), Answer::Done)
    };
    let made =
        |numbers: &[Number]| numbers.iter().map(|number| (*number, Change::Edited { number: 1, by: ADA })).collect();
    for last in [3, 4] {
        let read = || edited().sees(GRACE, &[(1, ADA, last), (2, GRACE, 2)]);
        read().then(GRACE, Request::Changes, walk_of_changes(2, made(&[1, 2]), vec![])).is_explained();
        read().then(GRACE, Request::Changes, walk_of_changes(3, made(&[2, 3]), vec![])).is_explained();
        read().then(GRACE, Request::Changes, walk_of_changes(3, made(&[1, 2, 3]), vec![])).is_refused();
    }
    let looks = |first: Option<Number>, then: Vec<(Number, Change)>, pending| {
        let seen =
            edited().between(12, 13, GRACE, Request::Changes, walk_of_changes(2, made(first.as_slice()), pending));
        seen.then(GRACE, Request::Changes, walk_of_changes(2, then, vec![]))
    };
    looks(Some(1), made(&[1, 2]), vec![2]).is_explained();
    looks(Some(2), made(&[1, 2]), vec![1]).is_refused();
}

#[test]
fn a_walk_that_leaves_something_out_is_refused() {
    let sent = || Script::new().sent(ADA, 1, 1).sent(ADA, 2, 2);
    let both = vec![(1, message(ADA, 1)), (2, message(ADA, 2))];
    sent().then(GRACE, Request::Changes, walk(0, 2, both, vec![])).is_explained();
    sent().then(GRACE, Request::Changes, walk(0, 1, vec![(1, message(ADA, 1))], vec![])).is_refused();
    sent().then(GRACE, Request::Changes, walk(0, 2, vec![(2, message(ADA, 2))], vec![1])).is_refused();
}

/// Who joined may have read one message, or two, or three. Which of them it was is told while much else is under way, that
/// has nothing to do with it.
#[test]
fn a_guess_that_was_wrong_is_found_out_soon() {
    const JOINER: Person = 2;
    let joined = Script::new().sent(ADA, 1, 1).between(10, 40, ADA, Request::Add { person: JOINER }, Answer::Done);
    let mut script =
        joined.between(11, 20, GRACE, send(2), Answer::Sent(2)).between(12, 30, ADA, send(3), Answer::Sent(3));
    for writer in 0..16_u64 {
        let (from, person) = (50 + writer, [ADA, GRACE, JOINER][writer as usize % 3]);
        let text = u32::try_from(10 + writer).expect("small");
        script = script.between(from, 200 - writer, person, send(text), Answer::Sent(4 + writer));
    }
    let marked = |read| Answer::Marked { read, unread: 4 - read };
    let told = |read| script.clone().between(100, 110, JOINER, Request::MarkRead { number: 1 }, marked(read));
    for read in [1, 2, 3] {
        told(read).is_explained();
    }
    told(0).is_refused();
    script
        .between(100, 110, JOINER, Request::MarkRead { number: 1 }, Answer::Marked { read: 4, unread: 1 })
        .is_refused();
}

/// Writers at once, all of whose sends cross, read by somebody who sees them come one by one.
#[test]
fn heavy_concurrency_is_explained() {
    for (writers, rounds) in [(4_u64, 1), (12, 1), (12, 4)] {
        let mut script = Script::new();
        for round in 0..rounds {
            let (start, first) = (100 + round * 1000, round * writers);
            for writer in 0..writers {
                let person = if writer.is_multiple_of(2) { ADA } else { GRACE };
                // The last to call has the first number.
                let (number, text) = (first + writers - writer, u32::try_from(first + writer).expect("small"));
                script = script.between(start + writer, start + 900 - writer, person, send(text), Answer::Sent(number));
            }
            for seen in 0..writers {
                let of = |number: u64| {
                    let (round, place) = ((number - 1) / writers, (number - 1) % writers);
                    let writer = writers - 1 - place;
                    let text = u32::try_from(round * writers + writer).expect("small");
                    (number, if writer.is_multiple_of(2) { ADA } else { GRACE }, text)
                };
                let messages: Vec<_> = (1..=first + seen).map(of).collect();
                let from = start + 100 + seen * 10;
                script = script.between(from, from + 5, GRACE, Request::Page, page(&messages));
            }
        }
        script.is_explained();
        if writers == 4 {
            script.between(2000, 2001, GRACE, Request::Page, page(&[])).is_refused();
        }
    }
}
