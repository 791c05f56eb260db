//! What each operation costs, counted at the SDK's boundary and held against the one table of it, [`local::costs`].
//!
//! Every row is measured here, on tables of their own, where nobody else's removals are helped with. What an operation
//! must not depend on grows in `lengths` (messages), `inboxes` and `everywhere` (conversations) and `crowds` (people).

mod consistency;
mod conversations;
mod crowds;
mod everywhere;
mod inboxes;
mod lengths;
mod messages;
mod people;
mod sockets;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use local::costs::{Cost, Front, Operation, Precision, Sizes, operation, operations};
use serde_json::{Value, json};
use shared::store::Spent;
use tests::Person;
use tests::machine::own_table::OwnTable;
use tests::machine::{InProcess, all_routes, database_accounts_as_aws};

/// The names of the rows that were measured.
type Measured = Arc<Mutex<BTreeSet<&'static str>>>;

/// The functions on a table of their own, and two people.
struct Scene {
    table: OwnTable,
    functions: InProcess,
    ada: Person,
    grace: Person,
    measured: Measured,
}

/// What was asked, answered and spent.
struct Asked {
    method: String,
    path: String,
    status: u16,
    answer: Value,
    spent: Spent,
    measured: Measured,
}

/// Of a conversation of two in which nothing was said, their only one.
const TWO: Sizes = Sizes {
    body: 5,
    messages: 0,
    changes: 0,
    keys: 0,
    participants: 2,
    title: 0,
    page: 0,
    senders: 2,
    listed: 2,
    searched: 2,
    conversations: 1,
    looked_into: 1,
    moved: 0,
    edits: 0,
    sessions: 1,
    sockets: 1,
    watched: 0,
};

impl Scene {
    async fn new() -> Self {
        let table = OwnTable::new().await;
        let functions = InProcess::on(table.store());
        let (ada, grace) = tokio::join!(table.person("Ada"), table.person("Grace"));
        Self { table, functions, ada, grace, measured: Measured::default() }
    }

    async fn ask(&self, person: &Person, method: &str, path: &str, key: Option<&str>, body: Option<Value>) -> Asked {
        let key: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        // In a box, since a story asks for much, and its future holds each request in full.
        let answered = Box::pin(self.functions.send(person, method, path, &key, body)).await;
        self.asked(method, path, answered)
    }

    fn asked(&self, method: &str, path: &str, (status, answer, spent): (u16, Value, Spent)) -> Asked {
        let (method, path, measured) = (method.to_owned(), path.to_owned(), self.measured.clone());
        Asked { method, path, status, answer, spent, measured }
    }

    /// Ada asks.
    async fn ada(&self, method: &str, path: &str, body: Value) -> Asked {
        self.ask(&self.ada, method, path, None, Some(body)).await
    }

    async fn get(&self, path: &str) -> Asked {
        self.ask(&self.ada, "GET", path, None, None).await
    }

    /// Ada starts a conversation; where it is, with a slash at its end.
    async fn start(&self, others: &[&Person], title: Option<&str>) -> String {
        conversation_path(&self.starting(others, title).await.succeeded().answer)
    }

    async fn starting(&self, others: &[&Person], title: Option<&str>) -> Asked {
        let others: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
        self.ada("POST", "/api/conversations/", json!({ "participant_ids": others, "title": title })).await
    }

    async fn say(&self, person: &Person, conversation: &str) -> Asked {
        self.ask(person, "POST", &format!("{conversation}messages/"), None, Some(hello())).await
    }

    fn measured(&self) -> BTreeSet<&'static str> {
        self.measured.lock().expect("no test panics here").clone()
    }
}

/// What everybody says, as long as [`TWO`] has it.
fn hello() -> Value {
    json!({ "message_body": "Hello" })
}

fn conversation_path(conversation: &Value) -> String {
    format!("/api/conversations/{}/", conversation["conversation_id"].as_str().expect("an id"))
}

fn message_path(message: &Value) -> String {
    format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"))
}

fn naming(person: &Person) -> Value {
    json!({ "user_id": person.id })
}

impl Asked {
    #[track_caller]
    fn succeeded(self) -> Self {
        assert!(self.status < 400, "{} {}: {} {}", self.method, self.path, self.status, self.answer);
        self
    }

    /// What is compared of what was spent: the SDK may have had to ask again.
    fn price(&self) -> Cost {
        let Spent { round_trips, wru, rru, .. } = self.spent;
        Cost { round_trips, wru, rru }
    }

    /// Holds what a success spent against the row of that name; the answer.
    #[track_caller]
    fn costs(self, name: &'static str, sizes: &Sizes) -> Value {
        self.succeeded().spends(name, sizes).answer
    }

    /// The same, whatever it was answered.
    #[track_caller]
    fn spends(self, name: &'static str, sizes: &Sizes) -> Self {
        let row = operation(name).unwrap_or_else(|| panic!("no row is called {name}"));
        let called = row.endpoints.iter().any(|endpoint| is_at(endpoint, &self.method, &self.path));
        assert!(called, "{name} is not what {} {} does", self.method, self.path);
        hold(row, sizes, self.spent);
        self.measured.lock().expect("no test panics here").insert(name);
        self
    }
}

/// DynamoDB Local counts the writes of transactions, and of what the index carries, otherwise than AWS, and nothing for a
/// query that finds nothing: there a row is the most that may be read, and in how many round trips.
#[track_caller]
fn hold(row: &Operation, sizes: &Sizes, spent: Spent) {
    let (name, cost) = (row.name, row.cost(sizes));
    assert_eq!(u64::from(spent.posts), row.posts(sizes), "{name}: posts for {sizes:?}");
    let as_told = format!("{name}: spent {spent:?}, the table says {cost:?} for {sizes:?}");
    let accounts = database_accounts_as_aws();
    if accounts && row.precision != Precision::AtMost {
        assert_eq!((spent.wru, spent.rru), (cost.wru, cost.rru), "{as_told}");
    }
    if row.precision == Precision::Exact {
        assert_eq!(spent.round_trips, cost.round_trips, "{as_told}");
    }
    let within = spent.round_trips <= cost.round_trips && spent.rru <= cost.rru;
    assert!(within && (!accounts || spent.wru <= cost.wru), "{as_told}");
}

/// Whether a request is at an endpoint such as `GET /api/users/{user_id}`.
fn is_at(endpoint: &str, method: &str, path: &str) -> bool {
    let path = path.trim_start_matches("http://localhost").split('?').next().unwrap_or_default();
    let (its_method, its_path) = endpoint.split_once(' ').expect("a method and a path");
    let [its_parts, parts] = [its_path, path].map(|path| path.trim_end_matches('/').split('/'));
    its_method == method
        && its_parts.clone().count() == parts.clone().count()
        && its_parts.zip(parts).all(|(its, part)| its == part || its.starts_with('{'))
}

#[tokio::test]
async fn every_operation_costs_what_the_table_says() {
    let (messages, conversations, people, sockets) = tokio::join!(
        Box::pin(messages::measure()),
        Box::pin(conversations::measure()),
        Box::pin(people::measure()),
        Box::pin(sockets::measure())
    );
    let measured: BTreeSet<_> = messages.into_iter().chain(conversations).chain(people).chain(sockets).collect();
    let rows: BTreeSet<_> = operations().map(|row| row.name).collect();
    assert_eq!(measured, rows, "a row that nothing measures is a guess");
}

#[test]
fn every_endpoint_has_a_price() {
    let mut endpoints = BTreeSet::new();
    for (_, routes) in all_routes() {
        for (path, methods, _) in routes.iter() {
            endpoints.extend(methods.iter().map(|method| format!("{method} {path}")));
        }
    }
    // Every endpoint takes these; one stands for all.
    let asked_everywhere = "OPTIONS /api/users/me".to_owned();
    let requests = operations().filter(|row| row.front() == Front::Http);
    let priced = requests.flat_map(|row| row.endpoints).map(|endpoint| (*endpoint).to_owned());
    assert_eq!(priced.collect::<BTreeSet<_>>(), endpoints.into_iter().chain([asked_everywhere]).collect());
}
