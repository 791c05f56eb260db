//! What changed in all conversations: who keeps its cursor, and fetches what it leaves to them, has everything.

use std::collections::BTreeMap;

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Person, each, keys};

use super::{Copy, changes_of, list, path_of, walk};

const EVERYWHERE: &str = "/api/changes/";

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key} in {value}"))
}

async fn after(person: &Person, cursor: &str) -> Value {
    person.client.get(&format!("{EVERYWHERE}?after={cursor}")).await.expect(200).json()
}

/// The row of a conversation, if it is told.
fn row<'v>(told: &'v Value, conversation: &str) -> Option<&'v Value> {
    list(told, "conversations").iter().find(|row| row["conversation"] == conversation)
}

/// A client's copy of all of somebody's conversations.
#[derive(Default)]
struct Mirror {
    cursor: Option<String>,
    copies: BTreeMap<String, Copy>,
    /// How far it has each, in messages and in changes.
    reached: BTreeMap<String, [u64; 2]>,
}

impl Mirror {
    async fn catch_up(&mut self, person: &Person) {
        loop {
            let query = self.cursor.as_ref().map(|cursor| format!("?after={cursor}")).unwrap_or_default();
            let told = person.client.get(&format!("{EVERYWHERE}{query}")).await.expect(200).json();
            for row in list(&told, "conversations") {
                self.take(person, row).await;
            }
            if let Some(remaining) = told["remaining"].as_array() {
                self.copies.retain(|id, _| remaining.contains(&json!(id)));
                self.reached.retain(|id, _| remaining.contains(&json!(id)));
            }
            self.cursor = Some(text(&told, "cursor").to_owned());
            if told["has_more"] == false {
                break;
            }
        }
    }

    async fn take(&mut self, person: &Person, row: &Value) {
        let id = text(row, "conversation").to_owned();
        let last = ["last_number", "last_change"].map(|counter| row[counter].as_u64().expect("a counter"));
        let copy = self.copies.entry(id.clone()).or_default();
        let reached = self.reached.entry(id.clone()).or_default();
        let changes = &row["changes"];
        if changes.is_object() {
            let mut pages = vec![changes.clone()];
            if let Some(next) = changes["next"].as_str() {
                pages.extend(walk(person, next).await);
            }
            copy.apply(&pages);
        } else if *reached != last {
            copy.catch_up(person, &id, 100).await;
        }
        *reached = last;
    }

    /// Checks that it is what a client sees who begins anew.
    async fn assert_whole(&self, person: &Person) {
        let inbox = person.client.get("/api/conversations/?page_size=100").await.expect(200).json();
        let mut ids: Vec<&str> = list(&inbox, "results").iter().map(|row| text(row, "conversation_id")).collect();
        ids.sort_unstable();
        assert_eq!(self.copies.keys().collect::<Vec<_>>(), ids);
        for (id, copy) in &self.copies {
            let now = person.all_messages(id, "page_size=100").await;
            assert_eq!(copy.messages.values().cloned().collect::<Vec<_>>(), now, "{id}");
        }
    }
}

#[tokio::test]
async fn where_nothing_moved_nothing_is_told() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let told = ada.client.get(EVERYWHERE).await.expect(200);
    assert_eq!(keys(&told.in_order()), ["conversations", "remaining", "cursor", "has_more"]);
    let nothing = |told: &Value| assert_eq!([&told["conversations"], &told["remaining"]], [&json!([]), &Value::Null]);
    nothing(&told.json());

    let pair = ada.start(&[&grace], None).await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    grace.say(&pair, "Hello").await;
    let first = ada.client.get(EVERYWHERE).await.expect(200);
    let shape = &first.in_order()["conversations"][0];
    assert_eq!(keys(shape), ["conversation", "last_number", "last_change", "read_number", "unread_count", "changes"]);
    let first = first.json();
    let unread = json!({
        "conversation": pair, "last_number": 1, "last_change": 0, "read_number": 0, "unread_count": 1, "changes": null,
    });
    assert_eq!(list(&first, "conversations").len(), 2);
    assert_eq!(first["conversations"][0], unread, "what moved last comes first");
    assert_eq!(first["conversations"][1]["conversation"], json!(group));
    let second = after(&ada, text(&first, "cursor")).await;
    nothing(&second);
    assert_eq!(second["cursor"], first["cursor"]);
    assert_eq!([&first["has_more"], &second["has_more"]], [false, false]);
}

#[tokio::test]
async fn sends_edits_deletes_comings_goings_and_titles_are_told_of_every_conversation_at_once() {
    let (ada, grace, alan) = tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Alan"));
    let pair = ada.start(&[&grace], None).await;
    let engines = ada.start(&[&grace, &alan], Some("Engines")).await;
    let looms = grace.start(&[&ada], Some("Looms")).await;
    let quiet = grace.start(&[&ada], Some("Quiet")).await;
    let old = grace.say(&pair, "old").await;
    let first = ada.client.get(EVERYWHERE).await.expect(200).json();

    let below = |group: &str, name: &str| format!("/api/conversations/{group}/{name}");
    let new = grace.say(&pair, "new").await;
    grace.client.patch(&path_of(&old), json!({ "message_body": "edited" })).await.expect(200);
    grace.client.delete(&path_of(&new)).await.expect(204);
    alan.client.post(&below(&engines, "leave/"), json!({})).await.expect(204);
    grace.say(&engines, "He left").await;
    grace.client.post(&below(&looms, "add_participant/"), json!({ "user_id": alan.id })).await.expect(200);
    grace.client.patch(&below(&looms, ""), json!({ "title": "Weavers" })).await.expect(200);
    let told = after(&ada, text(&first, "cursor")).await;
    assert_eq!(each(list(&told, "conversations"), "conversation"), [&*looms, &*engines, &*pair]);
    assert_eq!(row(&told, &quiet), None);
    for conversation in [&looms, &engines, &pair] {
        let found = row(&told, conversation).expect("it moved");
        let own = ada.client.get(&changes_of(conversation)).await.expect(200).json();
        // From where the cursor stood on, as the conversation itself tells it.
        let told_before = usize::from(conversation == &pair);
        assert_eq!(list(&found["changes"], "messages")[..], list(&own, "messages")[told_before..]);
        for part in ["changes", "pending", "pending_changes", "cursor", "next", "has_more"] {
            assert_eq!(found["changes"][part], own[part], "{part}");
        }
    }
    let counters = |row: &Value| [&row["last_number"], &row["last_change"], &row["unread_count"]].map(Value::as_u64);
    assert_eq!(row(&told, &pair).map(counters), Some([Some(2), Some(2), Some(2)]));
    assert_eq!(row(&told, &looms).map(counters), Some([Some(0), Some(2), Some(0)]));
    let kinds = |id: &str| each(list(&row(&told, id).expect("it moved")["changes"], "changes"), "kind");
    assert_eq!(kinds(&looms), ["participant.added", "conversation.updated"]);
    assert_eq!(row(&told, &looms).map(|row| &row["changes"]["changes"][1]["title"]), Some(&json!("Weavers")));
    assert_eq!(kinds(&engines), ["participant.removed"]);
    let again = after(&ada, text(&told, "cursor")).await;
    assert_eq!(again["conversations"], json!([]));
    assert_eq!(after(&ada, text(&first, "cursor")).await, told, "an answer that was lost is given again");
}

#[tokio::test]
async fn who_joins_is_told_of_it_and_who_is_out_is_told_what_remains() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let (stays, goes) = (grace.start(&[&ada], Some("Looms")).await, grace.start(&[&ada], Some("Engines")).await);
    let ended = grace.start(&[&ada], Some("Mills")).await;
    let joined = grace.start(&[&Person::new("Alan").await], Some("Wheels")).await;
    let first = ada.client.get(EVERYWHERE).await.expect(200).json();
    assert_eq!(row(&first, &joined), None);

    let below = |group: &str, name: &str| format!("/api/conversations/{group}/{name}");
    grace.say(&joined, "before").await;
    grace.client.post(&below(&joined, "add_participant/"), json!({ "user_id": ada.id })).await.expect(200);
    grace.client.post(&below(&goes, "remove_participant/"), json!({ "user_id": ada.id })).await.expect(200);
    grace.say(&goes, "She is out").await;
    grace.client.delete(&below(&ended, "")).await.expect(204);
    let told = after(&ada, text(&first, "cursor")).await;
    assert_eq!(each(list(&told, "conversations"), "conversation"), [&*joined]);
    let joined_row = row(&told, &joined).expect("she joined");
    assert_eq!([&joined_row["changes"], &joined_row["last_number"]], [&Value::Null, &json!(1)]);
    let mut remaining = [&*stays, &*joined];
    remaining.sort_unstable();
    assert_eq!(told["remaining"], json!(remaining));

    grace.say(&joined, "after").await;
    let again = after(&ada, text(&told, "cursor")).await;
    assert_eq!(again["remaining"], Value::Null, "it is told once");
    let messages = list(&row(&again, &joined).expect("it moved")["changes"], "messages");
    assert_eq!(each(messages, "message_body"), ["after"]);
}

#[tokio::test]
async fn of_much_the_first_fifty_are_told_and_where_they_go_on_and_nothing_twice() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let (busy, other) = (grace.start(&[&ada], Some("Looms")).await, grace.start(&[&ada], None).await);
    let mut mirror = Mirror::default();
    mirror.catch_up(&ada).await;
    join_all((0..120).map(|_| grace.say(&busy, "Hello"))).await;
    grace.say(&other, "Hello").await;
    let told = after(&ada, mirror.cursor.as_deref().expect("a cursor")).await;
    let changes = &row(&told, &busy).expect("it moved")["changes"];
    assert_eq!((list(changes, "messages").len(), &changes["has_more"]), (50, &json!(true)));
    let rest = walk(&ada, text(changes, "next")).await;
    let numbers: Vec<Value> = rest.iter().flat_map(|page| each(list(page, "messages"), "number")).collect();
    assert_eq!(numbers, (51..=120).map(|number| json!(number)).collect::<Vec<_>>());
    assert_eq!(told["has_more"], false);

    mirror.catch_up(&ada).await;
    mirror.assert_whole(&ada).await;
    let further = after(&ada, mirror.cursor.as_deref().expect("a cursor")).await;
    let found = row(&further, &busy).expect("it left the cursor");
    assert_eq!([&found["changes"], &found["last_number"]], [&Value::Null, &json!(120)]);
    assert_eq!(row(&further, &other), None);
    grace.say(&busy, "one more").await;
    mirror.catch_up(&ada).await;
    mirror.assert_whole(&ada).await;
}

#[tokio::test]
async fn a_mirror_kept_while_others_write_everywhere_misses_nothing() {
    let (ada, grace, alan) = tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Alan"));
    let mut groups = Vec::new();
    for _ in 0..4 {
        groups.push(grace.start(&[&ada, &alan], Some("Engines")).await);
    }
    let writers = join_all(groups.iter().zip(0..).map(async |(group, turn)| {
        let writer = if turn % 2 == 0 { &grace } else { &alan };
        for turn in 0..8 {
            let message = writer.say(group, &format!("message of turn {turn}")).await;
            match turn % 4 {
                1 => {
                    drop(writer.client.patch(&path_of(&message), json!({ "message_body": "edited" })).await.expect(200))
                }
                2 => drop(writer.client.delete(&path_of(&message)).await.expect(204)),
                _ => {}
            }
        }
        let (ada_goes, ada_comes) = (format!("/api/conversations/{group}/leave/"), json!({ "user_id": ada.id }));
        if turn == 3 {
            ada.client.post(&ada_goes, json!({})).await.expect(204);
        }
        if turn == 2 {
            ada.client.post(&ada_goes, json!({})).await.expect(204);
            let adding = format!("/api/conversations/{group}/add_participant/");
            grace.client.post(&adding, ada_comes).await.expect(200);
            grace.say(group, "She is back").await;
        }
    }));
    let reader = async {
        let mut mirror = Mirror::default();
        for _ in 0..12 {
            mirror.catch_up(&ada).await;
        }
        mirror
    };
    let (_, mut mirror) = join(writers, reader).await;
    mirror.catch_up(&ada).await;
    mirror.assert_whole(&ada).await;
    assert_eq!(mirror.copies.len(), 3);
}

#[tokio::test]
async fn a_cursor_of_somebody_or_something_else_or_a_damaged_one_is_refused() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let pair = ada.start(&[&grace], None).await;
    let cursor =
        async |person: &Person| text(&person.client.get(EVERYWHERE).await.expect(200).json(), "cursor").to_owned();
    let (own, foreign) = join(cursor(&ada), cursor(&grace)).await;
    let of_one = text(&ada.conversation(&pair).await, "changes").to_owned();
    let (short, long) = (&own[..own.len() - 1], format!("{own}A"));
    for cursor in [&*foreign, &of_one, short, &long, "abc", "", "%00"] {
        ada.client.get(&format!("{EVERYWHERE}?after={cursor}")).await.refuses("after", "Invalid cursor.");
    }
    ada.client.get(&format!("{}?after={own}", changes_of(&pair))).await.refuses("after", "Invalid cursor.");
    ada.client.get(&format!("{EVERYWHERE}?after={own}")).await.expect(200);
}
