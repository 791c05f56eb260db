//! Starting and reading conversations.

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Answer, Person, each, is_instant, keys, target, two_people};
use uuid::Uuid;

pub(crate) const CONVERSATIONS: &str = "/api/conversations/";

pub(crate) const NO_CONVERSATION: &str = "No Conversation matches the given query.";

/// The id of a conversation that never was.
pub(crate) const UNKNOWN: &str = "0195d2a4-6f0e-8000-8000-000000000000";

const USER: [&str; 7] = ["user_id", "first_name", "last_name", "email", "phone_number", "role", "created_at"];

const MESSAGE: [&str; 9] = [
    "message_id",
    "sender",
    "sender_details",
    "conversation",
    "message_body",
    "sent_at",
    "number",
    "edited_at",
    "client_key",
];

/// The id of somebody who never was.
pub(crate) fn stranger() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) async fn start(person: &Person, body: Value) -> Answer {
    person.client.post(CONVERSATIONS, body).await
}

pub(crate) fn id_of(conversation: &Value) -> &str {
    conversation["conversation_id"].as_str().expect("an id")
}

/// Who takes part, in the order shown.
pub(crate) fn participants(conversation: &Value) -> Vec<Value> {
    each(conversation["participants_details"].as_array().expect("a list"), "user")
}

pub(crate) async fn inbox(person: &Person, query: &str) -> Vec<Value> {
    let page = person.client.get(&format!("{CONVERSATIONS}?{query}")).await.expect(200).json();
    page["results"].as_array().expect("a list").clone()
}

pub(crate) async fn three_people() -> (Person, Person, Person) {
    tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Edsger"))
}

#[tokio::test]
async fn two_people_have_one_direct_conversation_whoever_starts_it() {
    let (ada, grace) = join(Person::new("Ada"), Person::new("Grace")).await;
    let first = start(&ada, json!({ "participant_ids": [grace.id] })).await.expect(201);
    let conversation = first.json();
    assert_eq!(
        first.header("location"),
        Some(format!("{}{CONVERSATIONS}{}/", target(), id_of(&conversation)).as_str())
    );
    assert_eq!(participants(&conversation), [ada.id.as_str(), &grace.id]);

    let again = start(&ada, json!({ "participant_ids": [grace.id], "title": "  " })).await.expect(200);
    let from_the_other =
        start(&grace, json!({ "participant_ids": [grace.id, ada.id.to_uppercase()] })).await.expect(200);
    assert_eq!(again.header("location"), None);
    assert_eq!(again.json(), conversation);
    assert_eq!(id_of(&from_the_other.json()), id_of(&conversation));
}

#[tokio::test]
async fn two_people_who_race_to_start_talking_get_one_conversation() {
    let (ada, grace) = join(Person::new("Ada"), Person::new("Grace")).await;
    let starts = (0..8).map(|turn| {
        let (starter, other) = if turn % 2 == 0 { (&ada, &grace) } else { (&grace, &ada) };
        start(starter, json!({ "participant_ids": [other.id] }))
    });
    let answers = join_all(starts).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    let mut ids: Vec<_> = answers.iter().map(|answer| id_of(&answer.json()).to_owned()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(inbox(&grace, "").await.len(), 1);
}

#[tokio::test]
async fn a_group_has_a_title_and_counts_its_creator() {
    let (ada, grace, edsger) = three_people().await;
    let body = json!({ "participant_ids": [edsger.id, grace.id], "title": "  Engines  " });
    let group = start(&ada, body.clone()).await.expect(201).json();
    assert_eq!((&group["title"], &group["created_by"]), (&json!("Engines"), &json!(ada.id)));
    assert_eq!(group["participant_count"], 3);
    assert_eq!(participants(&group), [&*ada.id, &*edsger.id, &*grace.id], "in the order of joining");
    assert_ne!(
        start(&ada, body).await.expect(201).json()["conversation_id"],
        group["conversation_id"],
        "groups may be alike"
    );
}

#[tokio::test]
async fn a_titled_conversation_of_two_stands_beside_their_direct_one() {
    let (ada, grace, direct) = two_people().await;
    let titled = start(&ada, json!({ "participant_ids": [grace.id], "title": "Engines" })).await.expect(201).json();
    assert_ne!(id_of(&titled), direct);
    assert_eq!(ada.start(&[&grace], None).await, direct);
}

#[tokio::test]
async fn whom_one_names_twice_takes_part_once() {
    let (ada, grace, edsger) = three_people().await;
    let named = [&*grace.id, &grace.id.to_uppercase(), &ada.id, &edsger.id, &grace.id.replace('-', "")];
    let group = start(&ada, json!({ "participant_ids": named })).await.expect(201).json();
    assert_eq!(participants(&group), [&*ada.id, &*grace.id, &*edsger.id]);
}

#[tokio::test]
async fn a_list_of_participants_that_is_none_is_refused_in_these_words() {
    let ada = Person::new("Ada").await;
    start(&ada, json!({})).await.refuses("participant_ids", "At least one participant ID is required");
    for (list, reason) in [
        (json!(null), "This field may not be null."),
        (json!([]), "At least one participant is required."),
        (json!("abc"), r#"Expected a list of items but got type "str"."#),
        (json!(1), r#"Expected a list of items but got type "int"."#),
        (json!({}), r#"Expected a list of items but got type "dict"."#),
        (json!([ada.id]), "A conversation must have at least 2 participants."),
        (json!([ada.id, stranger()]), "One or more participant IDs are invalid."),
    ] {
        start(&ada, json!({ "participant_ids": list })).await.refuses("participant_ids", reason);
    }
}

#[tokio::test]
async fn wrong_participants_are_told_by_their_place() {
    let ada = Person::new("Ada").await;
    let answer = start(&ada, json!({ "participant_ids": [ada.id, "abc", null, 7] })).await.expect(400);
    let reasons = json!({
        "1": ["“abc” is not a valid UUID."],
        "2": ["This field may not be null."],
        "3": ["“7” is not a valid UUID."],
    });
    assert_eq!(answer.json(), json!({ "participant_ids": reasons }));
}

#[tokio::test]
async fn more_than_250_cannot_take_part() {
    let ada = Person::new("Ada").await;
    for count in [250, 2000] {
        let strangers: Vec<String> = (0..count).map(|_| stranger()).collect();
        let refusal = start(&ada, json!({ "participant_ids": strangers })).await.expect(400).json();
        assert!(refusal["participant_ids"][0].is_string(), "{refusal}");
    }
}

#[tokio::test]
async fn a_title_is_a_text_of_at_most_200_characters() {
    let (ada, grace) = join(Person::new("Ada"), Person::new("Grace")).await;
    for (title, reason) in [
        (json!("é".repeat(201)), "Ensure this field has no more than 200 characters."),
        (json!(["Engines"]), "Not a valid string."),
        (json!("a\0b"), "Null characters are not allowed."),
    ] {
        start(&ada, json!({ "participant_ids": [grace.id], "title": title })).await.refuses("title", reason);
    }
    start(&ada, json!({ "participant_ids": [grace.id], "title": "é".repeat(200) })).await.expect(201);
}

#[tokio::test]
async fn a_conversation_that_could_not_be_started_leaves_nothing_behind() {
    let (ada, grace) = join(Person::new("Ada"), Person::new("Grace")).await;
    start(&ada, json!({ "participant_ids": [grace.id, stranger()], "title": "Engines" })).await.expect(400);
    assert!(inbox(&ada, "").await.is_empty());
    assert!(inbox(&grace, "").await.is_empty());
}

#[tokio::test]
async fn a_conversation_has_the_shape_that_clients_know() {
    let (ada, grace, conversation) = two_people().await;
    let sent = ada.say(&conversation, "hello").await;
    let answer = grace.client.get(&format!("{CONVERSATIONS}{conversation}/")).await.expect(200);
    let shape = answer.in_order();
    let expected = [
        "conversation_id",
        "participants_details",
        "messages",
        "participant_count",
        "last_message",
        "created_at",
        "title",
        "created_by",
        "unread_count",
        "read_number",
        "last_number",
        "messages_url",
        "changes",
    ];
    assert_eq!(keys(&shape), expected);
    assert_eq!(keys(&shape["participants_details"][0]), ["id", "user", "user_details", "joined_at"]);
    assert_eq!(keys(&shape["participants_details"][0]["user_details"]), USER);
    assert_eq!(keys(&shape["messages"][0]), MESSAGE);
    assert_eq!(keys(&shape["messages"][0]["sender_details"]), USER);
    assert_eq!(keys(&shape["last_message"]), MESSAGE);

    let detail = answer.json();
    assert!(is_instant(&detail["created_at"]) && is_instant(&detail["participants_details"][0]["joined_at"]));
    assert!(detail["participants_details"][0]["id"].as_str().is_some_and(|id| Uuid::parse_str(id).is_ok()));
    assert_eq!(detail["messages"], json!([sent]));
    assert_eq!(detail["last_message"], sent);
    assert_eq!(
        (&detail["unread_count"], &detail["read_number"], &detail["last_number"]),
        (&json!(1), &json!(0), &json!(1))
    );
    assert_eq!(detail["messages_url"], format!("{}{CONVERSATIONS}{conversation}/messages/", target()));
    assert!(detail["changes"].is_string() && detail["title"].is_null());
}

#[tokio::test]
async fn an_empty_conversation_has_no_last_message() {
    let (ada, _, conversation) = two_people().await;
    let detail = ada.conversation(&conversation).await;
    assert_eq!((&detail["last_message"], &detail["messages"]), (&Value::Null, &json!([])));
    let row = &inbox(&ada, "").await[0];
    assert_eq!((&row["last_message"], &row["last_activity"]), (&Value::Null, &row["created_at"]));
}

#[tokio::test]
async fn a_conversation_shows_its_latest_50_messages_only() {
    let (ada, _, conversation) = two_people().await;
    join_all((0..52).map(|_| ada.say(&conversation, "hello"))).await;
    let detail = ada.conversation(&conversation).await;
    let numbers = each(detail["messages"].as_array().expect("a list"), "number");
    assert_eq!(numbers, (3..=52).collect::<Vec<_>>());
    assert_eq!(detail["last_message"]["number"], 52);
}

#[tokio::test]
async fn a_conversation_of_others_looks_as_if_it_were_not_there() {
    let (_, _, conversation) = two_people().await;
    let outsider = Person::new("Mallory").await;
    for (method, rest, body) in [
        (reqwest::Method::GET, "", None),
        (reqwest::Method::GET, "messages/", None),
        (reqwest::Method::GET, "messages/?cursor=abc", None),
        (reqwest::Method::POST, "messages/", Some(json!({ "message_body": "hello" }))),
        (reqwest::Method::POST, "messages/", Some(json!({}))),
        (reqwest::Method::PUT, "read/", Some(json!({ "number": 0 }))),
        (reqwest::Method::PUT, "read/", Some(json!({ "number": "x" }))),
        (reqwest::Method::POST, "leave/", None),
        (reqwest::Method::POST, "add_participant/", Some(json!({ "user_id": outsider.id }))),
        (reqwest::Method::POST, "add_participant/", Some(json!({}))),
        (reqwest::Method::POST, "remove_participant/", Some(json!({ "user_id": stranger() }))),
        (reqwest::Method::POST, "remove_participant/", Some(json!([]))),
        (reqwest::Method::PUT, "", Some(json!({ "title": "Mine" }))),
        (reqwest::Method::PATCH, "", Some(json!({ "title": "é".repeat(201) }))),
        (reqwest::Method::DELETE, "", None),
    ] {
        let ask = async |id: &str| {
            let body = body.as_ref().map(|body| ("application/json", body.to_string().into_bytes()));
            outsider.client.send(method.clone(), &format!("{CONVERSATIONS}{id}/{rest}"), body).await
        };
        let (foreign, unknown) = join(ask(&conversation), ask(UNKNOWN)).await;
        assert_eq!(foreign.likeness(), unknown.likeness(), "{method} {rest}");
        foreign.says(404, NO_CONVERSATION);
    }
}

#[tokio::test]
async fn a_conversation_is_found_by_any_spelling_of_its_id_and_by_nothing_else() {
    let (ada, _, conversation) = two_people().await;
    let message = ada.say(&conversation, "hello").await;
    let read = async |id: &str| ada.client.get(&format!("{CONVERSATIONS}{id}/")).await;
    for spelling in [conversation.to_uppercase(), conversation.replace('-', "")] {
        assert_eq!(read(&spelling).await.expect(200).json()["conversation_id"], conversation);
    }
    for other_id in [message["message_id"].as_str().expect("an id"), &ada.id, &Uuid::new_v4().to_string()] {
        read(other_id).await.says(404, NO_CONVERSATION);
    }
    for text in ["abc", "%00", "0"] {
        read(text).await.says(404, "Not found.");
    }
}
