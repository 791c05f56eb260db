use std::time::Duration;

use local::gateway::Limits;
use realtime::Settings;
use serde_json::json;
use shared::domain::connection::ConnectionId;
use shared::domain::session::Caller;
use shared::domain::user::Role;
use tests::machine::cast::Actor;
use tests::machine::live::Live;
use tests::machine::own_table::OwnTable;
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{caller, now, user_id};
use tests::{PASSWORD, Person};
use tokio::time::sleep;

#[tokio::test]
async fn a_socket_opens_for_a_token_in_a_header_and_as_a_subprotocol() {
    let live = Live::new().await;
    let ada = live.table.person("Ada").await;
    let bearer = format!("Bearer {}", ada.token);
    let socket = live.connect(&[("authorization", &bearer)]).await.expect("it opens");
    assert_eq!(socket.subprotocol, None);
    let named = format!("confab, {}", ada.token);
    let socket = live.connect(&[("sec-websocket-protocol", &named)]).await.expect("it opens");
    assert_eq!(socket.subprotocol.as_deref(), Some("confab"));
}

#[tokio::test]
async fn a_cookie_opens_a_socket_for_pages_of_known_origins_only() {
    let settings = Settings { origins: vec!["https://app.example.com".to_owned()], ..Settings::default() };
    let live = Live::with(settings, Limits::default()).await;
    let ada = live.table.person("Ada").await;
    let cookie = format!("sessionid={}", ada.token);
    for (origin, expected) in [
        ("https://app.example.com", None),
        ("http://127.0.0.1:9000", None),
        ("https://evil.example", Some(403)),
        ("null", Some(403)),
    ] {
        let opened = live.connect(&[("cookie", &cookie), ("origin", origin)]).await;
        assert_eq!(opened.err(), expected, "{origin}");
    }
    assert_eq!(live.connect(&[("cookie", &cookie)]).await.err(), Some(403));
}

#[tokio::test]
async fn without_a_living_session_nothing_opens() {
    let live = Live::new().await;
    let ada = live.table.person("Ada").await;
    let open = async |token: &str| {
        let bearer = format!("Bearer {token}");
        live.connect(&[("authorization", &bearer)]).await.err()
    };
    assert_eq!(live.connect(&[]).await.err(), Some(401));
    assert_eq!(open("forged").await, Some(401));
    assert_eq!(open(&ada.token).await, None);
    live.ask(&ada, "POST", "/api/auth/logout/", json!({})).await;
    assert_eq!(open(&ada.token).await, Some(401));
}

#[tokio::test]
async fn one_socket_too_many_closes_the_oldest() {
    let live = Live::with(Settings { most_connections: 2, ..Settings::default() }, Limits::default()).await;
    let ada = live.table.person("Ada").await;
    let mut first = live.open(&ada).await;
    let mut second = live.open(&ada).await;
    let mut third = live.open(&ada).await;
    assert_eq!(first.end().await, Some(1000));
    assert_eq!(second.kinds_told().await, [""; 0]);
    assert_eq!(third.kinds_told().await, [""; 0]);
    assert_eq!(live.gateway.connections().len(), 2);
    let noted = live.table.store().sockets_of([user_id(&ada.id)]).await.expect("readable");
    assert_eq!(noted[&user_id(&ada.id)].len(), 2);
}

#[tokio::test]
async fn many_that_open_at_once_are_no_more_than_may_be() {
    let live = Live::with(Settings { most_connections: 3, ..Settings::default() }, Limits::default()).await;
    let ada = live.table.person("Ada").await;
    let opening = (0..8).map(|_| live.open(&ada));
    let sockets = futures::future::join_all(opening).await;
    let noted = live.table.store().sockets_of([user_id(&ada.id)]).await.expect("readable");
    assert_eq!(noted[&user_id(&ada.id)].len(), 3);
    drop(sockets);
}

/// When operators lower the limit by a hundred, say: a transaction takes 100 actions.
#[tokio::test]
async fn as_many_give_way_as_a_transaction_takes_and_the_rest_when_the_next_one_opens() {
    let table = OwnTable::new().await;
    let (store, ada) = (table.store(), table.person("Ada").await);
    let open = async |index: u64, most: usize| {
        let id = ConnectionId::parse(&format!("{index:07}=")).expect("an id");
        let caller = Caller { at: now() + Duration::from_millis(index), ..caller(&ada) };
        store.open_connection(&caller, &id, most).await.expect("noted").len()
    };
    for index in 0..95 {
        assert_eq!(open(index, 200).await, 0);
    }
    assert_eq!((open(95, 1).await, open(96, 1).await, open(97, 1).await), (90, 6, 1));
    let noted = store.sockets_of([user_id(&ada.id)]).await.expect("readable");
    assert_eq!(noted[&user_id(&ada.id)].len(), 1);
    table.assert_sound(now()).await;
}

#[tokio::test]
async fn the_end_of_a_session_closes_its_sockets_and_no_others() {
    let table = OwnTable::new().await;
    let store = table.store();
    let actor = Actor::named("Ada", &store, Role::Guest).await;
    let live = Live::on(table, Settings::default(), Limits::default(), &store).await;
    let ada: Person = actor.clone().into();
    let mut socket = live.open(&ada).await;
    let other = actor.another_session(&store).await;
    let other_caller = Caller { session: other, ..actor.caller() };
    let id = ConnectionId::parse("b3RoZXI=").expect("an id");
    store.open_connection(&other_caller, &id, 10).await.expect("noted");
    live.tell().await;
    store.end_session(&other_caller).await.expect("ended");
    live.tell().await;
    assert_eq!(socket.kinds_told().await, [""; 0], "hers is another session");
    let noted = store.sockets_of([actor.id()]).await.expect("readable");
    assert_eq!(noted[&actor.id()].len(), 1);

    live.ask(&ada, "POST", "/api/auth/logout/", json!({})).await;
    live.tell().await;
    assert_eq!(socket.end().await, Some(1000));
    assert!(live.gateway.connections().is_empty());
    assert!(live.table.store().sockets_of([actor.id()]).await.expect("readable").is_empty());
}

#[tokio::test]
async fn a_change_of_password_closes_the_sockets_of_other_sessions_and_a_deactivation_all() {
    let live = Live::new().await;
    let store = live.table.store();
    let actor = Actor::named("Ada", &store, Role::Guest).await;
    let ada: Person = actor.clone().into();
    let login = json!({ "email": ada.email, "password": PASSWORD });
    let again = live.ask(&ada, "POST", "/api/auth/login/", login).await;
    let elsewhere = format!("Bearer {}", again["token"].as_str().expect("a token"));
    let mut other = live.connect(&[("authorization", &elsewhere)]).await.expect("it opens");
    let mut own = live.open(&ada).await;
    live.tell().await;
    let change = json!({ "old_password": PASSWORD, "new_password": "another-long-enough-password" });
    live.ask(&ada, "POST", "/api/auth/password/", change).await;
    live.tell().await;
    assert_eq!(other.end().await, Some(1000));
    assert_eq!(own.kinds_told().await, [""; 0]);

    store.deactivate(&actor.email).await.expect("deactivated");
    live.tell().await;
    assert_eq!(own.end().await, Some(1000));
}

#[tokio::test]
async fn a_socket_whose_note_is_lost_is_closed_when_it_says_something() {
    let live = Live::new().await;
    let ada = live.table.person("Ada").await;
    let mut socket = live.open(&ada).await;
    let noted = live.table.store().sockets_of([user_id(&ada.id)]).await.expect("readable");
    live.table.store().forget(&noted[&user_id(&ada.id)][0]).await.expect("forgotten");
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.end().await, Some(1000));
}

#[tokio::test]
async fn what_is_noted_of_a_socket_goes_with_it() {
    let live = Live::new().await;
    let (ada, grace) = (live.table.person("Ada").await, live.table.person("Grace").await);
    let mut socket = live.open(&ada).await;
    socket.ask(json!({ "type": "watch", "users": [grace.id] })).await;
    let id = live.gateway.connections().pop().expect("one is open");
    assert!(live.gateway.cut(&id));
    let is_left = async || {
        let items = live.table.items().await;
        items.iter().any(|key| key.starts_with("CONN#") || key.contains("/ WATCH#"))
    };
    for _ in 0..200 {
        if !is_left().await {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert!(!is_left().await);
    live.table.assert_sound(now()).await;
}

#[tokio::test]
async fn a_socket_whose_note_was_written_but_not_answered_is_noted_once() {
    let table = OwnTable::new().await;
    let (ada, proxy) = (table.person("Ada").await, Proxy::start().await);
    let store = table.store_at(proxy.address()).await;
    let live = Live::on(table, Settings::default(), Limits::default(), &store).await;
    proxy.lose_first("TransactWriteItems");
    let mut socket = live.open(&ada).await;
    assert_eq!(socket.kinds_told().await, [""; 0]);
    let noted = live.table.store().sockets_of([user_id(&ada.id)]).await.expect("readable");
    assert_eq!(noted[&user_id(&ada.id)].len(), 1);
}

/// What was read of a session may be over when the socket is noted: noting asks again, in the same transaction.
#[tokio::test]
async fn a_session_that_ends_during_the_handshake_opens_nothing() {
    let table = OwnTable::new().await;
    let (ada, proxy) = (table.person("Ada").await, Proxy::start().await);
    let store = table.store_at(proxy.address()).await;
    let live = Live::on(table, Settings::default(), Limits::default(), &store).await;
    proxy.expect(|call| if call.operation == "TransactWriteItems" { Fate::Hold } else { Fate::Pass });
    let bearer = format!("Bearer {}", ada.token);
    let headers = [("authorization", &*bearer)];
    let (opened, ()) = tokio::join!(live.connect(&headers), async {
        proxy.until_held().await;
        live.table.store().end_session(&caller(&ada)).await.expect("ended");
        proxy.release();
    });
    assert_eq!(opened.err(), Some(401));
    assert!(live.table.store().sockets_of([user_id(&ada.id)]).await.expect("readable").is_empty());
}

#[tokio::test]
async fn a_table_that_is_not_to_be_reached_opens_nothing_and_says_so() {
    let table = OwnTable::new().await;
    let (ada, proxy) = (table.person("Ada").await, Proxy::start().await);
    let store = table.impatient_store_at(proxy.address(), Duration::from_millis(200)).await;
    let live = Live::on(table, Settings::default(), Limits::default(), &store).await;
    proxy.expect(|_| Fate::Fail);
    let bearer = format!("Bearer {}", ada.token);
    assert_eq!(live.connect(&[("authorization", &bearer)]).await.err(), Some(503));
}
