//! Removing conversations: whatever dies half-way, nobody sees any of it, and nothing is left in the end.

use std::time::Duration;

use serde_json::json;
use shared::domain::conversation::{NewConversation, Title};
use shared::domain::id::{ConversationId, Number, UserId};
use shared::domain::log::WRITER_LIFETIME;
use shared::domain::message::{ClientKey, Draft, MessageBody};
use shared::domain::{Error, Timestamp};
use shared::store::Store;
use tests::Person;
use tests::machine::own_table::OwnTable;
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{InProcess, caller, now, user_id};

/// When every writer of today is dead.
fn later() -> Timestamp {
    now() + WRITER_LIFETIME + Duration::from_secs(1)
}

fn draft(body: &str, key: Option<&str>) -> Draft {
    let key = key.map(|key| ClientKey::parse(key).expect("a key"));
    Draft { body: MessageBody::parse(body).expect("a body"), key }
}

async fn start(store: &Store, by: &Person, others: &[&Person], title: Option<&str>) -> ConversationId {
    let others: Vec<_> = others.iter().map(|person| user_id(&person.id)).collect();
    let title = title.map(|title| Title::parse(title).expect("a title"));
    let new = NewConversation::between(user_id(&by.id), &others, title).expect("a conversation");
    store.start_conversation(&caller(by), new, now()).await.expect("started").detail.conversation.id
}

/// A conversation with something of every kind in its log.
async fn lived_in(store: &Store, ada: &Person, grace: &Person, title: Option<&str>) -> ConversationId {
    let id = start(store, ada, &[grace], title).await;
    let first = store.send(&caller(ada), id, draft("one", Some("a key")), now()).await.expect("sent");
    store.edit(&caller(ada), first.id, &MessageBody::parse("two").expect("a body"), now()).await.expect("edited");
    store.send(&caller(grace), id, draft("three", None), now()).await.expect("sent");
    id
}

/// Removes another conversation: which helps with what earlier removals left.
async fn remove_another(table: &OwnTable, at: Timestamp) {
    let store = table.store();
    let (one, other) = (table.person("Alan").await, table.person("Alonzo").await);
    let id = start(&store, &one, &[&other], Some("Another")).await;
    store.delete_conversation(&caller(&one), id, at).await.expect("deleted");
}

/// Checks that a removed conversation is nowhere to be seen.
async fn assert_unseen(table: &OwnTable, people: &[&Person], id: ConversationId) {
    let functions = InProcess::on(table.store());
    for person in people {
        for path in [
            format!("/api/conversations/{id}/"),
            format!("/api/conversations/{id}/messages/"),
            format!("/api/messages/{}/", id.message(Number::ZERO.next())),
        ] {
            let (status, body, _) = functions.send(person, "GET", &path, &[], None).await;
            assert_eq!(status, 404, "{path}: {body}");
        }
        let (_, inbox, _) = functions.send(person, "GET", "/api/conversations/", &[], None).await;
        assert_eq!((&inbox["count"], &inbox["results"]), (&json!(0), &json!([])));
    }
}

/// What is left of a conversation: the kinds of its items.
async fn left_of(table: &OwnTable, id: ConversationId) -> Vec<String> {
    let items = table.items().await.into_iter().filter(|item| item.contains(&id.to_string()));
    items.map(|item| item.split(" / ").next().unwrap_or_default().to_owned()).collect()
}

/// Checks that nothing is left of a conversation once others were removed at that time.
async fn assert_cleared_at(table: &OwnTable, id: ConversationId, at: Timestamp) {
    remove_another(table, at).await;
    assert_eq!(left_of(table, id).await, [""; 0]);
}

/// Times of removals, each after the writers of the one before must be dead, and all of them after this test.
fn times() -> impl Iterator<Item = Timestamp> {
    let first = later() + Duration::from_secs(24 * 60 * 60);
    std::iter::successors(Some(first), |at| Some(*at + WRITER_LIFETIME + Duration::from_secs(1)))
}

#[tokio::test]
async fn a_removal_that_dies_before_any_of_its_calls_is_finished_by_a_later_one() {
    for title in [None, Some("Engines")] {
        let table = OwnTable::new().await;
        let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
        let mut removed_before_death = 0;
        for (died_at, at) in times().enumerate() {
            let (store, proxy) = (table.store(), Proxy::start().await);
            let id = lived_in(&store, &ada, &grace, title).await;
            let (doomed, by) = (table.store_at(proxy.address()).await, caller(&ada));
            proxy.expect(move |call| if call.index >= died_at { Fate::Hold } else { Fate::Pass });
            let mut removal = tokio::spawn(async move { doomed.delete_conversation(&by, id, now()).await });
            let finished = tokio::select! {
                () = proxy.until_held() => false,
                done = &mut removal => done.expect("not aborted").is_ok(),
            };
            removal.abort();
            match store.conversation(&caller(&grace), id, now()).await {
                Ok(detail) => {
                    assert!(!finished && detail.messages.len() == 2, "all of it is there");
                    store.delete_conversation(&caller(&ada), id, now()).await.expect("deleted");
                }
                Err(Error::NotFound(_)) => removed_before_death += 1,
                Err(error) => panic!("{error}"),
            }
            assert_unseen(&table, &[&ada, &grace], id).await;
            assert_cleared_at(&table, id, at).await;
            if finished {
                break;
            }
        }
        assert!(removed_before_death > 3, "{removed_before_death}");
    }
}

#[tokio::test]
async fn whichever_answer_is_lost_a_conversation_is_removed_for_good() {
    for title in [None, Some("Engines")] {
        let table = OwnTable::new().await;
        let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
        for (lost, at) in times().enumerate() {
            let (store, proxy) = (table.store(), Proxy::start().await);
            let id = lived_in(&store, &ada, &grace, title).await;
            let unsure = table.store_at(proxy.address()).await;
            proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
            unsure.delete_conversation(&caller(&ada), id, now()).await.expect("deleted");
            let all_were_lost_once = proxy.calls() <= lost;
            assert_eq!(left_of(&table, id).await, ["CLEARING"]);
            assert_unseen(&table, &[&ada, &grace], id).await;
            assert_cleared_at(&table, id, at).await;
            if all_were_lost_once {
                break;
            }
        }
    }
}

#[tokio::test]
async fn whichever_answer_is_lost_the_last_to_leave_takes_everything_along() {
    let table = OwnTable::new().await;
    let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
    for lost in 0.. {
        let (store, proxy) = (table.store(), Proxy::start().await);
        let id = lived_in(&store, &ada, &grace, Some("Engines")).await;
        store.leave(&caller(&ada), id, now()).await.expect("left");
        let unsure = table.store_at(proxy.address()).await;
        proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
        unsure.leave(&caller(&grace), id, now()).await.expect("left");
        let all_were_lost_once = proxy.calls() <= lost;
        assert_eq!(left_of(&table, id).await, ["CLEARING"]);
        if all_were_lost_once {
            break;
        }
    }
}

#[tokio::test]
async fn what_a_slow_writer_puts_into_the_log_of_a_removed_conversation_is_cleared_too() {
    for key in [None, Some("another key")] {
        let table = OwnTable::new().await;
        let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
        let (store, proxy) = (table.store(), Proxy::start().await);
        let id = lived_in(&store, &ada, &grace, Some("Engines")).await;
        let (slow, by) = (table.store_at(proxy.address()).await, caller(&grace));
        proxy.expect(
            |call| if matches!(call.operation, "PutItem" | "TransactWriteItems") { Fate::Hold } else { Fate::Pass },
        );
        let writer = tokio::spawn(async move { slow.send(&by, id, draft("too late", key), now()).await });
        proxy.until_held().await;
        store.delete_conversation(&caller(&ada), id, now()).await.expect("deleted");
        proxy.release();
        writer.await.expect("not aborted").expect("it had its number in time");
        assert_unseen(&table, &[&ada, &grace], id).await;
        assert_cleared_at(&table, id, later()).await;
    }
}

#[tokio::test]
async fn a_long_log_is_cleared_by_more_removals_than_one() {
    let table = OwnTable::new().await;
    let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
    let store = table.store();
    let id = start(&store, &ada, &[&grace], None).await;
    table.fill_log(&id.to_string(), 1300).await;
    store.delete_conversation(&caller(&ada), id, now()).await.expect("deleted");
    let left = table.items().await.len() - 1;
    assert!((1..1300).contains(&left), "{left} items are left to later removals");
    assert_unseen(&table, &[&ada, &grace], id).await;
    for at in times().take(2) {
        remove_another(&table, at).await;
    }
    assert_eq!(left_of(&table, id).await, [""; 0]);
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_behind() {
    let table = OwnTable::new().await;
    let (ada, grace) = (table.person("Ada").await, table.person("Grace").await);
    let functions = InProcess::on(table.store());
    let stranger = || UserId::unique().to_string();
    let (unknown, many) = (stranger(), (0..250).map(|_| stranger()).collect::<Vec<_>>());
    for ids in [json!([grace.id, unknown]), json!([ada.id]), json!(many), json!([grace.id, "abc"])] {
        for title in [json!(null), json!("Engines")] {
            let start = json!({ "participant_ids": ids, "title": title });
            let (status, body, _) = functions.send(&ada, "POST", "/api/conversations/", &[], Some(start)).await;
            assert_eq!(status, 400, "{body}");
        }
    }
    assert_eq!(table.items().await, [""; 0]);
}
