//! Bodies other than JSON, and what `OPTIONS` tells of the fields that they have.

use reqwest::Method;
use serde_json::json;
use tests::machine::all_routes;
use tests::{Answer, Client, PASSWORD, Person, two_people};

/// A multipart form (RFC 7578) of texts.
fn multipart(fields: &[(&str, &str)]) -> (&'static str, Vec<u8>) {
    let parts = fields
        .iter()
        .map(|(name, value)| format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    ("multipart/form-data; boundary=xyz", format!("{}--xyz--\r\n", parts.collect::<String>()).into_bytes())
}

async fn send(person: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
    person.client.send(Method::POST, path, Some(multipart(fields))).await
}

#[tokio::test]
async fn a_multipart_form_is_taken_like_json() {
    let (ada, _, conversation) = two_people().await;
    let sent = send(&ada, "/api/messages/", &[("conversation", &conversation), ("message_body", " Äther ")]).await;
    assert_eq!(sent.expect(201).json()["message_body"], "Äther");
    send(&ada, "/api/messages/", &[("conversation", &conversation)])
        .await
        .refuses("message_body", "Message body is required");
}

#[tokio::test]
async fn a_broken_multipart_form_is_refused() {
    let ada = Person::new("Ada").await;
    let no_boundary = ada.client.send(Method::POST, "/api/messages/", Some(("multipart/form-data", b"a".to_vec())));
    no_boundary.await.says(400, "Multipart form parse error - Invalid boundary in multipart: None");
    for body in ["--xyz", "nonsense", "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb"] {
        let media_type = "multipart/form-data; boundary=xyz";
        let answer = ada.client.send(Method::POST, "/api/messages/", Some((media_type, body.into()))).await.expect(400);
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.starts_with("Multipart form parse error - "), "{body}: {detail}");
    }
}

#[tokio::test]
async fn a_file_is_no_text() {
    let (ada, _, conversation) = two_people().await;
    let body = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"conversation\"\r\n\r\n{conversation}\r\n--xyz\r\n\
         Content-Disposition: form-data; name=\"message_body\"; filename=\"a.txt\"\r\n\r\nHello\r\n--xyz--\r\n"
    );
    let body = Some(("multipart/form-data; boundary=xyz", body.into_bytes()));
    ada.client.send(Method::POST, "/api/messages/", body).await.refuses("message_body", "Not a valid string.");
}

#[tokio::test]
async fn a_form_gives_a_list_by_repeating_its_field() {
    let (ada, grace, alan) = tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Alan"));
    let fields = [("participant_ids", &*grace.id), ("title", "Engines"), ("participant_ids", &*alan.id)];
    for answer in
        [ada.client.post_form("/api/conversations/", &fields).await, send(&ada, "/api/conversations/", &fields).await]
    {
        let started = answer.expect(201).json();
        assert_eq!((&started["participant_count"], &started["title"]), (&json!(3), &json!("Engines")));
    }
    let wrong = [("participant_ids", &*grace.id), ("participant_ids", "abc")];
    let refused = ada.client.post_form("/api/conversations/", &wrong).await.expect(400).json();
    assert_eq!(refused, json!({ "participant_ids": { "1": ["“abc” is not a valid UUID."] } }));
}

#[tokio::test]
async fn the_csrf_token_may_stand_in_a_multipart_form() {
    let ada = Person::new("Ada").await;
    let token = "abcdefghijklmnopqrstuvwxyz012345";
    let cookies = format!("sessionid={}; csrftoken={token}", ada.token);
    let browser = Client::anonymous().with("cookie", &cookies);
    let passwords = [("old_password", PASSWORD), ("new_password", "another-long-password")];
    let without = browser.send(Method::POST, "/api/auth/password/", Some(multipart(&passwords))).await;
    without.says(403, "CSRF Failed: CSRF token missing.");
    let with_token = [passwords[0], passwords[1], ("csrfmiddlewaretoken", token)];
    browser.send(Method::POST, "/api/auth/password/", Some(multipart(&with_token))).await.expect(204);
}

#[tokio::test]
async fn options_tell_what_every_endpoint_takes_and_gives() {
    let ada = Person::new("Ada").await;
    let told = ada.client.send(Method::OPTIONS, "/api/messages/", None).await.expect(200).json();
    assert_eq!(told["parses"], json!(["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]));
    assert_eq!((&told["name"], &told["renders"]), (&json!("Message List"), &json!(["application/json"])));
    let body = &told["actions"]["POST"]["message_body"];
    let expected = json!({ "type": "string", "required": true, "read_only": false, "label": "Message body" });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&body[key], value, "{key}");
    }
    assert_eq!(body["max_length"], 20_000);
    let told = ada.client.send(Method::OPTIONS, "/api/conversations/", None).await.expect(200).json();
    assert_eq!(told["actions"]["POST"]["participant_ids"]["type"], "list");
}

#[test]
fn every_method_that_writes_says_which_fields_it_takes() {
    let document = serde_json::to_value(shared::http::openapi::document(all_routes())).expect("JSON");
    for (_, routes) in all_routes() {
        for (path, methods, _) in routes.iter() {
            for method in methods {
                let address = format!("{}/", path.trim_end_matches('/'));
                let operation = &document["paths"][&address][method.as_str().to_lowercase()];
                assert!(operation["summary"].is_string(), "{method} {path} is not described");
                let has_body = !operation["requestBody"].is_null();
                let bodiless = method.is_safe()
                    || method == Method::DELETE
                    || ["/logout", "/leave"].iter().any(|end| path.ends_with(end));
                assert_eq!(has_body, !bodiless, "{method} {path}");
            }
        }
    }
}
