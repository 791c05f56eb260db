//! What all clients of a history share: the people, the conversations that are known, the clock, and the record.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use serde_json::Value;
use shared::domain::log::WRITER_LIFETIME;
use shared::domain::user::Role as DomainRole;
use tests::Person as Somebody;
use tests::linearizability::{Answer, Number, Operation, Person, Request, Role, Shown, Text};
use tests::machine::InProcess;
use tests::machine::own_table::OwnTable;
use tests::machine::person_in;

use super::generator::Plan;
use super::reading::{Reading, named};

pub(super) struct World {
    pub(super) table: OwnTable,
    pub(super) functions: InProcess,
    pub(super) people: Vec<Somebody>,
    clock: Cell<u64>,
    started: Instant,
    pub(super) known: RefCell<Vec<Known>>,
    places: RefCell<HashMap<String, usize>>,
    /// Keyed sends of each person, for repeats.
    pub(super) keyed: RefCell<BTreeMap<Person, Vec<Keyed>>>,
    /// Starts of groups whose outcome is unknown, by title.
    lost_starts: RefCell<HashMap<Text, Operation>>,
}

/// A keyed send: where, the key, the text.
pub(super) type Keyed = (usize, Text, Text);

/// A conversation, and what was seen of it.
pub(super) struct Known {
    pub(super) id: String,
    pub(super) is_direct: bool,
    /// The first that anybody saw, which it was started with.
    first_title: Option<Text>,
    /// As far as answers named numbers.
    pub(super) last: Number,
    pub(super) record: Vec<Operation>,
}

/// What a client that follows the changes has put together, for one conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Replica {
    pub(super) cursor: Option<String>,
    pub(super) log: BTreeMap<Number, Shown>,
}

impl World {
    pub(super) async fn new(plan: &Plan) -> Self {
        let table = OwnTable::new().await;
        let store = table.store();
        let people = plan.roles.iter().map(|role| {
            let role = match role {
                Role::Guest => DomainRole::Guest,
                Role::Host => DomainRole::Host,
                Role::Admin => DomainRole::Admin,
            };
            person_in(&store, role)
        });
        let people = futures::future::join_all(people).await;
        Self {
            functions: InProcess::on(store.clone()),
            table,
            people,
            clock: Cell::new(1),
            started: Instant::now(),
            known: RefCell::default(),
            places: RefCell::default(),
            keyed: RefCell::default(),
            lost_starts: RefCell::default(),
        }
    }

    pub(super) fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    pub(super) fn reading(&self) -> Reading<'_> {
        Reading { people: &self.people }
    }

    /// Whether a reader may by now take a writer for dead.
    pub(super) fn is_late(&self) -> bool {
        self.started.elapsed() >= WRITER_LIFETIME
    }

    /// The place of a conversation that somebody was shown.
    pub(super) fn place(&self, shown: &Value) -> usize {
        let id = shown["conversation_id"].as_str().expect("an id").to_owned();
        let mut known = self.known.borrow_mut();
        *self.places.borrow_mut().entry(id.clone()).or_insert_with(|| {
            let first_title = named(&shown["title"]);
            let twice =
                known.iter().any(|other: &Known| other.first_title.is_some() && other.first_title == first_title);
            assert!(!twice, "one start made two conversations: {shown}");
            let (last, record) = (0, Vec::new());
            known.push(Known { id, is_direct: first_title.is_none(), first_title, last, record });
            known.len() - 1
        })
    }

    /// The place of a conversation by its id, if anybody was shown it in full.
    pub(super) fn place_of(&self, id: &Value) -> Option<usize> {
        self.places.borrow().get(id.as_str().expect("an id")).copied()
    }

    pub(super) fn record(&self, place: usize, operation: Operation) {
        self.known.borrow_mut()[place].record.push(operation);
    }

    pub(super) fn note_last(&self, place: usize, number: Number) {
        let last = &mut self.known.borrow_mut()[place].last;
        *last = (*last).max(number);
    }

    pub(super) fn lose_start(&self, title: Text, operation: Operation) {
        self.lost_starts.borrow_mut().insert(title, operation);
    }

    /// All records, each beginning with how its conversation came to be.
    pub(super) fn records(&self) -> Vec<Vec<Operation>> {
        let lost = self.lost_starts.borrow();
        let mut records = Vec::new();
        for known in self.known.borrow().iter() {
            let mut record = known.record.clone();
            let is_start = |operation: &Operation| {
                matches!((&operation.request, &operation.answer), (Request::Start { .. }, Answer::Done))
            };
            if !record.iter().any(is_start) {
                let start = known.first_title.and_then(|title| lost.get(&title));
                record.push(start.unwrap_or_else(|| panic!("nobody started {}", known.id)).clone());
            }
            record.sort_by_key(|operation| operation.called);
            records.push(record);
        }
        records
    }
}
