//! Filters, search and numbered pages of one conversation's messages.

use serde_json::{Value, json};
use tests::{Person, each, encoded, two_people};

use super::{NO_CONVERSATION, delete, messages_of, numbers, page, two_people_with};

/// Two people who said these things in turn.
async fn who_said(bodies: &[&str]) -> (Person, Person, String, Vec<Value>) {
    let (ada, grace, conversation) = two_people().await;
    let mut sent = Vec::new();
    for (turn, body) in bodies.iter().enumerate() {
        sent.push(if turn % 2 == 0 { &ada } else { &grace }.say(&conversation, body).await);
    }
    (ada, grace, conversation, sent)
}

#[tokio::test]
async fn words_are_found_by_their_beginnings_in_both_orders() {
    let bodies =
        ["The Analytical Engine", "weaves algebraic patterns", "an ENGINEER's work", "the pattern", "Motorengine"];
    let (ada, _, conversation, _) = who_said(&bodies).await;
    let found = async |query: &str| {
        let page = page(&ada, &format!("{}?{query}", messages_of(&conversation))).await;
        assert_eq!(page["count"], Value::Null);
        numbers(&page)
    };
    assert_eq!(found("search=engine").await, [1, 3]);
    assert_eq!(found("search=engine&ordering=-number").await, [3, 1]);
    assert_eq!(found("search=the+PATT").await, [4]);
    assert_eq!(found("search=nothing").await, [0; 0]);
    assert_eq!(found(&format!("search={}", encoded("engineer's"))).await, [3]);
    let all = page(&ada, &format!("{}?search=%20", messages_of(&conversation))).await;
    assert_eq!((numbers(&all), &all["count"]), ((1..=5).collect(), &json!(5)), "nothing is looked for");
}

#[tokio::test]
async fn messages_are_filtered_by_sender_and_by_when_they_were_sent() {
    let (ada, grace, conversation, sent) = two_people_with(6).await;
    grace.say(&conversation, "from Grace").await;
    let at = |index: usize| encoded(sent[index]["sent_at"].as_str().expect("an instant"));
    let found = async |query: String| {
        let numbers = numbers(&page(&ada, &format!("{}?{query}", messages_of(&conversation))).await);
        let mut reversed = page(&ada, &format!("{}?{query}&ordering=-number", messages_of(&conversation))).await;
        reversed["results"].as_array_mut().expect("a list").reverse();
        assert_eq!(super::numbers(&reversed), numbers, "{query}");
        numbers
    };
    assert_eq!(found(format!("sender={}", grace.id)).await, [7]);
    assert_eq!(found(format!("sender={}&search=message", ada.id.to_uppercase())).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(found(format!("sent_after={}&sent_before={}", at(1), at(4))).await, [3, 4], "both are exclusive");
    assert_eq!(found(format!("sent_after={}", at(4))).await, [6, 7]);
    assert_eq!(found("sent_before=2001-01-01".to_owned()).await, [0; 0]);
    assert_eq!(found("sent_after=2001-01-01&sent_before=&sender=&search=".to_owned()).await.len(), 7);
    assert_eq!(found(format!("sent_before={}&sender={}&after=1&before=5", at(5), ada.id)).await, [2, 3, 4]);
}

#[tokio::test]
async fn what_is_found_is_walked_through_in_both_directions() {
    let (ada, _, conversation) = two_people().await;
    for turn in 0..40_u64 {
        ada.say(&conversation, if turn % 4 == 0 { "needle" } else { "hay" }).await;
    }
    let expected: Vec<u64> = (0..40).filter(|turn| turn % 4 == 0).map(|turn| turn + 1).collect();
    for page_size in [1, 3, 10, 20] {
        let found = ada.all_messages(&conversation, &format!("search=needle&page_size={page_size}")).await;
        assert_eq!(each(&found, "number"), expected);
        let query = format!("search=needle&page_size={page_size}&ordering=-number");
        let mut found = each(&ada.all_messages(&conversation, &query).await, "number");
        found.reverse();
        assert_eq!(found, expected);
    }
    let second = page(&ada, &format!("{}?search=needle&page_size=4", messages_of(&conversation))).await;
    let second = page(&ada, second["next"].as_str().expect("there is more")).await;
    let back = page(&ada, second["previous"].as_str().expect("there was something before")).await;
    assert_eq!(numbers(&back), expected[..4]);
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_refused_all_of_it_at_once() {
    let (ada, _, conversation) = two_people().await;
    let wrong = "sender=abc&sent_after=yesterday&sent_before=2026-13-01";
    let expected = json!({
        "sender": ["“abc” is not a valid UUID."],
        "sent_after": ["Enter a valid date/time."],
        "sent_before": ["Enter a valid date/time."],
    });
    for path in [&messages_of(&conversation), "/api/messages/"] {
        assert_eq!(ada.client.get(&format!("{path}?{wrong}")).await.expect(400).json(), expected);
        for wrong in ["2026-01-01T12:00:00", "12:00", "0"] {
            let refused = ada.client.get(&format!("{path}?sent_after={wrong}")).await;
            refused.refuses("sent_after", "Enter a valid date/time.");
        }
    }
    let outsider = Person::new("Mallory").await;
    outsider.client.get(&format!("{}?{wrong}", messages_of(&conversation))).await.says(404, NO_CONVERSATION);
}

#[tokio::test]
async fn numbered_pages_hold_the_numbers_that_are_theirs() {
    let (ada, grace, conversation, sent) = two_people_with(9).await;
    delete(&ada, &sent[1]).await.expect(204);
    delete(&ada, &sent[3]).await.expect(204);
    let path = messages_of(&conversation);
    let numbered = async |number: u64| page(&grace, &format!("{path}?page_size=4&page={number}")).await;
    assert_eq!(numbers(&numbered(1).await), [1, 3]);
    assert_eq!(numbers(&numbered(2).await), [5, 6, 7, 8]);
    let last = numbered(3).await;
    assert_eq!((numbers(&last), &last["count"], &last["next"]), (vec![9], &json!(7), &Value::Null));
    let next = numbered(1).await["next"].as_str().expect("there is more").to_owned();
    assert_eq!(numbers(&page(&grace, &next).await), [5, 6, 7, 8]);
    let back = numbered(2).await["previous"].as_str().expect("there is something before").to_owned();
    assert_eq!(numbers(&page(&grace, &back).await), [1, 3]);
    for query in [
        "page_size=4&page=4",
        "page=2",
        "page=0",
        "page=18446744073709551615",
        "ordering=-number&page=2&page_size=4",
        "after=1&page=2&page_size=1",
        "search=message&page=2&page_size=1",
    ] {
        grace.client.get(&format!("{path}?{query}")).await.says(404, "Invalid page.");
    }
    let empty = grace.start(&[&ada], Some("Engines")).await;
    assert_eq!(numbers(&page(&grace, &format!("{}?page=1", messages_of(&empty))).await), [0; 0]);
}
