//! What messages said before.

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Person, each, is_instant, keys};

use super::{MESSAGES, NO_MESSAGE, UNKNOWN_MESSAGE, delete, edit, page, path_of, two_people_with};

fn history_of(message: &Value) -> String {
    format!("{}history/", path_of(message))
}

#[tokio::test]
async fn every_wording_of_a_message_is_shown_oldest_first_and_the_present_one_last() {
    let (ada, grace, _, sent) = two_people_with(1).await;
    let path = history_of(&sent[0]);
    let unedited = grace.client.get(&path).await.expect(200);
    assert_eq!(keys(&unedited.in_order()["results"][0]), ["message_body", "at"]);
    let first = json!({ "message_body": "message 1", "at": sent[0]["sent_at"] });
    assert_eq!(unedited.json(), json!({ "count": 1, "next": null, "previous": null, "results": [first] }));

    let mut expected = vec![first];
    for body in ["second", "third"] {
        let edited = edit(&ada, &sent[0], body).await.expect(200).json();
        expected.push(json!({ "message_body": body, "at": edited["edited_at"] }));
    }
    let shown = page(&grace, &path).await;
    assert_eq!((&shown["count"], &shown["results"]), (&json!(3), &json!(expected)));
    assert!(each(&expected, "at").iter().all(is_instant));
}

#[tokio::test]
async fn a_history_has_pages() {
    let (ada, grace, _, sent) = two_people_with(1).await;
    let bodies: Vec<String> = (2..=7).map(|version| format!("version {version}")).collect();
    for body in &bodies {
        edit(&ada, &sent[0], body).await.expect(200);
    }
    let expected: Vec<&str> = ["message 1"].into_iter().chain(bodies.iter().map(String::as_str)).collect();
    let (mut link, mut walked, mut turned) = (format!("{}?page_size=3", history_of(&sent[0])), Vec::new(), None);
    while !link.is_empty() {
        let page = page(&grace, &link).await;
        assert_eq!(page["count"], 7);
        walked.extend(each(page["results"].as_array().expect("a list"), "message_body"));
        link = page["next"].as_str().unwrap_or_default().to_owned();
        turned = page["previous"].as_str().map(str::to_owned);
    }
    assert_eq!(walked, expected);
    let before_the_last = page(&grace, &turned.expect("there is a page before")).await;
    assert_eq!(each(before_the_last["results"].as_array().expect("a list"), "message_body"), expected[3..6]);

    let second = page(&grace, &format!("{}?page_size=3&page=2", history_of(&sent[0]))).await;
    assert_eq!(each(second["results"].as_array().expect("a list"), "message_body"), expected[3..6]);
    for query in ["page=2", "page=0", "page=x", "cursor=abc", "page_size=3&page=4", "page=18446744073709551615"] {
        grace.client.get(&format!("{}?{query}", history_of(&sent[0]))).await.says(404, "Invalid page.");
    }
}

#[tokio::test]
async fn edits_at_once_all_stand_in_the_history() {
    let (ada, _, _, sent) = two_people_with(1).await;
    let bodies: Vec<String> = (0..6).map(|turn| format!("edit {turn}")).collect();
    join_all(bodies.iter().map(async |body| edit(&ada, &sent[0], body).await.expect(200))).await;
    let shown = page(&ada, &history_of(&sent[0])).await;
    let said = each(shown["results"].as_array().expect("a list"), "message_body");
    assert_eq!(said[0], "message 1");
    let mut edits: Vec<&str> = said[1..].iter().filter_map(Value::as_str).collect();
    edits.sort_unstable();
    assert_eq!(edits, bodies, "none is lost");
}

#[tokio::test]
async fn a_history_goes_with_its_message_and_is_for_participants() {
    let (ada, _, _, sent) = two_people_with(1).await;
    edit(&ada, &sent[0], "edited").await.expect(200);
    let outsider = Person::new("Mallory").await;
    let unknown = format!("{MESSAGES}{UNKNOWN_MESSAGE}/history/");
    let (foreign, unknown) = join(outsider.client.get(&history_of(&sent[0])), outsider.client.get(&unknown)).await;
    assert_eq!(foreign.likeness(), unknown.likeness());
    foreign.says(404, NO_MESSAGE);
    outsider.client.get(&format!("{}?cursor=abc", history_of(&sent[0]))).await.says(404, NO_MESSAGE);
    outsider.client.get(&format!("{MESSAGES}abc/history/")).await.says(404, "Not found.");

    delete(&ada, &sent[0]).await.expect(204);
    ada.client.get(&history_of(&sent[0])).await.says(404, NO_MESSAGE);
}
