//! Messages over all of one's conversations.

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Person, each, encoded, keys};

use super::{MESSAGES, UNKNOWN, delete, page, send};

const NOT_FOUND: &str = r#"{"error":"Conversation not found"}"#;

/// Everything from an address on, by following `next`.
async fn walk(person: &Person, path: &str) -> Vec<Value> {
    let (mut link, mut rows) = (Some(path.to_owned()), Vec::new());
    while let Some(path) = link {
        let page = page(person, &path).await;
        assert_eq!((&page["count"], &page["previous"]), (&Value::Null, &Value::Null));
        rows.extend(page["results"].as_array().expect("a list").iter().cloned());
        link = page["next"].as_str().map(str::to_owned);
    }
    rows
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["message_id"].as_str().expect("an id")).collect()
}

/// Newest first.
fn sorted(mut messages: Vec<Value>) -> Vec<Value> {
    let place = |message: &Value| (message["sent_at"].to_string(), message["message_id"].to_string());
    messages.sort_by_key(place);
    messages.reverse();
    messages
}

/// Ada with three conversations, and what was said there in turn.
async fn three_conversations(each: usize) -> (Person, Person, [String; 3], Vec<Value>) {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let others = [&grace];
    let [a, b, c] = [None, Some("Engines"), Some("Looms")].map(|title| ada.start(&others, title));
    let conversations: [String; 3] = tokio::join!(a, b, c).into();
    let mut sent = Vec::new();
    for turn in 0..each {
        for conversation in &conversations {
            let person = if turn % 2 == 0 { &ada } else { &grace };
            sent.push(person.say(conversation, &format!("turn {turn}")).await);
        }
    }
    (ada, grace, conversations, sorted(sent))
}

#[tokio::test]
async fn rows_have_the_shape_that_clients_know() {
    let (ada, grace, conversations, sent) = three_conversations(1).await;
    let answer = grace.client.get(MESSAGES).await.expect(200);
    let shape = answer.in_order();
    assert_eq!(keys(&shape), ["count", "next", "previous", "results"]);
    let expected = ["message_id", "sender_summary", "sent_at", "message_body", "conversation", "number"];
    assert_eq!(keys(&shape["results"][0]), expected);
    assert_eq!(keys(&shape["results"][0]["sender_summary"]), ["user_id", "name", "email"]);
    let row = answer.json()["results"][0].take();
    let summary = json!({ "user_id": ada.id, "name": "Ada Tester", "email": ada.email });
    assert_eq!(row["sender_summary"], summary);
    for key in ["message_id", "sent_at", "message_body", "conversation", "number"] {
        assert_eq!(row[key], sent[0][key], "{key}");
    }
    assert!(conversations.contains(&row["conversation"].as_str().expect("an id").to_owned()));
}

#[tokio::test]
async fn messages_of_all_conversations_come_newest_first_each_once() {
    let (ada, grace, conversations, sent) = three_conversations(9).await;
    let outsider = Person::new("Mallory").await;
    let elsewhere = outsider.start(&[&grace], None).await;
    outsider.say(&elsewhere, "not for Ada").await;
    for page_size in [1, 4, 20, 100] {
        let rows = walk(&ada, &format!("{MESSAGES}?page_size={page_size}")).await;
        assert_eq!(ids(&rows), ids(&sent), "{page_size} a page");
    }
    let first = page(&ada, &format!("{MESSAGES}?page_size=4")).await;
    assert_eq!(first["results"].as_array().map(Vec::len), Some(4), "a page is full while there is enough");
    let one = walk(&ada, &format!("{MESSAGES}?conversation_id={}&page_size=4", conversations[1])).await;
    let expected = sent.iter().filter(|message| message["conversation"] == conversations[1]).cloned();
    assert_eq!(ids(&one), ids(&expected.collect::<Vec<_>>()));
    for person in [&ada, &grace] {
        delete(person, &sent[2]).await;
    }
    let rows = walk(&ada, &format!("{MESSAGES}?page_size=5")).await;
    assert_eq!(rows.len(), sent.len() - 1, "deleted messages stand in no list");
}

#[tokio::test]
async fn walking_misses_nothing_while_others_write() {
    let (ada, grace, conversations, sent) = three_conversations(8).await;
    let (mut link, mut rows) = (Some(format!("{MESSAGES}?page_size=3")), Vec::new());
    let mut turn = 0;
    while let Some(path) = link {
        let page = page(&ada, &path).await;
        rows.extend(page["results"].as_array().expect("a list").iter().cloned());
        link = page["next"].as_str().map(str::to_owned);
        turn += 1;
        join_all(conversations.iter().map(|conversation| grace.say(conversation, "meanwhile"))).await;
        assert!(turn < 30);
    }
    assert_eq!(ids(&rows), ids(&sent));
}

#[tokio::test]
async fn a_conversation_of_others_is_not_there() {
    let (_, _, conversations, _) = three_conversations(1).await;
    let outsider = Person::new("Mallory").await;
    let ask = async |id: &str| outsider.client.get(&format!("{MESSAGES}?conversation_id={id}")).await;
    let (foreign, unknown) = join(ask(&conversations[0]), ask(UNKNOWN)).await;
    assert_eq!(foreign.likeness(), unknown.likeness());
    assert_eq!((foreign.status, &*foreign.text), (404, NOT_FOUND));
    assert_eq!(ask("abc").await.text, NOT_FOUND);
    assert_eq!(ask(&format!("{}&sender=abc", conversations[0])).await.expect(404).text, NOT_FOUND);
    assert_eq!(ask("").await.expect(200).json()["results"], json!([]), "an empty one is none");
}

#[tokio::test]
async fn filters_work_over_all_conversations() {
    let (ada, grace, conversations, sent) = three_conversations(4).await;
    send(&ada, json!({ "conversation": conversations[1], "message_body": "The Analytical Engine" })).await.expect(201);
    let found = async |query: &str| walk(&ada, &format!("{MESSAGES}?page_size=2&{query}")).await;
    assert_eq!(each(&found("search=engine+ana").await, "number"), [5]);
    let from_grace = found(&format!("sender={}", grace.id)).await;
    let expected: Vec<Value> = sent.iter().filter(|message| message["sender"] == grace.id).cloned().collect();
    assert_eq!(ids(&from_grace), ids(&expected));
    let at = |index: usize| encoded(sent[index]["sent_at"].as_str().expect("an instant"));
    let between = found(&format!("sent_after={}&sent_before={}", at(8), at(2))).await;
    assert_eq!(ids(&between), ids(&sent[3..8]), "both are exclusive");
    assert_eq!(found("sent_after=2999-01-01").await, [Value::Null; 0]);
}

#[tokio::test]
async fn cursors_are_bound_to_their_list_and_there_are_no_numbered_pages() {
    let (ada, grace, _, _) = three_conversations(1).await;
    let next = page(&ada, &format!("{MESSAGES}?page_size=1")).await["next"].as_str().expect("there is more").to_owned();
    let (_, cursor) = next.split_once("cursor=").expect("a cursor");
    for (person, query) in [(&grace, ""), (&ada, "&search=turn"), (&ada, "&sent_before=2999-01-01")] {
        person.client.get(&format!("{MESSAGES}?cursor={cursor}{query}")).await.says(404, "Invalid page.");
    }
    for query in ["page=2", "page=0", "cursor=abc"] {
        ada.client.get(&format!("{MESSAGES}?{query}")).await.says(404, "Invalid page.");
    }
    assert_eq!(page(&ada, &format!("{MESSAGES}?page=1")).await["results"].as_array().map(Vec::len), Some(3));
}
