//! Fields that hold what they must not: every type of JSON, nothing, too much, characters that cannot be.

use serde_json::{Value, json};

use super::Case;

const REQUIRED: &str = "This field is required.";
const NULL: &str = "This field may not be null.";
const BLANK: &str = "This field may not be blank.";
const NO_STRING: &str = "Not a valid string.";
const NUL: &str = "Null characters are not allowed.";
const NO_INTEGER: &str = "A valid integer is required.";

const SOMEBODY: &str =
    r#"{"first_name":"Ada","last_name":"King","email":"nobody.yet@example.com","password":"a-long-enough-password"}"#;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = people();
    cases.extend(credentials());
    cases.extend(participants());
    cases.extend(messages());
    cases.extend(numbers());
    cases.extend(changes());
    cases
}

/// What people may change about themselves and about groups.
fn changes() -> Vec<Case> {
    let mut cases = Vec::new();
    for field in ["first_name", "last_name"] {
        let change = |value: Value| Case::new("PATCH", "/api/users/me/").json(with("{}", field, Some(value)));
        for (value, reason) in no_texts().into_iter().chain(no_visible_texts()) {
            cases.push(change(value).refuses(field, reason));
        }
        cases.push(change(json!("x".repeat(151))).names(&[field]));
    }
    for number in [json!("1"), json!("12345678a"), json!(true), json!([]), json!("1".repeat(40))] {
        let body = with("{}", "phone_number", Some(number));
        cases.push(Case::new("PATCH", "/api/users/me/").json(body).names(&["phone_number"]));
    }
    for method in ["PUT", "PATCH"] {
        let rename =
            |title: Value| Case::new(method, "/api/conversations/{group}/").json(with("{}", "title", Some(title)));
        for title in [json!(true), json!([]), json!({})] {
            cases.push(rename(title).refuses("title", NO_STRING));
        }
        cases.push(rename(json!("a\u{0}b")).refuses("title", NUL));
        cases.push(
            rename(json!("x".repeat(201))).refuses("title", "Ensure this field has no more than 200 characters."),
        );
        let direct = Case::new(method, "/api/conversations/{c}/").json(r#"{"title":"Us"}"#);
        cases.push(direct.refuses("title", "A direct conversation has no title."));
    }
    for action in ["add_participant", "remove_participant"] {
        let act = |user: Value| {
            let path = format!("/api/conversations/{{group}}/{action}/");
            Case::new("POST", &path).json(with("{}", "user_id", Some(user)))
        };
        for nobody in [json!(null), json!("")] {
            cases.push(act(nobody).refuses_all(json!({ "error": "user_id is required" })));
        }
        for nobody in [
            json!("abc"),
            json!(7),
            json!(true),
            json!([]),
            json!({}),
            json!("{c}"),
            json!("{own}"),
            json!(["{grace}"]),
        ] {
            cases.push(act(nobody).told(404, super::Told::Fields(json!({ "error": "User not found" }))));
        }
        cases.push(act(json!("{ada}")).status(400));
        let direct = Case::new("POST", &format!("/api/conversations/{{c}}/{action}/"));
        cases.push(direct.json(r#"{"user_id":"{grace}"}"#).status(400));
    }
    let again = Case::new("POST", "/api/conversations/{group}/add_participant/").json(r#"{"user_id":"{grace}"}"#);
    cases.push(again.refuses_all(json!({ "error": "User is already a participant" })));
    cases
}

/// A body with one field set to `value`, or left out.
fn with(body: &str, field: &str, value: Option<Value>) -> String {
    let mut body: Value = serde_json::from_str(body).expect("JSON");
    let fields = body.as_object_mut().expect("an object");
    match value {
        Some(value) => drop(fields.insert(field.to_owned(), value)),
        None => drop(fields.remove(field)),
    }
    body.to_string()
}

/// What is no text at all.
fn no_texts() -> [(Value, &'static str); 7] {
    [
        (json!(null), NULL),
        (json!(true), NO_STRING),
        (json!(false), NO_STRING),
        (json!([]), NO_STRING),
        (json!(["a"]), NO_STRING),
        (json!({}), NO_STRING),
        (json!({ "a": [[[[[[]]]]]] }), NO_STRING),
    ]
}

/// What is no text that anybody can see, or none that can be kept.
fn no_visible_texts() -> [(Value, &'static str); 7] {
    [
        (json!(""), BLANK),
        (json!(" \t\r\n"), BLANK),
        (json!("\u{200B}\u{200D}\u{FEFF}"), BLANK),
        (json!("\u{2800}\u{3164}"), BLANK),
        (json!("\u{00A0}\u{2003}"), BLANK),
        (json!("a\u{0}b"), NUL),
        (json!("\u{0}"), NUL),
    ]
}

fn people() -> Vec<Case> {
    let register = |field: &str, value: Option<Value>| {
        Case::anonymous("POST", "/api/auth/register/").json(with(SOMEBODY, field, value))
    };
    let mut cases = Vec::new();
    for field in ["first_name", "last_name"] {
        cases.push(register(field, None).refuses(field, REQUIRED));
        for (value, reason) in no_texts().into_iter().chain(no_visible_texts()) {
            cases.push(register(field, Some(value)).refuses(field, reason));
        }
        let long = register(field, Some(json!("é".repeat(151))));
        cases.push(long.refuses(field, "Ensure this field has no more than 150 characters."));
    }
    cases.push(register("email", None).refuses("email", REQUIRED));
    for (value, reason) in no_texts().into_iter().chain(no_visible_texts()) {
        cases.push(register("email", Some(value)).refuses("email", reason));
    }
    for text in [
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "a da@example.com",
        "ada@exam ple.com",
        "ada@@example.com",
        "Ada <ada@example.com>",
        "ada@example..com",
        ".ada@example.com",
        "ada@[127.0.0.1]",
        "ada@example.com\nbcc: all",
    ] {
        cases.push(register("email", Some(json!(text))).refuses("email", "Enter a valid email address."));
    }
    cases.push(register("email", Some(json!(format!("{}@example.com", "a".repeat(300))))).names(&["email"]));
    cases.push(register("email", Some(json!("{email}"))).refuses("email", "A user with this email already exists."));
    for text in
        ["1", "12345678", "1234567890123456789", "12345678a", "++123456789", "123 456 789", "+", "１２３４５６７８９"]
    {
        cases.push(register("phone_number", Some(json!(text))).names(&["phone_number"]));
    }
    for value in [json!(true), json!([]), json!({})] {
        cases.push(register("phone_number", Some(value)).refuses("phone_number", NO_STRING));
    }
    cases.push(register("password", None).refuses("password", REQUIRED));
    for (value, reason) in no_texts() {
        cases.push(register("password", Some(value)).refuses("password", reason));
    }
    for text in
        ["", "a", "1234567", "12345678901", "Password1", "nobody.yet@example.com", "NOBODY.YET", "a\u{0}bcdefgh"]
    {
        cases.push(register("password", Some(json!(text))).names(&["password"]));
    }
    cases.push(register("password", Some(json!("x".repeat(100_000)))).names(&["password"]));
    let nothing =
        json!({ "email": [REQUIRED], "first_name": [REQUIRED], "last_name": [REQUIRED], "password": [REQUIRED] });
    cases.push(Case::anonymous("POST", "/api/auth/register/").json("{}").refuses_all(nothing.clone()));
    cases.push(Case::anonymous("POST", "/api/auth/register/").refuses_all(nothing));
    let twice = r#"{"first_name":"Ada","first_name":null,"last_name":"King","email":"a@example.com","password":"a-long-enough-password"}"#;
    cases.push(Case::anonymous("POST", "/api/auth/register/").json(twice).refuses("first_name", NULL));
    cases
}

fn credentials() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, body, fields) in [
        ("/api/auth/login/", r#"{"email":"nobody.yet@example.com","password":"x"}"#, ["email", "password"]),
        ("/api/auth/password/", r#"{"old_password":"x","new_password":"y"}"#, ["old_password", "new_password"]),
    ] {
        for field in fields {
            let case = |value: Option<Value>| Case::new("POST", path).json(with(body, field, value));
            cases.push(case(None).refuses(field, REQUIRED));
            cases.push(case(Some(json!(""))).refuses(field, BLANK));
            for (value, reason) in no_texts() {
                cases.push(case(Some(value)).refuses(field, reason));
            }
        }
    }
    let change = |old: &str, new: &str| {
        let body = json!({ "old_password": old, "new_password": new });
        Case::new("POST", "/api/auth/password/").json(body.to_string())
    };
    cases.push(change("not-the-password", "another-long-password").names(&["old_password"]));
    for weak in ["1234", "password1", "{email}"] {
        cases.push(change("a-long-enough-password", weak).names(&["new_password"]));
    }
    cases
}

fn participants() -> Vec<Case> {
    const FIELD: &str = "participant_ids";
    let start = |value: Option<Value>| Case::new("POST", "/api/conversations/").json(with("{}", FIELD, value));
    let no_list = |name: &str| format!("Expected a list of items but got type \"{name}\".");
    let mut cases = vec![
        start(None).refuses(FIELD, "At least one participant ID is required"),
        start(Some(json!(null))).refuses(FIELD, NULL),
        start(Some(json!([]))).refuses(FIELD, "At least one participant is required."),
        start(Some(json!(["{ada}"]))).refuses(FIELD, "A conversation must have at least 2 participants."),
        start(Some(json!(["{ada}", "{ada}"]))).refuses(FIELD, "A conversation must have at least 2 participants."),
        start(Some(json!("{grace}"))).refuses(FIELD, &no_list("str")),
        start(Some(json!(7))).refuses(FIELD, &no_list("int")),
        start(Some(json!(7.5))).refuses(FIELD, &no_list("float")),
        start(Some(json!(true))).refuses(FIELD, &no_list("bool")),
        start(Some(json!({ "0": "{grace}" }))).refuses(FIELD, &no_list("dict")),
    ];
    for element in [json!(null), json!(1), json!(true), json!([]), json!({}), json!(""), json!("abc"), json!("{c}x")] {
        cases.push(start(Some(json!(["{grace}", element]))).names(&[FIELD]));
    }
    let wrong = json!({ FIELD: { "1": ["“abc” is not a valid UUID."] } });
    cases.push(start(Some(json!(["{grace}", "abc", "{ada}"]))).refuses_all(wrong));
    for unknown in ["00000000-0000-0000-0000-000000000000", "0195d2a4-6f0e-7000-8000-000000000000", "{c}", "{own}"] {
        let reason = "One or more participant IDs are invalid.";
        cases.push(start(Some(json!(["{grace}", unknown]))).refuses(FIELD, reason));
    }
    for count in [250, 1001] {
        let many: Vec<String> = (0..count).map(|n| format!("0195d2a4-6f0e-7000-8000-{n:012}")).collect();
        cases.push(start(Some(json!(many))).names(&[FIELD]));
    }
    for title in [json!(true), json!([]), json!({}), json!("x".repeat(201)), json!("a\u{0}b"), json!("\u{200B}")] {
        let body = json!({ FIELD: ["{grace}"], "title": title });
        cases.push(Case::new("POST", "/api/conversations/").json(body.to_string()).names(&["title"]));
    }
    cases
}

fn messages() -> Vec<Case> {
    const FIELD: &str = "message_body";
    let mut cases = Vec::new();
    for (method, path) in [
        ("POST", "/api/messages/"),
        ("POST", "/api/conversations/{c}/messages/"),
        ("PUT", "/api/messages/{own}/"),
        ("PATCH", "/api/messages/{own}/"),
    ] {
        let case = |value: Option<Value>| {
            Case::new(method, path).json(with(r#"{"conversation":"{c}","message_body":"Hello"}"#, FIELD, value))
        };
        if method != "PATCH" {
            cases.push(case(None).refuses(FIELD, "Message body is required"));
        }
        for (value, reason) in no_texts().into_iter().chain(no_visible_texts()) {
            cases.push(case(Some(value)).refuses(FIELD, reason));
        }
        let long = case(Some(json!("é".repeat(20_001))));
        cases.push(long.refuses(FIELD, "Ensure this field has no more than 20000 characters."));
    }
    let send = |field: &str, value: Option<Value>| {
        Case::new("POST", "/api/messages/").json(with(r#"{"conversation":"{c}","message_body":"Hello"}"#, field, value))
    };
    cases.push(send("conversation", None).refuses("conversation", REQUIRED));
    for (value, reason) in no_texts() {
        cases.push(send("conversation", Some(value)).refuses("conversation", reason));
    }
    for id in ["abc", "1", "{c}0", "USER#1"] {
        let reason = format!("“{id}” is not a valid UUID.");
        cases.push(send("conversation", Some(json!(id))).refuses("conversation", &reason));
    }
    for id in [
        "{foreign}",
        "{own}",
        "{grace}",
        "00000000-0000-0000-0000-000000000000",
        "0195d2a4-6f0e-8000-8000-000000000000",
    ] {
        let reason = format!("Invalid pk \"{id}\" - object does not exist.");
        cases.push(send("conversation", Some(json!(id))).refuses("conversation", &reason));
    }
    for sender in [json!("{grace}"), json!("abc"), json!(true), json!([]), json!({}), json!("{c}")] {
        cases.push(send("sender", Some(sender.clone())).names(&["sender"]));
        let nested = with(r#"{"message_body":"Hello"}"#, "sender", Some(sender));
        cases.push(Case::new("POST", "/api/conversations/{c}/messages/").json(nested).names(&["sender"]));
    }
    let twice = r#"{"conversation":"{c}","message_body":"Hello","message_body":""}"#;
    cases.push(Case::new("POST", "/api/messages/").json(twice).refuses(FIELD, BLANK));
    cases.push(Case::new("POST", "/api/messages/").json("{}").names(&["conversation", FIELD]));
    cases
}

fn numbers() -> Vec<Case> {
    let mark = |body: &str| Case::new("PUT", "/api/conversations/{c}/read/").json(body);
    let mut cases = vec![mark("{}").refuses("number", REQUIRED), mark(r#"{"number":null}"#).refuses("number", NULL)];
    for value in [
        "true",
        "[]",
        "[1]",
        "{}",
        "\"\"",
        "\" \"",
        "\"one\"",
        "1.5",
        "\"1.5\"",
        "1e3",
        "\"0x1\"",
        "\"１\"",
        "\"1\\u0000\"",
    ] {
        cases.push(mark(&format!(r#"{{"number":{value}}}"#)).refuses("number", NO_INTEGER));
    }
    for value in ["-1", "-99999999999999999999", "4", "1099511627776", "18446744073709551616", "\"4\""] {
        cases.push(mark(&format!(r#"{{"number":{value}}}"#)).names(&["number"]));
    }
    cases
}
