//! A client that keeps one cursor for all of its conversations, and fetches what that leaves to it.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::domain::positions::Positions;
use tests::linearizability::{Answer, Number, Request, Shown};
use tests::machine::{conversation_id, user_id};

use super::super::generator::Intent;
use super::super::reading::elements;
use super::{Client, Outcome};

/// What such a client has put together, by conversation.
#[derive(Default)]
pub(in super::super) struct Mirror {
    cursor: Option<String>,
    logs: BTreeMap<usize, BTreeMap<Number, Shown>>,
}

impl Client<'_> {
    /// Asks what changed everywhere since the last time, as long as there is more, and keeps it.
    pub(in super::super) async fn catch_up(&mut self, intent: Option<&Intent>) {
        loop {
            let cursor = self.mirror.cursor.clone();
            let query = cursor.as_ref().map(|cursor| format!("?after={cursor}")).unwrap_or_default();
            let outcome = self.ask(intent, "GET", &format!("/api/changes/{query}"), &[], None).await;
            let Some((200, told)) = &outcome.answer else { return };
            for row in elements(&told["conversations"]) {
                self.take(&outcome, row, cursor.as_deref()).await;
            }
            if told["remaining"].is_array() {
                let remaining: Vec<_> = elements(&told["remaining"]).map(|id| self.world.place_of(id)).collect();
                self.mirror.logs.retain(|place, _| remaining.contains(&Some(*place)));
            }
            self.mirror.cursor = told["cursor"].as_str().map(str::to_owned);
            if told["has_more"] == false {
                return;
            }
        }
    }

    async fn take(&mut self, outcome: &Outcome, row: &Value, cursor: Option<&str>) {
        // Nobody was shown what somebody is about to start: it is fetched when it is known.
        let Some(place) = self.world.place_of(&row["conversation"]) else { return };
        if !row["changes"].is_object() {
            return self.fetch(place).await;
        }
        let stand = self.stand(place, cursor.expect("a cursor knew it"));
        let (changes, next) = self.changes(&row["changes"], stand);
        match self.mirror.logs.get_mut(&place) {
            Some(log) if next.is_none() => {
                log.extend(changes.messages.iter().chain(&changes.changed).copied());
                self.record(place, outcome, Request::Changes, Some(Answer::Changes(changes)));
            }
            _ => {
                self.record(place, outcome, Request::Changes, Some(Answer::Changes(changes)));
                self.fetch(place).await;
            }
        }
    }

    /// Where a cursor stands in the logs of a conversation.
    fn stand(&self, place: usize, cursor: &str) -> [Number; 2] {
        let user = user_id(&self.world.people[usize::from(self.person)].id);
        let id = conversation_id(&self.id(place));
        let known = Positions::decode(user, cursor).expect("a cursor of ours").known_of(&[id]);
        [known[&id].messages, known[&id].changes].map(shared::domain::id::Number::get)
    }

    async fn fetch(&mut self, place: usize) {
        // Whoever was taken out before they fetched it has nothing of it, and fetches it when they are told of it again.
        self.mirror.logs.remove(&place);
        if self.follow(None, place).await {
            self.mirror.logs.insert(place, self.replicas[&place].log.clone());
        }
    }

    /// What it has of a conversation; fetched first if nobody had been shown that one when it was told of it.
    pub(in super::super) async fn mirrored(&mut self, place: usize) -> BTreeMap<Number, Shown> {
        if !self.mirror.logs.contains_key(&place) {
            self.fetch(place).await;
        }
        self.mirror.logs.get(&place).cloned().unwrap_or_default()
    }
}
