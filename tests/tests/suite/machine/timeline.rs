//! Messages over all conversations when time has passed between them, and what that costs.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use shared::domain::Timestamp;
use shared::domain::filter::MessageFilter;
use shared::domain::id::{ConversationId, MessageId};
use shared::domain::message::{Draft, MessageBody};
use shared::domain::page::{Anchor, Slice};
use shared::domain::search::Search;
use shared::domain::session::Caller;
use shared::domain::timeline::Place;
use shared::store::{Meter, Spent, Store, Window};
use tests::Person;
use tests::machine::{caller, conversation_id, store};

const MINUTE: Duration = Duration::from_secs(60);

fn long_ago() -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").expect("an instant")
}

fn minute(minutes: u32) -> Timestamp {
    long_ago() + MINUTE * minutes
}

async fn send(store: &Store, caller: &Caller, id: ConversationId, body: &str, at: Timestamp) -> MessageId {
    let draft = Draft { body: MessageBody::parse(body).expect("a body"), key: None };
    store.send(caller, id, draft, at).await.expect("sent").id
}

/// Somebody with that many groups.
async fn groups(count: usize) -> (Caller, Vec<ConversationId>) {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let others = [&grace];
    let groups = join_all((0..count).map(|_| ada.start(&others, Some("Engines")))).await;
    (caller(&ada), groups.iter().map(|group| conversation_id(group)).collect())
}

/// Each page of the walk: what stands on it, and what it cost.
async fn walk(store: &Store, caller: &Caller, filter: &MessageFilter, limit: usize) -> Vec<(Vec<MessageId>, Spent)> {
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let meter = Meter::default();
        let page = meter.measure(store.messages_of(caller, None, filter.clone(), after, limit)).await.expect("alive");
        pages.push((page.messages.iter().map(|message| message.id).collect(), meter.spent()));
        assert!(page.next.is_none_or(|next: Place| after.is_none_or(|after| next < after)), "every page gets further");
        match page.next {
            Some(next) => after = Some(next),
            None => return pages,
        }
    }
}

fn ids(pages: &[(Vec<MessageId>, Spent)]) -> Vec<MessageId> {
    pages.iter().flat_map(|(rows, _)| rows.iter().copied()).collect()
}

#[tokio::test]
async fn a_page_costs_the_same_wherever_it_lies_and_however_long_the_conversation() {
    let (ada, groups) = groups(1).await;
    let store = store().await;
    let mut sent = Vec::new();
    for turn in 0..300 {
        sent.push(send(&store, &ada, groups[0], "Hello", minute(turn)).await);
    }
    sent.reverse();
    let pages = walk(&store, &ada, &MessageFilter::default(), 20).await;
    assert_eq!(ids(&pages), sent);
    for (index, (rows, spent)) in pages.iter().enumerate() {
        println!("page {index}: {} rows, {spent:?}", rows.len());
        assert!(spent.rru <= 40.0 && spent.round_trips <= 8, "page {index}: {spent:?}");
    }
    assert!(pages[0].1.rru <= 10.0 && pages[0].1.round_trips <= 4, "{:?}", pages[0].1);
}

#[tokio::test]
async fn conversations_that_do_not_reach_the_page_are_not_opened() {
    let (ada, groups) = groups(30).await;
    let store = store().await;
    let mut sent = Vec::new();
    for turn in 0..30 {
        sent.push(send(&store, &ada, groups[turn as usize], "quiet", minute(turn)).await);
    }
    for turn in 0..30 {
        sent.push(send(&store, &ada, groups[7], "busy", minute(1000 + turn)).await);
    }
    sent.reverse();
    let pages = walk(&store, &ada, &MessageFilter::default(), 20).await;
    assert_eq!(ids(&pages), sent);
    let first = pages[0].1;
    println!("first page: {first:?}");
    // The session, the memberships, 30 METAs, then five conversations at once, of which one is the busy one.
    assert!(first.round_trips <= 4 && first.rru <= 3.0 + 30.0 + 10.0, "{first:?}");
}

#[tokio::test]
async fn neither_order_nor_filters_depend_on_writers_whose_clocks_disagree() {
    let (ada, groups) = groups(3).await;
    let store = store().await;
    let mut sent = Vec::new();
    for turn in 0..60_u32 {
        // Up to 28 s earlier than its number was taken.
        let begun = minute(0) + Duration::from_secs(u64::from(turn * 7 + 28 - (turn * 13) % 29));
        let body = if turn % 3 == 0 { "needle" } else { "hay" };
        let id = send(&store, &ada, groups[(turn * 5 % 3) as usize], body, begun).await;
        sent.push((begun, id, body));
    }
    sent.sort_unstable();
    sent.reverse();
    let expected = |takes: &dyn Fn(&(Timestamp, MessageId, &str)) -> bool| -> Vec<MessageId> {
        sent.iter().filter(|message| takes(message)).map(|(_, id, _)| *id).collect()
    };
    let (after, before) = (sent[45].0, sent[10].0);
    let between = MessageFilter { sent_after: Some(after), sent_before: Some(before), ..MessageFilter::default() };
    let needles = MessageFilter { search: Search::parse("need"), ..MessageFilter::default() };
    for limit in [1, 7, 100] {
        assert_eq!(ids(&walk(&store, &ada, &MessageFilter::default(), limit).await), expected(&|_| true));
        let found = ids(&walk(&store, &ada, &between, limit).await);
        assert_eq!(found, expected(&|(at, ..)| *at > after && *at < before));
        assert_eq!(ids(&walk(&store, &ada, &needles, limit).await), expected(&|(.., body)| *body == "needle"));
    }
}

#[tokio::test]
async fn a_search_looks_at_a_bounded_number_of_messages_at_a_time_and_goes_on() {
    let (ada, groups) = groups(1).await;
    let store = store().await;
    let needle = send(&store, &ada, groups[0], "needle", minute(0)).await;
    for turn in 0..500 {
        send(&store, &ada, groups[0], "hay", minute(1 + turn)).await;
    }
    let needles = MessageFilter { search: Search::parse("needle"), ..MessageFilter::default() };
    let pages = walk(&store, &ada, &needles, 20).await;
    assert_eq!(ids(&pages), [needle]);
    assert!(pages.len() > 1 && pages.iter().all(|(_, spent)| spent.round_trips <= 16), "{pages:?}");

    let mut window = Window { filter: needles, slice: Slice { anchor: Anchor::Start, limit: 20 }, ..Window::default() };
    window.newest_first = true;
    let (mut found, mut requests) = (BTreeSet::new(), 0);
    loop {
        let meter = Meter::default();
        let page =
            meter.measure(store.messages(&ada, groups[0], &window, minute(2000))).await.expect("takes part").page;
        let spent = meter.spent();
        assert!(spent.round_trips <= 6 && spent.rru <= 40.0, "{spent:?}");
        found.extend(page.rows.iter().map(|message| message.id));
        requests += 1;
        let Some(next) = page.next else { break };
        window.slice.anchor = Anchor::After(next);
    }
    assert_eq!((found, requests), (BTreeSet::from([needle]), 2));
}

#[tokio::test]
async fn times_are_sought_not_scanned() {
    let (ada, groups) = groups(1).await;
    let store = store().await;
    let mut sent = Vec::new();
    for turn in 0..300 {
        sent.push(send(&store, &ada, groups[0], "Hello", minute(turn)).await);
    }
    let filter =
        MessageFilter { sent_after: Some(minute(99)), sent_before: Some(minute(105)), ..MessageFilter::default() };
    for newest_first in [false, true] {
        let slice = Slice { anchor: Anchor::Start, limit: 20 };
        let window = Window { filter: filter.clone(), newest_first, slice, ..Window::default() };
        let meter = Meter::default();
        let page =
            meter.measure(store.messages(&ada, groups[0], &window, minute(2000))).await.expect("takes part").page;
        let mut found: Vec<MessageId> = page.rows.iter().map(|message| message.id).collect();
        found.sort_unstable();
        assert_eq!(found, sent[100..105]);
        let spent = meter.spent();
        println!("{spent:?}");
        assert!(page.next.is_none() && spent.round_trips <= 8 && spent.rru <= 60.0, "{spent:?}");
    }
    let pages = walk(&store, &ada, &filter, 3).await;
    let mut found = ids(&pages);
    found.reverse();
    assert_eq!(found, sent[100..105]);
}
