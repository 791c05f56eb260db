//! Doing what the plan says, when it says so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::crowd::Crowd;
use super::plan::{Arrival, Operation};
use super::tally::Tally;
use crate::api::{Api, Call};

/// How often a client tries before it gives up; each time it waits twice as long.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// A send, and the number that acknowledged it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) conversation: usize,
    /// Its body and its client key, which no other send of this run has.
    pub(crate) name: String,
    /// Nothing where the client gave up: then it may be there or not.
    pub(crate) number: Option<u64>,
}

/// A run under way.
pub(crate) struct Drive {
    api: Api,
    run: String,
    crowd: Crowd,
    /// The last number that any client has seen, by conversation.
    seen: Vec<AtomicU64>,
    tally: Mutex<Tally>,
    sent: Mutex<Vec<Sent>>,
}

impl Drive {
    pub(crate) fn new(api: Api, run: String, crowd: Crowd) -> Self {
        let seen = crowd.conversations.iter().map(|_| AtomicU64::new(0)).collect();
        Self { api, run, crowd, seen, tally: Mutex::default(), sent: Mutex::default() }
    }

    /// Begins each request at its time, at most `at_once` side by side: those that find no place wait, and their latency
    /// with them. Returns when all are answered.
    pub(crate) async fn follow(self: Arc<Self>, plan: impl Iterator<Item = Arrival>, at_once: usize) {
        let places = Arc::new(Semaphore::new(at_once));
        let (start, mut clients) = (Instant::now(), JoinSet::new());
        for (index, arrival) in plan.enumerate() {
            let planned = start + arrival.at;
            sleep_until(planned).await;
            let (drive, places) = (self.clone(), places.clone());
            clients.spawn(async move {
                // It is never closed.
                let _place = places.acquire().await;
                drive.request(index, arrival, planned).await;
            });
            while clients.try_join_next().is_some() {}
        }
        while clients.join_next().await.is_some() {}
    }

    async fn request(&self, index: usize, arrival: Arrival, planned: Instant) {
        let Arrival { operation, conversation, person, .. } = arrival;
        let (member, id) = (&self.crowd.people[person], &self.crowd.conversations[conversation]);
        let seen = &self.seen[conversation];
        let name = format!("{} {index}", self.run);
        let granted = match operation {
            Operation::Send => {
                let body = json!({ "conversation": id, "message_body": name });
                let call = Call::post("/api/messages/", &body).with_key(&name);
                self.persist(arrival, &call).await
            }
            Operation::ReadPage => {
                self.persist(arrival, &Call::get(&format!("/api/conversations/{id}/messages/?ordering=-number"))).await
            }
            Operation::ReadInbox => self.persist(arrival, &Call::get("/api/conversations/")).await,
            Operation::MarkRead => {
                let body = json!({ "number": seen.load(Ordering::Relaxed) });
                self.persist(arrival, &Call::put(&format!("/api/conversations/{id}/read/"), &body)).await
            }
            Operation::LogIn => {
                let body = json!({ "email": member.email, "password": member.password });
                self.persist(arrival, &Call::post("/api/auth/login/", &body)).await
            }
        };
        if granted.is_some() {
            lock(&self.tally).done(operation, planned.elapsed());
        }
        if operation == Operation::Send {
            let number = granted.and_then(|message| message["number"].as_u64());
            seen.fetch_max(number.unwrap_or_default(), Ordering::Relaxed);
            lock(&self.sent).push(Sent { conversation, name, number });
        }
    }

    /// Asks until granted, as a client would: after whatever may pass, the same again.
    async fn persist(&self, arrival: Arrival, call: &Call<'_>) -> Option<Value> {
        let Arrival { operation, person, .. } = arrival;
        let caller = (operation != Operation::LogIn).then(|| &self.crowd.people[person].session);
        let mut wait = FIRST_WAIT;
        for _ in 0..ATTEMPTS {
            let (kind, may_pass) = match self.api.send(caller, call).await {
                Ok((status, answer)) if status.is_success() => return Some(answer),
                Ok((status, _)) => (status.as_u16().to_string(), may_pass(status)),
                Err(_) => ("no answer".to_owned(), true),
            };
            lock(&self.tally).failed(operation, &kind);
            if !may_pass {
                return None;
            }
            sleep(wait).await;
            wait *= 2;
        }
        lock(&self.tally).failed(operation, "given up");
        None
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        lock(&self.sent).clone()
    }

    pub(crate) fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }
}

fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
