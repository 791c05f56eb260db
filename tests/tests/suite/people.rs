//! Oneself and the others: one by id, and the list of all.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Answer, Client, PASSWORD, Person, each, encoded, is_instant, keys};
use uuid::Uuid;

const ME: &str = "/api/users/me/";

const KEYS: [&str; 7] = ["user_id", "first_name", "last_name", "email", "phone_number", "role", "created_at"];

async fn person_with_a_telephone() -> Person {
    let email = format!("bell.{}@example.com", Uuid::new_v4().simple());
    let body = json!({ "first_name": "Bell", "last_name": "Tester", "email": email, "password": PASSWORD, "phone_number": "+4915112345678" });
    let answer = Client::anonymous().post("/api/auth/register/", body).await.expect(201).json();
    let (token, id) = (answer["token"].as_str().expect("a token"), answer["user"]["user_id"].as_str().expect("an id"));
    Person { client: Client::with_token(token), token: token.to_owned(), id: id.to_owned(), email }
}

async fn by_id(asker: &Person, id: &str) -> Answer {
    asker.client.get(&format!("/api/users/{id}/")).await
}

fn rows(page: &Value) -> &[Value] {
    page["results"].as_array().expect("a list")
}

fn ids(page: &Value) -> Vec<String> {
    rows(page).iter().map(|person| person["user_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn i_am_shown_to_myself() {
    let ada = Person::new("Ada").await;
    let answer = ada.client.get(ME).await.expect(200);
    assert_eq!(keys(&answer.in_order()), KEYS);
    let me = answer.json();
    let created_at = &me["created_at"];
    let expected = json!({
        "user_id": ada.id, "first_name": "Ada", "last_name": "Tester", "email": ada.email,
        "phone_number": null, "role": "guest", "created_at": created_at,
    });
    assert_eq!(me, expected);
    assert!(is_instant(created_at), "{created_at}");
    assert_eq!(by_id(&ada, &ada.id).await.expect(200).json(), me);
}

#[tokio::test]
async fn a_person_is_found_by_any_spelling_of_their_id() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let answer = by_id(&ada, &grace.id).await.expect(200);
    assert_eq!(answer.json()["first_name"], "Grace");
    for spelling in [
        grace.id.to_uppercase(),
        grace.id.replace('-', ""),
        format!("{{{}}}", grace.id),
        format!("urn:uuid:{}", grace.id),
    ] {
        assert_eq!(by_id(&ada, &encoded(&spelling)).await.json(), answer.json(), "{spelling}");
    }
}

#[tokio::test]
async fn who_is_unknown_is_not_there() {
    let ada = Person::new("Ada").await;
    for id in [Uuid::new_v4(), Uuid::now_v7(), Uuid::nil()] {
        by_id(&ada, &id.to_string()).await.says(404, "No User matches the given query.");
    }
    for text in ["abc", "1", "me2", "%00", "%FF", "..%2Fme", "0195d2a4-6f0e-7000-8000-00000000000g"] {
        by_id(&ada, text).await.says(404, "Not found.");
    }
}

#[tokio::test]
async fn a_telephone_number_is_shown_to_its_owner_only() {
    let (bell, ada) = tokio::join!(person_with_a_telephone(), Person::new("Ada"));
    assert_eq!(bell.client.get(ME).await.json()["phone_number"], "+4915112345678");
    assert_eq!(by_id(&bell, &bell.id).await.json()["phone_number"], "+4915112345678");

    let conversation = bell.start(&[&ada], None).await;
    let message = bell.say(&conversation, "call me").await;
    assert_eq!(message["sender_details"]["phone_number"], "+4915112345678");
    let message = message["message_id"].as_str().expect("an id");
    for path in [
        format!("/api/users/{}/", bell.id),
        "/api/users/?page_size=100".to_owned(),
        "/api/conversations/".to_owned(),
        format!("/api/conversations/{conversation}/"),
        format!("/api/conversations/{conversation}/messages/"),
        format!("/api/messages/{message}/"),
    ] {
        let text = ada.client.get(&path).await.expect(200).text;
        assert!(!text.contains("4915112345678"), "{path} shows it");
    }
}

#[tokio::test]
async fn the_list_of_people_is_a_page_of_the_others() {
    let (ada, _) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let answer = ada.client.get("/api/users/").await.expect(200);
    let shape = answer.in_order();
    assert_eq!(keys(&shape), ["count", "next", "previous", "results"]);
    assert_eq!(keys(&shape["results"][0]), KEYS);
    let page = answer.json();
    assert_eq!((&page["count"], &page["previous"]), (&Value::Null, &Value::Null));
    assert!((1..=20).contains(&rows(&page).len()));
    assert!(!ids(&page).contains(&ada.id));
}

#[tokio::test]
async fn the_size_of_a_page_stays_between_1_and_100() {
    let (ada, _) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let size = async |asked: &str| {
        rows(&ada.client.get(&format!("/api/users/?page_size={asked}")).await.expect(200).json()).len()
    };
    for too_small in ["1", "0", "-7"] {
        assert_eq!(size(too_small).await, 1, "{too_small}");
    }
    for too_large in ["100", "101", "1000000"] {
        assert!(size(too_large).await <= 100, "{too_large}");
    }
    for nonsense in ["x", "", "99999999999999999999", "2.5"] {
        assert!(size(nonsense).await <= 20, "{nonsense}");
    }
}

#[tokio::test]
async fn people_stand_in_the_order_of_their_coming_or_the_reverse() {
    let (ada, ..) = tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Edsger"));
    let came = async |query: &str| {
        let page = ada.client.get(&format!("/api/users/?page_size=5{query}")).await.expect(200).json();
        let instants = each(rows(&page), "created_at");
        instants.iter().map(|instant| instant.as_str().expect("an instant").to_owned()).collect::<Vec<_>>()
    };
    assert!(came("&ordering=created_at").await.is_sorted());
    for newest_first in ["&ordering=-created_at", "", "&ordering=email"] {
        assert!(came(newest_first).await.iter().rev().is_sorted(), "{newest_first}");
    }
}

#[tokio::test]
async fn walking_the_list_shows_everybody_once_in_both_directions() {
    // More than one page of them, so that somebody lies beyond wherever the walk ends.
    for name in ["Alan", "Alonzo", "Kurt"] {
        Person::new(name).await;
    }
    let asker = Person::new("Ada").await;
    let mut sought = BTreeSet::new();
    for name in ["Barbara", "Edsger", "Frances", "Grace", "Katherine"] {
        sought.insert(Person::new(name).await.id);
    }
    let (forwards, last) = walk_until_seen(&asker, "/api/users/?page_size=2", "next", &sought).await;
    assert!(!forwards.contains(&asker.id));
    let beyond = last["next"].as_str().expect("there is somebody beyond");
    let page = asker.client.get(beyond).await.expect(200).json();
    let previous = page["previous"].as_str().expect("the way back");
    walk_until_seen(&asker, previous, "previous", &sought).await;
}

/// Follows one kind of link until everybody was seen; nobody may be met twice.
async fn walk_until_seen(
    asker: &Person,
    start: &str,
    link: &str,
    sought: &BTreeSet<String>,
) -> (BTreeSet<String>, Value) {
    let (mut path, mut seen) = (start.to_owned(), BTreeSet::new());
    loop {
        let page = asker.client.get(&path).await.expect(200).json();
        for id in ids(&page) {
            assert!(seen.insert(id.clone()), "{id} is shown twice");
        }
        if seen.is_superset(sought) {
            return (seen, page);
        }
        path = page[link].as_str().expect("not everybody was seen").to_owned();
    }
}

#[tokio::test]
async fn i_change_my_names_and_my_number_and_nothing_else() {
    let ada = Person::new("Ada").await;
    let wish = json!({
        "first_name": "  Augusta ", "phone_number": "+4915112345678", "role": "admin", "is_active": false,
        "email": "augusta@example.com", "user_id": Uuid::nil().to_string(), "created_at": null,
    });
    let answer = ada.client.patch(ME, wish).await.expect(200);
    assert_eq!(keys(&answer.in_order()), KEYS);
    let changed = answer.json();
    let expected = json!({
        "user_id": ada.id, "first_name": "Augusta", "last_name": "Tester", "email": ada.email,
        "phone_number": "+4915112345678", "role": "guest", "created_at": changed["created_at"],
    });
    assert_eq!(changed, expected);
    assert_eq!(ada.client.get(ME).await.expect(200).json(), changed);

    for nothing in [json!({}), json!({ "first_name": "Augusta" })] {
        assert_eq!(ada.client.patch(ME, nothing).await.expect(200).json(), changed);
    }
    let form = ("application/x-www-form-urlencoded", b"last_name=King&phone_number=".to_vec());
    let changed = ada.client.send(reqwest::Method::PATCH, ME, Some(form)).await.expect(200).json();
    assert_eq!((&changed["last_name"], &changed["phone_number"]), (&json!("King"), &Value::Null));
    ada.client.patch(ME, json!({ "phone_number": "+4915112345678" })).await.expect(200);
    assert_eq!(ada.client.patch(ME, json!({ "phone_number": null })).await.json()["phone_number"], Value::Null);
}

#[tokio::test]
async fn my_new_name_is_shown_wherever_i_am() {
    let (ada, grace, conversation) = tests::two_people().await;
    ada.say(&conversation, "hello").await;
    ada.client.patch(ME, json!({ "first_name": "Augusta" })).await.expect(200);
    let shown = grace.conversation(&conversation).await;
    assert_eq!(shown["messages"][0]["sender_details"]["first_name"], "Augusta");
    let names = each(shown["participants_details"].as_array().expect("a list"), "user_details");
    assert!(each(&names, "first_name").contains(&json!("Augusta")), "{names:?}");
    assert_eq!(by_id(&grace, &ada.id).await.json()["first_name"], "Augusta");
}

#[tokio::test]
async fn a_refused_change_of_oneself_names_every_wrong_field_and_changes_nothing() {
    let ada = Person::new("Ada").await;
    let before = ada.client.get(ME).await.json();
    let wrong = json!({ "first_name": null, "last_name": " ", "phone_number": "12" });
    let expected = json!({
        "first_name": ["This field may not be null."],
        "last_name": ["This field may not be blank."],
        "phone_number": ["Phone number must be entered in the format: '+999999999'. Up to 15 digits allowed."],
    });
    assert_eq!(ada.client.patch(ME, wrong).await.expect(400).json(), expected);
    ada.client.patch(ME, json!({ "first_name": "Augusta", "last_name": "x".repeat(151) })).await.expect(400);
    assert_eq!(ada.client.get(ME).await.json(), before);
}

/// Everybody whom a search finds, page after page; some of them may be empty.
async fn found(asker: &Person, search: &str) -> Vec<String> {
    let mut path = format!("/api/users/?search={}&page_size=2", encoded(search));
    let mut found = Vec::new();
    loop {
        let page = asker.client.get(&path).await.expect(200).json();
        found.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return found,
        }
    }
}

#[tokio::test]
async fn people_are_found_by_the_beginnings_of_their_names_and_of_their_address() {
    let family = format!("Q{}", Uuid::new_v4().simple());
    let asker = Person::new("Ada").await;
    let mut expected = Vec::new();
    for first_name in ["Émilie", "Emmy", "Sofja"] {
        let person = Person::new("Guest").await;
        let names = json!({ "first_name": first_name, "last_name": format!("van {family}") });
        person.client.patch(ME, names).await.expect(200);
        expected.push(person);
    }
    let id = |index: usize| expected[index].id.clone();
    assert_eq!(found(&asker, &family).await, [id(2), id(1), id(0)], "who came last first");
    assert_eq!(found(&asker, &family[..9].to_uppercase()).await.len(), 3);
    assert_eq!(found(&asker, &format!("em {family}")).await, [id(1)]);
    assert_eq!(found(&asker, &format!("ÉM {family}")).await, [id(0)]);
    assert_eq!(found(&asker, &expected[2].email[..20]).await, [id(2)]);
    assert_eq!(found(&asker, &family[1..]).await, [""; 0], "not by what stands within a word");
    assert_eq!(found(&expected[0], &family).await, [id(2), id(1)], "oneself is not among the others");
}

#[tokio::test]
async fn a_cursor_of_one_search_is_no_page_of_another() {
    let asker = Person::new("Ada").await;
    for name in ["Grace", "Grace", "Edsger"] {
        Person::new(name).await;
    }
    let page = asker.client.get("/api/users/?search=grace&page_size=1").await.expect(200).json();
    let next = page["next"].as_str().expect("there are two");
    asker.client.get(next).await.expect(200);
    asker.client.get(&next.replace("search=grace", "search=edsger")).await.says(404, "Invalid page.");
}

#[tokio::test]
async fn what_is_no_page_of_the_list_is_not_there() {
    let (ada, _, _) = tests::two_people().await;
    ada.start(&[&Person::new("Edsger").await], None).await;
    let inbox = ada.client.get("/api/conversations/?page_size=1").await.json();
    let (_, foreign) = inbox["next"].as_str().and_then(|next| next.split_once("cursor=")).expect("a cursor");
    for query in ["cursor=", "cursor=abc", "cursor=%FF", &format!("cursor={foreign}"), "page=2", "page=0", "page=last"]
    {
        ada.client.get(&format!("/api/users/?{query}")).await.says(404, "Invalid page.");
    }
}
