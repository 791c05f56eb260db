//! One violation of every kind, planted in a sound table: each is found out.

use serde_json::{Value, json};
use shared::domain::id::{ConversationId, SessionId, UserId};
use shared::store::Note;
use tests::machine::now;

use super::LivedIn;

/// What is done to one item.
enum Deed {
    Remove,
    /// Attributes are set; null takes them away. An item that is not there is made.
    Set(Value),
}

struct Plant {
    /// What the audit is to say.
    finding: &'static str,
    key: (String, String),
    deed: Deed,
}

fn text(value: impl ToString) -> Value {
    json!({ "S": value.to_string() })
}

fn count(value: u64) -> Value {
    json!({ "N": value.to_string() })
}

const FIRST: &str = "MSG#0000000001";
const SECOND: &str = "MSG#0000000002";
const TOMBSTONE: &str = "MSG#0000000003";
const VOID: &str = "MSG#0000000004";

/// The changes of the group: two edits of the second message, one of the third, its deletion, and more.
const EDIT: &str = "CHG#0000000002";
const EDIT_OF_TOMBSTONE: &str = "CHG#0000000003";
const DELETION: &str = "CHG#0000000004";
const LATER_CHANGE: &str = "CHG#0000000005";
const ADDITION: &str = "CHG#0000000006";
const LAST_CHANGE: &str = "CHG#0000000007";

fn items_on_their_own(at: &LivedIn) -> Vec<Plant> {
    let (group, ada) = (format!("CONV#{}", at.group), format!("USER#{}", at.ada.id()));
    let plant = |finding, partition: &str, sort: &str, deed| Plant {
        finding,
        key: (partition.to_owned(), sort.to_owned()),
        deed,
    };
    let set = |value| Deed::Set(value);
    vec![
        plant("is of no kind", "SOMETHING#1", "ELSE", set(json!({}))),
        plant("is of no kind", &group, "ELSE#1", set(json!({}))),
        plant("not spelt", &group, "MSG#1", set(json!({ "kind": text("void"), "voided_at": text(now()) }))),
        plant("cannot be read", &group, FIRST, set(json!({ "sent_at": text("yesterday") }))),
        plant("cannot be read", &group, "META", set(json!({ "messages": text("many") }))),
        plant("cannot be read", &ada, "PROFILE", set(json!({ "role": text("chief") }))),
        plant("cannot be read", "ADMINS", "ADMINS", set(json!({ "admins": null }))),
        plant("in the index", &group, "META", set(json!({ "GSI1SK": text("elsewhere") }))),
        plant("in the index", &ada, "PROFILE", set(json!({ "GSI1PK": null }))),
        plant("in the index", &group, FIRST, set(json!({ "GSI1PK": text("USERS"), "GSI1SK": text("x") }))),
        plant("would be forgotten", &group, FIRST, set(json!({ "expires_at": count(1) }))),
        plant("in disorder", &group, SECOND, set(json!({ "edits": { "L": [count(2), count(1)] } }))),
        plant("when it was edited", &group, SECOND, set(json!({ "edited_at": null }))),
        plant("has a title", &format!("CONV#{}", at.direct), "META", set(json!({ "title": text("Engines") }))),
        plant("does not take part", &group, "META", set(json!({ "created_by": text(UserId::unique()) }))),
        plant("names a last removal", &group, "META", set(json!({ "last_removal": count(8) }))),
        plant("tombstones and voids among", &group, "META", set(json!({ "hidden_messages": count(9) }))),
    ]
}

fn people(at: &LivedIn) -> Vec<Plant> {
    let (ada, grace) = (format!("USER#{}", at.ada.id()), format!("USER#{}", at.grace.id()));
    let guard = (format!("EMAIL#{}", at.ada.email.as_str()), "EMAIL".to_owned());
    let plant = |finding, key: &(String, String), deed| Plant { finding, key: key.clone(), deed };
    let profile = (ada.clone(), "PROFILE".to_owned());
    let admin = (format!("USER#{}", at.admin.id()), "PROFILE".to_owned());
    let inactive = json!({ "active": { "BOOL": false } });
    let stray_guard = ("EMAIL#stray@example.com".to_owned(), "EMAIL".to_owned());
    let account = |user: UserId| {
        let active = json!({ "BOOL": true });
        Deed::Set(json!({ "user": text(user), "password_hash": text("!"), "active": active, "logins": count(0) }))
    };
    let stranger = (format!("USER#{}", UserId::unique()), format!("SESSION#{}", SessionId::unique()));
    let session = json!({ "created_at": text(now()), "last_seen_at": text(now()), "expires_at": count(9_999_999_999) });
    vec![
        plant("has no account", &guard, Deed::Remove),
        plant("somebody else's account", &guard, Deed::Set(json!({ "user": text(at.grace.id()) }))),
        plant("whether they may come in", &guard, Deed::Set(inactive.clone())),
        plant("of an address that its person does not have", &stray_guard, account(at.ada.id())),
        plant("names a person who is not there", &stray_guard, account(UserId::unique())),
        plant("names a person who is not there", &(grace, "PROFILE".to_owned()), Deed::Remove),
        plant("names a person who is not there", &stranger, Deed::Set(session)),
        plant("may not come in has a session", &profile, Deed::Set(inactive)),
        plant("more sessions than", &guard, Deed::Set(json!({ "logins": count(1) }))),
        plant("is not in the list of admins", &profile, Deed::Set(json!({ "role": text("admin") }))),
        plant("no active admin is in the list", &admin, Deed::Set(json!({ "role": text("guest") }))),
        plant("is not in the list of admins", &("ADMINS".to_owned(), "ADMINS".to_owned()), Deed::Remove),
    ]
}

fn logs(at: &LivedIn) -> Vec<Plant> {
    let group = format!("CONV#{}", at.group);
    let plant = |finding, sort: &str, deed| Plant { finding, key: (group.clone(), sort.to_owned()), deed };
    let set = |value| Deed::Set(value);
    let key = format!("KEY#{}#a key", at.ada.id());
    let other_key = format!("KEY#{}#another key", at.ada.id());
    let stored = json!({ "number": count(2), "body_digest": { "B": "" }, "expires_at": count(9_999_999_999) });
    let void = || json!({ "kind": text("void"), "voided_at": text(now()) });
    vec![
        plant("counter has not reached", "MSG#0000000009", set(void())),
        plant("counter has not reached", "CHG#0000000009", set(json!({ "kind": text("void"), "at": text(now()) }))),
        plant("counter has not reached", "META", set(json!({ "changes": count(5) }))),
        plant("2 tombstones and voids are counted, and 1 stand", VOID, Deed::Remove),
        plant("1 tombstones and voids are counted, and 2 stand", "META", set(json!({ "hidden_messages": count(1) }))),
        plant("names a change that did not edit it", EDIT, Deed::Remove),
        plant("names a change that did not edit it", EDIT, set(json!({ "message": count(1) }))),
        plant("does not name it", SECOND, set(json!({ "edits": null, "edited_at": null }))),
        plant("edited a message that is not there", SECOND, Deed::Remove),
        plant("edited a void", SECOND, set(void())),
        plant(
            "said is still there",
            EDIT_OF_TOMBSTONE,
            set(json!({ "earlier_body": text("x"), "earlier_at": text(now()) })),
        ),
        plant("said before is gone", EDIT, set(json!({ "earlier_body": null }))),
        plant("no change says that a deleted", DELETION, set(json!({ "kind": text("void") }))),
        plant("is no tombstone", DELETION, set(json!({ "message": count(1) }))),
        plant("two changes say", LATER_CHANGE, set(json!({ "kind": text("message.deleted"), "message": count(3) }))),
        plant("does not lead to it", &key, Deed::Remove),
        plant("does not lead to it", &key, set(json!({ "number": count(2) }))),
        plant("leads to what was not sent by it", &other_key, set(stored)),
        plant("leads to what was not sent by it", FIRST, Deed::Remove),
        plant("leads to what was not sent by it", FIRST, set(json!({ "client_key": null }))),
        plant("cannot be read", TOMBSTONE, set(json!({ "deleted_at": null }))),
    ]
}

fn conversations(at: &LivedIn) -> Vec<Plant> {
    let conversation = |id: ConversationId| format!("CONV#{id}");
    let plant =
        |finding, partition: String, sort: &str, deed| Plant { finding, key: (partition, sort.to_owned()), deed };
    let set = |value| Deed::Set(value);
    let (ada, grace) = (at.ada.id(), at.grace.id());
    let membership = |id: ConversationId| format!("MEMBER#{id}");
    let member = |created_at: &str, joined_at: &str| {
        let instants = (text(created_at), text(joined_at));
        let (created_at, joined_at) = instants;
        json!({ "conversation_created_at": created_at, "joined_at": joined_at, "position": count(0), "read_number": count(0) })
    };
    let (early, late) = ("2026-01-01T12:00:00.000000Z", "2026-01-02T12:00:00.000000Z");
    let pair = format!("DIRECT#{}#{}", ada.min(grace), ada.max(grace));
    let strangers = format!("DIRECT#{}#{}", ada.min(at.admin.id()), ada.max(at.admin.id()));
    let (gone, stranger) = (ConversationId::unique(), UserId::unique());
    let named =
        |what: &str, user: UserId| set(json!({ "kind": text(format!("participant.{what}")), "user": text(user) }));
    let import = format!("IMPORT#{}", at.imported.old_id);
    let imported = conversation(at.imported.conversation.id);
    let clearing = json!({ "conversation": text(at.group), "due": text(early) });
    vec![
        plant("takes part without a membership", format!("USER#{grace}"), &membership(at.group), Deed::Remove),
        plant(
            "who does not take part",
            format!("USER#{}", at.admin.id()),
            &membership(at.direct),
            set(member(early, early)),
        ),
        plant(
            "when its conversation was made",
            format!("USER#{grace}"),
            &membership(at.group),
            set(member(early, late)),
        ),
        plant("read further", format!("USER#{grace}"), &membership(at.group), set(json!({ "read_number": count(5) }))),
        plant(
            "whom the last change that names them added",
            conversation(at.group),
            LAST_CHANGE,
            named("added", stranger),
        ),
        plant("whom the last change that names them added", conversation(at.group), EDIT, named("added", stranger)),
        plant("names them took out", conversation(at.group), LAST_CHANGE, named("removed", at.admin.id())),
        plant("did not add its person", conversation(at.group), ADDITION, set(json!({ "kind": text("void") }))),
        plant("did not add its person", conversation(at.group), ADDITION, named("added", stranger)),
        plant(
            "did not add its person",
            format!("USER#{grace}"),
            &membership(at.group),
            set(json!({ "addition": count(1) })),
        ),
        plant("conversation that is not there", format!("USER#{grace}"), &membership(gone), set(member(early, late))),
        plant("log of a conversation that is not there", conversation(at.group), "META", Deed::Remove),
        plant(
            "log of a conversation that is not there",
            conversation(gone),
            VOID,
            set(json!({ "kind": text("void"), "voided_at": text(early) })),
        ),
        plant("not named by its pair", pair.clone(), "DIRECT", Deed::Remove),
        plant("not named by its pair", pair, "DIRECT", set(json!({ "conversation": text(at.group) }))),
        plant("not the direct one of the two", strangers, "DIRECT", set(json!({ "conversation": text(at.direct) }))),
        plant("not the direct one of the two", conversation(at.direct), "META", set(json!({ "kind": text("group") }))),
        plant("old id leads to a message", imported, FIRST, Deed::Remove),
        plant("import has not come so far", import.clone(), "IMPORT", set(json!({ "progress": null }))),
        plant("cannot be read", import, "IMPORT", set(json!({ "conversation": text(gone) }))),
        plant("stands and is to be cleared", "CLEARING".to_owned(), &format!("{early}#{}", at.group), set(clearing)),
    ]
}

async fn assert_found(at: &LivedIn, plants: Vec<Plant>) {
    for Plant { finding, key: (partition, sort), deed } in plants {
        let before = at.table.item(&partition, &sort).await;
        match deed {
            Deed::Remove => at.table.delete(&partition, &sort).await,
            Deed::Set(attributes) => {
                let mut item = before.clone().unwrap_or(json!({ "PK": text(&partition), "SK": text(&sort) }));
                let item_attributes = item.as_object_mut().expect("an item");
                for (name, value) in attributes.as_object().expect("attributes") {
                    item_attributes.insert(name.clone(), value.clone());
                }
                item_attributes.retain(|_, value| !value.is_null());
                at.table.put(&item).await;
            }
        }
        let violations = Box::pin(at.table.store().audit(now())).await.expect("an audit").violations;
        let shown: Vec<String> = violations.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|violation| violation.contains(finding)), "{finding}: {partition} {sort}: {shown:#?}");
        assert!(!shown.iter().any(|violation| violation.contains('@')), "an address is shown: {shown:#?}");
        match before {
            Some(item) => at.table.put(&item).await,
            None => at.table.delete(&partition, &sort).await,
        }
        let after = Box::pin(at.table.store().audit(now())).await.expect("an audit").violations;
        assert_eq!(after, [], "after {finding}: {partition} {sort}");
    }
}

#[tokio::test]
async fn items_that_are_wrong_on_their_own_are_found() {
    let lived_in = Box::pin(LivedIn::new()).await;
    assert_found(&lived_in, items_on_their_own(&lived_in)).await;
}

#[tokio::test]
async fn people_accounts_sessions_and_admins_that_disagree_are_found() {
    let lived_in = Box::pin(LivedIn::new()).await;
    assert_found(&lived_in, people(&lived_in)).await;
}

#[tokio::test]
async fn logs_that_disagree_with_themselves_are_found() {
    let lived_in = Box::pin(LivedIn::new()).await;
    assert_found(&lived_in, logs(&lived_in)).await;
}

#[tokio::test]
async fn conversations_memberships_and_what_leads_to_them_are_found_where_they_disagree() {
    let lived_in = Box::pin(LivedIn::new()).await;
    assert_found(&lived_in, conversations(&lived_in)).await;
}

#[tokio::test]
async fn what_is_under_way_or_heals_by_itself_is_noted_and_no_violation() {
    let at = Box::pin(LivedIn::new()).await;
    let group = format!("CONV#{}", at.group);
    for (sort, counter, last) in [("MSG#0000000001", "messages", 6), ("CHG#0000000001", "changes", 9)] {
        assert!(at.table.item(&group, sort).await.is_some());
        let mut meta = at.table.item(&group, "META").await.expect("a conversation");
        meta[counter] = count(last);
        at.table.put(&meta).await;
    }
    let maker_died = json!({
        "PK": text(format!("USER#{}", at.ada.id())), "SK": text(format!("MEMBER#{}", ConversationId::unique())),
        "conversation_created_at": text("2026-01-01T12:00:00.000000Z"), "joined_at": text("2026-01-01T12:00:00.000000Z"),
        "position": count(0), "read_number": count(0),
    });
    at.table.put(&maker_died).await;
    let failure = format!("FAILED#2026-01-01T12:00:00.000000Z#{}", SessionId::unique());
    let expired = json!({ "PK": text("LOGINS#digest"), "SK": text(failure), "expires_at": count(1) });
    at.table.put(&expired).await;
    let import = at.imported.old_id;
    let mut note = at.table.item(&format!("IMPORT#{import}"), "IMPORT").await.expect("a note");
    note["progress"] = text("placed");
    at.table.put(&note).await;
    at.table.delete(&format!("USER#{}", at.grace.id()), &format!("MEMBER#{}", at.imported.conversation.id)).await;
    let notes: Vec<_> = at.table.assert_sound(now()).await.into_iter().collect();
    assert_eq!(
        notes,
        [
            (Note::PendingNumbers, 2),
            (Note::PendingChanges, 2),
            (Note::RemovedConversations, 1),
            (Note::Memberships, 1),
            (Note::Imports, 1),
            (Note::Expired, 1),
        ]
    );
}
