//! The audit of the table: it finds whatever must not be, and nothing else, while others write.

mod planted;

use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::domain::conversation::{Conversation, Kind, Membership, NewConversation};
use shared::domain::id::{ConversationId, ForeignId, Number, SessionId, UserId};
use shared::domain::message::{ClientKey, Draft, Message, MessageBody};
use shared::domain::session::Caller;
use shared::domain::user::Role;
use shared::store::{ImportedConversation, Note, Store};
use tests::machine::cast::Actor;
use tests::machine::now;
use tests::machine::own_table::OwnTable;

fn draft(body: &str, key: Option<&str>) -> Draft {
    let key = key.map(|key| ClientKey::parse(key).expect("a key"));
    Draft { body: MessageBody::parse(body).expect("a body"), key }
}

/// A table with something of every kind in it.
struct LivedIn {
    table: OwnTable,
    admin: Actor,
    ada: Actor,
    grace: Actor,
    /// Its numbers are: a keyed message, an edited one, a tombstone that had been edited, a void.
    group: ConversationId,
    direct: ConversationId,
    imported: ImportedConversation,
}

impl LivedIn {
    async fn new() -> Self {
        let table = OwnTable::new().await;
        let store = table.store();
        let admin = Actor::new(&store, Role::Admin).await;
        let (ada, grace) = tokio::join!(Actor::new(&store, Role::Host), Actor::new(&store, Role::Guest));
        ada.another_session(&store).await;
        let group = ada.start(&store, &[grace.id(), admin.id()]).await;
        let pair = NewConversation::between(ada.id(), &[grace.id()], None).expect("a conversation");
        let direct =
            store.start_conversation(&ada.caller(), pair, now()).await.expect("started").detail.conversation.id;
        let lived_in = Self { imported: imported(&ada, &grace), table, admin, ada, grace, group, direct };
        Box::pin(lived_in.fill_group(&store)).await;
        Box::pin(store.import_conversation(lived_in.imported.clone())).await.expect("imported");
        let removed = lived_in.ada.start(&store, &[lived_in.grace.id()]).await;
        lived_in.ada.say(&store, removed).await;
        store.delete_conversation(&lived_in.ada.caller(), removed, now()).await.expect("deleted");
        lived_in
    }

    async fn fill_group(&self, store: &Store) {
        let Self { ada, grace, admin, group, .. } = self;
        let body = |text| MessageBody::parse(text).expect("a body");
        let send = async |by: &Actor, text, key| {
            store.send(&by.caller(), *group, draft(text, key), now()).await.expect("sent").id
        };
        send(ada, "one", Some("a key")).await;
        let edited = send(grace, "two", None).await;
        let deleted = send(ada, "three", None).await;
        let nobody = Caller { session: SessionId::unique(), ..ada.caller() };
        store.send(&nobody, *group, draft("four", None), now()).await.expect_err("a session that never was");
        for text in ["zwei", "deux"] {
            store.edit(&grace.caller(), edited, &body(text), now()).await.expect("edited");
        }
        store.edit(&ada.caller(), deleted, &body("drei"), now()).await.expect("edited");
        store.delete_message(&ada.caller(), deleted, now()).await.expect("deleted");
        store.remove_participant(&ada.caller(), *group, admin.id(), now()).await.expect("removed");
        store.add_participant(&ada.caller(), *group, admin.id(), now()).await.expect("added");
        store.rename(&ada.caller(), *group, None, now()).await.expect("renamed");
        store.mark_read(&grace.caller(), *group, number(3)).await.expect("read");
    }
}

fn number(number: u64) -> Number {
    Number::new(number).expect("a small number")
}

/// A conversation that was held elsewhere, of two people who have another one here.
pub(super) fn imported(ada: &Actor, grace: &Actor) -> ImportedConversation {
    let old_id = ForeignId::from_bytes(*UserId::unique().as_bytes());
    let (id, at) = (ConversationId::of_imported(old_id), Timestamp::parse("2024-01-01T12:00:00Z").expect("an instant"));
    let membership = |(position, user)| Membership {
        conversation: id,
        conversation_created_at: at,
        user,
        joined_at: at,
        position,
        read_number: number(1),
        addition: None,
    };
    let message = Message {
        id: id.message(number(1)),
        sender: ada.id(),
        body: MessageBody::parse("Long ago").expect("a body"),
        sent_at: at,
        edited_at: None,
        key: None,
        edits: Vec::new(),
    };
    let conversation = Conversation {
        id,
        kind: Kind::Group,
        participants: [ada.id(), grace.id()].into(),
        title: None,
        created_by: ada.id(),
        created_at: at,
        messages: number(1),
        hidden: 0,
        last_activity: at,
        changes: Number::ZERO,
        changed_at: at,
    };
    let memberships = (0..).zip([ada.id(), grace.id()]).map(membership).collect();
    let old_message = ForeignId::from_bytes(*UserId::unique().as_bytes());
    ImportedConversation { old_id, conversation, memberships, messages: vec![(old_message, message)] }
}

#[tokio::test]
async fn a_table_with_something_of_every_kind_in_it_is_sound() {
    let lived_in = Box::pin(LivedIn::new()).await;
    let audit = lived_in.table.store().audit(now()).await.expect("an audit");
    assert_eq!(audit.violations, []);
    let noted: Vec<_> = audit.notes.into_iter().collect();
    assert_eq!(noted, [(Note::RemovedConversations, 1)]);
    let total = |kind: &str| audit.totals.get(kind).copied().unwrap_or_default();
    let log = ["messages", "tombstones", "voids", "changes", "client keys", "aliases"].map(total);
    assert_eq!(log, [3, 1, 1, 7, 1, 1]);
    let others = ["people", "accounts", "sessions", "conversations", "memberships", "direct pairs"].map(total);
    assert_eq!(others, [3, 3, 4, 3, 7, 1]);
}

#[tokio::test]
async fn the_command_reports_a_sound_table_and_fails_over_one_that_is_not() {
    let lived_in = Box::pin(LivedIn::new()).await;
    let table = lived_in.table.as_table();
    let sound: Value = serde_json::from_str(&table.run(&["check", "--json"]).await.expect("sound")).expect("JSON");
    assert_eq!(
        (&sound["sound"], &sound["violations"], &sound["totals"]["voids"]),
        (&json!(true), &json!([]), &json!(1))
    );
    let report = table.run(&["check"]).await.expect("sound");
    assert!(report.ends_with("The table is sound.\n"), "{report}");
    lived_in.table.delete(&format!("CONV#{}", lived_in.group), "META").await;
    let child = table.start(&["check"]).wait_with_output().await.expect("the tool ends");
    let report = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.code() == Some(1) && report.contains("NOT sound"), "{report}");
    assert!(report.contains(&format!("CONV#{} ", lived_in.group)), "{report}");
}

#[tokio::test]
async fn nothing_looks_wrong_in_a_table_that_is_being_written_to() {
    let lived_in = Box::pin(LivedIn::new()).await;
    let (store, stopped) = (lived_in.table.store(), AtomicBool::new(false));
    let write = async |writer: usize| {
        let mut rounds = 0;
        while !stopped.load(Ordering::Relaxed) {
            rounds += 1;
            let name = format!("{writer} {rounds}");
            // In boxes: unoptimised, so much work in one future overflows a test's stack.
            Box::pin(write_to_a_log(&lived_in, &store, &name)).await;
            Box::pin(let_people_come_and_go(&lived_in, &store)).await;
        }
        rounds
    };
    let audits = async {
        for _ in 0..15 {
            let audit = Box::pin(store.audit(now())).await.expect("an audit");
            assert_eq!(audit.violations, [], "a false alarm");
        }
        stopped.store(true, Ordering::Relaxed);
    };
    let ((), rounds) = tokio::join!(audits, join_all((0..4).map(write)));
    assert!(rounds.iter().all(|rounds| *rounds > 0), "{rounds:?}");
    lived_in.table.assert_sound(now()).await;
}

async fn write_to_a_log(lived_in: &LivedIn, store: &Store, name: &str) {
    let LivedIn { ada, grace, group, .. } = lived_in;
    let caller = ada.caller();
    let sent = store.send(&caller, *group, draft(name, Some(name)), now()).await.expect("sent").id;
    let body = MessageBody::parse(&format!("{name} again")).expect("a body");
    store.edit(&caller, sent, &body, now()).await.expect("edited");
    store.delete_message(&caller, sent, now()).await.expect("deleted");
    let nobody = Caller { session: SessionId::unique(), ..caller };
    store.send(&nobody, *group, draft(name, None), now()).await.expect_err("a session that never was");
    store.mark_read(&grace.caller(), *group, sent.number).await.expect("read");
}

async fn let_people_come_and_go(lived_in: &LivedIn, store: &Store) {
    let LivedIn { admin, ada, grace, group, .. } = lived_in;
    let caller = ada.caller();
    // Others may do the same just now.
    let newcomer = Actor::new(store, Role::Admin).await;
    drop(store.add_participant(&caller, *group, newcomer.id(), now()).await);
    drop(store.remove_participant(&admin.caller(), *group, newcomer.id(), now()).await);
    let started = ada.start(store, &[newcomer.id()]).await;
    ada.say(store, started).await;
    store.delete_conversation(&caller, started, now()).await.expect("deleted");
    let pair = NewConversation::between(newcomer.id(), &[grace.id()], None).expect("a conversation");
    let direct = store.start_conversation(&newcomer.caller(), pair, now()).await.expect("started");
    newcomer.say(store, direct.detail.conversation.id).await;
    store.delete_conversation(&newcomer.caller(), direct.detail.conversation.id, now()).await.expect("deleted");
    newcomer.another_session(store).await;
    store.deactivate(&newcomer.email).await.expect("deactivated");
    store.import_conversation(imported(ada, grace)).await.expect("imported");
}
