//! Requests that are wrong, by the hundred: each is refused with a clear 4xx, none with a 5xx, and none changes anything.
//!
//! The rooms list them by what is wrong. Words in braces stand for the things of a [`Scene`].

mod addresses;
mod credentials;
mod fields;
mod forms;
mod headers;
mod json;
mod queries;

use axum::body::Body;
use axum::http::Request;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};
use tests::machine::InProcess;
use tests::{Answer, Client, Person};

/// One wrong request, and how it is refused.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    status: u16,
    told: Told,
    /// What no HTTP client sends, or what the emulator of Lambda does not let through.
    inside_only: bool,
}

/// What the refusal says.
#[derive(Clone, Debug)]
enum Told {
    Anything,
    Detail(String),
    DetailThatBegins(String),
    /// What is wrong with which fields, and nothing else.
    Fields(Value),
    /// That these fields are wrong, and no others.
    FieldsNamed(Vec<String>),
}

impl Case {
    /// A request by Ada.
    fn new(method: &str, path: &str) -> Self {
        Self::anonymous(method, path).header("authorization", "Bearer {token}")
    }

    fn anonymous(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            status: 400,
            told: Told::Anything,
            inside_only: false,
        }
    }

    fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.body("application/json", body)
    }

    fn form(self, body: impl Into<Vec<u8>>) -> Self {
        self.body("application/x-www-form-urlencoded", body)
    }

    fn inside(mut self) -> Self {
        self.inside_only = true;
        self
    }

    fn told(mut self, status: u16, told: Told) -> Self {
        (self.status, self.told) = (status, told);
        self
    }

    fn status(self, status: u16) -> Self {
        self.told(status, Told::Anything)
    }

    fn says(self, status: u16, detail: &str) -> Self {
        self.told(status, Told::Detail(detail.to_owned()))
    }

    fn begins(self, status: u16, detail: &str) -> Self {
        self.told(status, Told::DetailThatBegins(detail.to_owned()))
    }

    fn refuses(self, field: &str, reason: &str) -> Self {
        self.told(400, Told::Fields(json!({ field: [reason] })))
    }

    fn refuses_all(self, reasons: Value) -> Self {
        self.told(400, Told::Fields(reasons))
    }

    fn names(self, fields: &[&str]) -> Self {
        self.told(400, Told::FieldsNamed(fields.iter().map(|field| (*field).to_owned()).collect()))
    }

    /// What is wrong with an answer, if anything is.
    fn complaint(&self, answer: &Answer, scene: &Scene) -> Option<String> {
        let start = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(120).collect::<String>();
        let complaint = |expected: &str| {
            let headers = self.headers.iter().map(|(name, value)| format!("{name}: {}", start(value)));
            let (headers, body, told) = (headers.collect::<Vec<_>>(), start(&self.body), start(answer.text.as_bytes()));
            let request = format!("{} {} {headers:?} {body}", self.method, self.path);
            Some(format!("{request}\n  expected {expected}\n  but was {} {told}", answer.status))
        };
        if answer.status != self.status {
            return complaint(&self.status.to_string());
        }
        let Ok(Value::Object(told)) = serde_json::from_str(&answer.text) else { return complaint("an object") };
        let sentence = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        let is_clear = !told.is_empty()
            && told.iter().all(|(name, value)| match value {
                Value::Array(sentences) => !sentences.is_empty() && sentences.iter().all(sentence),
                Value::Object(elements) => elements.values().all(|value| value.as_array().is_some()),
                value => ["detail", "error"].contains(&name.as_str()) && sentence(value) && told.len() == 1,
            });
        if !is_clear {
            return complaint("a clear refusal");
        }
        for (name, value) in [
            ("content-type", "application/json"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("vary", "Accept, Cookie"),
            ("cache-control", "no-store"),
        ] {
            if answer.header(name) != Some(value) {
                return complaint(&format!("{name}: {value}"));
            }
        }
        if answer.header("x-request-id").is_none_or(str::is_empty) {
            return complaint("an id");
        }
        if (answer.status == 401) != (answer.header("www-authenticate") == Some("Bearer")) {
            return complaint("www-authenticate with 401 and only there");
        }
        let detail = told.get("detail").and_then(Value::as_str).unwrap_or_default();
        let is_expected = match &self.told {
            Told::Anything => true,
            Told::Detail(expected) => detail == scene.filled(expected),
            Told::DetailThatBegins(expected) => detail.starts_with(&scene.filled(expected)),
            Told::Fields(expected) => {
                scene.filled(&expected.to_string()).parse().ok() == Some(Value::Object(told.clone()))
            }
            Told::FieldsNamed(expected) => told.keys().eq(expected),
        };
        if is_expected { None } else { complaint(&format!("{:?}", self.told)) }
    }
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    [
        addresses::cases(),
        credentials::cases(),
        fields::cases(),
        forms::cases(),
        headers::cases(),
        json::cases(),
        queries::cases(),
    ]
    .concat()
}

/// Two people who talk, and two others whose conversation is none of their business.
pub(crate) struct Scene {
    ada: Person,
    grace: Person,
    mallory: Person,
    /// Another session of Ada's.
    elsewhere: Person,
    conversation: String,
    group: String,
    foreign: String,
    words: Vec<(&'static str, String)>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let (ada, grace, mallory, trent) =
            tokio::join!(Person::new("Ada"), Person::new("Grace"), Person::new("Mallory"), Person::new("Trent"));
        let conversation = ada.start(&[&grace], None).await;
        let group = ada.start(&[&grace], Some("Engines")).await;
        let foreign = mallory.start(&[&trent], None).await;
        let id = |message: &Value| message["message_id"].as_str().expect("an id").to_owned();
        let own = id(&ada.say(&conversation, "Good morning").await);
        let theirs = id(&grace.say(&conversation, "Good morning, Ada").await);
        let deleted = id(&ada.say(&conversation, "Never mind").await);
        ada.client.delete(&format!("/api/messages/{deleted}/")).await.expect(204);
        let foreign_message = id(&mallory.say(&foreign, "None of your business").await);
        let (elsewhere, ended) = tokio::join!(ada.sign_in_again(), ada.sign_in_again());
        ended.client.post("/api/auth/logout/", json!({})).await.expect(204);
        let cursor = async |path: String| {
            let next = ada.client.get(&path).await.expect(200).json()["next"].as_str().expect("a next page").to_owned();
            next.split("cursor=").nth(1).and_then(|rest| rest.split('&').next()).expect("a cursor").to_owned()
        };
        let people_cursor = cursor("/api/users/?page_size=1".to_owned()).await;
        let messages_cursor = cursor(format!("/api/conversations/{conversation}/messages/?page_size=1")).await;
        let words = vec![
            ("{ada}", ada.id.clone()),
            ("{grace}", grace.id.clone()),
            ("{email}", ada.email.clone()),
            ("{token}", ada.token.clone()),
            ("{ended}", ended.token),
            ("{c}", conversation.clone()),
            ("{own}", own),
            ("{theirs}", theirs),
            ("{deleted}", deleted),
            ("{group}", group.clone()),
            ("{foreign}", foreign.clone()),
            ("{foreign message}", foreign_message),
            ("{people cursor}", people_cursor),
            ("{messages cursor}", messages_cursor),
        ];
        Self { ada, grace, mallory, elsewhere, conversation, group, foreign, words }
    }

    fn filled(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, meaning)| text.replace(word, meaning))
    }

    fn filled_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        std::str::from_utf8(bytes).map_or_else(|_| bytes.to_owned(), |text| self.filled(text).into_bytes())
    }

    /// A request with its words filled in; its target is what the caller makes of it.
    fn request(&self, case: &Case, target: &str) -> Request<Vec<u8>> {
        let mut request = Request::builder().method(&*case.method).uri(format!("{target}{}", self.filled(&case.path)));
        if target.is_empty() && !case.headers.iter().any(|(name, _)| name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in &case.headers {
            request = request.header(name, self.filled_bytes(value));
        }
        request.body(self.filled_bytes(&case.body)).unwrap_or_else(|error| panic!("{case:?}: {error}"))
    }

    /// Everything that a wrong request could have changed.
    async fn state(&self) -> Vec<Value> {
        let conversation = format!("/api/conversations/{}/", self.conversation);
        let group = format!("/api/conversations/{}/", self.group);
        let foreign = format!("/api/conversations/{}/", self.foreign);
        let mut state = Vec::new();
        for (person, paths) in [
            (&self.ada, vec![&*conversation, &group, "/api/conversations/", "/api/users/me/"]),
            (&self.grace, vec![&*conversation, "/api/conversations/", "/api/users/me/"]),
            (&self.mallory, vec![&*foreign, "/api/conversations/", "/api/users/me/"]),
        ] {
            for path in paths {
                state.push(person.client.get(path).await.expect(200).json());
            }
        }
        let messages = format!("{conversation}messages/");
        state.push(self.ada.client.get(&messages).await.expect(200).json());
        // The ways in are as they were: the session and the password.
        self.elsewhere.client.get("/api/users/me/").await.expect(200);
        self.ada.sign_in_again().await;
        state
    }
}

/// As many at once as the emulator of Lambda bears.
const AT_ONCE: usize = 16;

#[test]
fn there_are_hundreds_of_them_and_no_two_are_alike() {
    let mut all: Vec<String> = cases().iter().map(|case| format!("{case:?}")).collect();
    println!("{} wrong requests", all.len());
    assert!(all.len() >= 300, "{}", all.len());
    all.sort();
    let twins: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(twins.is_empty(), "{twins:?}");
}

#[tokio::test]
async fn a_wrong_request_is_refused_clearly_and_changes_nothing() {
    let scene = Scene::new().await;
    let before = scene.state().await;
    let client = Client::anonymous();
    let cases = cases().into_iter().filter(|case| !case.inside_only);
    let complaints = stream::iter(cases).map(async |case| {
        let request = scene.request(&case, &tests::target());
        let answer = client.ask(request).await;
        case.complaint(&answer, &scene)
    });
    let complaints: Vec<String> = complaints.buffer_unordered(AT_ONCE).filter_map(async |told| told).collect().await;
    assert!(complaints.is_empty(), "{}\n{}", complaints.len(), complaints.join("\n"));
    assert_eq!(scene.state().await, before);
}

/// The same without HTTP: what clients do not send, others do.
pub(crate) async fn all_in_process() {
    let (scene, functions) = tokio::join!(Scene::new(), InProcess::new());
    let before = scene.state().await;
    let mut complaints = Vec::new();
    for case in cases() {
        let (answer, _) = functions.ask(scene.request(&case, "").map(Body::from)).await;
        complaints.extend(case.complaint(&answer, &scene));
    }
    assert!(complaints.is_empty(), "{}\n{}", complaints.len(), complaints.join("\n"));
    assert_eq!(scene.state().await, before);
}
