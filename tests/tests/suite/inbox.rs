//! The inbox: order, pages, search, and what is read.

use futures::future::join;
use serde_json::{Value, json};
use tests::{Answer, Person, each, keys, two_people};

use crate::conversations::{CONVERSATIONS, inbox, three_people};

async fn mark_read(person: &Person, conversation: &str, number: impl Into<Value>) -> Answer {
    person.client.put(&format!("{CONVERSATIONS}{conversation}/read/"), json!({ "number": number.into() })).await
}

#[tokio::test]
async fn the_inbox_shows_what_is_new_in_each_conversation() {
    let (ada, grace, conversation) = two_people().await;
    ada.say(&conversation, "one").await;
    let last = ada.say(&conversation, "two").await;
    let answer = grace.client.get(CONVERSATIONS).await.expect(200);
    let shape = answer.in_order();
    assert_eq!(keys(&shape), ["count", "next", "previous", "results"]);
    let expected = [
        "conversation_id",
        "created_at",
        "title",
        "participant_count",
        "last_message",
        "last_activity",
        "unread_count",
        "participants",
        "created_by",
    ];
    assert_eq!(keys(&shape["results"][0]), expected);
    assert_eq!(keys(&shape["results"][0]["participants"][0]), ["user_id", "first_name", "last_name"]);

    let (page, detail) = (answer.json(), grace.conversation(&conversation).await);
    let row = json!({
        "conversation_id": conversation, "created_at": detail["created_at"], "title": null, "participant_count": 2,
        "last_message": last, "last_activity": last["sent_at"], "unread_count": 2,
        "participants": [
            { "user_id": grace.id, "first_name": "Grace", "last_name": "Tester" },
            { "user_id": ada.id, "first_name": "Ada", "last_name": "Tester" },
        ],
        "created_by": ada.id,
    });
    assert_eq!(page, json!({ "count": 1, "next": null, "previous": null, "results": [row] }));
    assert_eq!(inbox(&ada, "").await[0]["unread_count"], 0, "who sends has read");
}

/// Somebody with conversations, the oldest first.
async fn person_with_conversations(count: usize) -> (Person, Vec<String>) {
    let (ada, grace) = join(Person::new("Ada"), Person::new("Grace")).await;
    let mut conversations = Vec::new();
    for _ in 0..count {
        conversations.push(ada.start(&[&grace], Some("Engines")).await);
    }
    (ada, conversations)
}

#[tokio::test]
async fn the_inbox_has_the_newest_first_or_the_busiest() {
    let (ada, conversations) = person_with_conversations(3).await;
    let [first, second, third] = [0, 1, 2].map(|index| conversations[index].as_str());
    ada.say(second, "hello").await;
    ada.say(first, "hello").await;
    for (query, order) in [
        ("", [third, second, first]),
        ("ordering=-created_at", [third, second, first]),
        ("ordering=created_at", [first, second, third]),
        ("ordering=-last_activity", [first, second, third]),
        ("ordering=last_activity", [third, second, first]),
        ("ordering=title", [third, second, first]),
    ] {
        assert_eq!(each(&inbox(&ada, query).await, "conversation_id"), order, "{query}");
    }
}

#[tokio::test]
async fn walking_the_inbox_shows_every_conversation_once_in_both_directions() {
    let (ada, conversations) = person_with_conversations(5).await;
    for (ordering, newest_first) in
        [("-created_at", true), ("created_at", false), ("-last_activity", true), ("last_activity", false)]
    {
        let mut expected = conversations.clone();
        if newest_first {
            expected.reverse();
        }
        let mut pages = Vec::new();
        let mut link = Some(format!("{CONVERSATIONS}?page_size=2&ordering={ordering}"));
        while let Some(path) = link {
            let page = ada.client.get(&path).await.expect(200).json();
            link = page["next"].as_str().map(str::to_owned);
            pages.push(page);
        }
        let forwards: Vec<_> = pages
            .iter()
            .flat_map(|page| each(page["results"].as_array().expect("a list"), "conversation_id"))
            .collect();
        assert_eq!(forwards, expected, "{ordering}");
        assert!(pages.iter().all(|page| page["count"] == 5));
        for (page, next) in pages.iter().zip(&pages[1..]) {
            let back = ada.client.get(next["previous"].as_str().expect("the way back")).await.expect(200).json();
            assert_eq!(back["results"], page["results"], "{ordering}");
        }
        assert!(pages[0]["previous"].is_null());
    }
}

#[tokio::test]
async fn what_is_no_page_of_the_inbox_is_not_there() {
    let (ada, _) = person_with_conversations(2).await;
    let page = ada.client.get(&format!("{CONVERSATIONS}?page_size=1")).await.json();
    let (_, cursor) = page["next"].as_str().and_then(|next| next.split_once("cursor=")).expect("a cursor");
    for query in ["cursor=abc", &format!("ordering=created_at&cursor={cursor}"), "page=0"] {
        ada.client.get(&format!("{CONVERSATIONS}?{query}")).await.says(404, "Invalid page.");
    }
    let other = Person::new("Mallory").await;
    other.client.get(&format!("{CONVERSATIONS}?cursor={cursor}")).await.says(404, "Invalid page.");
}

#[tokio::test]
async fn a_read_mark_moves_forward_and_never_back() {
    let (ada, grace, conversation) = two_people().await;
    for body in ["one", "two", "three"] {
        ada.say(&conversation, body).await;
    }
    let marked = mark_read(&grace, &conversation, 2).await.expect(200);
    assert_eq!(keys(&marked.in_order()), ["read_number", "unread_count"]);
    for (asked, read, unread) in
        [(json!(2), 2, 1), (json!(1), 2, 1), (json!(0), 2, 1), (json!("3"), 3, 0), (json!(1), 3, 0)]
    {
        let marked = mark_read(&grace, &conversation, asked.clone()).await.expect(200).json();
        assert_eq!(marked, json!({ "read_number": read, "unread_count": unread }), "{asked}");
    }
    let detail = grace.conversation(&conversation).await;
    assert_eq!((&detail["read_number"], &detail["unread_count"]), (&json!(3), &json!(0)));
    assert_eq!(inbox(&grace, "").await[0]["unread_count"], 0);
}

#[tokio::test]
async fn what_is_no_number_of_a_message_cannot_be_read_up_to() {
    let (ada, grace, conversation) = two_people().await;
    ada.say(&conversation, "one").await;
    for wrong in [
        json!(2),
        json!(-1),
        json!("x"),
        json!(""),
        json!(1.5),
        json!(null),
        json!(true),
        json!([1]),
        json!(1u64 << 40),
        json!(1e300),
    ] {
        mark_read(&grace, &conversation, wrong.clone()).await.expect(400);
    }
    let path = format!("{CONVERSATIONS}{conversation}/read/");
    grace.client.put(&path, json!({})).await.refuses("number", "This field is required.");
    mark_read(&grace, &conversation, "x").await.refuses("number", "A valid integer is required.");
    assert_eq!(grace.conversation(&conversation).await["read_number"], 0);
}

#[tokio::test]
async fn who_sends_has_read_what_was_there() {
    let (ada, grace, conversation) = two_people().await;
    ada.say(&conversation, "one").await;
    assert_eq!(grace.conversation(&conversation).await["unread_count"], 1);
    grace.say(&conversation, "two").await;
    assert_eq!(grace.conversation(&conversation).await["unread_count"], 0);
    assert_eq!(ada.conversation(&conversation).await["unread_count"], 1);
}

#[tokio::test]
async fn the_inbox_has_numbered_pages() {
    let (ada, mut conversations) = person_with_conversations(5).await;
    conversations.reverse();
    let page = async |query: &str| ada.client.get(&format!("{CONVERSATIONS}?page_size=2&{query}")).await;
    let rows = |page: &Value| each(page["results"].as_array().expect("a list"), "conversation_id");
    for (query, expected) in [
        ("page=1", 0..2),
        ("page=2", 2..4),
        ("page=3", 4..5),
        ("page=last", 4..5),
        ("page=", 0..2),
        ("ordering=-last_activity&page=2", 2..4),
    ] {
        let page = page(query).await.expect(200).json();
        assert_eq!((rows(&page), &page["count"]), (each_text(&conversations[expected]), &json!(5)), "{query}");
    }
    let second = page("page=2").await.json();
    let next = ada.client.get(second["next"].as_str().expect("more")).await.expect(200).json();
    assert_eq!(rows(&next), each_text(&conversations[4..]));
    let previous = ada.client.get(second["previous"].as_str().expect("the way back")).await.expect(200).json();
    assert_eq!(rows(&previous), each_text(&conversations[..2]));
    for query in ["page=4", "page=0", "page=-1", "page=x", "page=1.0", "page=99999999999999999999"] {
        page(query).await.says(404, "Invalid page.");
    }
    let nobody = Person::new("Mallory").await;
    for query in ["page=1", "page=last"] {
        assert_eq!(inbox(&nobody, query).await, [Value::Null; 0]);
    }
}

fn each_text(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
}

#[tokio::test]
async fn conversations_are_found_by_their_title_and_by_the_names_of_the_others() {
    let (ada, grace, edsger) = three_people().await;
    let direct = ada.start(&[&grace], None).await;
    let engines = ada.start(&[&edsger], Some("Analytical Engines")).await;
    let looms = ada.start(&[&edsger, &grace], Some("Looms")).await;
    for (search, expected) in [
        ("gra", vec![&looms, &direct]),
        ("GRACE+test", vec![&looms, &direct]),
        ("eng", vec![&engines]),
        ("looms+edsger", vec![&looms]),
        ("eng+grace", vec![]),
        ("race", vec![]),
        ("ada", vec![]),
        ("+", vec![&looms, &engines, &direct]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(|id| json!(id)).collect();
        for ordering in ["", "&ordering=-last_activity"] {
            let path = format!("{CONVERSATIONS}?search={search}{ordering}");
            let page = ada.client.get(&path).await.expect(200).json();
            let found = each(page["results"].as_array().expect("a list"), "conversation_id");
            assert_eq!(found, expected, "{search}");
            assert_eq!(page["count"].is_null(), search != "+", "how many match is not known");
            assert_eq!((&page["next"], &page["previous"]), (&Value::Null, &Value::Null));
        }
    }
}

#[tokio::test]
async fn walking_through_what_is_found_shows_every_conversation_once_in_both_directions() {
    let (ada, grace) = join(Person::new("Ada"), Person::new("Grace")).await;
    let mut engines = Vec::new();
    for turn in 0..8 {
        let conversation = ada.start(&[&grace], Some(if turn % 3 == 0 { "Loom" } else { "Engine" })).await;
        if turn % 3 != 0 {
            engines.push(conversation);
        }
    }
    engines.reverse();
    let mut link = Some(format!("{CONVERSATIONS}?search=engine&page_size=2"));
    let mut pages = Vec::new();
    while let Some(path) = link {
        let page = ada.client.get(&path).await.expect(200).json();
        link = page["next"].as_str().map(str::to_owned);
        pages.push(page);
    }
    let rows = |page: &Value| each(page["results"].as_array().expect("a list"), "conversation_id");
    assert_eq!(pages.iter().flat_map(rows).collect::<Vec<_>>(), each_text(&engines));
    for (page, next) in pages.iter().zip(&pages[1..]).filter(|(_, next)| next["previous"].is_string()) {
        let back = ada.client.get(next["previous"].as_str().expect("the way back")).await.expect(200).json();
        assert_eq!(rows(&back), rows(page));
    }
    let next = pages[0]["next"].as_str().expect("more").replace("search=engine", "search=loom");
    ada.client.get(&next).await.says(404, "Invalid page.");
    ada.client.get(&format!("{CONVERSATIONS}?search=engine&page=2")).await.says(404, "Invalid page.");
}
