//! The part of a client's work that only looks: pages, walks along the changes, the inbox, details.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::Error;
use shared::domain::change::ChangeKind;
use shared::domain::log::{Progress, WRITER_LIFETIME, Walk};
use tests::linearizability::{Answer, Changes, Number, Page, Request, Shown};
use tests::machine::{caller, conversation_id, now};

use super::super::generator::Intent;
use super::super::reading::{both, elements, link, named, numbers, position};
use super::{Client, Outcome};

/// A page to be turned: where it is, and the numbers that it lies between.
#[derive(Clone)]
pub(super) struct Turn {
    place: usize,
    path: String,
    from: Number,
    through: Number,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Rising,
    /// Newest first, by `next`.
    Falling,
    /// Oldest first, page before page, by `previous`.
    Back,
}

impl Client<'_> {
    pub(super) async fn page(&mut self, intent: &Intent, place: usize, target: Number) {
        let path = format!("/api/conversations/{}/messages/?page_size={}", self.id(place), 1 + intent.place % 12);
        let turn = |path: String, from, through, way| Turn { place, path, from, through, way };
        let turn = match (intent.target / 7 % 5, self.walk.take()) {
            (0 | 1, Some(next)) => next,
            (2, _) => turn(format!("{path}&after={}", target - 1), target, Number::MAX, Way::Rising),
            (3, _) => turn(format!("{path}&before={target}"), 1, target - 1, Way::Back),
            (4, _) => turn(format!("{path}&ordering=-number"), 1, Number::MAX, Way::Falling),
            _ => turn(path, 1, Number::MAX, Way::Rising),
        };
        self.turn(Some(intent), turn).await;
    }

    /// Reads one page; what it showed, if anything.
    async fn turn(&mut self, intent: Option<&Intent>, turn: Turn) -> Option<Vec<(Number, Shown)>> {
        let outcome = self.ask(intent, "GET", &turn.path, &[], None).await;
        let Some((200, page)) = &outcome.answer else {
            self.record(turn.place, &outcome, Request::Page, Self::plain(&outcome));
            return None;
        };
        let messages = self.world.reading().each_numbered(&page["results"]);
        let onward = link(&page[if turn.way == Way::Back { "previous" } else { "next" }], "cursor");
        let (mut from, mut through) = (turn.from, turn.through);
        if let Some((path, position)) = onward {
            let reached: Number = position[1..].parse().expect("a number");
            if turn.way == Way::Rising {
                through = reached;
                self.walk = Some(Turn { path, from: reached + 1, ..turn });
            } else {
                from = reached;
                self.walk = Some(Turn { path, through: reached - 1, ..turn });
            }
        }
        let count = page["count"].as_u64();
        let page = Page { from, through, messages: messages.clone(), count };
        self.record(turn.place, &outcome, Request::Page, Some(Answer::Page(page)));
        Some(messages)
    }

    /// All messages, from the first page to the last.
    pub(in super::super) async fn all_pages(&mut self, place: usize) -> Vec<(Number, Shown)> {
        let path = format!("/api/conversations/{}/messages/", self.id(place));
        let mut next = Some(Turn { place, path, from: 1, through: Number::MAX, way: Way::Rising });
        let mut all = Vec::new();
        while let Some(turn) = next {
            self.walk = None;
            all.extend(self.turn(None, turn).await.unwrap_or_default());
            next = self.walk.take();
        }
        all
    }

    /// Walks along all that changed since the last time, and keeps it; whether it came to the end.
    pub(in super::super) async fn follow(&mut self, intent: Option<&Intent>, place: usize) -> bool {
        let mut replica = self.replicas.remove(&place).unwrap_or_default();
        let base = format!("/api/conversations/{}/changes/?page_size=25", self.id(place));
        let mut stand = replica.cursor.as_deref().map_or([0, 0], |cursor| both(&position(cursor)));
        let mut path = replica.cursor.as_ref().map_or(base.clone(), |cursor| format!("{base}&after={cursor}"));
        let mut met = BTreeSet::new();
        let came_to_the_end = loop {
            let outcome = self.ask(intent, "GET", &path, &[], None).await;
            let Some((200, page)) = &outcome.answer else {
                self.record(place, &outcome, Request::Changes, Self::plain(&outcome));
                break false;
            };
            let (changes, next) = self.changes(page, stand);
            for (number, shown) in changes.messages.iter().chain(&changes.changed) {
                replica.log.insert(*number, *shown);
            }
            let twice = changes.messages.iter().find(|(number, _)| !met.insert(*number));
            assert_eq!(twice, None, "told twice in one walk: {page}");
            stand = changes.through;
            self.record(place, &outcome, Request::Changes, Some(Answer::Changes(changes)));
            match next {
                Some(next) => path = next,
                None => {
                    replica.cursor = page["cursor"].as_str().map(str::to_owned);
                    break true;
                }
            }
        };
        self.replicas.insert(place, replica);
        came_to_the_end
    }

    pub(super) fn changes(&self, page: &Value, after: [Number; 2]) -> (Changes, Option<String>) {
        let reading = self.world.reading();
        let messages = reading.each_numbered(&page["messages"]);
        let (pending, pending_changes) = (numbers(&page["pending"]), numbers(&page["pending_changes"]));
        let told: Vec<_> = elements(&page["changes"]).collect();
        let changes: Vec<_> = told.iter().map(|change| reading.change(change)).collect();
        let next = link(&page["next"], "after");
        let proven = both(&position(page["cursor"].as_str().expect("a cursor")));
        let through = next.as_ref().map_or_else(
            || {
                let messages = messages.iter().map(|(number, _)| *number).chain(pending.clone());
                let changes = changes.iter().map(|(number, _)| *number).chain(pending_changes.clone());
                // Voids at the end are not told, but proven.
                [messages.chain([after[0]]).max().unwrap_or(0), changes.chain([after[1], proven[1]]).max().unwrap_or(0)]
            },
            |(_, position)| both(position),
        );
        let every: Vec<Number> = (after[0] + 1..=through[0]).collect();
        let mut met: Vec<Number> = messages.iter().map(|(number, _)| *number).chain(pending.clone()).collect();
        met.sort_unstable();
        assert_eq!(met, every, "each number is a message, a tombstone, a void or pending: {page}");
        let changed = told.iter().filter(|change| change["message"].is_object());
        let changed = changed.map(|change| reading.numbered(&change["message"])).collect();
        let titles = told.iter().filter(|change| change["kind"] == "conversation.updated");
        let title = titles.map(|change| named(&change["title"])).next_back();
        let more = page["has_more"] == true;
        let changes = Changes { after, through, more, messages, pending, changes, pending_changes, changed, title };
        (changes, next.map(|(path, _)| path))
    }

    /// Reads on as if every writer of now were dead; whether this person may.
    pub(in super::super) async fn settle(&self, place: usize) -> bool {
        let (store, id) = (self.world.table.store(), conversation_id(&self.id(place)));
        let calling = caller(&self.world.people[usize::from(self.person)]);
        let called = self.world.tick();
        let (mut walk, mut answer) = (Walk::default(), Answer::Done);
        loop {
            let later = now() + WRITER_LIFETIME + Duration::from_secs(1);
            match store.changes_since(&calling, id, walk, 100, later).await {
                Ok(page) if page.has_more => walk = page.walk,
                Ok(page) => {
                    assert_eq!(page.walk.messages, Progress::proven_to(page.walk.messages.read));
                    break;
                }
                Err(Error::NotFound(_)) => {
                    answer = Answer::NotFound;
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
        let may = answer == Answer::Done;
        self.record(place, &self.outcome(called, Some((200, json!({}))), false, false), Request::Settle, Some(answer));
        may
    }

    /// Compares who takes part with what the changes say of everybody whom they name, when nobody writes any more.
    pub(in super::super) async fn compare_people(&self, place: usize) -> Result<(), String> {
        let (store, id) = (self.world.table.store(), conversation_id(&self.id(place)));
        let calling = caller(&self.world.people[usize::from(self.person)]);
        let (mut walk, mut followed) = (Walk::default(), BTreeMap::new());
        loop {
            let page = store.changes_since(&calling, id, walk, 100, now()).await.expect("takes part");
            for change in &page.changes {
                match change.kind {
                    ChangeKind::ParticipantAdded { user, .. } => followed.insert(user, true),
                    ChangeKind::ParticipantRemoved { user, .. } => followed.insert(user, false),
                    _ => None,
                };
            }
            walk = page.walk;
            if !page.has_more {
                break;
            }
        }
        let conversation = store.conversation(&calling, id, now()).await.expect("takes part").conversation;
        match followed.into_iter().find(|(user, is_in)| conversation.has(*user) != *is_in) {
            Some((user, is_in)) => Err(format!("by the changes, it is {is_in} that {user} takes part")),
            None => Ok(()),
        }
    }

    pub(in super::super) async fn inbox(&self, intent: Option<&Intent>) {
        let outcome = self.ask(intent, "GET", "/api/conversations/?page_size=100", &[], None).await;
        let Some((200, inbox)) = &outcome.answer else { return };
        let rows: BTreeMap<usize, _> =
            elements(&inbox["results"]).map(|row| (self.world.place(row), self.world.reading().row(row))).collect();
        assert_eq!(rows.len(), elements(&inbox["results"]).count(), "told twice: {inbox}");
        let known = self.world.known.borrow().len();
        for place in 0..known {
            self.record(place, &outcome, Request::Inbox, Some(Answer::Row(rows.get(&place).cloned())));
        }
    }

    pub(super) fn told_in_full(&self, outcome: &Outcome) -> Option<Answer> {
        match &outcome.answer {
            Some((200, detail)) => Some(Answer::Detail(self.world.reading().detail(detail))),
            _ => Self::plain(outcome),
        }
    }

    pub(super) async fn detail(&self, intent: &Intent, place: usize) {
        let path = format!("/api/conversations/{}/", self.id(place));
        let outcome = self.ask(Some(intent), "GET", &path, &[], None).await;
        self.record(place, &outcome, Request::Detail, self.told_in_full(&outcome));
    }
}
