//! Starting, reading, listing and leaving conversations, and marking them as read.

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Answer, Person, each, is_instant, keys, target, two_people};
use uuid::Uuid;

const CONVERSATIONS: &str = "/api/conversations/";
const NO_CONVERSATION: &str = "No Conversation matches the given query.";

/// The id of a conversation that never was.
const UNKNOWN: &str = "0195d2a4-6f0e-8000-8000-000000000000";

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
fn stranger() -> String {
    Uuid::new_v4().to_string()
}

async fn start(person: &Person, body: Value) -> Answer {
    person.client.post(CONVERSATIONS, body).await
}

fn id_of(conversation: &Value) -> &str {
    conversation["conversation_id"].as_str().expect("an id")
}

/// Who takes part, in the order shown.
fn participants(conversation: &Value) -> Vec<Value> {
    each(conversation["participants_details"].as_array().expect("a list"), "user")
}

async fn inbox(person: &Person, query: &str) -> Vec<Value> {
    let page = person.client.get(&format!("{CONVERSATIONS}?{query}")).await.expect(200).json();
    page["results"].as_array().expect("a list").clone()
}

async fn mark_read(person: &Person, conversation: &str, number: impl Into<Value>) -> Answer {
    person.client.put(&format!("{CONVERSATIONS}{conversation}/read/"), json!({ "number": number.into() })).await
}

async fn leave(person: &Person, conversation: &str) -> Answer {
    person.client.post(&format!("{CONVERSATIONS}{conversation}/leave/"), json!({})).await
}

async fn three_people() -> (Person, Person, Person) {
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
async fn a_direct_conversation_cannot_be_left() {
    let (ada, _, conversation) = two_people().await;
    let refusal = leave(&ada, &conversation).await.expect(400).json();
    assert!(refusal["detail"].is_string(), "{refusal}");
    ada.conversation(&conversation).await;
}

#[tokio::test]
async fn who_leaves_a_group_is_out_of_it() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&grace, &edsger], Some("Engines")).await;
    grace.say(&group, "farewell").await;
    assert_eq!(leave(&grace, &group).await.expect(204).text, "");

    grace.client.get(&format!("{CONVERSATIONS}{group}/")).await.says(404, NO_CONVERSATION);
    leave(&grace, &group).await.says(404, NO_CONVERSATION);
    assert!(inbox(&grace, "").await.is_empty());
    let body = json!({ "conversation": group, "message_body": "I am back" });
    grace.client.post("/api/messages/", body).await.expect(400);

    let detail = ada.conversation(&group).await;
    assert_eq!(participants(&detail), [&*ada.id, &*edsger.id]);
    assert_eq!(detail["participant_count"], 2);
    assert_eq!(detail["messages"][0]["sender_details"]["first_name"], "Grace", "what was said stays");
}

#[tokio::test]
async fn the_creators_rights_go_to_whoever_has_been_there_longest() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&edsger, &grace], Some("Engines")).await;
    leave(&ada, &group).await.expect(204);
    assert_eq!(grace.conversation(&group).await["created_by"], edsger.id);
    leave(&grace, &group).await.expect(204);
    assert_eq!(edsger.conversation(&group).await["created_by"], edsger.id);
}

#[tokio::test]
async fn the_last_one_to_leave_takes_the_conversation_along() {
    let (ada, grace) = join(Person::new("Ada"), Person::new("Grace")).await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    let message = ada.say(&group, "hello").await;
    leave(&ada, &group).await.expect(204);
    leave(&grace, &group).await.expect(204);
    for person in [&ada, &grace] {
        person.client.get(&format!("{CONVERSATIONS}{group}/")).await.says(404, NO_CONVERSATION);
        assert!(inbox(person, "").await.is_empty());
    }
    let message = message["message_id"].as_str().expect("an id");
    ada.client.get(&format!("/api/messages/{message}/")).await.says(404, "No Message matches the given query.");
}

#[tokio::test]
async fn all_may_leave_at_once() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&grace, &edsger], Some("Engines")).await;
    for answer in join_all([&ada, &grace, &edsger].map(|person| leave(person, &group))).await {
        answer.expect(204);
    }
    assert!(inbox(&grace, "").await.is_empty());
}
