//! A table of one test's own, beside that of the stack: every item in it can be counted, and nobody else's removals are
//! helped with.

use futures::StreamExt;
use serde_json::{Value, json};
use shared::domain::id::UserId;
use shared::domain::password::PasswordHash;
use shared::domain::session::Session;
use shared::domain::user::{Email, NewUser, PersonName, Role};
use shared::store::{Settings, Store};

use super::{database, keyring, now};
use crate::{Client, Person};

/// How many items one call writes.
const BATCH: u64 = 25;

pub struct OwnTable {
    name: String,
}

impl OwnTable {
    pub async fn new() -> Self {
        let table = Self { name: format!("test-{}", uuid::Uuid::new_v4().simple()) };
        table.store().await.migrate().await.expect("a table of one's own");
        table
    }

    pub async fn store(&self) -> Store {
        self.store_at(&database()).await
    }

    /// The table, reached by way of `endpoint`.
    pub async fn store_at(&self, endpoint: &str) -> Store {
        Store::connect(Settings { table_name: self.name.clone(), endpoint: Some(endpoint.to_owned()) }).await
    }

    /// A guest, signed in; the stack's front door does not know them.
    pub async fn person(&self, first_name: &str) -> Person {
        self.person_with_role(first_name, Role::Guest).await
    }

    pub async fn person_with_role(&self, first_name: &str, role: Role) -> Person {
        let id = UserId::unique();
        let email = Email::parse(&format!("{id}@example.com")).expect("an address");
        let name = |text| PersonName::parse(text).expect("a name");
        let now = now();
        let session = Session::begin(id, now, None, None);
        let new = NewUser {
            id,
            first_name: name(first_name),
            last_name: name("Tester"),
            email: email.clone(),
            phone_number: None,
            role,
            active: true,
            // Nobody signs in by a password here.
            password: PasswordHash::from_stored("none".to_owned()),
        };
        self.store().await.create_user(new, Some(&session), now).await.expect("made");
        let token = keyring().sign(&session).expose().to_owned();
        let client = Client::with_token(&token);
        Person { client, token, id: id.to_string(), email: email.as_str().to_owned() }
    }

    pub async fn people(&self, count: usize) -> Vec<Person> {
        let people = (0..count).map(|_| self.person("Member"));
        futures::stream::iter(people).buffered(16).collect().await
    }

    /// The keys of all items but people's own, in order: `PK / SK`.
    pub async fn items(&self) -> Vec<String> {
        let (mut keys, mut from) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": self.name, "ConsistentRead": true });
            if from.is_object() {
                scan["ExclusiveStartKey"] = from;
            }
            let page = ask("Scan", &scan).await;
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
            ask("BatchWriteItem", &json!({ "RequestItems": { self.name.clone(): puts } })).await;
        }
    }
}

/// What the store has no method for, asked of the database itself; on a machine, any signature will do.
async fn ask(operation: &str, body: &Value) -> Value {
    let signed =
        "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
    let request = crate::http_client()
        .post(database())
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-date", "20260101T000000Z")
        .header("authorization", signed)
        .body(body.to_string());
    let answer = request.send().await.expect("the database answers");
    let (status, text) = (answer.status(), answer.text().await.expect("a whole answer"));
    assert!(status.is_success(), "{operation}: {status} {text}");
    serde_json::from_str(&text).expect("databases answer in JSON")
}
