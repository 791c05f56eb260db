//! Who was away is told everything on coming back.

use local::client::Via;
use tests::Person;
use tests::sockets::relay::Relay;
use tests::sockets::{Watcher, address};

use super::{assert_complete, delete, edit, manage, people, start_group};

#[tokio::test]
async fn a_client_that_was_away_ends_with_exactly_what_is_there() {
    let [ada, grace, alan] = people().await;
    let way = Relay::to(&address().await).await;
    let client = Watcher::at(way.address(), &grace).await;
    let (talk, old) = (start_group(&ada, &[&grace, &alan]).await, start_group(&ada, &[&grace]).await);
    let new = start_group(&ada, &[&alan]).await;
    let mut said = Vec::new();
    for text in ["one", "two", "three"] {
        said.push(ada.say(&talk, text).await);
        ada.say(&new, text).await;
    }
    ada.say(&old, "farewell").await;
    client.until_message(&talk, 3).await;
    client.until_message(&old, 1).await;

    way.close();
    client.until("the connection is lost", |seen| !seen.losses.is_empty()).await;
    edit(&ada, &said[0], "one, corrected").await;
    delete(&ada, &said[1]).await;
    for turn in 4..=40 {
        said.push([&ada, &grace, &alan][turn % 3].say(&talk, &format!("{turn}")).await);
    }
    delete(&ada, &said[5]).await;
    manage(&ada, &new, "add_participant", &grace).await;
    manage(&ada, &old, "remove_participant", &grace).await;
    ada.say(&old, "not for her").await;
    ada.say(&new, "for her").await;
    let before = client.seen().shown.len();
    way.release();

    client.until("it has come back", |seen| seen.connections > 1).await;
    for conversation in [&talk, &new] {
        assert_complete(&grace, conversation, [&client]).await;
    }
    client.until("it knows what it lost", |seen| !seen.left.is_empty()).await;
    ada.say(&talk, "as always").await;
    client.until_message(&talk, 41).await;
    let seen = client.seen();
    assert_eq!(seen.left, [old.as_str()]);
    assert_eq!(seen.screen(&old).into_values().collect::<Vec<_>>(), ["farewell"]);
    let caught_up = seen.shown[before..].iter().filter(|shown| shown.via == Via::CatchUp).count();
    println!("a client that was away: {caught_up} by catch-up, {} by push", seen.shown.len() - caught_up);
    // 37 messages and 3 changes of one group; 4 messages and a change of the other.
    assert!(caught_up >= 45, "nobody was there to be told: {}", seen.in_short());
}

/// The client does not know that it was away, nor does the server.
#[tokio::test]
async fn who_is_cut_off_without_knowing_finds_out_and_catches_up() {
    let [ada, grace] = people().await;
    let (way, group) = (Relay::to(&address().await).await, start_group(&ada, &[&grace]).await);
    let settings = tests::sockets::settings(&tests::target(), way.address(), &grace);
    let settings = local::client::Settings {
        ping_every: std::time::Duration::from_secs(1),
        patience: std::time::Duration::from_secs(5),
        ..settings
    };
    let client = Watcher::with(settings).await;
    let before = ada.say(&group, "before").await;
    client.until("what was before is known", |seen| seen.messages(&group) == 1).await;
    way.hold();
    say(&ada, &group, 10).await;
    edit(&ada, &before, "long before").await;
    client.until("the silence is noticed", |seen| !seen.losses.is_empty()).await;
    way.release();
    assert_complete(&ada, &group, [&client]).await;
}

/// Somebody who takes nothing for a while, and then takes everything.
#[tokio::test]
async fn who_reads_slowly_delays_nobody_and_misses_nothing() {
    let [ada, grace, alan] = people().await;
    let way = Relay::to(&address().await).await;
    let (slow, quick) = (Watcher::at(way.address(), &grace).await, Watcher::of(&alan).await);
    let group = start_group(&ada, &[&grace, &alan]).await;
    slow.until("it knows the group", |seen| !seen.joined.is_empty()).await;
    way.hold();
    say(&ada, &group, 30).await;
    assert_complete(&ada, &group, [&quick]).await;
    assert_eq!(slow.seen().came_by(Via::Push), 0, "nothing gets through to her");
    way.release();
    assert_complete(&ada, &group, [&slow]).await;
}

async fn say(person: &Person, conversation: &str, count: usize) {
    for turn in 0..count {
        person.say(conversation, &format!("{turn}")).await;
    }
}
