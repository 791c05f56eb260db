//! A client at work: does what it intends, one thing after the other, and records what it was answered.

mod catching_up;
mod changing;
mod looking;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tests::linearizability::{Answer, Number, Operation, Person, Request, Shown};
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{InProcess, conversation_id};

use self::catching_up::Mirror;
use self::looking::Turn;
use super::generator::{Disturbance, Intent, Kind};
use super::reading::number;
use super::world::{Replica, World};

pub(super) struct Client<'w> {
    pub(super) world: &'w World,
    pub(super) index: usize,
    pub(super) person: Person,
    functions: InProcess,
    proxy: Proxy,
    pub(super) replicas: BTreeMap<usize, Replica>,
    pub(super) mirror: Mirror,
    /// Where the last page went on, if it did.
    walk: Option<Turn>,
}

/// What came of a request.
struct Outcome {
    called: u64,
    answered: u64,
    /// None if nobody waited for the answer, or it says that the outcome is unknown.
    answer: Option<(u16, Value)>,
    disturbed: bool,
    crippled: bool,
}

impl<'w> Client<'w> {
    pub(super) async fn new(world: &'w World, index: usize, person: Person) -> Self {
        let proxy = Proxy::start().await;
        let functions = InProcess::on(world.table.store_at(proxy.address()).await);
        Self {
            world,
            index,
            person,
            functions,
            proxy,
            replicas: BTreeMap::new(),
            mirror: Mirror::default(),
            walk: None,
        }
    }

    /// Waits until nothing that it asked for can still be done.
    pub(super) async fn rest(&self) {
        self.proxy.release();
        self.proxy.until_idle().await;
    }

    pub(super) async fn perform(&mut self, intent: &Intent) {
        let Some(place) = self.choose(intent.place) else { return };
        let (is_direct, last) = {
            let known = &self.world.known.borrow()[place];
            (known.is_direct, known.last)
        };
        let target = 1 + intent.target % (last + 1);
        match intent.kind {
            Kind::Send => self.send(intent, place, intent.name, None).await,
            Kind::SendWithKey => {
                self.world.keyed.borrow_mut().entry(self.person).or_default().push((place, intent.name, intent.name));
                self.send(intent, place, intent.name, Some(intent.name)).await;
            }
            Kind::Repeat | Kind::RepeatWithAnotherText => {
                let sent = self.world.keyed.borrow().get(&self.person).cloned().unwrap_or_default();
                let recent = sent.iter().rev().take(6).collect::<Vec<_>>();
                let Some((place, key, text)) = recent.get(intent.target as usize % recent.len().max(1)) else { return };
                let text = if intent.kind == Kind::Repeat { *text } else { intent.name };
                self.send(intent, *place, text, Some(*key)).await;
            }
            Kind::Edit => self.edit(intent, place, target).await,
            Kind::Delete => self.delete(intent, place, target).await,
            Kind::MarkRead => self.mark_read(intent, place, target).await,
            Kind::Page => self.page(intent, place, target).await,
            Kind::Follow => drop(self.follow(Some(intent), place).await),
            Kind::CatchUp => self.catch_up(Some(intent)).await,
            Kind::Settle => drop(self.settle(place).await),
            Kind::Inbox => self.inbox(Some(intent)).await,
            Kind::Detail => self.detail(intent, place).await,
            Kind::StartGroup => self.start_group(intent).await,
            Kind::StartDirect => self.start_direct(self.other(intent.target)).await,
            // Nobody comes or goes where two are among themselves, and initial conversations stay.
            Kind::Add if !is_direct => self.come_or_go(intent, place, "add_participant").await,
            Kind::Remove if !is_direct => self.come_or_go(intent, place, "remove_participant").await,
            Kind::Leave if !is_direct => self.leave(intent, place).await,
            Kind::Rename if !is_direct => self.rename(intent, place).await,
            Kind::DeleteConversation if !is_direct && place > 1 => self.delete_conversation(intent, place).await,
            _ => self.message(intent, place, target).await,
        }
    }

    /// Mostly one of the first few, so that clients meet.
    fn choose(&self, by: u64) -> Option<usize> {
        let known = self.world.known.borrow().len() as u64;
        let among = if by % 8 < 6 { known.min(3) } else { known };
        (known > 0).then(|| ((by / 8) % among) as usize)
    }

    fn other(&self, by: u64) -> Person {
        let people = self.world.people.len() as u64;
        ((u64::from(self.person) + 1 + by % (people - 1)) % people) as Person
    }

    fn id(&self, place: usize) -> String {
        self.world.known.borrow()[place].id.clone()
    }

    fn message_path(&self, place: usize, number: Number) -> String {
        let number = shared::domain::id::Number::new(number).expect("a small number");
        format!("/api/messages/{}/", conversation_id(&self.id(place)).message(number))
    }

    fn record(&self, place: usize, outcome: &Outcome, request: Request, answer: Option<Answer>) {
        let answer = answer.or_else(|| outcome.answer.is_none().then_some(Answer::Unknown));
        let answer = answer.unwrap_or_else(|| panic!("{request:?} was answered {:?}", outcome.answer));
        let is_unknown = answer == Answer::Unknown;
        let looks = matches!(
            request,
            Request::Message { .. } | Request::Page | Request::Changes | Request::Inbox | Request::Detail
        );
        if is_unknown && looks {
            return;
        }
        let operation = Operation {
            client: self.index,
            person: self.person,
            called: outcome.called,
            answered: (!is_unknown).then_some(outcome.answered),
            disturbed: outcome.disturbed,
            crippled: outcome.crippled,
            impatient: request == Request::Settle || (looks && self.world.is_late()),
            request,
            answer,
        };
        self.world.record(place, operation);
    }

    async fn ask(
        &self,
        intent: Option<&Intent>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Outcome {
        let person = &self.world.people[usize::from(self.person)];
        let disturbance = intent.and_then(|intent| intent.disturbance);
        let called = self.world.tick();
        let told = format!("{method} {path} {body:?}, with {disturbance:?} in its way");
        let sound = |(status, answer): (u16, Value)| {
            assert!(status < 500 || status == 503, "{told} was answered {status} {answer}");
            (status, answer)
        };
        let Some(disturbance) = disturbance else {
            let (status, body, _) = Box::pin(self.world.functions.send(person, method, path, headers, body)).await;
            return self.outcome(called, Some(sound((status, body))), false, false);
        };
        let (at, rest) = match disturbance {
            Disturbance::Once(at, _) => (at, false),
            Disturbance::FromThenOn(at, _) => (at, true),
            Disturbance::Abandoned(at, _) | Disturbance::Slow(at, _) => (at, false),
        };
        let fate = match disturbance {
            Disturbance::Once(_, fate) | Disturbance::FromThenOn(_, fate) | Disturbance::Abandoned(_, fate) => fate,
            Disturbance::Slow(..) => Fate::Hold,
        };
        self.proxy.expect(move |call| {
            let is_meant = call.index == at || (rest && call.index > at);
            if is_meant && fate.befalls(call.operation) { fate } else { Fate::Pass }
        });
        // On the heap, as below: without optimisation a request's future would fill a test's stack.
        let mut request = Box::pin(self.functions.send(person, method, path, headers, body));
        let answered = tokio::select! {
            (status, body, _) = &mut request => Some((status, body)),
            () = self.proxy.until_held() => match disturbance {
                Disturbance::Slow(_, milliseconds) => {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                    self.proxy.release();
                    let (status, body, _) = request.await;
                    Some((status, body))
                }
                _ => None,
            },
        };
        let disturbed = self.proxy.calls() > at || answered.is_none();
        self.proxy.expect(|_| Fate::Pass);
        self.outcome(called, answered.map(sound), disturbed, disturbed && rest)
    }

    fn outcome(&self, called: u64, answer: Option<(u16, Value)>, disturbed: bool, crippled: bool) -> Outcome {
        let answer = answer.filter(|(status, _)| *status != 503);
        Outcome { called, answered: self.world.tick(), answer, disturbed, crippled }
    }

    async fn send(&self, intent: &Intent, place: usize, text: u32, key: Option<u32>) {
        let body = json!({ "conversation": self.id(place), "message_body": format!("text {text}") });
        let name = key.map(|key| format!("key {key}"));
        let headers: Vec<_> = name.iter().map(|name| ("idempotency-key", name.as_str())).collect();
        let outcome = self.ask(Some(intent), "POST", "/api/messages/", &headers, Some(body)).await;
        let answer = outcome.answer.as_ref().and_then(|(status, sent)| match status {
            201 => Some(Answer::Sent(number(&sent["number"]))),
            200 if sent["deleted"] == true => {
                Some(Answer::Repeated(number(&sent["number"]), Shown::Tombstone { sender: self.person }))
            }
            200 => {
                let (number, shown) = self.world.reading().numbered(sent);
                Some(Answer::Repeated(number, shown))
            }
            400 if sent.get("conversation").is_some() => Some(Answer::NotFound),
            422 => Some(Answer::KeyReused),
            _ => None,
        });
        if let Some(Answer::Sent(number)) = answer {
            self.world.note_last(place, number);
        }
        self.record(place, &outcome, Request::Send { text, key }, answer);
    }

    /// Answers that say only whether it was done.
    fn plain(outcome: &Outcome) -> Option<Answer> {
        match outcome.answer.as_ref()?.0 {
            200 | 204 => Some(Answer::Done),
            400 => Some(Answer::Refused),
            403 => Some(Answer::Forbidden),
            404 => Some(Answer::NotFound),
            _ => None,
        }
    }

    async fn edit(&self, intent: &Intent, place: usize, number: Number) {
        let (path, text) = (self.message_path(place, number), intent.name);
        let body = json!({ "message_body": format!("text {text}") });
        let outcome = self.ask(Some(intent), "PATCH", &path, &[], Some(body)).await;
        self.record(place, &outcome, Request::Edit { number, text }, Self::plain(&outcome));
    }

    async fn delete(&self, intent: &Intent, place: usize, number: Number) {
        let outcome = self.ask(Some(intent), "DELETE", &self.message_path(place, number), &[], None).await;
        self.record(place, &outcome, Request::Delete { number }, Self::plain(&outcome));
    }

    async fn message(&self, intent: &Intent, place: usize, number: Number) {
        let outcome = self.ask(Some(intent), "GET", &self.message_path(place, number), &[], None).await;
        let answer = match &outcome.answer {
            Some((200, message)) => Some(Answer::Message(self.world.reading().shown(message))),
            _ => Self::plain(&outcome),
        };
        self.record(place, &outcome, Request::Message { number }, answer);
    }

    async fn mark_read(&self, intent: &Intent, place: usize, target: Number) {
        let path = format!("/api/conversations/{}/read/", self.id(place));
        let outcome = self.ask(Some(intent), "PUT", &path, &[], Some(json!({ "number": target }))).await;
        let answer = match &outcome.answer {
            Some((200, marked)) => {
                let (read, unread) = (number(&marked["read_number"]), number(&marked["unread_count"]));
                Some(Answer::Marked { read, unread })
            }
            _ => Self::plain(&outcome),
        };
        self.record(place, &outcome, Request::MarkRead { number: target }, answer);
    }
}
