//! Sending messages, with a client key and without.

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Person, each, is_instant, keys, target, two_people};

use super::{BLANK, MESSAGES, NO_CONVERSATION, UNKNOWN, delete, edit, id_of, messages_of, path_of, read, send};

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
async fn whoever_has_left_is_told_nothing_by_a_repeat_not_even_what_they_said() {
    let (ada, grace, alan) = tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Alan"));
    let group = ada.start(&[&grace, &alan], Some("Engines")).await;
    grace.say_with_key(&group, "hello", "k").await.expect(201);
    grace.client.post(&format!("/api/conversations/{group}/leave/"), json!({})).await.expect(204);
    let unknown = grace.say_with_key(&group, "hello", "another key").await.expect(400);
    for body in ["hello", "goodbye"] {
        assert_eq!(grace.say_with_key(&group, body, "k").await.likeness(), unknown.likeness(), "{body}");
    }
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
