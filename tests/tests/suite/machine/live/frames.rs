use serde_json::{Value, json};
use shared::domain::connection::{FLOOD, MOST_FRAMES, MOST_TOLD_OF_TYPING, MOST_WATCHED};
use tests::Person;
use tests::machine::live::Live;
use uuid::Uuid;

#[tokio::test]
async fn frames_are_answered_by_their_names() {
    let live = Live::new().await;
    let ada = live.table.person("Ada").await;
    let mut socket = live.open(&ada).await;
    assert_eq!(socket.ask(json!({ "type": "ping" })).await, json!({ "type": "pong" }));
    assert_eq!(socket.ask(json!({ "type": "ping", "id": "7" })).await, json!({ "type": "pong", "id": "7" }));
}

#[tokio::test]
async fn what_is_no_frame_is_told_why_and_the_socket_stays() {
    let live = Live::new().await;
    let [ada, alan, grace] =
        [live.table.person("Ada").await, live.table.person("Alan").await, live.table.person("Grace").await];
    let theirs = live.start(&alan, &[&grace]).await;
    let mut socket = live.open(&ada).await;
    for (text, code) in [
        ("hello", "malformed"),
        ("[1]", "malformed"),
        ("{}", "unknown_type"),
        (r#"{"type":"shout"}"#, "unknown_type"),
        (r#"{"type":"read","conversation":"x"}"#, "invalid"),
        (r#"{"type":"typing","conversation":"x"}"#, "not_found"),
        (r#"{"type":"watch","users":["x"]}"#, "refused"),
    ] {
        socket.say_text(text).await;
        let answer = socket.next().await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{text}: {answer}");
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{answer}");
    }
    for frame in [
        json!({ "type": "typing", "conversation": theirs, "id": "t" }),
        json!({ "type": "read", "conversation": theirs, "number": 0, "id": "t" }),
    ] {
        let answer = socket.ask(frame).await;
        assert_eq!((&answer["code"], &answer["id"]), (&json!("not_found"), &json!("t")), "{answer}");
    }
    assert_eq!(socket.kinds_told().await, [""; 0]);
}

#[tokio::test]
async fn a_frame_that_is_no_text_or_too_long_does_no_harm_to_others() {
    let live = Live::new().await;
    let ada = live.table.person("Ada").await;
    let (mut one, mut other) = (live.open(&ada).await, live.open(&ada).await);
    one.say_bytes(b"bytes").await;
    one.end().await;
    let mut third = live.open(&ada).await;
    third.say_text(&"x".repeat(200 * 1024)).await;
    assert_eq!(third.end().await, Some(1009));
    assert_eq!(other.kinds_told().await, [""; 0]);
}

#[tokio::test]
async fn a_flood_is_slowed_down_and_then_closed() {
    let live = Live::new().await;
    let ada = live.table.person("Ada").await;
    let mut socket = live.open(&ada).await;
    let (mut taken, mut slowed) = (0, 0);
    let end = loop {
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), async {
            socket.say(json!({ "type": "ping" })).await;
            socket.next_or_end().await
        });
        match ended.await.expect("an answer, or the end") {
            Ok(answer) if answer["type"] == "pong" => taken += 1,
            Ok(answer) => {
                assert_eq!(answer["code"], "slow_down", "{answer}");
                slowed += 1;
            }
            Err(code) => break code,
        }
    };
    assert_eq!(end, Some(1000));
    // A minute may have begun meanwhile.
    assert!((MOST_FRAMES..=2 * MOST_FRAMES).contains(&taken), "{taken} were taken");
    assert!(slowed >= FLOOD - MOST_FRAMES, "{slowed} were slowed down");
}

#[tokio::test]
async fn reading_over_a_socket_moves_the_mark_and_is_told_to_ones_other_sockets() {
    let live = Live::new().await;
    let (ada, grace) = (live.table.person("Ada").await, live.table.person("Grace").await);
    let group = live.start(&ada, &[&grace]).await;
    for text in ["one", "two", "three"] {
        live.say(&ada, &group, text).await;
    }
    let (mut one, mut other) = (live.open(&grace).await, live.open(&grace).await);
    live.changes().await;
    let read = one.ask(json!({ "type": "read", "conversation": group, "number": 2, "id": "r" })).await;
    assert_eq!(
        read,
        json!({ "type": "read.done", "id": "r", "conversation": group, "read_number": 2, "unread_count": 1 })
    );
    live.tell().await;
    let told = other.told().await;
    assert_eq!(told, [json!({ "type": "conversation.read", "conversation": group, "number": 2, "user": grace.id })]);
    assert_eq!(one.kinds_told().await, ["conversation.read"]);
    // It never goes back, and not past the end.
    let back = one.ask(json!({ "type": "read", "conversation": group, "number": 1 })).await;
    assert_eq!((&back["read_number"], &back["unread_count"]), (&json!(2), &json!(1)));
    let past = one.ask(json!({ "type": "read", "conversation": group, "number": 4 })).await;
    assert_eq!(past["code"], "refused", "{past}");
}

#[tokio::test]
async fn typing_is_told_to_the_others_and_is_written_nowhere() {
    let live = Live::new().await;
    let [ada, grace, alan] =
        [live.table.person("Ada").await, live.table.person("Grace").await, live.table.person("Alan").await];
    let group = live.start(&ada, &[&grace]).await;
    let (mut adas, mut graces, mut alans) = (live.open(&ada).await, live.open(&grace).await, live.open(&alan).await);
    live.changes().await;
    let done = adas.ask(json!({ "type": "typing", "conversation": group, "id": "t" })).await;
    assert_eq!(done, json!({ "type": "typing.done", "id": "t" }));
    assert_eq!(graces.next().await, json!({ "type": "typing", "conversation": group, "user": ada.id }));
    assert_eq!((adas.kinds_told().await.len(), alans.kinds_told().await.len()), (0, 0));
    let written = live.changes().await;
    assert!(written.iter().all(|record| record["dynamodb"]["Keys"]["SK"]["S"] == "CONN"), "{written:?}");
}

#[tokio::test]
async fn typing_is_not_told_in_large_groups() {
    let live = Live::new().await;
    let ada = live.table.person("Ada").await;
    let crowd = live.table.people(MOST_TOLD_OF_TYPING).await;
    let group = live.start(&ada, &crowd.iter().collect::<Vec<&Person>>()).await;
    let (mut adas, mut theirs) = (live.open(&ada).await, live.open(&crowd[0]).await);
    adas.ask(json!({ "type": "typing", "conversation": group, "id": "t" })).await;
    assert_eq!(theirs.kinds_told().await, [""; 0]);
}

#[tokio::test]
async fn who_is_watched_is_told_when_they_come_and_go() {
    let live = Live::new().await;
    let [ada, grace, alan] =
        [live.table.person("Ada").await, live.table.person("Grace").await, live.table.person("Alan").await];
    let mut adas = live.open(&ada).await;
    let first = live.open(&grace).await;
    let nobody = Uuid::now_v7().to_string();
    live.changes().await;
    let watching = adas.ask(json!({ "type": "watch", "users": [grace.id, alan.id, nobody], "id": "w" })).await;
    let online: Vec<_> = watching["users"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|user| (user["user"].as_str().expect("an id").to_owned(), user["online"] == true))
        .collect();
    assert_eq!(online.len(), 3);
    for (user, is_there) in online {
        assert_eq!(is_there, user == grace.id, "{user}");
    }
    // A second socket, and the end of the first, leave her there.
    let second = live.open(&grace).await;
    live.tell().await;
    let presence = async |adas: &mut tests::machine::live::Socket| -> Vec<(Value, Value)> {
        live.tell().await;
        let told = adas.told().await;
        told.into_iter()
            .filter(|event| event["type"] == "presence")
            .map(|event| (event["user"].clone(), event["online"].clone()))
            .collect()
    };
    drop(first);
    live.until_open(2).await;
    assert_eq!(presence(&mut adas).await, []);
    drop(second);
    live.until_open(1).await;
    assert_eq!(presence(&mut adas).await, [(json!(grace.id), json!(false))]);
    let third = live.open(&grace).await;
    let alans = live.open(&alan).await;
    let mut told = presence(&mut adas).await;
    told.sort_by_key(|(user, _)| *user == json!(alan.id));
    assert_eq!(told, [(json!(grace.id), json!(true)), (json!(alan.id), json!(true))]);
    // To watch others is to watch nobody else.
    adas.ask(json!({ "type": "watch", "users": [alan.id] })).await;
    drop((third, alans));
    live.until_open(1).await;
    assert_eq!(presence(&mut adas).await, [(json!(alan.id), json!(false))]);
    let many: Vec<String> = (0..=MOST_WATCHED).map(|_| Uuid::now_v7().to_string()).collect();
    let refused = adas.ask(json!({ "type": "watch", "users": many })).await;
    assert_eq!(refused["code"], "refused", "{refused}");
    live.table.assert_sound(tests::machine::now()).await;
}
