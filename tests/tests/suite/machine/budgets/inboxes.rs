//! What somebody does costs the same however many conversations they have. Only lists over all of them grow, by as little
//! as the table says: 20 memberships to an RRU, and one RRU a conversation for what is ordered by activity.

use local::costs::{Cost, Sizes};

use super::{Scene, TWO};

#[tokio::test]
async fn only_lists_over_all_conversations_cost_more_the_more_there_are() {
    let scene = Scene::new().await;
    let path = scene.start(&[&scene.grace], Some("Looms")).await;
    scene.say(&scene.ada, &path).await.succeeded();
    let (mut prices, mut before) = (Vec::new(), 1);
    for conversations in [1, 20, 100, 1000] {
        let missing = vec!["Looms"; conversations as usize - before];
        scene.table.fill_with_conversations(&scene.ada, &scene.grace, &missing).await;
        before = conversations as usize;
        let page = conversations.min(20);
        // One message was said in each, so a page looks into twenty; with the rounds in which it does, 35.
        let looked_into = conversations.min(35);
        let sizes = Sizes { title: 5, page, conversations, looked_into, messages: 1, ..TWO };
        scene.get("/api/conversations/").await.costs("list conversations", &sizes);
        let by_activity = "/api/conversations/?ordering=-last_activity";
        scene.get(by_activity).await.costs("list conversations by activity", &sizes);
        let found = scene.get("/api/conversations/?search=looms").await;
        found.costs("search the conversations", &sizes);
        let one_name = Sizes { senders: 1, ..sizes };
        scene.get("/api/messages/").await.costs("messages over all conversations", &one_name);
        prices.push(one_conversation(&scene, &path).await);
    }
    assert!(prices.iter().all(|price| *price == prices[0]), "{prices:?}");
}

/// What one does in one conversation, whatever others there are.
async fn one_conversation(scene: &Scene, path: &str) -> Vec<Cost> {
    let sizes = Sizes { title: 5, messages: 1, page: 1, senders: 1, ..TWO };
    let asked = [
        ("page of messages", scene.get(&format!("{path}messages/?page_size=1")).await),
        ("conversation", scene.get(path).await),
        ("send", scene.say(&scene.ada, path).await),
        ("me", scene.get("/api/users/me/").await),
    ];
    let priced = asked.into_iter().map(|(name, asked)| {
        let price = asked.price();
        asked.costs(name, &sizes);
        price
    });
    priced.collect()
}
