//! What open sockets cost: opening them, what is said over them, and telling them what was written, in groups of up to 250
//! with several sockets each.

use std::collections::BTreeSet;

use futures::StreamExt;
use local::costs::{Sizes, operation};
use serde_json::{Value, json};
use shared::store::Spent;
use tests::Person;
use tests::machine::live::{Live, Socket};

use super::{TWO, hold};

/// What was held against the table.
#[derive(Default)]
struct Book(BTreeSet<&'static str>);

impl Book {
    #[track_caller]
    fn note(&mut self, name: &'static str, sizes: &Sizes, spent: Spent) {
        let row = operation(name).unwrap_or_else(|| panic!("no row is called {name}"));
        hold(row, sizes, spent);
        self.0.insert(name);
    }
}

pub(super) async fn measure() -> BTreeSet<&'static str> {
    let (live, mut book) = (Live::new().await, Book::default());
    let (ada, grace) = (live.table.person("Ada").await, live.table.person("Grace").await);
    let start = json!({ "participant_ids": [grace.id] });
    let answer = live.ask(&ada, "POST", "/api/conversations/", start).await;
    let conversation = answer["conversation_id"].as_str().expect("an id").to_owned();
    let mut adas = live.open(&ada).await;
    book.note("open a socket", &TWO, live.spent());
    let graces = live.open(&grace).await;
    live.tell().await;

    let said = live.say(&ada, &conversation, "Hello").await;
    // The sender's read mark moves with it: it is told for itself below.
    let (marks, sent): (Vec<Value>, Vec<Value>) = live.changes().await.into_iter().partition(is_mark);
    book.note("tell a message", &TWO, live.hand_on(&sent).await.1);
    book.note("tell a read mark", &TWO, live.hand_on(&marks).await.1);
    let message = format!("/api/messages/{}/", said["message_id"].as_str().expect("an id"));
    live.ask(&ada, "PATCH", &message, json!({ "message_body": "hello" })).await;
    book.note("tell an edit", &TWO, live.tell().await);
    adas.told().await;

    adas.ask(json!({ "type": "ping" })).await;
    book.note("ping", &TWO, live.spent());
    adas.ask(json!({ "type": "typing", "conversation": conversation, "id": "t" })).await;
    book.note("typing", &TWO, live.spent());
    live.say(&grace, &conversation, "Hello").await;
    adas.ask(json!({ "type": "read", "conversation": conversation, "number": 2 })).await;
    book.note("mark read over a socket", &TWO, live.spent());
    drop(graces);
    live.until_open(1).await;
    book.note("end a socket", &TWO, live.spent());
    let watched: Vec<String> = (0..7).map(|_| uuid::Uuid::now_v7().to_string()).collect();
    adas.ask(json!({ "type": "watch", "users": watched })).await;
    book.note("watch people", &Sizes { watched: 7, ..TWO }, live.spent());
    book.0
}

fn is_mark(record: &Value) -> bool {
    record["dynamodb"]["Keys"]["SK"]["S"].as_str().is_some_and(|sort| sort.starts_with("MEMBER#"))
}

/// Whatever the size of a group, a message takes two round trips to be told, a unit for each who takes part, and a post for
/// each socket; and one invocation tells it to all.
#[tokio::test]
async fn telling_a_group_costs_what_its_size_says() {
    for (participants, sockets_each) in [(10, 3), (50, 2), (250, 3)] {
        let (live, mut book) = (Live::new().await, Book::default());
        let people = live.table.people(participants).await;
        let others: Vec<&Person> = people[1..].iter().collect();
        let group = live.start(&people[0], &others).await;
        live.changes().await;
        let opening = people.iter().flat_map(|person| std::iter::repeat_n(person, sockets_each));
        let sockets: Vec<Socket> =
            futures::stream::iter(opening).map(|person| live.open(person)).buffered(16).collect().await;
        live.changes().await;
        live.say(&people[0], &group, "Hello").await;
        let sent: Vec<Value> = live.changes().await.into_iter().filter(|record| !is_mark(record)).collect();
        let (outcome, spent) = live.hand_on(&sent).await;
        let sizes = Sizes { participants: participants as u64, title: 7, sockets: sockets_each as u64, ..TWO };
        book.note("tell a message", &sizes, spent);
        assert_eq!(outcome.delivered.reached, participants * sockets_each);
        let mut sockets = sockets.into_iter();
        let mut first = sockets.next().expect("somebody has one");
        assert_eq!(first.next().await["number"], 1);
        first.ask(json!({ "type": "typing", "conversation": group, "id": "t" })).await;
        book.note("typing", &sizes, live.spent());
        for mut socket in sockets {
            assert_eq!(socket.next().await["number"], 1);
        }
    }
}
