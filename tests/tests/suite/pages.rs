//! The pages for browsers: signing in and out with cookies, and what protects those cookies from other sites.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use tests::{Answer, Client, PASSWORD, Person, encoded, is_local, keys, target, two_people};
use uuid::Uuid;

const LOGIN: &str = "/api-auth/login/";
const LOGOUT: &str = "/api-auth/logout/";
const ME: &str = "/api/users/me/";

const WRONG_CREDENTIALS: &str =
    "Please enter a correct email address and password. Note that both fields may be case-sensitive.";

/// Somebody with cookies, and the token that shows that a request is theirs.
#[derive(Clone)]
struct Browser {
    client: Client,
    token: String,
}

impl Browser {
    /// Nobody in particular, who has opened the login page.
    async fn new() -> Self {
        let token = csrf_token(&Client::anonymous().get(LOGIN).await.expect(200));
        Self { client: Client::anonymous().with("cookie", &format!("csrftoken={token}")), token }
    }

    async fn signed_in(person: &Person) -> Self {
        let answer = Self::new().await.submit(&person.email, PASSWORD, "").await.expect(302);
        let (token, session) = (csrf_token(&answer), answer.cookie("sessionid").expect("a session"));
        Self { client: Client::anonymous().with("cookie", &format!("sessionid={session}; csrftoken={token}")), token }
    }

    /// Fills in the login page and sends it off.
    async fn submit(&self, username: &str, password: &str, next: &str) -> Answer {
        let fields =
            [("csrfmiddlewaretoken", &*self.token), ("next", next), ("username", username), ("password", password)];
        self.client.post_form(LOGIN, &fields).await
    }

    /// The same browser with its token in the header, as scripts send it.
    fn script(&self) -> Client {
        self.client.clone().with("x-csrftoken", &self.token)
    }
}

fn csrf_token(answer: &Answer) -> String {
    answer.cookie("csrftoken").expect("a CSRF token").to_owned()
}

/// The attributes of a cookie: those given, and `Secure` but for one's own machine.
fn attributes(given: &[&'static str]) -> BTreeSet<&'static str> {
    given.iter().copied().chain((!is_local()).then_some("Secure")).collect()
}

#[track_caller]
fn assert_csrf_failed(answer: &Answer) {
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert!(
        answer.json()["detail"].as_str().is_some_and(|detail| detail.starts_with("CSRF Failed: ")),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn the_login_page_is_a_form() {
    let page = Client::anonymous().get("/api-auth/login/?next=/api/users/").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for part in [
        r#"method="post""#,
        &format!(r#"<input type="hidden" name="csrfmiddlewaretoken" value="{}">"#, csrf_token(&page)),
        r#"<input type="hidden" name="next" value="/api/users/">"#,
        r#"<label for="id_username">Email address:</label>"#,
        r#"<input type="text" name="username""#,
        r#"<label for="id_password">Password:</label>"#,
        r#"<input type="password" name="password""#,
        r#"<button type="submit">Log in</button>"#,
    ] {
        assert!(page.text.contains(part), "{part} is not in {}", page.text);
    }
}

#[tokio::test]
async fn the_page_keeps_the_csrf_token_that_the_browser_has() {
    let browser = Browser::new().await;
    assert_eq!(csrf_token(&browser.client.get(LOGIN).await), browser.token);
    let planted = Client::anonymous().with("cookie", "csrftoken=short").get(LOGIN).await;
    assert_eq!(csrf_token(&planted).len(), 32, "what is no token is replaced");
}

#[tokio::test]
async fn the_form_signs_in_and_leads_on_to_where_one_was_going() {
    let (ada, browser) = tokio::join!(Person::new("Ada"), Browser::new());
    let answer = browser.submit(&ada.email.to_uppercase(), PASSWORD, "/api/users/?page_size=2").await.expect(302);
    assert_eq!(answer.header("location"), Some("/api/users/?page_size=2"));
    assert_eq!(
        answer.cookie_attributes("sessionid"),
        attributes(&["Path=/", "Max-Age=1209600", "SameSite=Lax", "HttpOnly"])
    );
    assert_eq!(answer.cookie_attributes("csrftoken"), attributes(&["Path=/", "Max-Age=31449600", "SameSite=Lax"]));
    assert_ne!(csrf_token(&answer), browser.token, "a token planted before the login is worthless afterwards");

    let session = answer.cookie("sessionid").expect("a session");
    let me = Client::anonymous().with("cookie", &format!("sessionid={session}")).get(ME).await.expect(200);
    assert_eq!(me.json()["user_id"], ada.id);
}

#[tokio::test]
async fn a_foreign_next_page_is_dropped() {
    let (ada, browser) = tokio::join!(Person::new("Ada"), Browser::new());
    for foreign in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:evil.example",
        "/café",
        "",
    ] {
        let page = browser.client.get(&format!("{LOGIN}?next={}", encoded(foreign))).await.expect(200);
        assert!(page.text.contains(r#"name="next" value="">"#), "{foreign}");
        let answer = browser.submit(&ada.email, PASSWORD, foreign).await.expect(302);
        assert_eq!(answer.header("location"), Some("/"), "{foreign}");
    }
}

#[tokio::test]
async fn wrong_credentials_show_the_form_again_with_the_same_text_for_all() {
    let (ada, browser) = tokio::join!(Person::new("Ada"), Browser::new());
    let unknown = format!("nobody.{}@example.com", Uuid::new_v4().simple());
    let mut pages = Vec::new();
    for (username, password) in [(&*ada.email, "not-the-password"), (&*unknown, PASSWORD), ("nobody", PASSWORD)] {
        let page = browser.submit(username, password, "/api/").await.expect(200);
        assert!(page.text.contains(WRONG_CREDENTIALS), "{}", page.text);
        assert!(page.text.contains(r#"name="next" value="/api/""#), "{}", page.text);
        assert!(!page.text.contains(password), "a password is never shown");
        assert_eq!(page.cookie("sessionid"), None);
        pages.push(page.text.replace(username, ""));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:#?}");
}

#[tokio::test]
async fn empty_fields_of_the_form_are_required() {
    let browser = Browser::new().await;
    for (username, password, missing) in [("", "", 2), ("ada@example.com", "", 1), ("", PASSWORD, 1)] {
        let page = browser.submit(username, password, "").await.expect(200);
        assert_eq!(page.text.matches("This field is required.").count(), missing, "{}", page.text);
    }
}

#[tokio::test]
async fn what_is_typed_into_the_form_is_shown_escaped() {
    let browser = Browser::new().await;
    let typed = r#"/"><script>alert('x')</script>"#;
    let shown = [
        browser.submit(typed, "x", typed).await,
        browser.client.get(&format!("{LOGIN}?next={}", encoded(typed))).await,
    ];
    for page in shown {
        assert!(!page.text.contains("<script") && page.text.contains("script&#"), "{}", page.text);
    }
}

#[tokio::test]
async fn the_form_needs_the_csrf_token_of_its_own_site() {
    let (ada, browser) = tokio::join!(Person::new("Ada"), Browser::new());
    let credentials = [("username", &*ada.email), ("password", PASSWORD)];
    let without_token = browser.client.post_form(LOGIN, &credentials).await;
    let with_another_token =
        Browser { token: "a".repeat(32), ..browser.clone() }.submit(&ada.email, PASSWORD, "").await;
    let without_cookie =
        Browser { client: Client::anonymous(), ..browser.clone() }.submit(&ada.email, PASSWORD, "").await;
    let from_elsewhere =
        Browser { client: browser.client.clone().with("origin", "https://evil.example"), ..browser.clone() };
    let from_elsewhere = from_elsewhere.submit(&ada.email, PASSWORD, "").await;
    for answer in [without_token, with_another_token, without_cookie, from_elsewhere] {
        assert_csrf_failed(&answer);
        assert_eq!(answer.cookie("sessionid"), None);
    }
    let from_here = Browser { client: browser.client.clone().with("origin", &target()), ..browser };
    from_here.submit(&ada.email, PASSWORD, "").await.expect(302);
}

#[tokio::test]
async fn programs_that_live_on_cookies_sign_in_with_json() {
    let (ada, browser) = tokio::join!(Person::new("Ada"), Browser::new());
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    let answer = browser.script().post(LOGIN, credentials.clone()).await.expect(200);
    assert_eq!(keys(&answer.in_order()), ["token", "expires_at", "user"]);
    assert_eq!(answer.json()["token"], answer.cookie("sessionid").expect("a session"));
    assert_eq!(answer.json()["user"]["user_id"], ada.id);
    assert_ne!(csrf_token(&answer), browser.token);

    assert_csrf_failed(&browser.client.post(LOGIN, credentials).await);
    let wrong = json!({ "username": ada.email, "password": "not-the-password" });
    browser.script().post(LOGIN, wrong).await.refuses("non_field_errors", WRONG_CREDENTIALS);
}

#[tokio::test]
async fn json_credentials_that_are_not_given_are_asked_for_as_at_the_other_login() {
    let browser = Browser::new().await;
    for body in
        [json!({}), json!({ "email": "", "password": "" }), json!({ "email": "ada@example.com", "password": null })]
    {
        let here = browser.script().post(LOGIN, body.clone()).await;
        let there = Client::anonymous().post("/api/auth/login/", body).await;
        assert_eq!((here.status, here.json()), (there.status, there.json()));
    }
}

#[tokio::test]
async fn a_cookie_reads_without_the_csrf_token_and_writes_only_with_it() {
    let (ada, _, conversation) = two_people().await;
    let browser = Browser::signed_in(&ada).await;
    let body = json!({ "conversation": conversation, "message_body": "hello" });
    browser.client.get(ME).await.expect(200);
    assert_csrf_failed(&browser.client.post("/api/messages/", body.clone()).await);
    assert_csrf_failed(
        &browser.client.clone().with("x-csrftoken", &"a".repeat(32)).post("/api/messages/", body.clone()).await,
    );
    browser.script().post("/api/messages/", body).await.expect(201);

    let fields = [("conversation", &*conversation), ("message_body", "hello")];
    assert_csrf_failed(&browser.client.post_form("/api/messages/", &fields).await);
    let fields =
        [("csrfmiddlewaretoken", &*browser.token), ("conversation", &conversation), ("message_body", "hello again")];
    let answer = browser.client.post_form("/api/messages/", &fields).await.expect(201);
    assert_eq!(answer.json()["message_body"], "hello again");
}

#[tokio::test]
async fn another_site_cannot_use_a_cookie_but_a_token_is_good_from_anywhere() {
    let (ada, _, conversation) = two_people().await;
    let browser = Browser::signed_in(&ada).await;
    let body = json!({ "conversation": conversation, "message_body": "hello" });
    for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
        let script = browser.script().with("origin", origin);
        assert_csrf_failed(&script.post("/api/messages/", body.clone()).await);
        ada.client.clone().with("origin", origin).post("/api/messages/", body.clone()).await.expect(201);
    }
    browser.script().with("origin", &target()).post("/api/messages/", body).await.expect(201);
}

#[tokio::test]
async fn the_logout_page_ends_the_session() {
    let ada = Person::new("Ada").await;
    let browser = Browser::signed_in(&ada).await;
    let page = browser.client.get(LOGOUT).await.expect(200);
    assert!(page.text.contains("Logged out"), "{}", page.text);
    assert_eq!(page.cookie("sessionid"), Some(""));
    browser.client.get(ME).await.says(401, "Invalid or expired session.");
    ada.client.get(ME).await.expect(200);
}

#[tokio::test]
async fn the_logout_page_leads_on_to_a_local_page_only() {
    let ada = Person::new("Ada").await;
    for (next, expected) in [("/api-auth/login/", Some("/api-auth/login/")), ("//evil.example", None)] {
        let browser = Browser::signed_in(&ada).await;
        let answer = browser.client.get(&format!("{LOGOUT}?next={}", encoded(next))).await;
        assert_eq!((answer.status, answer.header("location")), (if expected.is_some() { 302 } else { 200 }, expected));
        browser.client.get(ME).await.expect(401);
    }
}

#[tokio::test]
async fn logging_out_by_post_needs_the_csrf_token() {
    let browser = Browser::signed_in(&Person::new("Ada").await).await;
    assert_csrf_failed(&browser.client.post_form(LOGOUT, &[]).await);
    browser.client.get(ME).await.expect(200);
    browser.client.post_form(LOGOUT, &[("csrfmiddlewaretoken", &browser.token)]).await.expect(200);
    browser.client.get(ME).await.expect(401);
}

#[tokio::test]
async fn asking_for_the_logout_page_by_head_ends_nothing() {
    let browser = Browser::signed_in(&Person::new("Ada").await).await;
    let answer = browser.client.send(Method::HEAD, LOGOUT, None).await.expect(200);
    assert_eq!((&*answer.text, answer.header("set-cookie")), ("", None));
    browser.client.get(ME).await.expect(200);
}

#[tokio::test]
async fn an_image_on_another_site_logs_nobody_out() {
    let browser = Browser::signed_in(&Person::new("Ada").await).await;
    for site in ["cross-site", "same-site"] {
        let page = browser.client.clone().with("sec-fetch-site", site).get(LOGOUT).await.expect(200);
        assert!(page.text.contains("Log out?") && page.text.contains(&browser.token), "{}", page.text);
        browser.client.get(ME).await.expect(200);
    }
    browser.client.clone().with("sec-fetch-site", "same-origin").get(LOGOUT).await.expect(200);
    browser.client.get(ME).await.expect(401);
}

#[tokio::test]
async fn the_logout_page_is_there_for_everybody() {
    let nobody = Client::anonymous();
    assert!(nobody.get(LOGOUT).await.expect(200).text.contains("Logged out"));
    assert!(nobody.post_form(LOGOUT, &[]).await.expect(200).text.contains("Logged out"));
}

#[tokio::test]
async fn a_dead_cookie_is_cleared() {
    let ada = Person::new("Ada").await;
    let browser = Browser::signed_in(&ada).await;
    browser.script().post("/api/auth/logout/", json!({})).await.expect(204);
    let garbage = Client::anonymous().with("cookie", "sessionid=garbage");
    for answer in [browser.client.get(ME).await, garbage.get(ME).await] {
        let answer = answer.says(401, "Invalid or expired session.");
        assert_eq!(answer.cookie("sessionid"), Some(""));
        assert_eq!(
            answer.cookie_attributes("sessionid"),
            attributes(&["Path=/", "Max-Age=0", "SameSite=Lax", "HttpOnly"])
        );
    }
    for open in [LOGIN, "/api/"] {
        let answer = garbage.get(open).await.expect(200);
        assert_eq!(answer.cookie("sessionid"), Some(""), "{open}");
    }
}

#[tokio::test]
async fn a_token_counts_before_a_cookie() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let both = ada.client.clone().with("cookie", &format!("sessionid={}", grace.token));
    assert_eq!(both.get(ME).await.expect(200).json()["user_id"], ada.id);
}
