use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn message(number: u64) -> Value {
    json!({ "type": "message.created", "conversation": "c", "number": number, "message": { "number": number } })
}

fn edit(change: u64, number: u64) -> Value {
    json!({ "type": "message.edited", "conversation": "c", "change": change, "message": { "number": number } })
}

fn title(change: u64) -> Value {
    json!({ "type": "conversation.updated", "conversation": "c", "change": change, "title": "t" })
}

fn places(steps: &[Step]) -> Vec<Place> {
    steps.iter().map(|step| step.place).collect()
}

fn entry(number: u64) -> Value {
    json!({ "number": number, "message_body": "m" })
}

fn void(number: u64) -> Value {
    json!({ "number": number, "void": true })
}

fn page(messages: &[Value], changes: &[Value], pending: &[u64], pending_changes: &[u64]) -> Value {
    json!({ "messages": messages, "changes": changes, "pending": pending, "pending_changes": pending_changes })
}

use Place::{Change, Message};

#[test]
fn the_next_number_is_told_and_what_was_told_is_not_told_again() {
    let mut log = Log::at("c", 3, 0);
    assert!(log.push(&message(3)).is_empty());
    assert_eq!(places(&log.push(&message(4))), [Message(4)]);
    assert!(log.push(&message(4)).is_empty());
    assert!(!log.has_gap());
}

#[test]
fn what_comes_too_early_waits() {
    let mut log = Log::at("c", 0, 0);
    assert!(log.push(&message(3)).is_empty());
    assert!(log.push(&message(2)).is_empty());
    assert!(log.has_gap());
    assert_eq!(places(&log.push(&message(1))), [Message(1), Message(2), Message(3)]);
    assert!(!log.has_gap());
}

#[test]
fn a_change_of_a_message_waits_for_the_message_and_others_do_not() {
    let mut log = Log::at("c", 0, 0);
    assert_eq!(places(&log.push(&title(1))), [Change(1)]);
    assert!(log.push(&edit(2, 1)).is_empty());
    assert!(log.has_gap());
    assert_eq!(places(&log.push(&message(1))), [Message(1), Change(2)]);
}

#[test]
fn an_answer_fills_a_gap_and_tells_by_which_way() {
    let mut log = Log::at("c", 0, 0);
    log.push(&message(3));
    let steps = log.page(&page(&[entry(1), void(2), entry(3)], &[], &[], &[]), true);
    assert_eq!(places(&steps), [Message(1), Message(2), Message(3)]);
    assert_eq!(steps.iter().map(|step| step.via).collect::<Vec<_>>(), [Via::CatchUp, Via::CatchUp, Via::Push]);
    assert_eq!((&steps[1].event["type"], &steps[0].event["type"]), (&json!("void"), &json!("message.created")));
    assert!(!log.has_gap());
}

#[test]
fn what_is_pending_holds_up_what_follows_until_its_outcome_is_known() {
    let mut log = Log::at("c", 0, 0);
    assert_eq!(places(&log.page(&page(&[entry(1), entry(3)], &[], &[2], &[]), true)), [Message(1)]);
    assert!(log.has_gap());
    assert_eq!(places(&log.push(&message(2))), [Message(2), Message(3)]);
    assert!(!log.has_gap());
    // Even if nothing follows it yet.
    log.page(&page(&[], &[], &[4], &[]), true);
    assert!(log.has_gap());
    log.page(&page(&[void(4)], &[], &[], &[]), true);
    assert!(!log.has_gap());
    assert_eq!(log.position(), (4, 0));
}

#[test]
fn changes_that_an_answer_leaves_out_stand_for_nothing() {
    let mut log = Log::at("c", 0, 1);
    let changes = [json!({ "kind": "conversation.updated", "change": 4, "title": "t" })];
    let steps = log.page(&page(&[], &changes, &[], &[3]), true);
    assert_eq!(places(&steps), [Change(2)]);
    assert_eq!(steps[0].event["type"], "void");
    let steps = log.page(&page(&[], &changes, &[], &[]), true);
    assert_eq!(places(&steps), [Change(3), Change(4)]);
    assert_eq!(steps[1].event["type"], "conversation.updated");
    assert_eq!(steps[1].event["conversation"], "c");
}

#[test]
fn a_walk_of_several_pages_remembers_what_is_pending() {
    let mut log = Log::at("c", 0, 0);
    let change = |number: u64| json!({ "kind": "conversation.updated", "change": number, "title": "t" });
    assert_eq!(places(&log.page(&page(&[], &[change(1), change(3)], &[], &[2]), true)), [Change(1)]);
    assert!(log.page(&page(&[], &[change(5)], &[], &[]), false).is_empty());
    assert_eq!(places(&log.push(&title(2))), [Change(2), Change(3), Change(4), Change(5)]);
}

#[test]
fn no_more_is_held_than_may_be_and_it_is_known_to_be_missing() {
    let mut log = Log::at("c", 0, 0);
    for number in 2..=MOST_HELD as u64 + 10 {
        log.push(&message(number));
    }
    assert_eq!(log.push(&message(1)).len(), MOST_HELD + 1);
    assert!(log.has_gap());
}

/// What stands at a number of the server's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Something,
    Void,
}

/// What happens to the client.
#[derive(Clone, Debug)]
enum Happens {
    /// This event arrives, perhaps again.
    Message(usize),
    Change(usize),
    /// It asks from a point at or before its own, in pages of this size, while some outcomes are not known yet.
    Asks {
        back: u64,
        size: usize,
        unknown: Vec<usize>,
    },
}

fn stands() -> impl Strategy<Value = Stands> {
    prop_oneof![4 => Just(Stands::Something), 1 => Just(Stands::Void)]
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (0_usize..30).prop_map(Happens::Message),
        4 => (0_usize..20).prop_map(Happens::Change),
        1 => (0_u64..5, 1_usize..8, vec(0_usize..30, 0..4))
            .prop_map(|(back, size, unknown)| Happens::Asks { back, size, unknown }),
    ]
}

/// The server's side: change `r` edits message `edited[r - 1]`.
struct Server {
    messages: Vec<Stands>,
    changes: Vec<Stands>,
}

impl Server {
    fn edited(&self, change: u64) -> u64 {
        change % self.messages.len() as u64 + 1
    }

    fn event(&self, change: u64) -> Value {
        edit(change, self.edited(change))
    }

    /// All pages of a walk from a point; messages first, as they come.
    fn pages(&self, (n, r): (u64, u64), size: usize, unknown: &[usize]) -> Vec<Value> {
        let is_unknown = |index: u64| unknown.contains(&(index as usize));
        let mut rows = Vec::new();
        for number in n + 1..=self.messages.len() as u64 {
            rows.push(match self.messages[number as usize - 1] {
                _ if is_unknown(number) => page(&[], &[], &[number], &[]),
                Stands::Something => page(&[entry(number)], &[], &[], &[]),
                Stands::Void => page(&[void(number)], &[], &[], &[]),
            });
        }
        for change in r + 1..=self.changes.len() as u64 {
            let edited = json!({ "kind": "message.edited", "change": change, "message": entry(self.edited(change)) });
            rows.push(match self.changes[change as usize - 1] {
                _ if is_unknown(change) => page(&[], &[], &[], &[change]),
                Stands::Something => page(&[], &[edited], &[], &[]),
                Stands::Void => page(&[], &[], &[], &[]),
            });
        }
        let joined = |rows: &[Value], name: &str| {
            rows.iter().flat_map(|row| row[name].as_array().unwrap().clone()).collect::<Vec<_>>()
        };
        let names = ["messages", "changes", "pending", "pending_changes"];
        let page = |rows: &[Value]| {
            names.iter().map(|name| ((*name).to_owned(), json!(joined(rows, name)))).collect::<Value>()
        };
        if rows.is_empty() { vec![page(&[])] } else { rows.chunks(size).map(page).collect() }
    }

    fn ask(&self, log: &mut Log, back: u64, size: usize, unknown: &[usize]) -> Vec<Step> {
        let (n, r) = log.position();
        let pages = self.pages((n.saturating_sub(back), r.saturating_sub(back)), size, unknown);
        pages.iter().enumerate().flat_map(|(index, page)| log.page(page, index == 0)).collect()
    }
}

proptest! {
    #[test]
    fn whatever_happens_every_number_is_told_once_and_in_order(
        messages in vec(stands(), 1..30),
        changes in vec(stands(), 0..20),
        happenings in vec(happens(), 0..120),
    ) {
        let server = Server { messages, changes };
        let mut log = Log::at("c", 0, 0);
        let mut steps = Vec::new();
        for happening in happenings {
            match happening {
                // Voids are not announced.
                Happens::Message(index) if server.messages.get(index) == Some(&Stands::Something) => {
                    steps.extend(log.push(&message(index as u64 + 1)));
                }
                Happens::Change(index) if server.changes.get(index) == Some(&Stands::Something) => {
                    steps.extend(log.push(&server.event(index as u64 + 1)));
                }
                Happens::Asks { back, size, unknown } => steps.extend(server.ask(&mut log, back, size, &unknown)),
                _ => {}
            }
        }
        // In the end, every outcome is known.
        steps.extend(server.ask(&mut log, 0, 7, &[]));
        let numbers = |kind: fn(Place) -> Option<u64>| places(&steps).into_iter().filter_map(kind).collect::<Vec<_>>();
        let told = numbers(|place| match place { Message(number) => Some(number), Change(_) => None });
        prop_assert_eq!(&told, &(1..=server.messages.len() as u64).collect::<Vec<_>>());
        let told = numbers(|place| match place { Change(number) => Some(number), Message(_) => None });
        // Voids at the end of the changes are not told by any answer.
        let last = server.changes.iter().rposition(|stands| *stands == Stands::Something).map_or(0, |index| index as u64 + 1);
        prop_assert_eq!(&told, &(1..=last).collect::<Vec<_>>());
        for (index, step) in steps.iter().enumerate() {
            if let (Change(change), "message.edited") = (step.place, step.event["type"].as_str().unwrap()) {
                let edited = Message(server.edited(change));
                prop_assert!(steps[..index].iter().any(|before| before.place == edited), "a change came first");
            }
        }
        prop_assert!(!log.has_gap());
    }
}
