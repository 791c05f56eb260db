//! What clients may say that makes no sense, and what is too long to be told at once.

use serde_json::{Value, json};
use tests::machine::live::Socket;
use tests::sockets::{Watcher, address};
use tests::two_people;

/// The next that is no event: of the conversation's start one may be told as late as this.
async fn reply(socket: &mut Socket) -> Value {
    loop {
        let told = socket.next().await;
        if told.get("conversation").is_none() {
            return told;
        }
    }
}

#[tokio::test]
async fn frames_that_make_no_sense_are_answered_and_one_that_is_too_long_ends_its_own_socket_only() {
    let (ada, grace, conversation) = two_people().await;
    let client = Watcher::of(&grace).await;
    let bearer = format!("Bearer {}", grace.token);
    let mut socket = Socket::connect(&address().await, &[("authorization", &bearer)]).await.expect("it opens");
    for (frame, code) in [
        ("no JSON", "malformed"),
        ("[1, 2]", "malformed"),
        (r#"{"type":"shout"}"#, "unknown_type"),
        (r#"{"type":"read","conversation":7}"#, "invalid"),
    ] {
        socket.say_text(frame).await;
        let answer = reply(&mut socket).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{frame}");
    }
    socket.say(json!({ "type": "ping", "id": "7" })).await;
    assert_eq!(reply(&mut socket).await, json!({ "type": "pong", "id": "7" }));
    socket.say_text(&"x".repeat(200_000)).await;
    socket.end().await;
    ada.say(&conversation, "still there?").await;
    client.until("it is told", |seen| seen.kinds(&conversation) == ["message.created"]).await;
    assert!(client.seen().losses.is_empty());
}

#[tokio::test]
async fn a_message_too_long_for_a_frame_reaches_the_client_whole_and_in_its_place() {
    let (ada, grace, conversation) = two_people().await;
    let client = Watcher::of(&grace).await;
    let long = "\u{1F600}".repeat(15_000);
    for text in ["before", &long, "after"] {
        ada.say(&conversation, text).await;
    }
    client.until_message(&conversation, 3).await;
    let screen = client.seen().screen(&conversation);
    assert_eq!(screen.into_values().collect::<Vec<_>>(), ["before", &*long, "after"]);
}
