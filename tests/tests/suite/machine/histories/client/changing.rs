//! The part of a client's work that changes conversations themselves: starting them, coming and going, titles, ends.

use serde_json::json;
use tests::linearizability::{Answer, Operation, Person, Request};

use super::super::generator::Intent;
use super::Client;

impl Client<'_> {
    /// Starts a group with some of the others.
    pub(in super::super) async fn start_group(&self, intent: &Intent) {
        let everybody = 0..self.world.people.len() as Person;
        let chosen = |person: &Person| *person != self.person && intent.target >> person & 1 == 1;
        let mut people: Vec<Person> = everybody.filter(chosen).collect();
        if people.is_empty() {
            people.push(self.other(intent.target));
        }
        let title = Some(intent.name);
        let ids: Vec<&str> = people.iter().map(|person| &*self.world.people[usize::from(*person)].id).collect();
        let body = json!({ "participant_ids": ids, "title": format!("title {}", intent.name) });
        let outcome = self.ask(Some(intent), "POST", "/api/conversations/", &[], Some(body)).await;
        let request = Request::Start { people, title };
        match &outcome.answer {
            Some((201, started)) => {
                let place = self.world.place(started);
                self.record(place, &outcome, request, Some(Answer::Done));
            }
            Some((status, answer)) => panic!("a start was answered {status}: {answer}"),
            None => {
                let times = (outcome.called, outcome.answered);
                let start = Operation::new(self.index, self.person, times, request, Answer::Unknown);
                self.world.lose_start(intent.name, Operation { answered: None, disturbed: true, ..start });
            }
        }
    }

    pub(in super::super) async fn start_direct(&self, other: Person) {
        let body = json!({ "participant_ids": [self.world.people[usize::from(other)].id] });
        let outcome = self.ask(None, "POST", "/api/conversations/", &[], Some(body)).await;
        let Some((status, started)) = &outcome.answer else { panic!("nothing was in its way") };
        let answer = match status {
            201 => Answer::Done,
            200 => Answer::Detail(self.world.reading().detail(started)),
            _ => panic!("a start was answered {status}: {started}"),
        };
        let place = self.world.place(started);
        self.record(place, &outcome, Request::Start { people: vec![other], title: None }, Some(answer));
    }

    pub(super) async fn come_or_go(&self, intent: &Intent, place: usize, action: &str) {
        let person = self.other(intent.target);
        let path = format!("/api/conversations/{}/{action}/", self.id(place));
        let body = json!({ "user_id": self.world.people[usize::from(person)].id });
        let outcome = self.ask(Some(intent), "POST", &path, &[], Some(body)).await;
        let request = if action == "add_participant" { Request::Add { person } } else { Request::Remove { person } };
        self.record(place, &outcome, request, Self::plain(&outcome));
    }

    pub(super) async fn leave(&self, intent: &Intent, place: usize) {
        let path = format!("/api/conversations/{}/leave/", self.id(place));
        let outcome = self.ask(Some(intent), "POST", &path, &[], Some(json!({}))).await;
        self.record(place, &outcome, Request::Leave, Self::plain(&outcome));
    }

    pub(super) async fn rename(&self, intent: &Intent, place: usize) {
        let path = format!("/api/conversations/{}/", self.id(place));
        let body = json!({ "title": format!("title {}", intent.name) });
        let outcome = self.ask(Some(intent), "PATCH", &path, &[], Some(body)).await;
        let request = Request::Rename { title: Some(intent.name) };
        self.record(place, &outcome, request, self.told_in_full(&outcome));
    }

    pub(super) async fn delete_conversation(&self, intent: &Intent, place: usize) {
        let path = format!("/api/conversations/{}/", self.id(place));
        let outcome = self.ask(Some(intent), "DELETE", &path, &[], None).await;
        self.record(place, &outcome, Request::DeleteConversation, Self::plain(&outcome));
    }
}
