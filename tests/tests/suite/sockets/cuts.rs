//! Connections that are lost without a word, one by one and all at once.

use std::collections::BTreeSet;

use futures::future::join_all;
use tests::sockets::relay::Relay;
use tests::sockets::{Watcher, address, send_surely};
use uuid::Uuid;

use super::{assert_complete, people, start_group};

/// How many connections break together.
const STORM: usize = 60;

fn any_of(count: usize) -> usize {
    usize::try_from(Uuid::new_v4().as_u128() % count as u128).expect("it is small")
}

#[tokio::test]
async fn connections_that_break_at_any_moment_lose_nothing() {
    let [ada, grace, alan] = people().await;
    let sockets = address().await;
    let ways = join_all((0..6).map(|_| Relay::to(&sockets))).await;
    let owners = [&ada, &grace, &alan, &ada, &grace, &alan];
    let clients = join_all(ways.iter().zip(owners).map(|(way, owner)| Watcher::at(way.address(), owner))).await;
    let group = start_group(&ada, &[&grace, &alan]).await;
    for round in 0..15 {
        // While some of these are being told, and others are being sent.
        let sending = join_all(owners[..3].iter().map(|person| send_surely(person, &group, "hello")));
        let cutting = async {
            ways[any_of(ways.len())].cut();
            if round % 5 == 0 {
                clients[any_of(clients.len())].vanish();
            }
        };
        tokio::join!(sending, cutting);
    }
    // At least once each.
    ways.iter().for_each(Relay::cut);
    send_surely(&ada, &group, "the last").await;
    assert_complete(&ada, &group, &clients).await;
    for client in &clients {
        assert!(!client.seen().losses.is_empty());
    }
}

/// A gateway that goes away takes all of its connections along.
#[tokio::test]
async fn many_who_lose_their_connections_at_once_come_back_at_different_times_and_miss_nothing() {
    let people: [_; 15] = people().await;
    let (ada, others) = people.split_first().expect("there are people");
    let way = Relay::to(&address().await).await;
    let owners = people.iter().cycle().take(STORM);
    let clients = join_all(owners.map(|owner| Watcher::at(way.address(), owner))).await;
    let group = start_group(ada, &others.iter().collect::<Vec<_>>()).await;
    let say_all = || join_all(people.iter().map(|person| send_surely(person, &group, "hello")));
    say_all().await;
    let cut_meanwhile = async {
        clients[0].until_message(&group, 16).await;
        way.cut();
    };
    tokio::join!(say_all(), cut_meanwhile);
    for client in &clients {
        client.until("it has come back", |seen| seen.connections > 1).await;
    }
    say_all().await;
    assert_complete(ada, &group, &clients).await;
    let waits: BTreeSet<_> = clients.iter().map(|client| client.seen().waits[0]).collect();
    assert!(waits.len() > STORM / 2, "they come back together: {waits:?}");
}
