//! What changed since: following it from any point leads to what is there now.

mod everywhere;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Person, each, keys, two_people};

fn changes_of(conversation: &str) -> String {
    format!("/api/conversations/{conversation}/changes/")
}

fn path_of(message: &Value) -> String {
    format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"))
}

fn list<'v>(page: &'v Value, key: &str) -> &'v Vec<Value> {
    page[key].as_array().unwrap_or_else(|| panic!("no list {key} in {page}"))
}

/// Every page from an address on, to the end.
async fn walk(person: &Person, path: &str) -> Vec<Value> {
    let (mut link, mut pages) = (Some(path.to_owned()), Vec::new());
    while let Some(path) = link {
        let page = person.client.get(&path).await.expect(200).json();
        assert_eq!(page["has_more"], page["next"].is_string());
        link = page["next"].as_str().map(str::to_owned);
        pages.push(page);
    }
    pages
}

/// A client's copy of a conversation's messages, kept by what it was told.
#[derive(Default)]
struct Copy {
    messages: BTreeMap<u64, Value>,
    cursor: Option<String>,
}

impl Copy {
    /// As the detail shows it.
    fn of(detail: &Value) -> Self {
        let mut copy = Self { cursor: detail["changes"].as_str().map(str::to_owned), ..Self::default() };
        list(detail, "messages").iter().for_each(|message| copy.put(message));
        copy
    }

    fn put(&mut self, entry: &Value) {
        let number = entry["number"].as_u64().expect("a number");
        match entry["message_id"].is_string() && entry["deleted"].is_null() {
            true => drop(self.messages.insert(number, entry.clone())),
            false => drop(self.messages.remove(&number)),
        }
    }

    async fn catch_up(&mut self, person: &Person, conversation: &str, page_size: usize) {
        let after = self.cursor.as_ref().map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        self.apply(&walk(person, &format!("{}?page_size={page_size}{after}", changes_of(conversation))).await);
    }

    /// All that a walk told, to its end.
    fn apply(&mut self, pages: &[Value]) {
        for page in pages {
            list(page, "messages").iter().for_each(|entry| self.put(entry));
        }
        for page in pages {
            let changed = list(page, "changes").iter().filter(|change| change["message"].is_object());
            changed.for_each(|change| self.put(&change["message"]));
            self.cursor = page["cursor"].as_str().map(str::to_owned);
        }
    }
}

#[tokio::test]
async fn sends_edits_and_deletes_have_the_shape_that_clients_know() {
    let (ada, grace, conversation) = two_people().await;
    let (first, second) = (ada.say(&conversation, "one").await, ada.say(&conversation, "two").await);
    let edited = ada.client.patch(&path_of(&first), json!({ "message_body": "uno" })).await.expect(200).json();
    ada.client.delete(&path_of(&second)).await.expect(204);

    let answer = grace.client.get(&changes_of(&conversation)).await.expect(200);
    let shape = answer.in_order();
    assert_eq!(keys(&shape), ["messages", "changes", "pending", "pending_changes", "cursor", "next", "has_more"]);
    assert_eq!(keys(&shape["messages"][1]), ["message_id", "number", "deleted", "sender", "deleted_at"]);
    assert_eq!(keys(&shape["changes"][0]), ["change", "kind", "at", "by", "message"]);
    let page = answer.json();
    assert_eq!(page["messages"][0], edited, "as it is now");
    let gone = &page["messages"][1];
    assert_eq!((&gone["message_id"], &gone["deleted"]), (&second["message_id"], &json!(true)));
    assert_eq!((&gone["number"], &gone["sender"]), (&json!(2), &json!(ada.id)));
    let changes = list(&page, "changes");
    assert_eq!(each(changes, "change"), [1, 2]);
    assert_eq!(each(changes, "kind"), ["message.edited", "message.deleted"]);
    assert_eq!(each(changes, "by"), [ada.id.as_str(), ada.id.as_str()]);
    assert_eq!((&changes[0]["message"], &changes[1]["message"]), (&edited, gone));
    assert_eq!((&page["pending"], &page["next"], &page["has_more"]), (&json!([]), &Value::Null, &json!(false)));
}

#[tokio::test]
async fn comings_goings_and_titles_are_told_in_order() {
    let (ada, grace, alan) = tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Alan"));
    let group = ada.start(&[&grace], Some("Engines")).await;
    let below = |name: &str| format!("/api/conversations/{group}/{name}");
    let told = async || ada.client.get(&below("changes/")).await.expect(200);
    assert_eq!(told().await.json()["changes"], json!([]), "the first participants are no changes");

    ada.client.post(&below("add_participant/"), json!({ "user_id": alan.id })).await.expect(200);
    ada.client.patch(&below(""), json!({ "title": "Looms" })).await.expect(200);
    ada.client.patch(&below(""), json!({ "title": "Weavers" })).await.expect(200);
    let answer = told().await;
    let shape = answer.in_order();
    assert_eq!(keys(&shape["changes"][0]), ["change", "kind", "at", "by", "participant"]);
    assert_eq!(keys(&shape["changes"][1]), ["change", "kind", "at", "by", "title"]);
    let page = answer.json();
    let detail = ada.conversation(&group).await;
    let joined = detail["participants_details"].as_array().and_then(|details| details.last()).expect("Alan");
    assert_eq!(page["changes"][0]["participant"], *joined);
    assert_eq!(each(&list(&page, "changes")[1..], "title"), ["Weavers", "Weavers"], "as it is now");
    assert_eq!(page["cursor"], detail["changes"]);

    ada.client.post(&below("remove_participant/"), json!({ "user_id": alan.id })).await.expect(200);
    grace.client.post(&below("leave/"), json!({})).await.expect(204);
    let page = told().await.json();
    let changes = list(&page, "changes");
    let expected = ["participant.added", "conversation.updated", "conversation.updated"];
    assert_eq!(each(changes, "kind"), [&expected[..], &["participant.removed", "participant.removed"]].concat());
    assert_eq!(each(changes, "by")[2..], [&*ada.id, &*ada.id, &*grace.id]);
    assert_eq!(changes[0]["participant"]["joined_at"], Value::Null, "he left since");
    assert_eq!(changes[0]["participant"]["id"], joined["id"]);
    assert_eq!((&changes[3]["user"]["user_id"], &changes[4]["user"]["user_id"]), (&json!(alan.id), &json!(grace.id)));
    assert_eq!(changes[4]["user"]["phone_number"], Value::Null);
    for gone in [&alan, &grace] {
        gone.client.get(&below("changes/")).await.says(404, "No Conversation matches the given query.");
    }
}

#[tokio::test]
async fn what_is_kept_from_any_point_on_leads_to_what_is_there_now() {
    let (ada, grace, conversation) = two_people().await;
    let mut copies = vec![Copy::default()];
    let mut sent = Vec::new();
    for turn in 0..30_usize {
        match turn % 5 {
            3 => {
                let body = json!({ "message_body": format!("edit in turn {turn}") });
                ada.client.patch(&path_of(&sent[turn % sent.len()]), body).await;
            }
            4 => drop(ada.client.delete(&path_of(&sent[turn / 2 % sent.len()])).await),
            _ => sent.push(ada.say(&conversation, &format!("message of turn {turn}")).await),
        }
        copies.push(Copy::of(&ada.conversation(&conversation).await));
        let mut latest = Copy { cursor: copies[0].cursor.clone(), messages: copies[0].messages.clone() };
        latest.catch_up(&grace, &conversation, 1 + turn % 7).await;
        if turn % 10 == 0 {
            copies[0] = latest;
        }
    }
    let now = ada.all_messages(&conversation, "page_size=100").await;
    for (index, copy) in copies.iter_mut().enumerate() {
        copy.catch_up(&ada, &conversation, 1 + index % 9).await;
        assert_eq!(copy.messages.values().cloned().collect::<Vec<_>>(), now, "copy {index}");
    }
}

#[tokio::test]
async fn a_copy_kept_while_others_write_misses_nothing() {
    let (ada, grace, conversation) = two_people().await;
    let writers = join_all((0..6).map(async |writer| {
        for turn in 0..6 {
            let message = ada.say(&conversation, &format!("{writer}/{turn}")).await;
            match turn % 3 {
                1 => drop(ada.client.patch(&path_of(&message), json!({ "message_body": "edited" })).await.expect(200)),
                2 => drop(ada.client.delete(&path_of(&message)).await.expect(204)),
                _ => {}
            }
        }
    }));
    let reader = async {
        let mut copy = Copy::default();
        for page_size in 1..=10 {
            copy.catch_up(&grace, &conversation, page_size).await;
        }
        copy
    };
    let (_, mut copy) = join(writers, reader).await;
    copy.catch_up(&grace, &conversation, 100).await;
    let now = grace.all_messages(&conversation, "page_size=100").await;
    assert_eq!(now.len(), 24);
    assert_eq!(copy.messages.into_values().collect::<Vec<_>>(), now);
}

#[tokio::test]
async fn every_number_and_every_change_is_met_once_on_a_walk() {
    let (ada, _, conversation) = two_people().await;
    let sent = join_all((0..23).map(|_| ada.say(&conversation, "hello"))).await;
    for message in &sent[5..12] {
        ada.client.patch(&path_of(message), json!({ "message_body": "edited" })).await.expect(200);
        ada.client.delete(&path_of(message)).await.expect(204);
    }
    for page_size in [1, 4, 7, 100] {
        let pages = walk(&ada, &format!("{}?page_size={page_size}", changes_of(&conversation))).await;
        let numbers: Vec<Value> = pages.iter().flat_map(|page| each(list(page, "messages"), "number")).collect();
        assert_eq!(numbers, (1..=23).map(|number| json!(number)).collect::<Vec<_>>());
        let changes: Vec<Value> = pages.iter().flat_map(|page| each(list(page, "changes"), "change")).collect();
        assert_eq!(changes, (1..=14).map(|number| json!(number)).collect::<Vec<_>>());
        assert!(pages.iter().all(|page| list(page, "messages").len() <= page_size));
        let cursors: BTreeSet<&str> = pages.iter().filter_map(|page| page["cursor"].as_str()).collect();
        assert_eq!(cursors.len(), pages.len(), "what is proven moves with every page");
    }
    let detail = ada.conversation(&conversation).await;
    let rest = format!("{}?after={}", changes_of(&conversation), detail["changes"].as_str().expect("a cursor"));
    let page = ada.client.get(&rest).await.expect(200).json();
    assert_eq!((&page["messages"], &page["changes"], &page["cursor"]), (&json!([]), &json!([]), &detail["changes"]));
}

#[tokio::test]
async fn a_cursor_of_another_conversation_is_refused_but_outsiders_are_told_nothing() {
    let (ada, grace, conversation) = two_people().await;
    let elsewhere = ada.start(&[&grace], Some("Engines")).await;
    let foreign = ada.conversation(&elsewhere).await["changes"].as_str().expect("a cursor").to_owned();
    let outsider = Person::new("Mallory").await;
    for cursor in [&*foreign, "abc", "", "%00"] {
        let path = format!("{}?after={cursor}", changes_of(&conversation));
        ada.client.get(&path).await.refuses("after", "Invalid cursor.");
        outsider.client.get(&path).await.says(404, "No Conversation matches the given query.");
    }
    let unknown = "0195d2a4-6f0e-8000-8000-000000000000";
    let (foreign, unknown) =
        join(outsider.client.get(&changes_of(&conversation)), outsider.client.get(&changes_of(unknown))).await;
    assert_eq!(foreign.likeness(), unknown.likeness());
    foreign.says(404, "No Conversation matches the given query.");
}
