//! What a conversation costs does not depend on how long it is: the same story in conversations of 1, 100, 10 000 and
//! 1 000 000 messages, each step held against the table, and equal from 100 on.

use std::ops::RangeInclusive;

use local::costs::{Cost, Sizes};
use serde_json::{Value, json};
use tests::Person;
use tests::machine::own_table::sent_at;
use uuid::Uuid;

use super::{Asked, Scene, TWO, hello, message_path, naming};

/// How many messages the story reads at the beginning of a log, around its middle and at its end, at most.
const READ: u64 = 600;

/// A group of three in which much was said.
struct Long {
    scene: Scene,
    edsger: Person,
    path: String,
    length: u64,
    sizes: Sizes,
    prices: Vec<(&'static str, Cost)>,
}

impl Long {
    /// Only what is read of it is really there, unless it is `whole`: a million messages take minutes to write.
    async fn of(length: u64, whole: bool) -> Self {
        let scene = Scene::new().await;
        let edsger = scene.table.person("Edsger").await;
        let path = scene.start(&[&scene.grace, &edsger], Some("Looms")).await;
        let stretches = if whole || length <= 3 * READ { vec![1..=length] } else { parts(length) };
        let id = path.split('/').nth(3).expect("an id");
        scene.table.fill_with_messages(id, &scene.ada, &stretches, length).await;
        let page = length.min(20);
        let sizes = Sizes { messages: length, participants: 3, title: 5, page, senders: 1, ..TWO };
        Self { scene, edsger, path, length, sizes, prices: Vec::new() }
    }

    #[track_caller]
    fn costs(&mut self, asked: Asked, name: &'static str, sizes: &Sizes) -> Value {
        self.prices.push((name, asked.price()));
        asked.costs(name, sizes)
    }

    async fn get(&mut self, path: &str, name: &'static str, sizes: Sizes) -> Value {
        let asked = self.scene.get(path).await;
        self.costs(asked, name, &sizes)
    }

    async fn do_as_ada(&mut self, method: &str, path: &str, body: Value, name: &'static str, sizes: Sizes) -> Value {
        let asked = self.scene.ada(method, path, body).await;
        self.costs(asked, name, &sizes)
    }

    /// Reads at the beginning, around the middle and at the end.
    async fn read(&mut self) {
        let (path, length, sizes) = (self.path.clone(), self.length, self.sizes);
        let messages = format!("{path}messages/");
        for query in ["", "?ordering=-number", &format!("?page={}", middle(length).div_ceil(20)), "?before=21"] {
            let page = self.get(&format!("{messages}{query}"), "page of messages", sizes).await;
            assert_eq!(page["results"].as_array().map(Vec::len), Some(sizes.page as usize), "{query}");
            if let Some(next) = page["next"].as_str().filter(|_| length >= 100) {
                self.get(next, "page of messages", sizes).await;
            }
            let first = message_path(&page["results"][0]);
            self.get(&first, "message by id", sizes).await;
            self.get(&format!("{first}history/"), "history of a message", sizes).await;
        }
        self.get(&format!("{messages}?search=hello"), "search of a conversation", sizes).await;
        self.get(&format!("{messages}?search=good"), "search of a conversation that finds nothing", sizes).await;
        let one = format!("/api/messages/?conversation_id={}", path.split('/').nth(3).expect("an id"));
        self.get(&one, "messages of one conversation", sizes).await;
        self.get("/api/messages/", "messages over all conversations", sizes).await;
        for list in ["list conversations", "list conversations by activity"] {
            let order = if list.ends_with("activity") { "?ordering=-last_activity" } else { "" };
            // One row, which names everybody.
            let row = Sizes { page: 1, listed: 3, ..sizes };
            self.get(&format!("/api/conversations/{order}"), list, row).await;
        }
    }

    /// Where in the log an instant lies is sought in rounds, of which there are more in longer logs.
    async fn seek(&self) {
        let (messages, length) = (format!("{}messages/", self.path), self.length);
        for (filter, number) in [("sent_after", middle(length)), ("sent_before", 1), ("sent_before", length + 1)] {
            let path = format!("{messages}?{filter}={}", sent_at(number));
            self.scene.get(&path).await.costs("page of messages by time", &self.sizes);
        }
    }

    /// Says, changes and takes back something, and catches up with it.
    async fn write(&mut self) {
        let path = self.path.clone();
        let (messages, mut sizes) = (format!("{path}messages/"), self.sizes);
        let detail = self.get(&path, "conversation", sizes).await;
        let since = format!("{path}changes/?after={}", detail["changes"].as_str().expect("a cursor"));
        self.get(&since, "what changed, if nothing did", sizes).await;
        let said = self.do_as_ada("POST", &messages, hello(), "send", sizes).await;
        let key = Uuid::new_v4().to_string();
        for name in ["send with client key", "repeat of a keyed send"] {
            let asked = self.scene.ask(&self.scene.ada, "POST", &messages, Some(&key), Some(hello())).await;
            self.costs(asked, name, &sizes);
        }
        self.get(&since, "what changed", Sizes { page: 2, ..sizes }).await;
        let message = message_path(&said);
        self.do_as_ada("PATCH", &message, json!({ "message_body": "hello" }), "edit", sizes).await;
        let edited = Sizes { edits: 1, ..sizes };
        self.get(&format!("{message}history/"), "history of a message", edited).await;
        self.get(&since, "what changed", Sizes { page: 2, ..edited }).await;
        self.do_as_ada("DELETE", &message, json!({}), "delete a message", edited).await;
        let reading = json!({ "number": self.length });
        let read = self.scene.ask(&self.scene.grace, "PUT", &format!("{path}read/"), None, Some(reading)).await;
        self.costs(read, "mark read", &sizes);
        sizes = Sizes { messages: sizes.messages + 2, changes: 2, ..sizes };
        self.get(&path, "conversation", sizes).await;
    }

    /// People come and go, and in the end all of it does.
    async fn regroup(&mut self) {
        let (path, emmy) = (self.path.clone(), self.scene.table.person("Emmy").await);
        let sizes = Sizes { messages: self.sizes.messages + 2, changes: 2, ..self.sizes };
        let four = Sizes { participants: 4, ..sizes };
        let (adding, removing) = (format!("{path}add_participant/"), format!("{path}remove_participant/"));
        self.do_as_ada("POST", &adding, naming(&emmy), "add a participant", four).await;
        self.do_as_ada("POST", &removing, naming(&emmy), "remove a participant", four).await;
        let renamed = Sizes { changes: 5, ..sizes };
        self.do_as_ada("PATCH", &path, json!({ "title": "Loom" }), "rename", renamed).await;
        let left = self.scene.ask(&self.edsger, "POST", &format!("{path}leave/"), None, None).await;
        self.costs(left, "leave", &sizes);
        // What is cleared at once is bounded, and so is its price: each length has its own.
        let last = Sizes { participants: 2, changes: 6, keys: 1, ..sizes };
        self.scene.ada("DELETE", &path, json!({})).await.costs("delete a conversation", &last);
    }
}

fn middle(length: u64) -> u64 {
    length.div_ceil(2)
}

fn parts(length: u64) -> Vec<RangeInclusive<u64>> {
    vec![1..=READ, middle(length) - READ..=middle(length) + READ, length - READ..=length]
}

async fn prices(length: u64, whole: bool) -> Vec<(&'static str, Cost)> {
    let mut long = Long::of(length, whole).await;
    long.read().await;
    long.seek().await;
    long.write().await;
    long.regroup().await;
    long.prices
}

/// Of the million, only the beginning, the middle and the end are there, as far as anything reads: `CONFAB_MILLION=1` has
/// the test write all of them first.
#[tokio::test]
async fn no_price_grows_with_the_length_of_a_conversation() {
    let whole = std::env::var_os("CONFAB_MILLION").is_some();
    prices(1, true).await;
    let hundred = prices(100, true).await;
    assert!(hundred.len() > 30, "{} prices were compared", hundred.len());
    for (length, whole) in [(10_000, true), (1_000_000, whole)] {
        for (long, short) in prices(length, whole).await.into_iter().zip(&hundred) {
            // What looks through the whole log stops after its fourth query.
            if long.0 != "search of a conversation that finds nothing" {
                assert_eq!(long, *short, "at {length} messages and at 100");
            }
        }
    }
}
