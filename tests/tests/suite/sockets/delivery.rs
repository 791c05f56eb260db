//! Everybody who takes part is told, on all of their connections, and nobody else.

use futures::future::join_all;
use serde_json::json;
use tests::sockets::Watcher;

use super::{assert_complete, clients, delete, edit, manage, people, start_group};

#[tokio::test]
async fn all_that_happens_in_a_group_reaches_every_connection_of_everybody_once_and_in_order() {
    let [ada, grace, alan, joan, stranger] = people().await;
    let listening = join_all([&ada, &grace, &alan].map(|person| clients(person, 3))).await;
    let (joans, strangers) = (Watcher::of(&joan).await, Watcher::of(&stranger).await);
    let group = start_group(&ada, &[&grace, &alan]).await;

    let said = join_all(
        (0..8)
            .flat_map(|turn| [&ada, &grace, &alan].map(|person| (person, format!("{turn} of {}", person.id))))
            .map(async |(person, text)| person.say(&group, &text).await),
    );
    let said = said.await;
    let adas: Vec<_> = said.iter().filter(|message| message["sender_details"]["user_id"] == ada.id.as_str()).collect();
    edit(&ada, adas[0], "said better").await;
    delete(&ada, adas[1]).await;
    manage(&ada, &group, "add_participant", &joan).await;
    joan.say(&group, "I am here").await;
    joans.until_message(&group, 25).await;
    manage(&ada, &group, "remove_participant", &joan).await;
    let title = json!({ "title": "Looms" });
    ada.client.patch(&format!("/api/conversations/{group}/"), title).await.expect(200);
    edit(&ada, adas[0], "said best").await;
    grace.say(&group, "after all that").await;

    for clients in &listening {
        assert_complete(&ada, &group, clients).await;
        for client in clients {
            let seen = client.seen();
            let changes: Vec<_> = seen.kinds(&group).into_iter().filter(|kind| *kind != "message.created").collect();
            let expected = [
                "message.edited",
                "message.deleted",
                "participant.added",
                "participant.removed",
                "conversation.updated",
                "message.edited",
            ];
            assert_eq!(changes, expected);
            assert_eq!(seen.joined, [group.as_str()]);
        }
    }
    // What comes last to them comes after all else.
    for (person, client) in [(&joan, &joans), (&stranger, &strangers)] {
        let last = ada.start(&[person], None).await;
        ada.say(&last, "to you alone").await;
        client.until_message(&last, 1).await;
    }
    let seen = joans.seen();
    assert_eq!(seen.left, [group.as_str()]);
    assert_eq!(seen.screen(&group).last_key_value(), Some((&25, &"I am here".to_owned())));
    assert!(!seen.kinds(&group).contains(&"conversation.updated"), "she was not there any more");
    assert_eq!(strangers.seen().of(&group).count(), 0);
    assert!(!strangers.seen().joined.contains(&group));
}

/// However many write at the same moment.
#[tokio::test]
async fn someone_who_is_taken_out_while_others_write_is_told_nothing_after_that() {
    let [ada, grace, alan] = people().await;
    let (adas, alans) = (Watcher::of(&ada).await, clients(&alan, 2).await);
    let group = start_group(&ada, &[&grace, &alan]).await;
    for client in &alans {
        client.until("he knows the group", |seen| seen.joined == [group.as_str()]).await;
    }
    let (group, grace) = (&group, &grace);
    let writing = join_all((0..30).map(async |turn: usize| {
        if turn == 12 {
            manage(&ada, group, "remove_participant", &alan).await;
        }
        grace.say(group, &format!("{turn}")).await;
    }));
    writing.await;
    assert_complete(&ada, group, [&adas]).await;
    let last = ada.start(&[&alan], None).await;
    ada.say(&last, "to you alone").await;
    for client in &alans {
        client.until_message(&last, 1).await;
        let seen = client.seen();
        // Whatever had come afterwards would have made it known to his client once more.
        assert_eq!((&seen.left, &seen.joined), (&vec![group.clone()], &vec![group.clone(), last.clone()]));
        // A client that was just asking for what it missed is told by a 404 instead.
        let kinds = seen.kinds(group);
        let removed = kinds.iter().position(|kind| *kind == "participant.removed");
        assert!(removed.is_none_or(|place| place + 1 == kinds.len()), "{kinds:?}");
        let numbers = seen.numbers(group);
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    }
}
