//! Imports, whose calls go wrong, and beside which people look into their inboxes.

use shared::domain::Error;
use shared::domain::conversation::Membership;
use shared::domain::id::{ConversationId, UserId};
use shared::domain::page::{Anchor, Slice};
use shared::domain::user::Role;
use shared::store::{Imported, ImportedConversation, InboxOrder, InboxQuery, Store};
use tests::machine::cast::Actor;
use tests::machine::now;
use tests::machine::proxy::{Fate, Proxy};

use super::super::audit::imported;
use super::operations::Stage;
use super::sweep::{ATTEMPT, Fault, check_table};

/// Imports are repeated until they are told done.
#[tokio::test]
async fn conversations_are_imported_once_and_whole_whatever_befalls_which_call() {
    let (stage, proxy) = tokio::join!(Stage::new(), Proxy::start());
    let store = stage.table.impatient_store_at(proxy.address(), ATTEMPT).await;
    let (ada, grace) = (Actor::new(&stage.store, Role::Guest).await, Actor::new(&stage.store, Role::Guest).await);
    let mut at = 0;
    loop {
        let mut reached = false;
        for (fate, for_good) in [(Fate::LoseAnswer, false), (Fate::ResetBefore, false), (Fate::ResetAfter, true)] {
            let (fault, import) = (Fault { call: at, fate, for_good }, imported(&ada, &grace));
            proxy.expect(move |call| fault.of(call));
            let told = Box::pin(store.import_conversation(import.clone())).await;
            reached |= proxy.calls() > at;
            proxy.release();
            proxy.until_idle().await;
            assert!(matches!(told, Ok(_) | Err(Error::Unavailable(_))), "{fault:?}: {told:?}");
            let again = Box::pin(stage.store.import_conversation(import.clone())).await;
            let done = told.is_ok();
            assert!(
                matches!(again, Ok(Imported::Before { same: true }))
                    || (!done && matches!(again, Ok(Imported::Now(_)))),
                "{fault:?}: {told:?}, then {again:?}"
            );
            let shown = stage.store.conversation(&ada.caller(), import.conversation.id, now()).await.expect("there");
            assert_eq!((shown.messages.len(), shown.memberships.len()), (1, 2), "{fault:?}");
        }
        at += 1;
        if !reached {
            break;
        }
    }
    assert!(at > 3, "there was hardly anything to go wrong");
    check_table("import", &stage, &[]).await;
}

/// Of 101 people, more than go in one transaction with their conversation: `last` comes after the others.
fn large(ada: &Actor, crowd: &[UserId], last: &Actor) -> ImportedConversation {
    let mut import = imported(ada, last);
    let first = import.memberships[0];
    let people = [ada.id()].into_iter().chain(crowd.iter().copied()).chain([last.id()]);
    import.memberships = (0..).zip(people).map(|(position, user)| Membership { position, user, ..first }).collect();
    import.conversation.participants = import.memberships.iter().map(|membership| membership.user).collect();
    import
}

async fn look_into_inbox(store: &Store, person: &Actor) -> Vec<ConversationId> {
    let slice = Slice { anchor: Anchor::Start, limit: 10 };
    let order = InboxOrder::LastActivity;
    let query = InboxQuery { order, newest_first: true, slice, page: None, search: None };
    let inbox = store.inbox(&person.caller(), &query, now()).await.expect("an inbox").expect("a page");
    inbox.page.rows.iter().map(|row| row.conversation.id).collect()
}

#[tokio::test]
async fn whoever_looks_while_a_large_group_is_imported_stays_in_it() {
    let (stage, importing, looking) = tokio::join!(Stage::new(), Proxy::start(), Proxy::start());
    let (ada, last) = (Actor::new(&stage.store, Role::Guest).await, Actor::new(&stage.store, Role::Guest).await);
    let import = large(&ada, stage.crowd().await, &last);
    let (id, importer) = (import.conversation.id, stage.table.store_at(importing.address()).await);
    let looker = stage.table.store_at(looking.address()).await;
    // META waits, and so does whatever would clear a membership that has none.
    let (mut import, mut look) =
        (Box::pin(importer.import_conversation(import)), Box::pin(look_into_inbox(&looker, &last)));
    importing.expect(|call| if call.body.contains("\"META\"") { Fate::Hold } else { Fate::Pass });
    looking.expect(|call| if call.operation == "DeleteItem" { Fate::Hold } else { Fate::Pass });
    tokio::select! {
        imported = &mut import => panic!("not held: {imported:?}"),
        () = importing.until_held() => {}
    }
    let seen = tokio::select! {
        seen = &mut look => Some(seen),
        () = looking.until_held() => None,
    };
    assert_eq!(seen.unwrap_or_default(), [], "nothing half-made is seen");
    importing.release();
    import.await.expect("imported");
    looking.release();
    looking.until_idle().await;
    assert_eq!(look_into_inbox(&stage.store, &last).await, [id]);
    check_table("a large import", &stage, &[]).await;
}
