//! Sending, paging, reading, editing and deleting messages.

use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Person, each, is_instant, keys, target, two_people};

const MESSAGES: &str = "/api/messages/";
const NO_CONVERSATION: &str = "No Conversation matches the given query.";
const NO_MESSAGE: &str = "No Message matches the given query.";
const FORBIDDEN: &str = "You do not have permission to perform this action.";
const BLANK: &str = "This field may not be blank.";

/// The id of a conversation that never was.
const UNKNOWN: &str = "0195d2a4-6f0e-8000-8000-000000000000";

/// The id of its first message.
const UNKNOWN_MESSAGE: &str = "0195d2a4-6f0e-8000-8000-000000000001";

async fn send(person: &Person, body: Value) -> Answer {
    person.client.post(MESSAGES, body).await
}

async fn read(person: &Person, message: &Value) -> Answer {
    person.client.get(&path_of(message)).await
}

async fn edit(person: &Person, message: &Value, body: &str) -> Answer {
    person.client.patch(&path_of(message), json!({ "message_body": body })).await
}

async fn delete(person: &Person, message: &Value) -> Answer {
    person.client.delete(&path_of(message)).await
}

fn path_of(message: &Value) -> String {
    format!("{MESSAGES}{}/", id_of(message))
}

fn id_of(message: &Value) -> &str {
    message["message_id"].as_str().expect("an id")
}

fn messages_of(conversation: &str) -> String {
    format!("/api/conversations/{conversation}/messages/")
}

/// Two people whose direct conversation has that many messages from the first of them.
async fn two_people_with(count: usize) -> (Person, Person, String, Vec<Value>) {
    let (ada, grace, conversation) = two_people().await;
    let mut sent = Vec::new();
    for number in 1..=count {
        sent.push(ada.say(&conversation, &format!("message {number}")).await);
    }
    (ada, grace, conversation, sent)
}

async fn page(person: &Person, path: &str) -> Value {
    person.client.get(path).await.expect(200).json()
}

fn numbers(page: &Value) -> Vec<u64> {
    let rows = page["results"].as_array().expect("a list");
    rows.iter().map(|message| message["number"].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn a_message_has_the_shape_that_clients_know() {
    let (ada, _, conversation) = two_people().await;
    let answer =
        send(&ada, json!({ "conversation": conversation, "message_body": "hello 👋 \"Grace\"" })).await.expect(201);
    let shape = answer.in_order();
    let expected = [
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
    assert_eq!(keys(&shape), expected);
    assert_eq!(
        keys(&shape["sender_details"]),
        ["user_id", "first_name", "last_name", "email", "phone_number", "role", "created_at"]
    );

    let message = answer.json();
    assert_eq!(message["message_body"], "hello 👋 \"Grace\"");
    assert_eq!((&message["sender"], &message["conversation"]), (&json!(ada.id), &json!(conversation)));
    assert_eq!((&message["edited_at"], &message["client_key"]), (&Value::Null, &Value::Null));
    assert!(is_instant(&message["sent_at"]));
    assert!(answer.text.contains('👋'), "text is not escaped");
    assert_eq!(answer.header("location"), Some(format!("{}{}", target(), path_of(&message)).as_str()));
    assert_eq!(read(&ada, &message).await.expect(200).json(), message);
}

#[tokio::test]
async fn messages_are_numbered_from_1_and_the_number_ends_their_id() {
    let (ada, grace, conversation) = two_people().await;
    for number in 1..=12_u64 {
        let message = if number % 2 == 0 {
            ada.client.post(&messages_of(&conversation), json!({ "message_body": "nested" })).await.expect(201).json()
        } else {
            grace.say(&conversation, "flat").await
        };
        assert_eq!(message["number"], number);
        let (start, end) = id_of(&message).split_at(26);
        assert_eq!(end, format!("{number:010x}"));
        assert!(conversation.starts_with(start));
    }
}

#[tokio::test]
async fn writers_at_once_leave_every_number_once() {
    let (ada, grace, conversation) = two_people().await;
    let sends =
        (0..16).map(|turn| if turn % 2 == 0 { &ada } else { &grace }).map(|person| person.say(&conversation, "hello"));
    let mut taken: Vec<_> =
        join_all(sends).await.iter().map(|message| message["number"].as_u64().expect("a number")).collect();
    taken.sort_unstable();
    assert_eq!(taken, (1..=16).collect::<Vec<_>>());
    assert_eq!(each(&grace.all_messages(&conversation, "page_size=5").await, "number"), taken);
}

#[tokio::test]
async fn a_body_is_trimmed_and_a_number_becomes_text() {
    let (ada, _, conversation) = two_people().await;
    for (body, said) in [
        (json!("  hello\n there \t"), "hello\n there"),
        (json!(42), "42"),
        (json!(2.5), "2.5"),
        (json!("𝒶".repeat(20_000)), &*"𝒶".repeat(20_000)),
    ] {
        let message =
            send(&ada, json!({ "conversation": conversation, "message_body": body })).await.expect(201).json();
        assert_eq!(message["message_body"], said);
    }
}

#[tokio::test]
async fn a_body_with_nothing_to_say_is_refused_in_these_words() {
    let (ada, _, conversation) = two_people().await;
    let nested = messages_of(&conversation);
    ada.client.post(&nested, json!({})).await.refuses("message_body", "Message body is required");
    send(&ada, json!({ "conversation": conversation })).await.refuses("message_body", "Message body is required");
    for (body, reason) in [
        (json!(null), "This field may not be null."),
        (json!(""), BLANK),
        (json!(" \n\t "), BLANK),
        (json!("\u{200B}\u{FEFF}\u{2060}"), BLANK),
        (json!(true), "Not a valid string."),
        (json!(["hello"]), "Not a valid string."),
        (json!({ "text": "hello" }), "Not a valid string."),
        (json!("a\0b"), "Null characters are not allowed."),
        (json!("a".repeat(20_001)), "Ensure this field has no more than 20000 characters."),
    ] {
        send(&ada, json!({ "conversation": conversation, "message_body": body })).await.refuses("message_body", reason);
        ada.client.post(&nested, json!({ "message_body": body })).await.refuses("message_body", reason);
    }
    assert_eq!(ada.conversation(&conversation).await["last_number"], 0, "a refused send takes no number");
}

#[tokio::test]
async fn a_message_needs_a_conversation() {
    let ada = Person::new("Ada").await;
    let missing = send(&ada, json!({})).await.expect(400).json();
    assert_eq!(
        missing,
        json!({ "conversation": ["This field is required."], "message_body": ["Message body is required"] })
    );
    for (conversation, reason) in [
        (json!(null), "This field may not be null."),
        (json!("abc"), "“abc” is not a valid UUID."),
        (json!(7), "“7” is not a valid UUID."),
        (json!([UNKNOWN]), "Not a valid string."),
        (json!(ada.id), &*format!(r#"Invalid pk "{}" - object does not exist."#, ada.id)),
    ] {
        send(&ada, json!({ "conversation": conversation, "message_body": "hello" }))
            .await
            .refuses("conversation", reason);
    }
}

#[tokio::test]
async fn sending_does_not_tell_a_conversation_of_others_from_none() {
    let (_, _, conversation) = two_people().await;
    let outsider = Person::new("Mallory").await;
    let flat = async |id: &str| send(&outsider, json!({ "conversation": id, "message_body": "hello" })).await;
    let (foreign, unknown) = join(flat(&conversation), flat(UNKNOWN)).await;
    assert_eq!(foreign.text.replace(&conversation, UNKNOWN), unknown.text);
    assert_eq!(foreign.likeness().1, unknown.likeness().1);
    unknown.refuses("conversation", &format!(r#"Invalid pk "{UNKNOWN}" - object does not exist."#));
    foreign.expect(400);

    let nested = async |id: &str| outsider.client.post(&messages_of(id), json!({ "message_body": "hello" })).await;
    let (foreign, unknown) = join(nested(&conversation), nested(UNKNOWN)).await;
    assert_eq!(foreign.likeness(), unknown.likeness());
    foreign.says(404, NO_CONVERSATION);
}

#[tokio::test]
async fn nobody_sends_in_anothers_name() {
    let (ada, grace, conversation) = two_people().await;
    for path in [MESSAGES, &messages_of(&conversation)] {
        let body = |sender: &str| json!({ "conversation": conversation, "message_body": "hello", "sender": sender });
        let refusal = ada.client.post(path, body(&grace.id)).await.expect(400).json();
        assert!(refusal["sender"][0].is_string(), "{refusal}");
        ada.client.post(path, body("abc")).await.refuses("sender", "“abc” is not a valid UUID.");
        let message = ada.client.post(path, body(&ada.id.to_uppercase())).await.expect(201).json();
        assert_eq!(message["sender"], ada.id);
    }
    assert_eq!(grace.conversation(&conversation).await["last_number"], 2);
}

#[tokio::test]
async fn what_the_server_decides_cannot_be_sent() {
    let (ada, _, conversation) = two_people().await;
    let wish = json!({ "message_id": UNKNOWN, "number": 99, "sent_at": "2000-01-01T00:00:00Z", "edited_at": "2000-01-01T00:00:00Z", "client_key": "k" });
    let mut body = json!({ "conversation": conversation, "message_body": "hello" });
    body.as_object_mut().expect("fields").extend(wish.as_object().expect("fields").clone());
    let message = send(&ada, body).await.expect(201).json();
    assert_eq!(
        (&message["number"], &message["edited_at"], &message["client_key"]),
        (&json!(1), &Value::Null, &Value::Null)
    );
    assert_ne!(message["sent_at"], "2000-01-01T00:00:00.000000Z");
}

#[tokio::test]
async fn a_send_with_a_key_can_be_repeated_and_gets_the_same_answer() {
    let (ada, grace, conversation) = two_people().await;
    let first = ada.say_with_key(&conversation, "hello", "order 42 / retry").await.expect(201);
    assert_eq!(first.json()["client_key"], "order 42 / retry");
    ada.say(&conversation, "something else").await;

    let repeated = ada.say_with_key(&conversation, "  hello ", "order 42 / retry").await.expect(200);
    assert_eq!(repeated.text, first.text);
    assert_eq!(repeated.header("location"), None);
    let nested = ada.client.clone().with("idempotency-key", "order 42 / retry");
    let nested = nested.post(&messages_of(&conversation), json!({ "message_body": "hello" })).await.expect(200);
    assert_eq!(nested.text, first.text);

    let seen = grace.all_messages(&conversation, "").await;
    assert_eq!(each(&seen, "message_body"), ["hello", "something else"]);
    assert_eq!(seen[0]["client_key"], Value::Null, "keys are for their sender");
}

#[tokio::test]
async fn a_key_belongs_to_one_body() {
    let (ada, _, conversation) = two_people().await;
    let first = ada.say_with_key(&conversation, "hello", "k").await.expect(201);
    let refusal = ada.say_with_key(&conversation, "goodbye", "k").await.expect(422).json();
    assert!(refusal["detail"].is_string(), "{refusal}");
    assert_eq!(ada.say_with_key(&conversation, "hello", "k").await.expect(200).text, first.text);
    assert_eq!(ada.conversation(&conversation).await["last_number"], 1);
}

#[tokio::test]
async fn a_key_belongs_to_one_sender_in_one_conversation() {
    let (ada, grace, conversation) = two_people().await;
    let elsewhere = ada.start(&[&grace], Some("Engines")).await;
    ada.say_with_key(&conversation, "from Ada", "k").await.expect(201);
    grace.say_with_key(&conversation, "from Grace", "k").await.expect(201);
    ada.say_with_key(&elsewhere, "elsewhere", "k").await.expect(201);
}

#[tokio::test]
async fn a_refused_send_does_not_use_its_key_up() {
    let (ada, _, conversation) = two_people().await;
    ada.say_with_key(&conversation, "  ", "k").await.refuses("message_body", BLANK);
    ada.say_with_key(UNKNOWN, "hello", "k").await.expect(400);
    ada.say_with_key(&conversation, "hello", "k").await.expect(201);
}

#[tokio::test]
async fn a_repeated_send_is_answered_with_what_became_of_the_message() {
    let (ada, _, conversation) = two_people().await;
    let message = ada.say_with_key(&conversation, "hello", "k").await.expect(201).json();
    let edited = edit(&ada, &message, "goodbye").await.expect(200);
    assert_eq!(ada.say_with_key(&conversation, "hello", "k").await.expect(200).text, edited.text);
    ada.say_with_key(&conversation, "goodbye", "k").await.expect(422);

    delete(&ada, &message).await.expect(204);
    let gone = ada.say_with_key(&conversation, "hello", "k").await.expect(200);
    assert_eq!(gone.json(), json!({ "message_id": message["message_id"], "number": 1, "deleted": true }));
}

#[tokio::test]
async fn a_key_is_1_to_255_printable_characters() {
    let (ada, _, conversation) = two_people().await;
    for wrong in [&*"k".repeat(256), "tab\tulator"] {
        let refusal = ada.say_with_key(&conversation, "hello", wrong).await.expect(400).json();
        assert!(refusal["detail"].as_str().is_some_and(|detail| detail.starts_with("Idempotency-Key")), "{refusal}");
    }
    ada.say_with_key(&conversation, "hello", &"k".repeat(255)).await.expect(201);
}

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
async fn a_message_of_others_looks_as_if_it_were_not_there() {
    let (ada, _, conversation, sent) = two_people_with(1).await;
    let outsider = Person::new("Mallory").await;
    let unknown = json!({ "message_id": UNKNOWN_MESSAGE });
    let body = || Some(("application/json", br#"{"message_body":"mine"}"#.to_vec()));
    for (method, body) in [
        (Method::GET, None),
        (Method::PUT, body()),
        (Method::PATCH, body()),
        (Method::PATCH, None),
        (Method::DELETE, None),
    ] {
        let ask = async |message: &Value| outsider.client.send(method.clone(), &path_of(message), body.clone()).await;
        let (foreign, unknown) = join(ask(&sent[0]), ask(&unknown)).await;
        assert_eq!(foreign.likeness(), unknown.likeness(), "{method}");
        foreign.says(404, NO_MESSAGE);
    }
    assert_eq!(read(&ada, &sent[0]).await.expect(200).json(), sent[0]);
    ada.client.get(&format!("{MESSAGES}{conversation}/")).await.says(404, NO_MESSAGE);
    ada.client.get(&format!("{MESSAGES}abc/")).await.says(404, "Not found.");
}

#[tokio::test]
async fn its_sender_edits_a_message_and_only_its_body() {
    let (ada, grace, conversation, sent) = two_people_with(2).await;
    let elsewhere = ada.start(&[&grace], Some("Engines")).await;
    for (method, message, body) in [(Method::PUT, &sent[0], "by PUT"), (Method::PATCH, &sent[1], "by PATCH")] {
        let wish = json!({
            "message_body": format!(" {body} "), "conversation": elsewhere, "sender": grace.id, "number": 9, "sent_at": "2000-01-01T00:00:00Z",
        });
        let answer = ada
            .client
            .send(method, &path_of(message), Some(("application/json", wish.to_string().into_bytes())))
            .await
            .expect(200);
        let edited = answer.json();
        assert!(is_instant(&edited["edited_at"]));
        let mut expected = message.clone();
        expected["message_body"] = json!(body);
        expected["edited_at"] = edited["edited_at"].clone();
        assert_eq!(edited, expected);
        assert_eq!(read(&grace, message).await.json(), expected);
    }
    assert_eq!(grace.conversation(&conversation).await["last_number"], 2, "an edit is no message");
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_none() {
    let (ada, _, _, sent) = two_people_with(1).await;
    assert_eq!(edit(&ada, &sent[0], " message 1 ").await.expect(200).json(), sent[0]);
    let edited = edit(&ada, &sent[0], "other").await.expect(200);
    assert_eq!(edit(&ada, &sent[0], "other").await.expect(200).text, edited.text);
}

#[tokio::test]
async fn an_edit_is_judged_as_a_send_is() {
    let (ada, _, _, sent) = two_people_with(1).await;
    let edit = async |body: Value| ada.client.put(&path_of(&sent[0]), body).await;
    edit(json!({})).await.refuses("message_body", "Message body is required");
    edit(json!({ "message_body": " \u{200B}" })).await.refuses("message_body", BLANK);
    edit(json!({ "message_body": null })).await.refuses("message_body", "This field may not be null.");
    edit(json!({ "message_body": "a".repeat(20_001) }))
        .await
        .refuses("message_body", "Ensure this field has no more than 20000 characters.");
    assert_eq!(read(&ada, &sent[0]).await.json(), sent[0]);
}

#[tokio::test]
async fn nobody_edits_or_deletes_the_messages_of_others() {
    let (ada, grace, conversation, sent) = two_people_with(1).await;
    let nested = format!("{}{}/", messages_of(&conversation), id_of(&sent[0]));
    for path in [&path_of(&sent[0]), &nested] {
        grace.client.put(path, json!({ "message_body": "mine" })).await.says(403, FORBIDDEN);
        grace.client.patch(path, json!({ "message_body": "message 1" })).await.says(403, FORBIDDEN);
        grace.client.patch(path, json!({})).await.says(403, FORBIDDEN);
        grace.client.delete(path).await.says(403, FORBIDDEN);
    }
    assert_eq!(read(&ada, &sent[0]).await.json(), sent[0]);
}

#[tokio::test]
async fn a_deleted_message_is_gone_for_all() {
    let (ada, grace, conversation, sent) = two_people_with(3).await;
    assert_eq!(delete(&ada, &sent[1]).await.expect(204).text, "");
    for person in [&ada, &grace] {
        read(person, &sent[1]).await.says(404, NO_MESSAGE);
        delete(person, &sent[1]).await.says(404, NO_MESSAGE);
        edit(person, &sent[1], "again").await.says(404, NO_MESSAGE);
        assert_eq!(each(&person.all_messages(&conversation, "").await, "number"), [1, 3]);
        assert_eq!(
            each(person.conversation(&conversation).await["messages"].as_array().expect("a list"), "number"),
            [1, 3]
        );
    }
    assert_eq!(ada.say(&conversation, "the next").await["number"], 4, "its number is not given again");
}

#[tokio::test]
async fn deleting_moves_neither_read_marks_nor_unread_counts() {
    let (ada, grace, conversation, sent) = two_people_with(3).await;
    delete(&ada, &sent[0]).await.expect(204);
    delete(&ada, &sent[2]).await.expect(204);
    let detail = grace.conversation(&conversation).await;
    assert_eq!((&detail["unread_count"], &detail["last_number"]), (&json!(3), &json!(3)));
    assert_eq!(detail["last_message"], sent[1], "the newest that is there");
    let inbox = page(&grace, "/api/conversations/").await;
    assert_eq!((&inbox["results"][0]["unread_count"], &inbox["results"][0]["last_message"]), (&json!(3), &sent[1]));
    let marked = grace
        .client
        .put(&format!("/api/conversations/{conversation}/read/"), json!({ "number": 3 }))
        .await
        .expect(200)
        .json();
    assert_eq!(marked["unread_count"], 0);
}

#[tokio::test]
async fn an_edit_never_brings_a_deleted_message_back() {
    let (ada, _, conversation, sent) = two_people_with(6).await;
    join_all(sent.iter().map(async |message| {
        let (edited, deleted) = join(edit(&ada, message, "edited"), delete(&ada, message)).await;
        assert!([200, 404].contains(&edited.status), "{}", edited.text);
        deleted.expect(204);
        read(&ada, message).await.says(404, NO_MESSAGE);
    }))
    .await;
    assert!(ada.all_messages(&conversation, "").await.is_empty());
}

#[tokio::test]
async fn of_edits_at_once_the_last_one_stands() {
    let (ada, _, _, sent) = two_people_with(1).await;
    let bodies: Vec<String> = (0..6).map(|turn| format!("edit {turn}")).collect();
    let answers = join_all(bodies.iter().map(|body| edit(&ada, &sent[0], body))).await;
    let edited: Vec<Value> = answers.into_iter().map(|answer| answer.expect(200).json()).collect();
    assert_eq!(each(&edited, "message_body"), bodies, "each is answered with its own");
    assert!(edited.contains(&read(&ada, &sent[0]).await.json()));
}

#[tokio::test]
async fn a_message_has_an_address_below_its_conversation_and_no_other() {
    let (ada, grace, conversation, sent) = two_people_with(1).await;
    let elsewhere = ada.start(&[&grace], Some("Engines")).await;
    let below = |conversation: &str| format!("{}{}/", messages_of(conversation), id_of(&sent[0]));
    for wrong in [&elsewhere, UNKNOWN] {
        ada.client.get(&below(wrong)).await.says(404, NO_MESSAGE);
        ada.client.put(&below(wrong), json!({ "message_body": "x" })).await.says(404, NO_MESSAGE);
        ada.client.patch(&below(wrong), json!({ "message_body": "x" })).await.says(404, NO_MESSAGE);
        ada.client.delete(&below(wrong)).await.says(404, NO_MESSAGE);
    }
    ada.client.get(&below("abc")).await.says(404, "Not found.");

    let path = below(&conversation);
    assert_eq!(ada.client.get(&path).await.expect(200).json(), sent[0]);
    ada.client.patch(&path, json!({ "message_body": "edited" })).await.expect(200);
    assert_eq!(grace.client.get(&path).await.expect(200).json()["message_body"], "edited");
    ada.client.delete(&path).await.expect(204);
    ada.client.get(&path).await.says(404, NO_MESSAGE);
}

#[tokio::test]
async fn an_amendment_of_nothing_changes_nothing_and_is_for_the_sender_only() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let conversation = ada.start(&[&grace], None).await;
    let message = ada.say(&conversation, "Hello").await;
    let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    assert_eq!(ada.client.patch(&path, json!({})).await.expect(200).json(), message);
    grace.client.patch(&path, json!({})).await.expect(403);
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
