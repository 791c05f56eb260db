//! Who takes part in a group: joining, leaving, being taken out; and what the group is called.

use futures::future::{join, join_all};
use serde_json::{Value, json};
use tests::{Answer, Person, two_people};

use crate::conversations::{CONVERSATIONS, NO_CONVERSATION, inbox, participants, stranger, three_people};

const NOT_ALLOWED: &str = "You do not have permission to perform this action.";

pub(crate) async fn add(person: &Person, conversation: &str, body: Value) -> Answer {
    person.client.post(&format!("{CONVERSATIONS}{conversation}/add_participant/"), body).await
}

pub(crate) async fn remove(person: &Person, conversation: &str, body: Value) -> Answer {
    person.client.post(&format!("{CONVERSATIONS}{conversation}/remove_participant/"), body).await
}

pub(crate) async fn rename(person: &Person, conversation: &str, body: Value) -> Answer {
    person.client.patch(&format!("{CONVERSATIONS}{conversation}/"), body).await
}

pub(crate) async fn delete(person: &Person, conversation: &str) -> Answer {
    person.client.delete(&format!("{CONVERSATIONS}{conversation}/")).await
}

pub(crate) fn naming(person: &Person) -> Value {
    json!({ "user_id": person.id })
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, sentence: &str) {
    assert_eq!((answer.status, answer.json()), (status, json!({ "error": sentence })));
}

pub(crate) async fn leave(person: &Person, conversation: &str) -> Answer {
    person.client.post(&format!("{CONVERSATIONS}{conversation}/leave/"), json!({})).await
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

#[tokio::test]
async fn who_is_added_sees_everything_and_has_nothing_unread() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    for body in ["one", "two"] {
        grace.say(&group, body).await;
    }
    let added = add(&ada, &group, naming(&edsger)).await.expect(200);
    assert_eq!(added.json(), json!({ "message": "Participant added successfully" }));

    let seen = edsger.conversation(&group).await;
    assert_eq!(participants(&seen), [&*ada.id, &*grace.id, &*edsger.id], "in the order of joining");
    assert_eq!(seen["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!((&seen["unread_count"], &seen["read_number"], &seen["last_number"]), (&json!(0), &json!(2), &json!(2)));
    edsger.say(&group, "three").await;
    assert_eq!(inbox(&edsger, "").await[0]["participant_count"], 3);
    assert_eq!(inbox(&ada, "").await[0]["unread_count"], 3);
}

#[tokio::test]
async fn adding_is_judged_by_who_asks_then_by_what_is_asked() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    for body in [naming(&edsger), naming(&ada), json!({}), json!([]), json!({ "user_id": "abc" })] {
        add(&grace, &group, body.clone()).await.says(403, NOT_ALLOWED);
        add(&edsger, &group, body).await.says(404, NO_CONVERSATION);
    }
    for body in [json!({}), json!({ "user_id": null }), json!({ "user_id": "" }), json!({ "user": edsger.id })] {
        assert_error(&add(&ada, &group, body).await, 400, "user_id is required");
    }
    for name in [json!("abc"), json!(stranger()), json!(7), json!([edsger.id]), json!({}), json!(group)] {
        assert_error(&add(&ada, &group, json!({ "user_id": name })).await, 404, "User not found");
    }
    for person in [&ada, &grace] {
        assert_error(&add(&ada, &group, naming(person)).await, 400, "User is already a participant");
    }
    let direct = ada.start(&[&grace], None).await;
    for body in [naming(&edsger), naming(&grace), json!({}), json!({ "user_id": "abc" })] {
        assert_error(&add(&ada, &direct, body).await, 400, "A direct conversation cannot grow.");
    }
    assert_eq!(ada.conversation(&group).await["participant_count"], 2);
}

#[tokio::test]
async fn who_is_removed_is_out_and_may_be_added_again() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&grace, &edsger], Some("Engines")).await;
    grace.say(&group, "hello").await;
    let removed = remove(&ada, &group, naming(&grace)).await.expect(200);
    assert_eq!(removed.json(), json!({ "message": "Participant removed successfully" }));

    grace.client.get(&format!("{CONVERSATIONS}{group}/")).await.says(404, NO_CONVERSATION);
    assert!(inbox(&grace, "").await.is_empty());
    assert_eq!(participants(&ada.conversation(&group).await), [&*ada.id, &*edsger.id]);
    assert_error(&remove(&ada, &group, naming(&grace)).await, 400, "User is not a participant");

    ada.say(&group, "meanwhile").await;
    add(&ada, &group, json!({ "user_id": grace.id.to_uppercase() })).await.expect(200);
    let seen = grace.conversation(&group).await;
    assert_eq!(participants(&seen), [&*ada.id, &*edsger.id, &*grace.id]);
    assert_eq!((&seen["unread_count"], &seen["last_number"]), (&json!(0), &json!(2)));
}

#[tokio::test]
async fn removing_is_judged_by_who_asks_then_by_what_is_asked() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    for body in [naming(&ada), naming(&grace), json!({}), json!([]), json!({ "user_id": "abc" })] {
        remove(&grace, &group, body.clone()).await.says(403, NOT_ALLOWED);
        remove(&edsger, &group, body).await.says(404, NO_CONVERSATION);
    }
    assert_error(&remove(&ada, &group, json!({})).await, 400, "user_id is required");
    for name in [json!("abc"), json!(stranger()), json!(7)] {
        assert_error(&remove(&ada, &group, json!({ "user_id": name })).await, 404, "User not found");
    }
    assert_error(&remove(&ada, &group, naming(&edsger)).await, 400, "User is not a participant");
    let oneself = "You cannot remove yourself: leave the conversation instead.";
    assert_error(&remove(&ada, &group, naming(&ada)).await, 400, oneself);
    let direct = ada.start(&[&grace], None).await;
    for body in [naming(&grace), naming(&ada), json!({})] {
        let refusal = "Nobody can be removed from a direct conversation.";
        assert_error(&remove(&ada, &direct, body).await, 400, refusal);
    }
    assert_eq!(ada.conversation(&group).await["participant_count"], 2);
}

#[tokio::test]
async fn a_group_is_renamed_by_its_creator() {
    let (ada, grace, _) = three_people().await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    let renamed = rename(&ada, &group, json!({ "title": "  Looms  ", "created_by": grace.id })).await.expect(200);
    assert_eq!(renamed.json(), ada.conversation(&group).await);
    assert_eq!((&renamed.json()["title"], &renamed.json()["created_by"]), (&json!("Looms"), &json!(ada.id)));
    let path = format!("{CONVERSATIONS}{group}/");
    for (body, title) in [
        (json!({}), json!("Looms")),
        (json!({ "title": " " }), json!(null)),
        (json!({ "title": 7 }), json!("7")),
        (json!({ "title": null }), json!(null)),
    ] {
        assert_eq!(ada.client.put(&path, body.clone()).await.expect(200).json()["title"], title, "{body}");
        assert_eq!(inbox(&grace, "").await[0]["title"], title);
    }
}

#[tokio::test]
async fn renaming_is_judged_by_who_asks_then_by_what_is_asked() {
    let (ada, grace, direct) = two_people().await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    for body in [json!({ "title": "Looms" }), json!({}), json!([]), json!({ "title": "é".repeat(201) })] {
        rename(&grace, &group, body).await.says(403, NOT_ALLOWED);
    }
    let too_long = "Ensure this field has no more than 200 characters.";
    rename(&ada, &group, json!({ "title": "é".repeat(201) })).await.refuses("title", too_long);
    rename(&ada, &group, json!({ "title": ["Looms"] })).await.refuses("title", "Not a valid string.");
    rename(&ada, &direct, json!({ "title": "Us" })).await.refuses("title", "A direct conversation has no title.");
    for body in [json!({}), json!({ "title": null }), json!({ "title": "" })] {
        rename(&ada, &direct, body).await.expect(200);
    }
    assert_eq!(ada.conversation(&group).await["title"], "Engines");
}

#[tokio::test]
async fn a_title_that_a_group_has_already_is_no_change() {
    let (ada, grace, _) = three_people().await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    let changes = ada.conversation(&group).await["changes"].clone();
    for body in [json!({ "title": "Engines" }), json!({ "title": " Engines " }), json!({})] {
        assert_eq!(rename(&ada, &group, body).await.expect(200).json()["changes"], changes);
    }
    let renamed = rename(&ada, &group, json!({ "title": "Looms" })).await.expect(200).json();
    assert_ne!(renamed["changes"], changes);
}

#[tokio::test]
async fn a_deleted_conversation_is_gone_for_everybody() {
    let (ada, grace, edsger) = three_people().await;
    let group = ada.start(&[&grace, &edsger], Some("Engines")).await;
    let message = grace.say(&group, "hello").await;
    delete(&grace, &group).await.says(403, NOT_ALLOWED);
    assert_eq!(delete(&ada, &group).await.expect(204).text, "");
    for person in [&ada, &grace, &edsger] {
        for answer in [
            person.client.get(&format!("{CONVERSATIONS}{group}/")).await,
            delete(person, &group).await,
            leave(person, &group).await,
            rename(person, &group, json!({ "title": "Looms" })).await,
            add(person, &group, naming(&ada)).await,
        ] {
            answer.says(404, NO_CONVERSATION);
        }
        let message = message["message_id"].as_str().expect("an id");
        person.client.get(&format!("/api/messages/{message}/")).await.says(404, "No Message matches the given query.");
        let page = person.client.get(CONVERSATIONS).await.json();
        assert_eq!(page, json!({ "count": 0, "next": null, "previous": null, "results": [] }));
    }
}

#[tokio::test]
async fn two_people_whose_direct_conversation_was_deleted_start_anew() {
    let (ada, grace, direct) = two_people().await;
    ada.say(&direct, "hello").await;
    delete(&grace, &direct).await.says(403, NOT_ALLOWED);
    delete(&ada, &direct).await.expect(204);
    let anew = grace.start(&[&ada], None).await;
    assert_ne!(anew, direct);
    let seen = ada.conversation(&anew).await;
    assert_eq!((&seen["messages"], &seen["created_by"]), (&json!([]), &json!(grace.id)));
    assert_eq!(inbox(&ada, "").await.len(), 1);
}
