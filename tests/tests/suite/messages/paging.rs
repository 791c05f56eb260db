//! Pages of the messages of one conversation.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Person, each, keys, two_people};

use super::{delete, messages_of, numbers, page, two_people_with};

#[tokio::test]
async fn pages_are_oldest_first_or_newest_first() {
    let (ada, grace, conversation, sent) = two_people_with(3).await;
    let path = messages_of(&conversation);
    let answer = grace.client.get(&path).await.expect(200);
    assert_eq!(keys(&answer.in_order()), ["count", "next", "previous", "results"]);
    assert_eq!(answer.json(), json!({ "count": 3, "next": null, "previous": null, "results": sent }));
    assert_eq!(numbers(&page(&ada, &format!("{path}?ordering=-number")).await), [3, 2, 1]);
    assert_eq!(numbers(&page(&ada, &format!("{path}?ordering=-number&page_size=2")).await), [3, 2]);
    assert_eq!(numbers(&page(&ada, &format!("{path}?ordering=sender")).await), [1, 2, 3]);
}

#[tokio::test]
async fn a_page_holds_20_messages_unless_asked_otherwise_and_100_at_most() {
    let (ada, _, conversation) = two_people().await;
    join_all((0..101).map(|_| ada.say(&conversation, "hello"))).await;
    let path = messages_of(&conversation);
    for (query, size) in [
        ("", 20),
        ("page_size=30", 30),
        ("page_size=0", 1),
        ("page_size=-1", 1),
        ("page_size=500", 100),
        ("page_size=x", 20),
    ] {
        let page = page(&ada, &format!("{path}?{query}")).await;
        assert_eq!(numbers(&page), (1..=size).collect::<Vec<_>>(), "{query}");
        assert_eq!(page["count"], 101);
    }
}

#[tokio::test]
async fn before_and_after_bound_the_page() {
    let (ada, _, conversation, _) = two_people_with(7).await;
    let numbers = async |query: &str| numbers(&page(&ada, &format!("{}?{query}", messages_of(&conversation))).await);
    assert_eq!(numbers("after=5").await, [6, 7]);
    assert_eq!(numbers("after=0&page_size=2").await, [1, 2]);
    assert_eq!(numbers("before=3").await, [1, 2]);
    assert_eq!(numbers("before=6&page_size=2").await, [4, 5], "the page nearest before 6, oldest first");
    assert_eq!(numbers("after=2&before=6").await, [3, 4, 5]);
    assert_eq!(numbers("after=2&before=6&ordering=-number").await, [5, 4, 3]);
    assert_eq!(numbers("before=6&ordering=-number&page_size=2").await, [5, 4]);
    for nothing in ["after=7", "after=1099511627775", "before=1", "before=0", "after=5&before=3"] {
        assert!(numbers(nothing).await.is_empty(), "{nothing}");
    }
}

#[tokio::test]
async fn a_bound_that_is_no_number_is_refused() {
    let (ada, _, conversation, _) = two_people_with(1).await;
    for bound in ["after", "before"] {
        for wrong in ["x", "-1", "1.5", "99999999999999999999", ""] {
            ada.client
                .get(&format!("{}?{bound}={wrong}", messages_of(&conversation)))
                .await
                .refuses(bound, "A valid integer is required.");
        }
    }
}

#[tokio::test]
async fn walking_meets_every_message_once_in_both_directions_while_others_write() {
    let (ada, grace, conversation, _) = two_people_with(8).await;
    for (start, descending) in
        [("page_size=3", false), ("page_size=3&ordering=-number", true), ("page_size=3&after=0", false)]
    {
        let last = ada.conversation(&conversation).await["last_number"].as_u64().expect("a number");
        let (mut link, mut seen, mut turned) =
            (format!("{}?{start}", messages_of(&conversation)), Vec::new(), String::new());
        while seen.len() < last as usize {
            let page = page(&ada, &link).await;
            seen.extend(numbers(&page));
            turned = page["previous"].as_str().unwrap_or_default().to_owned();
            link = page["next"].as_str().unwrap_or_default().to_owned();
            grace.say(&conversation, "meanwhile").await;
        }
        let mut expected: Vec<u64> =
            if descending { (1..=last).rev().collect() } else { (1..=seen.len() as u64).collect() };
        assert_eq!(seen, expected, "{start}");

        let on_the_last_page = (expected.len() - 1) % 3 + 1;
        expected.truncate(expected.len() - on_the_last_page);
        while !expected.is_empty() {
            let page = page(&ada, &turned).await;
            let shown = numbers(&page);
            assert_eq!(shown, expected.split_off(expected.len() - shown.len()), "{start}, backwards");
            turned = page["previous"].as_str().unwrap_or_default().to_owned();
            grace.say(&conversation, "meanwhile").await;
        }
    }
}

#[tokio::test]
async fn walking_back_from_before_a_number_ends_at_the_first() {
    let (ada, _, conversation, _) = two_people_with(7).await;
    let mut link = Some(format!("{}?before=7&page_size=2", messages_of(&conversation)));
    let mut pages = Vec::new();
    while let Some(path) = link {
        let page = page(&ada, &path).await;
        link = page["previous"].as_str().map(str::to_owned);
        pages.push(numbers(&page));
    }
    assert_eq!(pages, [[5, 6], [3, 4], [1, 2]]);
}

#[tokio::test]
async fn walking_passes_over_deleted_messages() {
    let (ada, grace, conversation, sent) = two_people_with(9).await;
    for message in &sent[2..7] {
        delete(&ada, message).await.expect(204);
    }
    for query in ["page_size=2", "page_size=1", "page_size=3"] {
        assert_eq!(each(&grace.all_messages(&conversation, query).await, "number"), [1, 2, 8, 9], "{query}");
    }
    assert_eq!(page(&grace, &messages_of(&conversation)).await["count"], 4);
}

#[tokio::test]
async fn a_page_number_or_a_foreign_cursor_is_no_page() {
    let (ada, grace, conversation, _) = two_people_with(2).await;
    let elsewhere = ada.start(&[&grace], Some("Engines")).await;
    let next = page(&ada, &format!("{}?page_size=1", messages_of(&conversation))).await["next"].take();
    let (_, cursor) = next.as_str().and_then(|next| next.split_once("cursor=")).expect("a cursor");
    for (conversation, query) in [
        (&elsewhere, &*format!("cursor={cursor}")),
        (&conversation, &format!("ordering=-number&cursor={cursor}")),
        (&conversation, "cursor=abc"),
        (&conversation, "page=0"),
    ] {
        ada.client.get(&format!("{}?{query}", messages_of(conversation))).await.says(404, "Invalid page.");
    }
}

#[tokio::test]
async fn the_count_is_the_whole_conversations_or_none() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let conversation = ada.start(&[&grace], None).await;
    ada.say(&conversation, "Hello").await;
    let count = async |query: &str| {
        let path = format!("/api/conversations/{conversation}/messages/{query}");
        ada.client.get(&path).await.expect(200).json()["count"].clone()
    };
    assert_eq!(count("").await, 1);
    assert_eq!(count("?before=5").await, Value::Null);
    assert_eq!(count("?after=0").await, 1);
}
