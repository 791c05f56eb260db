//! Defects of the application that Confab replaces whose absence shows only on the machine.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::domain::conversation::{NewConversation, Title};
use shared::domain::user::Role;
use shared::store::Spent;
use tests::machine::cast::{Actor, Credential};
use tests::machine::{InProcess, now, store};

async fn get(functions: &InProcess, caller: &Actor, path: &str) -> (Value, Spent) {
    let request = Credential::Bearer(caller.token.clone()).request("GET", path, &Value::Null);
    let (answer, spent) = functions.ask(request).await;
    (answer.expect(200).json(), spent)
}

/// A path and query on this site, from an absolute address.
fn local(address: &str) -> String {
    let path = address.splitn(4, '/').nth(3).expect("an absolute address");
    format!("/{path}")
}

#[tokio::test]
async fn what_a_page_costs_in_round_trips_does_not_depend_on_its_rows() {
    let store = store().await;
    let functions = InProcess::on(store.clone());
    let people = [(); 10].map(|()| Actor::new(&store, Role::Guest));
    let people = futures::future::join_all(people).await;
    let others: Vec<_> = people[1..].iter().map(Actor::id).collect();
    let conversation = people[0].start(&store, &others).await;
    let paths = [
        format!("/api/conversations/{conversation}/"),
        format!("/api/conversations/{conversation}/messages/?page_size=100"),
        "/api/conversations/".to_owned(),
    ];
    people[0].say(&store, conversation).await;
    let mut one_row = Vec::new();
    for path in &paths {
        one_row.push(get(&functions, &people[0], path).await.1);
    }
    for turn in 0..49 {
        people[turn % people.len()].say(&store, conversation).await;
    }
    for (path, one_row) in paths.iter().zip(one_row) {
        let (page, spent) = get(&functions, &people[0], path).await;
        println!("{path}: {spent:?}");
        assert_eq!(spent.round_trips, one_row.round_trips, "{path}");
        // A message of this size is a fraction of a unit in a query of them all; its sender is half a unit, once.
        assert!(spent.rru <= one_row.rru + 8.0, "{path}: {spent:?} after {one_row:?}");
        let rows = page["messages"].as_array().or(page["results"].as_array()).expect("rows");
        assert!([1, 50].contains(&rows.len()), "{path}: {}", rows.len());
    }
}

#[tokio::test]
async fn what_came_at_the_same_instant_has_an_order() {
    let store = store().await;
    let functions = InProcess::on(store.clone());
    let (ada, grace) = tokio::join!(Actor::new(&store, Role::Guest), Actor::new(&store, Role::Guest));
    let at = now();
    let mut made = BTreeSet::new();
    for number in 0..7 {
        let title = Title::parse_optional(&format!("Engine {number}")).expect("a title");
        let new = NewConversation::between(ada.id(), &[grace.id()], title).expect("two people");
        made.insert(new.id.to_string());
        store.start_conversation(&ada.caller(), new, at).await.expect("started");
    }
    for ordering in ["created_at", "last_activity"] {
        let mut walks = Vec::new();
        for sign in ["", "-"] {
            let (mut path, mut walk) =
                (format!("/api/conversations/?page_size=2&ordering={sign}{ordering}"), Vec::new());
            loop {
                let (page, _) = get(&functions, &ada, &path).await;
                let rows = page["results"].as_array().expect("rows");
                walk.extend(rows.iter().map(|row| row["conversation_id"].as_str().expect("an id").to_owned()));
                match page["next"].as_str() {
                    Some(next) => path = local(next),
                    None => break,
                }
            }
            assert_eq!(walk.len(), made.len(), "{ordering}: each once");
            assert_eq!(walk.iter().cloned().collect::<BTreeSet<_>>(), made);
            walks.push(walk);
        }
        walks[1].reverse();
        assert_eq!(walks[0], walks[1], "{ordering}: one order, and its opposite");
    }
}
