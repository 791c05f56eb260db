//! Groups under roles, races and lost answers: every change is made once, and numbered once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{join, join_all};
use serde_json::{Value, json};
use shared::domain::Error;
use tests::machine::own_table::OwnTable;
use tests::machine::proxy::{Fate, Proxy};
use tests::machine::{InProcess, admin, caller, conversation_id, host, now, store};
use tests::{Person, two_people};
use tokio::sync::Notify;

use crate::conversations::{NO_CONVERSATION, participants};
use crate::groups::{add, delete, naming, remove, rename};

/// The functions on a table of their own, so that all that they leave there can be counted.
struct Scene {
    table: OwnTable,
    proxy: Proxy,
    functions: InProcess,
    ada: Person,
    grace: Person,
    edsger: Person,
}

impl Scene {
    async fn new() -> Self {
        let (table, proxy) = tokio::join!(OwnTable::new(), Proxy::start());
        let functions = InProcess::on(table.store_at(proxy.address()).await);
        let (ada, grace, edsger) = tokio::join!(table.person("Ada"), table.person("Grace"), table.person("Edsger"));
        Self { table, proxy, functions, ada, grace, edsger }
    }

    async fn ask(&self, person: &Person, method: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, answer, _) = self.functions.send(person, method, path, &[], Some(body)).await;
        (status, answer)
    }

    /// A group that Ada starts.
    async fn group(&self, others: &[&Person]) -> String {
        let others: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
        let body = json!({ "participant_ids": others, "title": "Engines" });
        let (status, group) = self.ask(&self.ada, "POST", "/api/conversations/", body).await;
        assert_eq!(status, 201, "{group}");
        format!("/api/conversations/{}/", group["conversation_id"].as_str().expect("an id"))
    }

    async fn add(&self, group: &str, person: &Person) -> (u16, Value) {
        self.ask(&self.ada, "POST", &format!("{group}add_participant/"), naming(person)).await
    }

    async fn remove(&self, group: &str, person: &Person) -> (u16, Value) {
        self.ask(&self.ada, "POST", &format!("{group}remove_participant/"), naming(person)).await
    }

    async fn leave(&self, group: &str, person: &Person) -> (u16, Value) {
        self.ask(person, "POST", &format!("{group}leave/"), json!({})).await
    }

    async fn rename(&self, group: &str, title: &str) -> (u16, Value) {
        self.ask(&self.ada, "PATCH", group, json!({ "title": title })).await
    }

    async fn delete(&self, group: &str) -> (u16, Value) {
        self.ask(&self.ada, "DELETE", group, json!({})).await
    }

    async fn read(&self, group: &str) -> Value {
        let (status, detail) = self.ask(&self.ada, "GET", group, json!({})).await;
        assert_eq!(status, 200, "{detail}");
        detail
    }

    /// How many items there are with that in their keys.
    async fn count(&self, kind: &str) -> usize {
        self.table.items().await.iter().filter(|item| item.contains(kind)).count()
    }

    /// One change is told, and none is pending; the answer that says so.
    async fn assert_changed_once(&self, group: &str) -> Value {
        let (status, told) = self.ask(&self.ada, "GET", &format!("{group}changes/"), json!({})).await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(told["changes"].as_array().map(Vec::len), Some(1), "{told}");
        assert_eq!(told["pending_changes"], json!([]), "{told}");
        told
    }

    /// Does something whose transaction is held, something else meanwhile, and lets it go.
    async fn overtaken<T, U>(&self, late: impl Future<Output = T>, meanwhile: impl Future<Output = U>) -> (T, U) {
        let held = AtomicBool::new(false);
        self.proxy.expect(move |call| {
            let is_first = call.operation == "TransactWriteItems" && !held.swap(true, Ordering::SeqCst);
            if is_first { Fate::Hold } else { Fate::Pass }
        });
        let meanwhile = async {
            self.proxy.until_held().await;
            let done = meanwhile.await;
            self.proxy.release();
            done
        };
        tokio::join!(late, meanwhile)
    }

    /// Checks that whoever began with these people and followed the changes in their order knows who takes part now.
    async fn assert_followed(&self, group: &str, beginning: &[&Person]) {
        let (status, told) = self.ask(&self.ada, "GET", &format!("{group}changes/"), json!({})).await;
        assert_eq!((status, &told["pending_changes"]), (200, &json!([])), "{told}");
        let mut followed: BTreeSet<&str> = beginning.iter().map(|person| person.id.as_str()).collect();
        for change in told["changes"].as_array().expect("a list") {
            match change["kind"].as_str() {
                Some("participant.added") => followed.insert(change["participant"]["user"].as_str().expect("an id")),
                _ => followed.remove(change["user"]["user_id"].as_str().expect("only people came and went")),
            };
        }
        let participants = participants(&self.read(group).await);
        let participants: BTreeSet<&str> = participants.iter().filter_map(Value::as_str).collect();
        assert_eq!(followed, participants, "{told}");
        self.table.assert_sound(now()).await;
    }

    /// Checks that a removed group left nothing but the note that it was removed.
    async fn assert_gone(&self, group: &str) {
        let id = group.split('/').nth(3).expect("an id");
        let left: Vec<String> = self.table.items().await.into_iter().filter(|item| item.contains(id)).collect();
        assert!(matches!(&left[..], [note] if note.starts_with("CLEARING / ")), "{left:?}");
    }
}

#[tokio::test]
async fn hosts_and_admins_may_do_in_groups_of_others_what_their_roles_allow() {
    let (ada, edsger) = tokio::join!(Person::new("Ada"), Person::new("Edsger"));
    for (person, may_delete) in [(host().await, false), (admin().await, true)] {
        let group = ada.start(&[&person], Some("Engines")).await;
        add(&person, &group, naming(&edsger)).await.expect(200);
        remove(&person, &group, naming(&edsger)).await.expect(200);
        rename(&person, &group, json!({ "title": "Looms" })).await.expect(200);
        remove(&person, &group, naming(&ada)).await.expect(200);
        assert_eq!(person.conversation(&group).await["created_by"], person.id, "the creator's rights are inherited");

        let group = ada.start(&[&person], Some("Engines")).await;
        delete(&person, &group).await.expect(if may_delete { 204 } else { 403 });
    }
}

#[tokio::test]
async fn whoever_does_not_take_part_sees_nothing_whatever_the_role() {
    let (ada, _, group) = two_people().await;
    for person in [host().await, admin().await] {
        add(&person, &group, naming(&person)).await.says(404, NO_CONVERSATION);
        remove(&person, &group, naming(&ada)).await.says(404, NO_CONVERSATION);
        rename(&person, &group, json!({ "title": "Mine" })).await.says(404, NO_CONVERSATION);
        delete(&person, &group).await.says(404, NO_CONVERSATION);
    }
}

#[tokio::test]
async fn inactive_people_cannot_be_added_and_can_be_removed() {
    let (ada, grace, edsger) = tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Edsger"));
    let group = ada.start(&[&grace], Some("Engines")).await;
    for person in [&grace, &edsger] {
        let email = shared::domain::user::Email::parse(&person.email).expect("an address");
        store().await.deactivate(&email).await.expect("deactivated");
    }
    for answer in [add(&ada, &group, naming(&edsger)).await, remove(&ada, &group, naming(&edsger)).await] {
        assert_eq!((answer.status, answer.json()), (404, json!({ "error": "User not found" })));
    }
    remove(&ada, &group, naming(&grace)).await.expect(200);
    assert_eq!(participants(&ada.conversation(&group).await), [&*ada.id]);
}

#[tokio::test]
async fn whichever_answer_is_lost_a_change_is_made_once_and_numbered_once() {
    let scene = Scene::new().await;
    for operation in ["add", "remove", "rename", "leave", "the creator leaves"] {
        for lost in 0.. {
            let group = scene.group(&[&scene.grace]).await;
            let before = scene.count("CHG#").await;
            scene.proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
            let (status, answer) = match operation {
                "add" => scene.add(&group, &scene.edsger).await,
                "remove" => scene.remove(&group, &scene.grace).await,
                "rename" => scene.rename(&group, "Looms").await,
                "leave" => scene.leave(&group, &scene.grace).await,
                _ => scene.leave(&group, &scene.ada).await,
            };
            let all_were_lost_once = scene.proxy.calls() <= lost;
            scene.proxy.expect(|_| Fate::Pass);
            assert!([200, 204].contains(&status), "{operation}, answer {lost}: {status} {answer}");
            assert_eq!(scene.count("CHG#").await, before + 1, "{operation}, answer {lost}");
            let (_, detail) = scene.ask(&scene.grace, "GET", &group, json!({})).await;
            let (count, title) = match operation {
                "add" => (json!(3), json!("Engines")),
                "rename" => (json!(2), json!("Looms")),
                "the creator leaves" => (json!(1), json!("Engines")),
                _ => (json!(null), json!(null)),
            };
            assert_eq!((&detail["participant_count"], &detail["title"]), (&count, &title), "{operation}");
            if all_were_lost_once {
                break;
            }
        }
    }
}

#[tokio::test]
async fn whichever_answer_is_lost_a_conversation_is_started_once() {
    let scene = Scene::new().await;
    let members = scene.table.people(98).await;
    let many: Vec<&str> = members.iter().chain([&scene.grace]).map(|person| person.id.as_str()).collect();
    for (others, title, items) in [
        (vec![scene.grace.id.as_str()], json!("Engines"), 3),
        (vec![scene.grace.id.as_str(), &scene.edsger.id], json!(null), 4),
        (many, json!("Everybody"), 101),
    ] {
        for lost in 0.. {
            let before = scene.table.items().await.len();
            scene.proxy.expect(move |call| if call.index == lost { Fate::LoseAnswer } else { Fate::Pass });
            let body = json!({ "participant_ids": others, "title": title });
            let (status, answer) = scene.ask(&scene.ada, "POST", "/api/conversations/", body).await;
            assert_eq!(status, 201, "answer {lost}: {answer}");
            assert_eq!(scene.table.items().await.len(), before + items, "answer {lost}");
            if scene.proxy.calls() <= lost {
                break;
            }
        }
    }
}

#[tokio::test]
async fn of_two_who_add_the_same_person_at_once_one_is_told_that_it_was_done() {
    let scene = Scene::new().await;
    for _ in 0..5 {
        let group = scene.group(&[&scene.grace]).await;
        let (one, other) = tokio::join!(scene.add(&group, &scene.edsger), scene.add(&group, &scene.edsger));
        let mut statuses = [one.0, other.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{} {}", one.1, other.1);
        let refused = if one.0 == 400 { one.1 } else { other.1 };
        assert_eq!(refused, json!({ "error": "User is already a participant" }));
        assert_eq!(participants(&scene.read(&group).await), [&*scene.ada.id, &*scene.grace.id, &*scene.edsger.id]);
        scene.assert_changed_once(&group).await;
    }
}

/// The loser had taken a number for its change, which is voided at once: nobody waits for it.
#[tokio::test]
async fn a_change_that_others_made_first_leaves_no_number_pending() {
    let scene = Scene::new().await;
    for operation in ["add", "remove", "leave"] {
        let group = scene.group(&[&scene.grace]).await;
        let change = async || match operation {
            "add" => scene.add(&group, &scene.edsger).await,
            "remove" => scene.remove(&group, &scene.grace).await,
            _ => scene.leave(&group, &scene.grace).await,
        };
        let (late, first) = scene.overtaken(change(), change()).await;
        assert!(first.0 < 300 && late.0 >= 400, "{operation}: {first:?} {late:?}");
        let changes = scene.assert_changed_once(&group).await;
        assert_eq!(scene.read(&group).await["changes"], changes["cursor"], "{operation}: both numbers are settled");
    }
}

#[tokio::test]
async fn who_is_added_late_after_being_added_and_removed_is_told_to_be_in() {
    let scene = Scene::new().await;
    let group = scene.group(&[&scene.grace]).await;
    let meanwhile = async { (scene.add(&group, &scene.edsger).await, scene.remove(&group, &scene.edsger).await) };
    let (late, (added, removed)) = scene.overtaken(scene.add(&group, &scene.edsger), meanwhile).await;
    assert_eq!((late.0, added.0, removed.0), (200, 200, 200), "{} {} {}", late.1, added.1, removed.1);
    let everybody = [&*scene.ada.id, &*scene.grace.id, &*scene.edsger.id];
    assert_eq!(participants(&scene.read(&group).await), everybody);
    scene.assert_followed(&group, &[&scene.ada, &scene.grace]).await;
}

#[tokio::test]
async fn who_is_removed_late_after_being_removed_and_added_is_told_to_be_out() {
    let scene = Scene::new().await;
    let group = scene.group(&[&scene.grace, &scene.edsger]).await;
    let meanwhile = async { (scene.remove(&group, &scene.edsger).await, scene.add(&group, &scene.edsger).await) };
    let (late, (removed, added)) = scene.overtaken(scene.remove(&group, &scene.edsger), meanwhile).await;
    assert_eq!((late.0, removed.0, added.0), (200, 200, 200), "{} {} {}", late.1, removed.1, added.1);
    assert_eq!(participants(&scene.read(&group).await), [&*scene.ada.id, &*scene.grace.id]);
    scene.assert_followed(&group, &[&scene.ada, &scene.grace, &scene.edsger]).await;
}

/// The second removal takes its number before the first one is made, and the person is back before the second is.
#[tokio::test]
async fn who_is_removed_late_after_being_added_with_a_higher_number_is_told_to_be_out() {
    let scene = Scene::new().await;
    let group = scene.group(&[&scene.grace, &scene.edsger]).await;
    let (proxy, removed) = (Proxy::start().await, Notify::new());
    let functions = InProcess::on(scene.table.store_at(proxy.address()).await);
    proxy.expect(|call| if call.operation == "TransactWriteItems" { Fate::Hold } else { Fate::Pass });
    let first = async {
        let path = format!("{group}remove_participant/");
        let answer = functions.send(&scene.ada, "POST", &path, &[], Some(naming(&scene.edsger))).await;
        removed.notify_one();
        answer.0
    };
    let meanwhile = async {
        proxy.release();
        removed.notified().await;
        scene.add(&group, &scene.edsger).await.0
    };
    let second = async {
        proxy.until_held().await;
        scene.overtaken(scene.remove(&group, &scene.edsger), meanwhile).await
    };
    let (first, (second, added)) = tokio::join!(first, second);
    assert_eq!((first, second.0, added), (200, 200, 200), "{}", second.1);
    assert_eq!(participants(&scene.read(&group).await), [&*scene.ada.id, &*scene.grace.id]);
    scene.assert_followed(&group, &[&scene.ada, &scene.grace, &scene.edsger]).await;
}

#[tokio::test]
async fn many_who_are_added_at_once_all_take_part() {
    let scene = Scene::new().await;
    let (group, members) = (scene.group(&[&scene.grace]).await, scene.table.people(20).await);
    let added = join_all(members.iter().map(|member| scene.add(&group, member))).await;
    assert!(added.iter().all(|(status, _)| *status == 200), "{added:?}");
    assert_eq!(scene.read(&group).await["participant_count"], 22);
    assert_eq!(scene.count("CHG#").await, 20);
}

#[tokio::test]
async fn of_two_who_are_added_to_the_last_place_at_once_one_gets_it() {
    let scene = Scene::new().await;
    let members = scene.table.people(247).await;
    let others: Vec<&Person> = members.iter().chain([&scene.grace]).collect();
    let group = scene.group(&others).await;
    let (one, other) = (&scene.edsger, scene.table.person("Alan").await);
    let (one, other) = tokio::join!(scene.add(&group, one), scene.add(&group, &other));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{} {}", one.1, other.1);
    let refused = if one.0 == 400 { one.1 } else { other.1 };
    assert_eq!(refused, json!({ "error": "A conversation must have no more than 250 participants." }));
    assert_eq!(scene.read(&group).await["participant_count"], 250);
}

#[tokio::test]
async fn whoever_is_added_to_a_group_while_it_is_deleted_is_not_left_in_it() {
    let scene = Scene::new().await;
    for _ in 0..8 {
        let group = scene.group(&[&scene.grace]).await;
        let (added, deleted) = tokio::join!(scene.add(&group, &scene.edsger), scene.delete(&group));
        assert_eq!(deleted.0, 204, "{}", deleted.1);
        assert!([200, 404].contains(&added.0), "{} {}", added.0, added.1);
        scene.assert_gone(&group).await;
    }
}

#[tokio::test]
async fn a_group_that_is_renamed_while_it_is_deleted_is_gone() {
    let scene = Scene::new().await;
    for _ in 0..8 {
        let group = scene.group(&[&scene.grace]).await;
        let (renamed, deleted) = tokio::join!(scene.rename(&group, "Looms"), scene.delete(&group));
        assert_eq!(deleted.0, 204, "{}", deleted.1);
        assert!([200, 404].contains(&renamed.0), "{} {}", renamed.0, renamed.1);
        scene.assert_gone(&group).await;
    }
}

#[tokio::test]
async fn titles_given_at_once_are_all_recorded_and_one_of_them_stays() {
    let scene = Scene::new().await;
    let group = scene.group(&[&scene.grace]).await;
    let titles: Vec<String> = (0..6).map(|turn| format!("Loom {turn}")).collect();
    let renamed = join_all(titles.iter().map(|title| scene.rename(&group, title))).await;
    assert!(renamed.iter().all(|(status, _)| *status == 200), "{renamed:?}");
    assert_eq!(scene.count("CHG#").await, 6);
    let title = scene.read(&group).await["title"].clone();
    assert!(titles.iter().any(|given| title == **given), "{title}");
}

#[tokio::test]
async fn who_leaves_while_being_removed_is_out_once() {
    let scene = Scene::new().await;
    for _ in 0..8 {
        let group = scene.group(&[&scene.grace, &scene.edsger]).await;
        let (left, removed) = tokio::join!(scene.leave(&group, &scene.grace), scene.remove(&group, &scene.grace));
        assert!(matches!((left.0, removed.0), (204, 400) | (404, 200)), "{left:?} {removed:?}");
        assert_eq!(participants(&scene.read(&group).await), [&*scene.ada.id, &*scene.edsger.id]);
        scene.assert_changed_once(&group).await;
    }
}

#[tokio::test]
async fn who_sends_while_being_removed_has_sent_or_has_not() {
    let scene = Scene::new().await;
    for _ in 0..5 {
        let group = scene.group(&[&scene.grace]).await;
        let id = group.split('/').nth(3).expect("an id");
        let send = json!({ "conversation": id, "message_body": "hello" });
        let sends = join_all((0..6).map(|_| scene.ask(&scene.grace, "POST", "/api/messages/", send.clone())));
        let (sent, removed) = tokio::join!(sends, scene.remove(&group, &scene.grace));
        assert_eq!(removed.0, 200, "{}", removed.1);
        assert!(sent.iter().all(|(status, _)| [201, 400].contains(status)), "{sent:?}");
        let sent = sent.iter().filter(|(status, _)| *status == 201).count();
        let detail = scene.read(&group).await;
        assert_eq!(detail["messages"].as_array().map(Vec::len), Some(sent));
        assert_eq!(detail["last_number"], sent, "no number was wasted");
    }
}

#[tokio::test]
async fn two_who_start_anew_while_their_conversation_is_deleted_get_one_that_is_there() {
    let scene = Scene::new().await;
    let start = async || {
        let body = json!({ "participant_ids": [scene.grace.id] });
        scene.ask(&scene.ada, "POST", "/api/conversations/", body).await
    };
    for _ in 0..6 {
        let (_, direct) = start().await;
        let direct = format!("/api/conversations/{}/", direct["conversation_id"].as_str().expect("an id"));
        let ((status, started), deleted) = tokio::join!(start(), scene.delete(&direct));
        assert_eq!(deleted.0, 204, "{}", deleted.1);
        assert!([200, 201].contains(&status), "{started}");
        scene.assert_gone(&direct).await;
        let (status, again) = start().await;
        assert!([200, 201].contains(&status), "{again}");
    }
    assert_eq!(scene.count("DIRECT").await, 1);
}

#[tokio::test]
async fn of_two_who_delete_at_once_each_finds_it_deleted() {
    let store = store().await;
    let (ada, _, direct) = two_people().await;
    let (calling, id) = (caller(&ada), conversation_id(&direct));
    let deletions =
        join(store.delete_conversation(&calling, id, now()), store.delete_conversation(&calling, id, now())).await;
    let deletions: [_; 2] = deletions.into();
    // Whoever begins when the other has ended is told that there is nothing.
    let sound = |deletion: &Result<(), Error>| matches!(deletion, Ok(()) | Err(Error::NotFound(_)));
    assert!(deletions.iter().all(sound) && deletions.iter().any(Result::is_ok), "{deletions:?}");
}
