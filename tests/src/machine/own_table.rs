//! A table of one test's own, beside that of the stack: every item in it can be counted, and nobody else's removals are
//! helped with.

use futures::StreamExt;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::domain::user::Role;
use shared::store::{Notes, Settings, Store};

use super::cast::Actor;
use super::tool::Table;
use super::{ask_database, database, make_table};
use crate::Person;

fn key(partition: &str, sort: &str) -> Value {
    json!({ "PK": { "S": partition }, "SK": { "S": sort } })
}

/// How many items one call writes.
const BATCH: u64 = 25;

pub struct OwnTable {
    name: String,
    store: Store,
}

impl OwnTable {
    pub async fn new() -> Self {
        let name = make_table().await;
        let store = Store::connect(Settings { table_name: name.clone(), endpoint: Some(database()) }).await;
        Self { name, store }
    }

    /// The same as the tool knows it.
    pub fn as_table(&self) -> Table {
        Table { name: self.name.clone(), endpoint: database() }
    }

    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// The table, reached by way of `endpoint`.
    pub async fn store_at(&self, endpoint: &str) -> Store {
        Store::connect(Settings { table_name: self.name.clone(), endpoint: Some(endpoint.to_owned()) }).await
    }

    /// A guest, signed in; the stack's front door does not know them.
    pub async fn person(&self, first_name: &str) -> Person {
        Actor::named(first_name, &self.store, Role::Guest).await.into()
    }

    pub async fn people(&self, count: usize) -> Vec<Person> {
        let people = (0..count).map(|_| self.person("Member"));
        futures::stream::iter(people).buffered(16).collect().await
    }

    /// Checks that the table is sound as of `at`; what is under way in it.
    pub async fn assert_sound(&self, at: Timestamp) -> Notes {
        let audit = Box::pin(self.store.audit(at)).await.expect("an audit");
        assert_eq!(audit.violations, [], "the table is not sound");
        audit.notes
    }

    /// One item as the database has it, if it is there.
    pub async fn item(&self, partition: &str, sort: &str) -> Option<Value> {
        let get = json!({ "TableName": self.name, "ConsistentRead": true, "Key": key(partition, sort) });
        ask_database("GetItem", &get).await.get("Item").cloned()
    }

    /// Writes one item, whatever stands there.
    pub async fn put(&self, item: &Value) {
        ask_database("PutItem", &json!({ "TableName": self.name, "Item": item })).await;
    }

    pub async fn delete(&self, partition: &str, sort: &str) {
        ask_database("DeleteItem", &json!({ "TableName": self.name, "Key": key(partition, sort) })).await;
    }

    /// The keys of all items but people's own, in order: `PK / SK`.
    pub async fn items(&self) -> Vec<String> {
        let (mut keys, mut from) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": self.name, "ConsistentRead": true });
            if from.is_object() {
                scan["ExclusiveStartKey"] = from;
            }
            let page = ask_database("Scan", &scan).await;
            let text = |item: &Value, name: &str| item[name]["S"].as_str().expect("keys are texts").to_owned();
            let found = page["Items"].as_array().expect("a list").iter();
            keys.extend(found.map(|item| (text(item, "PK"), text(item, "SK"))));
            from = page["LastEvaluatedKey"].clone();
            if from.is_null() {
                break;
            }
        }
        let own = |sort: &str| ["PROFILE", "EMAIL", "SESSION"].iter().any(|kind| sort.starts_with(kind));
        let others = keys.into_iter().filter(|(_, sort)| !own(sort));
        let mut others: Vec<String> = others.map(|(partition, sort)| format!("{partition} / {sort}")).collect();
        others.sort_unstable();
        others
    }

    /// Puts voids into a conversation's log: as many items as that many messages were, in less time.
    pub async fn fill_log(&self, conversation: &str, count: u64) {
        for first in (1..=count).step_by(BATCH as usize) {
            let put = |number: u64| {
                let item = json!({
                    "PK": { "S": format!("CONV#{conversation}") },
                    "SK": { "S": format!("MSG#{number:010x}") },
                    "kind": { "S": "void" },
                    "voided_at": { "S": "2026-01-01T12:00:00.000000Z" },
                });
                json!({ "PutRequest": { "Item": item } })
            };
            let puts: Vec<Value> = (first..=count.min(first + BATCH - 1)).map(put).collect();
            ask_database("BatchWriteItem", &json!({ "RequestItems": { self.name.clone(): puts } })).await;
        }
    }
}
