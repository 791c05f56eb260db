//! What holds everywhere: the order in which a request is judged, who may call what, headers, bodies, addresses.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use shared::http::Access;
use tests::machine::all_routes;
use tests::{Answer, Client, Person, is_local, keys, target, two_people};

const ME: &str = "/api/users/me/";
const REGISTER: &str = "/api/auth/register/";
const NOT_GIVEN: &str = "Authentication credentials were not provided.";
const ENDED: &str = "Invalid or expired session.";

const LARGEST_BODY: usize = 256 * 1024;

/// One address of the API, with ids of things that never were.
struct Route {
    path: String,
    methods: Vec<Method>,
    access: Access,
}

fn routes() -> Vec<Route> {
    let routes = all_routes().into_iter().flat_map(|(_, routes)| {
        let described = routes.iter().map(|(path, methods, access)| Route {
            path: some_path(path),
            methods: methods.to_vec(),
            access,
        });
        described.collect::<Vec<_>>()
    });
    routes.collect()
}

fn some_path(pattern: &str) -> String {
    pattern
        .replace("{conversation_id}", "0195d2a4-6f0e-8000-8000-000000000000")
        .replace("{message_id}", "0195d2a4-6f0e-8000-8000-000000000001")
        .replace("{user_id}", "0195d2a4-6f0e-7000-8000-000000000000")
}

/// With and without the slash at the end.
fn spellings(path: &str) -> BTreeSet<String> {
    let path = path.trim_end_matches('/');
    BTreeSet::from([format!("{path}/"), if path.is_empty() { "/" } else { path }.to_owned()])
}

/// JSON of more bytes than are taken.
fn too_large() -> Vec<u8> {
    format!(r#"{{"message_body":"{}"}}"#, "a".repeat(LARGEST_BODY)).into_bytes()
}

async fn register(media_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    Client::anonymous().send(Method::POST, REGISTER, Some((media_type, body.into()))).await
}

#[track_caller]
fn assert_detail_starts(answer: &Answer, status: u16, start: &str) {
    let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(answer.status == status && detail.starts_with(start), "{} {}", answer.status, answer.text);
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_before_anybody_is_asked_who_they_are() {
    let picky = Client::anonymous().with("accept", "image/png");
    picky.get(ME).await.says(406, "Could not satisfy the request Accept header.");
}

#[tokio::test]
async fn callers_are_asked_who_they_are_before_the_csrf_token() {
    let forged = Client::anonymous().with("cookie", "sessionid=garbage");
    forged.post("/api/messages/", json!({})).await.says(401, ENDED);
}

#[tokio::test]
async fn the_csrf_token_is_asked_for_before_the_method_is_judged() {
    let ada = Person::new("Ada").await;
    let cookie = Client::anonymous().with("cookie", &format!("sessionid={}", ada.token));
    assert_detail_starts(&cookie.delete(ME).await, 403, "CSRF Failed: ");
}

#[tokio::test]
async fn the_method_is_judged_before_the_address() {
    let ada = Person::new("Ada").await;
    for path in ["/api/users/abc/", "/api/conversations/abc/messages/"] {
        ada.client.put(path, json!({})).await.says(405, r#"Method "PUT" not allowed."#);
    }
}

#[tokio::test]
async fn the_address_is_judged_before_the_right_to_change_what_is_there() {
    let (ada, grace, conversation) = two_people().await;
    let elsewhere = ada.start(&[&grace], Some("Engines")).await;
    let message = ada.say(&conversation, "hello").await["message_id"].as_str().expect("an id").to_owned();
    let wrong_address = format!("/api/conversations/{elsewhere}/messages/{message}/");
    grace.client.delete(&wrong_address).await.says(404, "No Message matches the given query.");
}

#[tokio::test]
async fn the_body_is_judged_last() {
    let (ada, grace, conversation) = two_people().await;
    let message = ada.say(&conversation, "hello").await["message_id"].as_str().expect("an id").to_owned();
    let outsider = Person::new("Mallory").await;
    let bodies = [
        ("application/json", too_large()),
        ("text/plain", b"hello".to_vec()),
        ("application/json", b"{".to_vec()),
        ("application/json", b"{}".to_vec()),
    ];
    for (body, expected) in bodies.into_iter().zip([413, 415, 400, 400]) {
        let put = async |person: &Person| {
            person.client.send(Method::PUT, &format!("/api/messages/{message}/"), Some(body.clone())).await
        };
        put(&outsider).await.says(404, "No Message matches the given query.");
        put(&grace).await.says(403, "You do not have permission to perform this action.");
        put(&ada).await.expect(expected);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whatever_it_is() {
    for media_type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let answer = register(media_type, too_large()).await.expect(413);
        assert!(answer.json()["detail"].is_string(), "{}", answer.text);
    }
    let just_fits = format!("{{}}{}", " ".repeat(LARGEST_BODY - 2));
    let refusal = register("application/json", just_fits).await.expect(400).json();
    assert_eq!(refusal["email"], json!(["This field is required."]));
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    register("text/plain", "{").await.says(415, r#"Unsupported media type "text/plain" in request."#);
    register("application/json; charset=utf-8", "{}").await.expect(400);
}

#[tokio::test]
async fn what_is_no_json_is_refused_and_harms_nobody() {
    let deep = [format!("{{\"a\":{}", "[".repeat(100_000)), "[".repeat(200_000)];
    let broken = ["{", "{]", r#"{"email": NaN}"#, r#"{"email": "\ud800"}"#, "{} {}", "{'email': 1}", "\u{0}", " "];
    for body in broken.into_iter().map(str::to_owned).chain(deep) {
        assert_detail_starts(&register("application/json", body).await, 400, "JSON parse error - ");
    }
    // `cargo lambda watch` itself refuses bytes that are no text where it expects some.
    if !is_local() {
        assert_detail_starts(
            &register("application/json", b"{\"email\": \"\xFF\"}".to_vec()).await,
            400,
            "JSON parse error - ",
        );
    }
    register("application/x-www-form-urlencoded", b"email=\xFF".to_vec()).await.expect(400);
    register("application/x-www-form-urlencoded", "email=%FF%00&email").await.expect(400);
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    for (body, name) in [("[]", "list"), ("\"a\"", "str"), ("1", "int"), ("1.5", "float"), ("true", "bool")] {
        let reason = format!("Invalid data. Expected a dictionary, but got {name}.");
        register("application/json", body).await.refuses("non_field_errors", &reason);
    }
    register("application/json", "null").await.refuses("non_field_errors", "No data provided");
}

#[tokio::test]
async fn strange_addresses_and_queries_harm_nobody() {
    let (ada, _, conversation) = two_people().await;
    for path in [
        "/api/users/?cursor=%FF&page_size=%00&ordering=%22",
        "/api/users/?&&==&%",
        "/api/conversations/?page_size=99999999999999999999&page=-1",
        &format!("/api/conversations/{conversation}/messages/?after=%00"),
        "/api/users/%2e%2e/",
        "/api//users/",
        "/%00",
    ] {
        assert!(ada.client.get(path).await.status < 500, "{path}");
    }
}

#[tokio::test]
async fn every_endpoint_asks_for_credentials_but_those_that_are_open() {
    let ended = Person::new("Ada").await;
    ended.client.post("/api/auth/logout/", json!({})).await.expect(204);
    let callers = [
        ("nobody", Client::anonymous(), NOT_GIVEN),
        ("another scheme", Client::anonymous().with("authorization", "Basic YTpi"), NOT_GIVEN),
        ("a forged token", Client::with_token("eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"), ENDED),
        ("a forged cookie", Client::anonymous().with("cookie", "sessionid=garbage"), ENDED),
        ("an ended session", ended.client, ENDED),
    ];
    for Route { path, methods, access } in routes() {
        for (method, path) in
            methods.iter().flat_map(|method| spellings(&path).into_iter().map(move |path| (method, path)))
        {
            for (caller, client, refusal) in &callers {
                let body = (*method != Method::GET).then(|| ("application/json", br#"{"number":0}"#.to_vec()));
                let answer = client.send(method.clone(), &path, body).await;
                if access == Access::SignedIn {
                    assert_eq!(answer.status, 401, "{method} {path} by {caller}: {}", answer.text);
                    assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {path}");
                    answer.says(401, refusal);
                } else {
                    assert!(
                        answer.status != 401 && answer.status < 500,
                        "{method} {path} by {caller}: {}",
                        answer.status
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_forged_token_is_nobodys() {
    let ada = Person::new("Ada").await;
    let parts: Vec<&str> = ada.token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("a token has three parts") };
    let reversed: String = signature.chars().rev().collect();
    // {"typ":"JWT","alg":"none","kid":"k1"}
    let unsigned = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIiwia2lkIjoiazEifQ";
    for token in [
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{reversed}"),
        format!("{unsigned}.{claims}."),
        format!("{header}.{claims}"),
        "x".repeat(4000),
    ] {
        Client::with_token(&token).get(ME).await.says(401, ENDED);
    }
    Client::anonymous().with("authorization", &format!("bearer {}", ada.token)).get(ME).await.expect(200);
}

#[tokio::test]
async fn every_endpoint_tells_its_methods_and_refuses_all_others() {
    let ada = Person::new("Ada").await;
    let anonymous = Client::anonymous();
    for Route { path, methods, access } in routes() {
        let head = methods.contains(&Method::GET).then_some(Method::HEAD);
        let expected: BTreeSet<String> =
            methods.iter().cloned().chain(head).chain([Method::OPTIONS]).map(|method| method.to_string()).collect();
        let client = if access == Access::SignedIn { &ada.client } else { &anonymous };
        for method in
            [Method::PUT, Method::PATCH, Method::DELETE].into_iter().filter(|method| !methods.contains(method))
        {
            let answer = client.send(method.clone(), &path, None).await;
            // Where the CSRF token is asked for, that comes first.
            if access != Access::EverybodyWithCsrf {
                assert_eq!(answer.json()["detail"], format!("Method \"{method}\" not allowed."), "{path}");
            }
            let allowed: BTreeSet<String> =
                answer.header("allow").expect("a list of methods").split(", ").map(str::to_owned).collect();
            assert_eq!(allowed, expected, "{path}");
        }
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_a_body() {
    let ada = Person::new("Ada").await;
    let answer = ada.client.send(Method::HEAD, ME, None).await.expect(200);
    assert_eq!((&*answer.text, answer.header("content-type")), ("", Some("application/json")));
}

#[tokio::test]
async fn an_address_is_good_with_and_without_its_slash() {
    let (ada, grace, conversation) = two_people().await;
    let message = ada.say(&conversation, "hello").await["message_id"].as_str().expect("an id").to_owned();
    for path in [
        "/api".to_owned(),
        "/health".to_owned(),
        "/api/users/me".to_owned(),
        format!("/api/users/{}", grace.id),
        "/api/conversations".to_owned(),
        format!("/api/conversations/{conversation}"),
        format!("/api/conversations/{conversation}/messages"),
        format!("/api/conversations/{conversation}/messages/{message}"),
        format!("/api/messages/{message}"),
    ] {
        let (without, with) = (ada.client.get(&path).await.expect(200), ada.client.get(&format!("{path}/")).await);
        assert_eq!(without.likeness(), with.likeness(), "{path}");
    }
    let body = json!({ "conversation": conversation, "message_body": "hello" });
    ada.client.post("/api/messages", body).await.expect(201);
    ada.client.put(&format!("/api/conversations/{conversation}/read"), json!({ "number": 1 })).await.expect(200);
    ada.client.post("/api/auth/logout", json!({})).await.expect(204);
}

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let ada = Person::new("Ada").await;
    for client in [&Client::anonymous(), &ada.client] {
        for path in [
            "/nothing",
            "/nothing/",
            "/api/nothing/",
            "/api/users/me/nothing/",
            "/api/conversations/a/b/c/d",
            "/api/auth/nothing",
            "/api-auth/nothing/",
        ] {
            client.get(path).await.says(404, "Not found.");
            client.post(path, json!({})).await.says(404, "Not found.");
        }
    }
}

#[tokio::test]
async fn a_browser_that_finds_nothing_is_shown_a_page() {
    let of_browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let answer = Client::anonymous().with("accept", of_browsers).get("/nothing/").await.expect(404);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert!(answer.text.contains("Not found"), "{}", answer.text);
}

#[tokio::test]
async fn every_answer_carries_what_protects_browsers() {
    let ada = Person::new("Ada").await;
    let anonymous = Client::anonymous();
    let answers = [
        ada.client.get(ME).await.expect(200),
        ada.client.get("/api/users/abc/").await.expect(404),
        ada.client.delete(ME).await.expect(405),
        ada.client.post("/api/messages/", json!({})).await.expect(400),
        anonymous.get(ME).await.expect(401),
        anonymous.get("/nothing").await.expect(404),
        anonymous.get("/").await.expect(200),
        anonymous.get("/api-auth/login/").await.expect(200),
    ];
    for answer in answers {
        for (name, value) in [
            ("vary", "Accept, Cookie"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name} of {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_request_keeps_the_id_it_came_with_and_gets_one_if_it_has_none() {
    let anonymous = Client::anonymous();
    for path in ["/api/", "/nothing", ME] {
        let id = |answer: Answer| answer.header("x-request-id").expect("an id").to_owned();
        assert_eq!(id(anonymous.clone().with("x-request-id", "app-1.2_3").get(path).await), "app-1.2_3");
        let (one, other) = (id(anonymous.get(path).await), id(anonymous.get(path).await));
        assert!(!one.is_empty() && one != other);
        for unfit in ["a b", "a\"b", &*"a".repeat(129)] {
            assert_ne!(id(anonymous.clone().with("x-request-id", unfit).get(path).await), unfit);
        }
    }
}

#[tokio::test]
async fn answers_come_in_json_to_whoever_takes_it() {
    let ada = Person::new("Ada").await;
    for accept in
        ["*/*", "application/*", "application/json", "text/html;q=0.9, application/json", "application/json; indent=4"]
    {
        let answer = ada.client.clone().with("accept", accept).get(ME).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{accept}");
    }
    for accept in ["image/png", "application/xml", "application/json;q=0"] {
        ada.client
            .clone()
            .with("accept", accept)
            .get(ME)
            .await
            .says(406, "Could not satisfy the request Accept header.");
    }
    let picky = ada.client.clone().with("accept", "image/png");
    picky.get("/api/users/me/?format=json").await.expect(200);
    ada.client.get("/api/users/me/?format=xml").await.says(404, "Not found.");
}

#[tokio::test]
async fn the_api_begins_at_its_index() {
    let answer = Client::anonymous().get("/api/").await.expect(200);
    assert_eq!(keys(&answer.in_order())[..3], ["conversations", "messages", "users"]);
    let index = answer.json();
    for (name, path) in [
        ("conversations", "/api/conversations/"),
        ("messages", "/api/messages/"),
        ("users", "/api/users/"),
        ("me", ME),
        ("register", REGISTER),
    ] {
        assert_eq!(index[name], format!("{}{path}", target()));
    }
}

#[tokio::test]
async fn health_is_told_to_everybody() {
    assert_eq!(Client::anonymous().get("/health").await.expect(200).json(), json!({ "status": "ok" }));
}
