//! A crowd that listens while some of it write, at a rate that does not wait for anybody.
//!
//! `CONFAB_CROWD=1` makes it 200 connections and 50 sends a second for half a minute.

use std::io::Write;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use local::client::Via;
use tests::Person;
use tests::sockets::{Watcher, address, send_surely};
use tokio::time::{Instant, sleep_until};

use super::start_group;

/// Registering hashes a password: more at once would only wait for a processor.
const REGISTER_AT_ONCE: usize = 4;

struct Crowd {
    people: usize,
    connections_each: usize,
    sends_a_second: u32,
    seconds: u32,
}

impl Crowd {
    fn is_whole() -> bool {
        std::env::var_os("CONFAB_CROWD").is_some()
    }

    fn of_this_run() -> Self {
        if Self::is_whole() {
            Self { people: 50, connections_each: 4, sends_a_second: 50, seconds: 30 }
        } else {
            Self { people: 10, connections_each: 4, sends_a_second: 10, seconds: 5 }
        }
    }
}

#[tokio::test]
async fn everybody_in_a_crowd_ends_with_every_message_once_and_in_order() {
    let crowd = Crowd::of_this_run();
    let people = futures::stream::iter((0..crowd.people).map(|_| Person::new("Member")));
    let people: Vec<Person> = people.buffered(REGISTER_AT_ONCE).collect().await;
    let others: Vec<_> = people[1..].iter().collect();
    let group = start_group(&people[0], &others).await;
    let sockets = address().await;
    let owners = people.iter().flat_map(|person| std::iter::repeat_n(person, crowd.connections_each));
    let clients = join_all(owners.map(|owner| Watcher::at(&sockets, owner))).await;

    let (begin, count) = (Instant::now(), crowd.sends_a_second * crowd.seconds);
    let sending = (0..count).zip(people.iter().cycle()).map(|(turn, person)| {
        let (group, at) = (&group, begin + Duration::from_secs(1) / crowd.sends_a_second * turn);
        async move {
            sleep_until(at).await;
            let number = send_surely(person, group, &format!("message {turn} of the crowd")).await;
            (number, at.elapsed())
        }
    });
    let mut sent = join_all(sending).await;
    let sending_took = begin.elapsed();
    sent.sort();
    let numbers: Vec<u64> = sent.iter().map(|(number, _)| *number).collect();
    // Repeats of sends whose answers were lost leave voids, so that numbers may be left out; none is given twice.
    assert!(numbers.is_sorted_by(|one, next| one < next));
    let last = *numbers.last().expect("something was sent");
    for client in &clients {
        client.until_message(&group, last).await;
        assert_eq!(client.seen().numbers(&group), (1..=last).collect::<Vec<_>>());
    }
    report(
        &crowd,
        &clients,
        &group,
        sent.iter().map(|(_, latency)| *latency).collect(),
        [sending_took, begin.elapsed()],
    );
}

fn report(crowd: &Crowd, clients: &[Watcher], group: &str, latencies: Vec<Duration>, took: [Duration; 2]) {
    let (mut pushed, mut caught_up, mut reconnects, mut gaps) = (Vec::new(), Vec::new(), 0, 0);
    for client in clients {
        let seen = client.seen();
        for shown in seen.of(group) {
            if shown.via == Via::Push { &mut pushed } else { &mut caught_up }.push(shown.delay);
        }
        reconnects += seen.connections - 1;
        gaps += seen.gaps_filled;
    }
    let all = pushed.iter().chain(&caught_up).copied().collect();
    let report = format!(
        "{} connections of {} people; {} sends acknowledged, {} a second wanted\n\
         sending took {:.1} s, until the last was told {:.1} s\n\
         events: {} by push, {} by catch-up; {reconnects} reconnects, {gaps} gaps filled\n\
         until a send is acknowledged: {}\nuntil it is shown: {}\n  by push: {}\n",
        clients.len(),
        crowd.people,
        latencies.len(),
        crowd.sends_a_second,
        took[0].as_secs_f64(),
        took[1].as_secs_f64(),
        pushed.len(),
        caught_up.len(),
        percentiles(latencies),
        percentiles(all),
        percentiles(pushed),
    );
    if Crowd::is_whole() {
        // Whoever asks for the whole crowd wants to read this, though the test passes.
        drop(std::io::stderr().write_all(report.as_bytes()));
    } else {
        print!("{report}");
    }
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let place = (times.len() * hundredths / 100).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default().as_millis()
    };
    format!("p50 {} ms, p90 {} ms, p99 {} ms, max {} ms", at(50), at(90), at(99), at(100))
}
