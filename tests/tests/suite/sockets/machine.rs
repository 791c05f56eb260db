//! What needs the machine behind the address: `fanout` killed and repeated, frames that are lost on their way.

use std::time::Duration;

use futures::future::join_all;
use local::client::{Place, Via};
use local::gateway::Limits;
use serde_json::json;
use tests::Person;
use tests::machine::live::Socket;
use tests::machine::side::turnstile::Fate;
use tests::machine::side::{Batches, Side};
use tests::sockets::relay::Relay;
use tests::sockets::{PATIENCE, Watcher, settings};
use tokio::time::{sleep, timeout};

/// Three people with two clients each, and their group.
async fn scene(side: &Side) -> ([Person; 3], Vec<Watcher>, String) {
    let people = [side.person().await, side.person().await, side.person().await];
    let [ada, grace, alan] = &people;
    let group = side.start(ada, &[grace, alan]).await;
    let clients = side.clients(&[ada, grace, alan, ada, grace, alan]).await;
    (people, clients, group)
}

/// Waits until something has come about.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let holding = async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, holding).await.unwrap_or_else(|_| panic!("in vain was waited until {what}"));
}

async fn assert_told(clients: &[Watcher], group: &str, last: u64) {
    for client in clients {
        client.until_message(group, last).await;
        assert_eq!(client.seen().numbers(group), (1..=last).collect::<Vec<_>>());
    }
}

/// Before any post of a batch, between two, or before the last.
#[tokio::test]
async fn whenever_fanout_is_killed_while_delivering_everybody_is_told_everything_once() {
    let side = Side::new(Limits::default(), Batches::Once).await;
    let (people, clients, group) = scene(&side).await;
    for fatal in 0..clients.len() {
        side.turnstile.expect(move |post| if post == fatal { Fate::Hold } else { Fate::Pass });
        join_all(people.iter().map(|person| side.say(person, &group, "hello"))).await;
        until("`fanout` is killed", || side.deaths() > fatal).await;
        // Killed too often in a row for the same record, that would be given up.
        assert_told(&clients, &group, 3 * (fatal as u64 + 1)).await;
    }
    let last = side.say(&people[0], &group, "the last").await;
    assert_told(&clients, &group, last).await;
    assert_eq!(last, 3 * 6 + 1);
    assert_eq!(side.given_up(), 0);
    for client in &clients {
        assert!(client.seen().came_by(Via::Push) > 0);
    }
}

#[tokio::test]
async fn what_is_delivered_twice_is_shown_once() {
    let side = Side::new(Limits::default(), Batches::Twice).await;
    let (people, clients, group) = scene(&side).await;
    let bearer = format!("Bearer {}", people[0].token);
    let mut socket = Socket::connect(&side.gateway.url(), &[("authorization", &bearer)]).await.expect("it opens");
    for person in people.iter().cycle().take(12) {
        side.say(person, &group, "hello").await;
    }
    assert_told(&clients, &group, 12).await;
    let mut frames = 0;
    while frames < 2 {
        frames += usize::from(socket.next().await["number"] == 12);
    }
}

#[tokio::test]
async fn what_is_lost_on_its_way_is_missed_and_asked_for() {
    let side = Side::new(Limits::default(), Batches::Once).await;
    let (people, clients, group) = scene(&side).await;
    side.say(&people[0], &group, "told").await;
    assert_told(&clients, &group, 1).await;
    let count = clients.len();
    side.turnstile.expect(|_| Fate::Lose);
    side.say(&people[0], &group, "lost to all").await;
    until("all have been told in vain", || side.turnstile.posts() >= count).await;
    side.turnstile.expect(|_| Fate::Pass);
    side.say(&people[0], &group, "told").await;
    for client in &clients {
        client.until("the gap is filled", |seen| seen.gaps_filled > 0).await;
        let seen = client.seen();
        let lost = seen.of(&group).nth(1).expect("it was told");
        assert_eq!((lost.place, lost.via), (Place::Message(2), Via::CatchUp));
        assert_eq!(seen.connections, 1, "nothing else was wrong");
    }
    side.turnstile.expect(|post| if post % 3 == 1 { Fate::Lose } else { Fate::Pass });
    for person in people.iter().cycle().take(30) {
        side.say(person, &group, "hello").await;
    }
    side.turnstile.expect(|_| Fate::Pass);
    side.say(&people[0], &group, "the last").await;
    assert_told(&clients, &group, 34).await;
}

/// Her buffers are full, she is closed, and comes back when she can.
#[tokio::test]
async fn who_does_not_read_delays_nobody_is_closed_and_catches_up() {
    let side = Side::new(Limits { queue: 2, ..Limits::default() }, Batches::Once).await;
    let (ada, grace) = (side.person().await, side.person().await);
    let way = Relay::to(&side.gateway.url()).await;
    let quick = side.clients(&[&ada]).await;
    let mut hers = side.settings(&grace);
    way.address().clone_into(&mut hers.socket);
    let slow = Watcher::with(hers).await;
    let group = side.start(&ada, &[&grace]).await;
    slow.until("she knows the group", |seen| !seen.joined.is_empty()).await;
    way.hold();
    let (long, mut last) = ("x".repeat(19_000), 0);
    while side.gateway.connections().len() > 1 {
        last = side.say(&ada, &group, &long).await;
        quick[0].until_message(&group, last).await;
        assert!(last < 1000, "whoever does not read is closed some time");
    }
    assert_eq!(slow.seen().came_by(Via::Push), 0, "nothing gets through to her");
    way.release();
    assert_told(&[slow], &group, last).await;
    assert_eq!(quick[0].seen().connections, 1);
}

#[tokio::test]
async fn a_deactivation_ends_all_clients_of_a_person_for_good() {
    let (ada, admin) = (Person::new("Ada").await, tests::machine::admin().await);
    let elsewhere = ada.sign_in_again().await;
    let sockets = tests::sockets::address().await;
    let clients: Vec<_> =
        join_all([&ada, &elsewhere].map(|session| Watcher::with(settings(&tests::target(), &sockets, session)))).await;
    let path = format!("/api/users/{}/", ada.id);
    admin.client.patch(&path, json!({ "is_active": false })).await.expect(200);
    for client in &clients {
        client.until("it has stopped", |seen| seen.has_ended && seen.has_stopped).await;
    }
}
