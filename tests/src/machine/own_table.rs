//! A table of one test's own, beside that of the stack: every item in it can be counted, and nobody else's removals are
//! helped with.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use base64::Engine;
use futures::StreamExt;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::domain::id::ConversationId;
use shared::domain::user::Role;
use shared::store::{Notes, Settings, Store};
use uuid::Uuid;

use super::cast::Actor;
use super::tool::Table;
use super::{RawDatabase, database, make_table, make_table_with_stream};
use crate::Person;

/// How many items one call writes, and how many calls are under way at once.
const BATCH: usize = 25;
const BATCHES_AT_ONCE: usize = 4;

const NONCE: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

fn key(partition: &str, sort: &str) -> Value {
    json!({ "PK": { "S": partition }, "SK": { "S": sort } })
}

pub struct OwnTable {
    name: String,
    store: Store,
    database: RawDatabase,
}

impl OwnTable {
    pub async fn new() -> Self {
        Self::named(make_table().await).await
    }

    pub async fn with_stream() -> Self {
        Self::named(make_table_with_stream().await).await
    }

    async fn named(name: String) -> Self {
        let store = Store::connect(Settings { table_name: name.clone(), endpoint: Some(database()) }).await;
        Self { name, store, database: RawDatabase::new() }
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
        Store::connect(self.settings_at(endpoint)).await
    }

    /// The same for somebody who soon loses patience.
    pub async fn impatient_store_at(&self, endpoint: &str, attempt: Duration) -> Store {
        Store::connect_for(self.settings_at(endpoint), attempt).await
    }

    fn settings_at(&self, endpoint: &str) -> Settings {
        Settings { table_name: self.name.clone(), endpoint: Some(endpoint.to_owned()) }
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
        self.database.ask("GetItem", &get).await.get("Item").cloned()
    }

    /// Writes one item, whatever stands there.
    pub async fn put(&self, item: &Value) {
        self.database.ask("PutItem", &json!({ "TableName": self.name, "Item": item })).await;
    }

    pub async fn delete(&self, partition: &str, sort: &str) {
        self.database.ask("DeleteItem", &json!({ "TableName": self.name, "Key": key(partition, sort) })).await;
    }

    /// The keys of all items but people's own, in order: `PK / SK`.
    pub async fn items(&self) -> Vec<String> {
        let own = |sort: &str| ["PROFILE", "EMAIL", "SESSION"].iter().any(|kind| sort.starts_with(kind));
        let others = self.everything().await.into_keys().filter(|[_, sort]| !own(sort));
        others.map(|[partition, sort]| format!("{partition} / {sort}")).collect()
    }

    /// Every item as the database has it, by its key.
    pub async fn everything(&self) -> BTreeMap<[String; 2], Value> {
        let (mut items, mut from) = (BTreeMap::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": self.name, "ConsistentRead": true });
            if from.is_object() {
                scan["ExclusiveStartKey"] = from;
            }
            let mut page = self.database.ask("Scan", &scan).await;
            let Value::Array(found) = page["Items"].take() else { panic!("a list") };
            let text = |item: &Value, name: &str| item[name]["S"].as_str().expect("keys are texts").to_owned();
            items.extend(found.into_iter().map(|item| ([text(&item, "PK"), text(&item, "SK")], item)));
            from = page["LastEvaluatedKey"].take();
            if from.is_null() {
                return items;
            }
        }
    }

    /// Puts voids into a conversation's log: as many items as that many messages were, in less time.
    pub async fn fill_log(&self, conversation: &str, count: u64) {
        let void = |number: u64| {
            json!({
                "PK": { "S": format!("CONV#{conversation}") },
                "SK": { "S": format!("MSG#{number:010x}") },
                "kind": { "S": "void" },
                "voided_at": { "S": "2026-01-01T12:00:00.000000Z" },
            })
        };
        self.put_all((1..=count).map(void)).await;
    }

    /// Puts messages into a conversation's log, one for each minute since 2024 began, and moves its counter to `last`.
    /// What lies between `stretches` stays empty.
    pub async fn fill_with_messages(
        &self,
        conversation: &str,
        sender: &Person,
        stretches: &[RangeInclusive<u64>],
        last: u64,
    ) {
        let message = |number| message(conversation, sender, number, &sent_at(number).to_string());
        self.put_all(stretches.iter().cloned().flatten().map(message)).await;
        let count = json!({
            "TableName": self.name,
            "Key": { "PK": { "S": format!("CONV#{conversation}") }, "SK": { "S": "META" } },
            "UpdateExpression": "SET messages = :last",
            "ExpressionAttributeValues": { ":last": { "N": last.to_string() } },
        });
        self.database.ask("UpdateItem", &count).await;
    }

    /// Puts groups of two into the table, with these titles and one message each, a minute after one another; only the
    /// first of the two has them in their inbox.
    pub async fn fill_with_conversations(&self, owner: &Person, other: &Person, titles: &[&str]) {
        let participants = [owner, other].map(|person| {
            let id = Uuid::parse_str(&person.id).expect("an id");
            base64::engine::general_purpose::STANDARD.encode(id.as_bytes())
        });
        let conversations = titles.iter().zip(1..).flat_map(|(title, turn)| {
            let (id, at) = (ConversationId::unique(), sent_at(turn).to_string());
            let conversation = json!({
                "PK": { "S": format!("CONV#{id}") },
                "SK": { "S": "META" },
                "GSI1PK": { "S": "CONVERSATIONS" },
                "GSI1SK": { "S": format!("{at}#{id}") },
                "kind": { "S": "group" },
                "participants": { "BS": participants },
                "title": { "S": title },
                "created_by": { "S": owner.id },
                "created_at": { "S": at },
                "messages": { "N": "1" },
                "hidden_messages": { "N": "0" },
                "last_activity": { "S": at },
                "changes": { "N": "0" },
                "changed_at": { "S": at },
                "nonce": { "B": NONCE },
            });
            let membership = json!({
                "PK": { "S": format!("USER#{}", owner.id) },
                "SK": { "S": format!("MEMBER#{id}") },
                "conversation_created_at": { "S": at },
                "joined_at": { "S": at },
                "position": { "N": "0" },
                "read_number": { "N": "1" },
            });
            [conversation, membership, message(&id.to_string(), owner, 1, &at)]
        });
        self.put_all(conversations).await;
    }

    /// Puts people into the table who can do no more than be listed.
    pub async fn fill_with_people(&self, count: usize) {
        let person = |_| {
            let (id, came) = (Uuid::now_v7(), "2026-01-01T12:00:00.000000Z");
            json!({
                "PK": { "S": format!("USER#{id}") },
                "SK": { "S": "PROFILE" },
                "GSI1PK": { "S": "USERS" },
                "GSI1SK": { "S": format!("{came}#{id}") },
                "first_name": { "S": "Member" },
                "last_name": { "S": "Tester" },
                "email": { "S": format!("ada.{id}@example.com") },
                "role": { "S": "guest" },
                "active": { "BOOL": true },
                "created_at": { "S": came },
            })
        };
        self.put_all((0..count).map(person)).await;
    }

    /// Puts what leads from the id that a message had elsewhere to the one that it has.
    pub async fn put_alias(&self, old: Uuid, message: &str) {
        let alias = json!({
            "PK": { "S": format!("ALIAS#{old}") },
            "SK": { "S": "ALIAS" },
            "message": { "S": message },
        });
        self.put_all(std::iter::once(alias)).await;
    }

    async fn put_all(&self, items: impl Iterator<Item = Value>) {
        let mut puts = items.map(|item| json!({ "PutRequest": { "Item": item } })).peekable();
        let batches = std::iter::from_fn(|| {
            puts.peek()?;
            let batch: Vec<Value> = puts.by_ref().take(BATCH).collect();
            Some(json!({ "RequestItems": { self.name.clone(): batch } }))
        });
        let written = futures::stream::iter(batches).map(async |batch| {
            let answer = self.database.ask("BatchWriteItem", &batch).await;
            assert_eq!(answer["UnprocessedItems"], json!({}), "databases on a machine write whole batches");
        });
        written.buffer_unordered(BATCHES_AT_ONCE).collect::<()>().await;
    }
}

fn message(conversation: &str, sender: &Person, number: u64, sent_at: &str) -> Value {
    json!({
        "PK": { "S": format!("CONV#{conversation}") },
        "SK": { "S": format!("MSG#{number:010x}") },
        "kind": { "S": "message" },
        "sender": { "S": sender.id },
        "body": { "S": "Hello" },
        "sent_at": { "S": sent_at },
        "nonce": { "B": NONCE },
    })
}

/// When a message that was put by [`OwnTable::fill_with_messages`] was sent.
pub fn sent_at(number: u64) -> Timestamp {
    Timestamp::parse("2024-01-01T00:00:00Z").expect("an instant") + Duration::from_secs(60 * number)
}
