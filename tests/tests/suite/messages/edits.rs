//! Reading, editing and deleting messages.

use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Person, each, is_instant};

use super::{
    BLANK, FORBIDDEN, MESSAGES, NO_MESSAGE, UNKNOWN, UNKNOWN_MESSAGE, delete, edit, id_of, messages_of, page, path_of,
    read, two_people_with,
};

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
