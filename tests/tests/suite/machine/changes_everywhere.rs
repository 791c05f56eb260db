//! What changed in all conversations, at its edges: writers that linger, people who are taken out while they ask, more
//! conversations than one call looks into, and more than a cursor holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::domain::id::ConversationId;
use shared::domain::log::{Numbered, WRITER_LIFETIME};
use shared::domain::message::{Draft, MessageBody};
use shared::domain::positions::Positions;
use shared::domain::user::Role;
use shared::store::{Everywhere, Moved, Reach, Store};
use tests::machine::cast::Actor;
use tests::machine::own_table::OwnTable;
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{InProcess, caller, conversation_id, now, store_at};
use tests::{Person, two_people};
use tokio::task::JoinHandle;

/// When every writer of today is dead.
fn later() -> Timestamp {
    now() + WRITER_LIFETIME + Duration::from_secs(1)
}

fn hello() -> Draft {
    Draft { body: MessageBody::parse("Hello").expect("a body"), key: None }
}

async fn told(store: &Store, actor: &Actor, after: &Positions, reach: &Reach, at: Timestamp) -> Everywhere {
    store.changes_everywhere(&actor.caller(), after, reach, at).await.expect("signed in")
}

fn row(told: &Everywhere, id: ConversationId) -> Option<&Moved> {
    told.conversations.iter().find(|row| row.conversation.id == id)
}

/// The numbers of the messages that are told of a conversation, and of those that are pending.
fn numbers(told: &Everywhere, id: ConversationId) -> [Vec<u64>; 2] {
    let feed = row(told, id).and_then(|row| row.feed.as_ref()).expect("it is told with its changes");
    [
        feed.entries.iter().map(|entry| entry.number().get()).collect(),
        feed.pending.iter().map(|number| number.get()).collect(),
    ]
}

/// A send that has taken its number and does not fill it before the proxy lets it.
async fn held_send(endpoint: (&OwnTable, &Proxy), by: &Actor, id: ConversationId) -> JoinHandle<u64> {
    let (table, proxy) = endpoint;
    let (store, calling) = (table.store_at(proxy.address()).await, by.caller());
    proxy.expect(|call| if call.operation == "PutItem" { Fate::Hold } else { Fate::Pass });
    let writer =
        tokio::spawn(async move { store.send(&calling, id, hello(), now()).await.expect("sent").id.number.get() });
    proxy.until_held().await;
    writer
}

/// Two people on a table of their own.
async fn pair() -> (OwnTable, Store, Actor, Actor) {
    let table = OwnTable::new().await;
    let store = table.store();
    let (ada, grace) = tokio::join!(Actor::new(&store, Role::Guest), Actor::new(&store, Role::Guest));
    (table, store, ada, grace)
}

#[tokio::test]
async fn a_writer_under_way_is_told_again_until_it_is_done() {
    let (table, store, ada, grace) = pair().await;
    let (id, reach) = (ada.start(&store, &[grace.id()]).await, Reach::default());
    ada.say(&store, id).await;
    let known = told(&store, &grace, &Positions::default(), &reach, now()).await.positions;
    let proxy = Proxy::start().await;
    let writer = held_send((&table, &proxy), &ada, id).await;
    ada.say(&store, id).await;

    let first = told(&store, &grace, &known, &reach, now()).await;
    assert_eq!(numbers(&first, id), [vec![3], vec![2]]);
    assert!(!first.has_more);
    // Who begins here, and fetches all that is there, is not told less.
    let begun = told(&store, &grace, &Positions::default(), &reach, now()).await;
    assert!(row(&begun, id).is_some_and(|row| row.feed.is_none()));
    assert_eq!(begun.positions, known, "what is pending is not behind any of them");
    let second = told(&store, &grace, &first.positions, &reach, now()).await;
    assert_eq!(numbers(&second, id), [vec![3], vec![2]]);

    proxy.release();
    assert_eq!(writer.await.expect("not aborted"), 2);
    for from in [&begun.positions, &second.positions] {
        let third = told(&store, &grace, from, &reach, now()).await;
        assert_eq!(numbers(&third, id), [vec![2, 3], vec![]]);
        assert!(told(&store, &grace, &third.positions, &reach, now()).await.conversations.is_empty());
    }
}

#[tokio::test]
async fn a_number_whose_writer_died_is_void_in_the_end() {
    let (table, store, ada, grace) = pair().await;
    let (id, reach) = (ada.start(&store, &[grace.id()]).await, Reach::default());
    let known = told(&store, &grace, &Positions::default(), &reach, now()).await.positions;
    let proxy = Proxy::start().await;
    let writer = held_send((&table, &proxy), &ada, id).await;
    ada.say(&store, id).await;
    assert_eq!(numbers(&told(&store, &grace, &known, &reach, now()).await, id), [vec![2], vec![1]]);
    let settled = told(&store, &grace, &known, &reach, later()).await;
    assert_eq!(numbers(&settled, id), [vec![1, 2], vec![]]);
    assert!(told(&store, &grace, &settled.positions, &reach, later()).await.conversations.is_empty());
    proxy.release();
    assert_eq!(writer.await.expect("not aborted"), 3);
    assert_eq!(numbers(&told(&store, &grace, &settled.positions, &reach, now()).await, id), [vec![3], vec![]]);
    table.assert_sound(now()).await;
}

/// Asks by way of a proxy that holds the reads of conversations that a rule names, and has Ada take Grace out meanwhile.
async fn taken_out_during(holds: fn(body: &str) -> bool) {
    let (ada, grace, pair) = two_people().await;
    let group = ada.start(&[&grace], Some("Engines")).await;
    let first = grace.client.get("/api/changes/").await.expect(200).json();
    ada.say(&group, "while she is in").await;
    ada.say(&pair, "Hello").await;
    let proxy = Proxy::start().await;
    let functions = InProcess::on(store_at(proxy.address()).await);
    proxy.expect(move |call| if call.body.contains("META") && holds(call.body) { Fate::Hold } else { Fate::Pass });
    let path = format!("/api/changes/?after={}", first["cursor"].as_str().expect("a cursor"));
    let taking_out = async {
        proxy.until_held().await;
        let path = format!("/api/conversations/{group}/remove_participant/");
        ada.client.post(&path, json!({ "user_id": grace.id })).await.expect(200);
        ada.say(&group, "now that she is out").await;
        proxy.release();
    };
    let ((status, answer, _), ()) = tokio::join!(functions.send(&grace, "GET", &path, &[], None), taking_out);
    assert_eq!(status, 200, "{answer}");
    let ids: Vec<&Value> =
        answer["conversations"].as_array().into_iter().flatten().map(|row| &row["conversation"]).collect();
    assert_eq!(ids, [&json!(pair)], "{answer}");
    assert_eq!(answer["remaining"], json!([pair]));
}

#[tokio::test]
async fn who_is_taken_out_before_the_conversations_are_read_is_told_nothing_of_it() {
    taken_out_during(|body| !is_strong(body)).await;
}

#[tokio::test]
async fn who_is_taken_out_before_the_logs_are_read_is_told_nothing_of_it() {
    taken_out_during(is_strong).await;
}

fn is_strong(body: &str) -> bool {
    body.contains(r#""ConsistentRead":true"#)
}

/// Follows the cursor until there is no more; how often each conversation was told, and how many calls it took.
async fn follow(
    store: &Store,
    actor: &Actor,
    mut from: Positions,
    reach: &Reach,
) -> (BTreeMap<ConversationId, u32>, usize, Positions) {
    let mut times = BTreeMap::new();
    for calls in 1..100 {
        let told = told(store, actor, &from, reach, now()).await;
        let with_changes = told.conversations.iter().filter(|row| row.feed.is_some());
        assert!(with_changes.clone().count() <= reach.conversations);
        with_changes.for_each(|row| *times.entry(row.conversation.id).or_default() += 1);
        from = told.positions;
        if !told.has_more {
            return (times, calls, from);
        }
    }
    panic!("it does not end: {times:?}");
}

#[tokio::test]
async fn more_than_one_call_looks_into_are_told_by_several_even_if_some_cannot_move_on() {
    let (table, store, ada, grace) = pair().await;
    let mut ids = Vec::new();
    for _ in 0..11 {
        ids.push(ada.start(&store, &[grace.id()]).await);
    }
    let known = told(&store, &grace, &Positions::default(), &Reach::default(), now()).await.positions;
    let mut proxies = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        ada.say(&store, *id).await;
        if index < 2 {
            let proxy = Proxy::start().await;
            proxies.push((held_send((&table, &proxy), &ada, *id).await, proxy));
        }
    }
    let reach = Reach { conversations: 3, ..Reach::default() };
    let (times, calls, reached) = follow(&store, &grace, known.clone(), &reach).await;
    assert_eq!(times.keys().copied().collect::<BTreeSet<_>>(), ids.iter().copied().collect());
    assert!(times.iter().all(|(id, times)| *times == 1 || ids[..2].contains(id)), "{times:?}");
    // Each call tells at least one that was not told, whichever two stand in the way.
    assert!((4..=9).contains(&calls), "{calls}");
    let rest = told(&store, &grace, &reached, &reach, now()).await;
    let pending: BTreeSet<_> = rest.conversations.iter().map(|row| row.conversation.id).collect();
    assert_eq!(pending, ids[..2].iter().copied().collect());

    // However little fits into an answer, it tells of one conversation, and first of those that can move on.
    let (little, mut from, mut first) = (Reach { bytes: 1, ..Reach::default() }, known, Vec::new());
    for _ in 0..9 {
        let told = told(&store, &grace, &from, &little, now()).await;
        assert!(told.has_more);
        first.extend(told.conversations.iter().map(|row| row.conversation.id));
        from = told.positions;
    }
    assert_eq!(first, ids[2..]);
    for (writer, proxy) in proxies {
        proxy.release();
        writer.await.expect("not aborted");
    }
}

#[tokio::test]
async fn of_which_more_is_left_to_tell_leaves_the_cursor_and_comes_back_when_it_is_known_how_far_it_is() {
    let (_, store, ada, grace) = pair().await;
    let (id, reach) = (ada.start(&store, &[grace.id()]).await, Reach { entries: 3, ..Reach::default() });
    let mut from = told(&store, &grace, &Positions::default(), &reach, now()).await.positions;
    for _ in 0..60 {
        ada.say(&store, id).await;
    }
    let first = told(&store, &grace, &from, &reach, now()).await;
    assert_eq!(numbers(&first, id), [vec![1, 2, 3], vec![]]);
    assert!(row(&first, id).and_then(|row| row.feed.as_ref()).is_some_and(|feed| feed.has_more) && !first.has_more);
    from = first.positions;
    // As long as more than are looked at may still be under way, the cursor does not take it in.
    for at in [now(), later(), later()] {
        let told = told(&store, &grace, &from, &reach, at).await;
        let counters = row(&told, id).map(|row| (row.conversation.messages.get(), row.feed.is_none()));
        assert_eq!(counters, (!from.know_another_than([])).then_some((60, true)));
        from = told.positions;
    }
    ada.say(&store, id).await;
    assert_eq!(numbers(&told(&store, &grace, &from, &reach, now()).await, id), [vec![61], vec![]]);
}

#[tokio::test]
async fn what_a_cursor_has_no_room_for_is_told_each_time_and_what_moved_last_stays_in_it() {
    let (_, store, ada, grace) = pair().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(ada.start(&store, &[grace.id()]).await);
    }
    // Room for three: nine bytes for what binds it, seven for each.
    let reach = Reach { cursor: 40, ..Reach::default() };
    let first = told(&store, &grace, &Positions::default(), &reach, now()).await;
    assert!(first.positions.encode(grace.id()).len() <= 40);
    ada.say(&store, ids[0]).await;
    let second = told(&store, &grace, &first.positions, &reach, now()).await;
    let without: BTreeSet<_> = second.conversations.iter().map(|row| row.conversation.id).collect();
    assert!(second.conversations.iter().all(|row| row.feed.is_none()));
    assert_eq!(without, ids[..3].iter().copied().collect(), "those that moved longest ago had no room");
    let counters = row(&second, ids[0]).map(|row| row.conversation.messages.get());
    assert_eq!(counters, Some(1), "its counters tell that it moved");

    ada.say(&store, ids[0]).await;
    let third = told(&store, &grace, &second.positions, &reach, now()).await;
    assert_eq!(numbers(&third, ids[0]), [vec![2], vec![]], "it took the place of one that moved longer ago");
    let without: BTreeSet<_> =
        third.conversations.iter().filter(|row| row.feed.is_none()).map(|row| row.conversation.id).collect();
    assert_eq!(without, ids[1..4].iter().copied().collect());
    assert_eq!(third.remaining, None);
}

#[tokio::test]
async fn a_membership_whose_conversation_is_gone_is_not_told_of() {
    let (table, store, ada, grace) = pair().await;
    let (stays, goes) = (ada.start(&store, &[grace.id()]).await, ada.start(&store, &[grace.id()]).await);
    let unknown = Positions::default();
    let known = told(&store, &grace, &unknown, &Reach::default(), now()).await.positions;
    table.delete(&format!("CONV#{goes}"), "META").await;
    for from in [&known, &unknown] {
        let told = told(&store, &grace, from, &Reach::default(), later()).await;
        assert!(row(&told, goes).is_none());
        assert_eq!(told.remaining, (from == &known).then(|| vec![stays]));
    }
    let membership = table.item(&format!("USER#{}", grace.id()), &format!("MEMBER#{goes}")).await;
    assert_eq!(membership, None, "who met it cleared it");
}

#[tokio::test]
async fn nobody_is_told_without_a_living_session() {
    let (_, _, pair) = two_people().await;
    let mallory = Person::new("Mallory").await;
    let store = store_at(&tests::machine::database()).await;
    let ended = tests::machine::no_session(&mallory);
    let refused = store.changes_everywhere(&ended, &Positions::default(), &Reach::default(), now()).await;
    assert!(matches!(refused, Err(shared::domain::Error::SessionEnded)), "{refused:?}");
    let told = store.changes_everywhere(&caller(&mallory), &Positions::default(), &Reach::default(), now()).await;
    assert!(told.is_ok_and(|told| row(&told, conversation_id(&pair)).is_none()));
}
