use serde_json::{Value, json};
use tests::Person;
use tests::machine::live::{Live, Socket};

use super::kinds;

/// Three people, of whom the first two are in a group, each with a socket, and the first with another.
struct Scene {
    live: Live,
    ada: Person,
    grace: Person,
    alan: Person,
    group: String,
    adas: Socket,
    adas_other: Socket,
    graces: Socket,
    alans: Socket,
}

impl Scene {
    async fn new() -> Self {
        let live = Live::new().await;
        let [ada, grace, alan] =
            [live.table.person("Ada").await, live.table.person("Grace").await, live.table.person("Alan").await];
        let group = live.start(&ada, &[&grace]).await;
        live.changes().await;
        let (adas, adas_other) = (live.open(&ada).await, live.open(&ada).await);
        let (graces, alans) = (live.open(&grace).await, live.open(&alan).await);
        live.tell().await;
        Self { live, ada, grace, alan, group, adas, adas_other, graces, alans }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/conversations/{}/{rest}", self.group)
    }

    /// Ada does something; what each of the four sockets is told of it.
    async fn ada_does(&mut self, method: &str, path: &str, body: Value) -> [Vec<Value>; 4] {
        self.live.ask(&self.ada, method, path, body).await;
        self.live.tell().await;
        [self.adas.told().await, self.adas_other.told().await, self.graces.told().await, self.alans.told().await]
    }
}

#[tokio::test]
async fn a_message_is_told_to_all_who_take_part_on_every_socket_and_to_nobody_else() {
    let mut scene = Scene::new().await;
    let message = json!({ "conversation": scene.group, "message_body": "Hello" });
    let [adas, other, graces, alans] = scene.ada_does("POST", "/api/messages/", message).await;
    assert_eq!(kinds(&graces), ["message.created"]);
    assert_eq!(kinds(&alans), [""; 0]);
    // Sending is having read.
    assert_eq!(kinds(&adas), ["message.created", "conversation.read"]);
    assert_eq!(adas, other);
    let told = &graces[0];
    assert_eq!(told["conversation"], scene.group);
    assert_eq!(told["number"], 1);
    assert_eq!(told["message"]["message_body"], "Hello");
    assert_eq!(told["message"]["sender_details"]["first_name"], "Ada");
}

/// What is told is what would be read: a client shows either in the same way.
#[tokio::test]
async fn what_is_told_is_what_the_changes_tell() {
    let mut scene = Scene::new().await;
    let said = scene.live.say_aloud(&scene.ada, &scene.group, "Hello").await;
    let message = format!("/api/messages/{}/", said["message_id"].as_str().expect("an id"));
    scene.ada_does("PATCH", &message, json!({ "message_body": "Hello!" })).await;
    let before = scene.graces.told().await;
    assert_eq!(before, [Value::Null; 0], "all was looked at");
    scene.live.ask(&scene.ada, "PATCH", &scene.path(""), json!({ "title": "Looms" })).await;
    scene.live.ask(&scene.ada, "POST", &scene.path("add_participant/"), json!({ "user_id": scene.alan.id })).await;
    scene.live.tell().await;
    let told = scene.graces.told().await;
    let changes = scene.live.ask(&scene.grace, "GET", &scene.path("changes/"), json!({})).await;
    let logged: Vec<Value> = changes["changes"].as_array().expect("a list")[1..].to_vec();
    assert_eq!(told.len(), logged.len());
    for (mut told, mut logged) in told.into_iter().zip(logged) {
        assert_eq!(told["conversation"], scene.group);
        told.as_object_mut().expect("an object").remove("conversation");
        logged["type"] = logged["kind"].take();
        logged.as_object_mut().expect("an object").remove("kind");
        assert_eq!(told, logged);
    }
}

#[tokio::test]
async fn edits_and_deletes_are_told_with_what_the_message_is_now() {
    let mut scene = Scene::new().await;
    let said = scene.live.say_aloud(&scene.ada, &scene.group, "Hello").await;
    scene.graces.told().await;
    let message = format!("/api/messages/{}/", said["message_id"].as_str().expect("an id"));
    let [.., graces, alans] = scene.ada_does("PATCH", &message, json!({ "message_body": "Goodbye" })).await;
    assert_eq!(kinds(&graces), ["message.edited"]);
    assert_eq!(graces[0]["change"], 1);
    assert_eq!(graces[0]["message"]["message_body"], "Goodbye");
    assert_eq!(kinds(&alans), [""; 0]);
    let [.., graces, _] = scene.ada_does("DELETE", &message, json!({})).await;
    assert_eq!(kinds(&graces), ["message.deleted"]);
    assert_eq!(graces[0]["change"], 2);
    assert_eq!((&graces[0]["message"]["number"], &graces[0]["message"]["deleted"]), (&json!(1), &json!(true)));
    assert_eq!(graces[0]["message"].get("message_body"), None);
}

#[tokio::test]
async fn who_joins_is_told_what_and_who_leaves_is_told_that_and_no_more() {
    let mut scene = Scene::new().await;
    let alan = json!({ "user_id": scene.alan.id });
    let path = scene.path("add_participant/");
    let [adas, _, graces, alans] = scene.ada_does("POST", &path, alan.clone()).await;
    for told in [&adas, &graces, &alans] {
        assert_eq!(kinds(told), ["participant.added"]);
        assert_eq!(told[0]["participant"]["user"], scene.alan.id);
    }
    assert_eq!(graces[0].get("summary"), None);
    assert_eq!(alans[0]["summary"]["title"], "Engines");
    assert_eq!(alans[0]["summary"]["participants"].as_array().map(Vec::len), Some(3));
    let path = scene.path("remove_participant/");
    let [.., graces, alans] = scene.ada_does("POST", &path, alan).await;
    assert_eq!((kinds(&graces), kinds(&alans)), (vec!["participant.removed"], vec!["participant.removed"]));
    let message = json!({ "conversation": scene.group, "message_body": "Gone?" });
    let [.., graces, alans] = scene.ada_does("POST", "/api/messages/", message).await;
    assert_eq!((kinds(&graces), kinds(&alans)), (vec!["message.created"], vec![]));
}

/// A message that was sent before somebody was taken out, and comes to be told afterwards, is not told to them.
#[tokio::test]
async fn who_was_taken_out_meanwhile_is_told_nothing_that_was_still_on_its_way() {
    let mut scene = Scene::new().await;
    let alan = json!({ "user_id": scene.alan.id });
    let adding = scene.path("add_participant/");
    scene.ada_does("POST", &adding, alan.clone()).await;
    scene.live.say(&scene.ada, &scene.group, "A secret").await;
    let on_its_way = scene.live.changes().await;
    let removing = scene.path("remove_participant/");
    scene.live.ask(&scene.ada, "POST", &removing, alan).await;
    let removal = scene.live.changes().await;
    scene.live.hand_on(&on_its_way).await;
    assert_eq!(scene.alans.kinds_told().await, [""; 0]);
    assert_eq!(kinds(&scene.graces.told().await), ["message.created"]);
    scene.live.hand_on(&removal).await;
    assert_eq!(scene.alans.kinds_told().await, ["participant.removed"]);
}

#[tokio::test]
async fn conversations_are_told_from_their_start_to_their_end() {
    let mut scene = Scene::new().await;
    let group = json!({ "participant_ids": [scene.alan.id], "title": "Looms" });
    let [adas, other, graces, alans] = scene.ada_does("POST", "/api/conversations/", group).await;
    assert_eq!(kinds(&alans), ["conversation.created"]);
    assert_eq!(alans[0]["summary"]["title"], "Looms");
    assert_eq!((alans[0]["number"].as_u64(), alans[0]["change"].as_u64()), (Some(0), Some(0)));
    assert_eq!(kinds(&graces), [""; 0]);
    assert_eq!(adas, other);
    let path = format!("/api/conversations/{}/", alans[0]["conversation"].as_str().expect("an id"));
    let [.., alans] = scene.ada_does("PATCH", &path, json!({ "title": "Machines" })).await;
    assert_eq!(kinds(&alans), ["conversation.updated"]);
    assert_eq!(alans[0]["title"], "Machines");
    let [adas, .., alans] = scene.ada_does("DELETE", &path, json!({})).await;
    assert_eq!((kinds(&adas), kinds(&alans)), (vec!["conversation.deleted"], vec!["conversation.deleted"]));
}

#[tokio::test]
async fn who_reads_is_told_on_their_own_sockets() {
    let mut scene = Scene::new().await;
    scene.live.say_aloud(&scene.grace, &scene.group, "Hello").await;
    scene.adas.told().await;
    scene.adas_other.told().await;
    scene.graces.told().await;
    let path = scene.path("read/");
    let [adas, other, graces, _] = scene.ada_does("PUT", &path, json!({ "number": 1 })).await;
    assert_eq!(kinds(&adas), ["conversation.read"]);
    assert_eq!((&adas[0]["number"], &adas[0]["user"]), (&json!(1), &json!(scene.ada.id)));
    assert_eq!(adas, other);
    assert_eq!(kinds(&graces), [""; 0]);
}

#[tokio::test]
async fn what_only_its_owner_may_see_is_told_to_its_owner() {
    let mut scene = Scene::new().await;
    let phone = json!({ "phone_number": "+15550100200" });
    scene.live.ask(&scene.ada, "PATCH", "/api/users/me/", phone).await;
    let body = json!({ "conversation": scene.group, "message_body": "Hello" });
    let headers = [("idempotency-key", "mine")];
    scene.live.functions.send(&scene.ada, "POST", "/api/messages/", &headers, Some(body)).await;
    scene.live.tell().await;
    let (adas, graces) = (scene.adas.told().await, scene.graces.told().await);
    assert_eq!(adas[0]["message"]["client_key"], "mine");
    assert_eq!(adas[0]["message"]["sender_details"]["phone_number"], "+15550100200");
    assert_eq!(graces[0]["message"]["client_key"], Value::Null);
    assert_eq!(graces[0]["message"]["sender_details"]["phone_number"], Value::Null);
}

#[tokio::test]
async fn a_message_too_long_for_a_frame_is_announced_and_can_be_fetched() {
    let mut scene = Scene::new().await;
    let long = "\u{1F600}".repeat(15_000);
    let said = scene.live.say_aloud(&scene.ada, &scene.group, &long).await;
    let graces = scene.graces.told().await;
    assert_eq!(kinds(&graces), ["message.created"]);
    assert_eq!((&graces[0]["message"], &graces[0]["number"]), (&Value::Null, &json!(1)));
    let url = graces[0]["message_url"].as_str().expect("an address");
    let fetched = scene.live.ask(&scene.grace, "GET", url, json!({})).await;
    assert_eq!(fetched["message_body"], said["message_body"]);
}

#[tokio::test]
async fn much_at_once_is_told_in_order_in_few_frames() {
    let mut scene = Scene::new().await;
    for turn in 1..=30 {
        scene.live.say(&scene.ada, &scene.group, &format!("{turn}")).await;
    }
    let spent = scene.live.tell().await;
    let graces = scene.graces.told().await;
    let numbers: Vec<u64> = graces.iter().filter_map(|event| event["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    assert_eq!(spent.round_trips, 2);
    assert!(spent.posts <= 3, "a socket is posted to once: {spent:?}");
}
