//! Addresses that lead nowhere, ids of the wrong kind, and methods that are not there.

use super::Case;

const NOT_FOUND: &str = "Not found.";

pub(super) fn cases() -> Vec<Case> {
    [ids(), kinds(), others(), nowhere(), methods()].concat()
}

/// Where an id stands in a path.
const PLACES: [(&str, &str); 6] = [
    ("GET", "/api/users/{}/"),
    ("GET", "/api/conversations/{}/"),
    ("GET", "/api/messages/{}/"),
    ("GET", "/api/conversations/{}/messages/"),
    ("DELETE", "/api/messages/{}/"),
    ("GET", "/api/conversations/{c}/messages/{}/"),
];

fn ids() -> Vec<Case> {
    let mut cases = Vec::new();
    // Each at one place, and the places in turn: they share the parser.
    for (index, id) in [
        "abc",
        "1",
        "-1",
        "0",
        "1.5",
        "null",
        "None",
        "undefined",
        "NaN",
        "true",
        "*",
        "me@example.com",
        "{own}0",
        "0{own}",
        "USER%23{ada}",
        "%20",
        "%00",
        "{c}%00",
        "%F0%9F%98%80",
        "%E2%80%8B",
        "%7B%7D",
        "$ne",
        "%27%20OR%201=1--",
        "%3Cscript%3E",
        "%25",
        "a%2Fb",
        "..%2F..%2Fetc%2Fpasswd",
        "..%5C",
        "0195d2a4-6f0e-8000-8000-00000000000g",
        "0195d2a4-6f0e-8000-8000",
        "0195d2a46f0e8000800000000000000",
        "0195d2a4_6f0e_8000_8000_000000000001",
        "{own},{own}",
    ]
    .into_iter()
    .enumerate()
    {
        for (method, place) in [PLACES[index % 6], PLACES[(index + 1) % 6]] {
            cases.push(Case::new(method, &place.replace("{}", id)).says(404, NOT_FOUND));
        }
    }
    for (method, place) in PLACES {
        let long = "a".repeat(4000);
        cases.push(Case::new(method, &place.replace("{}", &long)).says(404, NOT_FOUND));
        // Neither text nor an escape.
        for id in ["%FF", "%C0%AF", "%ED%A0%80", "%zz", "%", "%e2%82"] {
            cases.push(Case::new(method, &place.replace("{}", id)).says(404, NOT_FOUND).inside());
        }
    }
    cases
}

/// Ids, but of other things, or of none.
fn kinds() -> Vec<Case> {
    const CONVERSATION: &str = "No Conversation matches the given query.";
    const MESSAGE: &str = "No Message matches the given query.";
    const USER: &str = "No User matches the given query.";
    const NIL: &str = "00000000-0000-0000-0000-000000000000";
    const NEW: &str = "0195d2a4-6f0e-8000-8000-000000000000";
    const NEW_MESSAGE: &str = "0195d2a4-6f0e-8000-8000-000000000001";
    const OLD: &str = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
    let mut cases = Vec::new();
    for id in ["{own}", "{grace}", "{foreign}", "{foreign message}", NIL, NEW, OLD] {
        for path in ["/api/conversations/{}/", "/api/conversations/{}/messages/"] {
            cases.push(Case::new("GET", &path.replace("{}", id)).says(404, CONVERSATION));
        }
        let path = format!("/api/conversations/{id}/leave/");
        cases.push(Case::new("POST", &path).says(404, CONVERSATION));
        cases.push(Case::new("PUT", &format!("/api/conversations/{id}/read/")).json("{").says(404, CONVERSATION));
        let send = Case::new("POST", &format!("/api/conversations/{id}/messages/"));
        cases.push(send.json(r#"{"message_body":"Hello"}"#).says(404, CONVERSATION));
    }
    for id in ["{c}", "{grace}", "{deleted}", "{foreign}", "{foreign message}", NIL, NEW_MESSAGE, OLD] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let body = r#"{"message_body":"Hello"}"#;
            cases.push(Case::new(method, &format!("/api/messages/{id}/")).json(body).says(404, MESSAGE));
        }
        cases.push(Case::new("GET", &format!("/api/conversations/{{c}}/messages/{id}/")).says(404, MESSAGE));
    }
    cases.push(Case::new("GET", "/api/conversations/{foreign}/messages/{own}/").says(404, MESSAGE));
    cases.push(Case::new("DELETE", "/api/conversations/{foreign}/messages/{own}/").says(404, MESSAGE));
    for id in ["{c}", "{own}", NIL, "0195d2a4-6f0e-7000-8000-000000000000", OLD] {
        cases.push(Case::new("GET", &format!("/api/users/{id}/")).says(404, USER));
    }
    // Visible, but another's.
    for method in ["PUT", "PATCH", "DELETE"] {
        let case = Case::new(method, "/api/messages/{theirs}/").json(r#"{"message_body":"Hello"}"#);
        cases.push(case.says(403, "You do not have permission to perform this action."));
    }
    cases.push(Case::new("POST", "/api/conversations/{c}/leave/").says(400, "A direct conversation cannot be left."));
    cases
}

/// What is for admins, and what is others' own.
fn others() -> Vec<Case> {
    const NOT_ALLOWED: &str = "You do not have permission to perform this action.";
    let mut cases = Vec::new();
    for body in ["{", "{}", r#"{"role":"admin"}"#, r#"{"is_active":false}"#] {
        cases.push(Case::new("POST", "/api/users/").json(body).says(403, NOT_ALLOWED));
        cases.push(Case::new("PATCH", "/api/users/{grace}/").json(body).says(403, NOT_ALLOWED));
        cases.push(Case::new("PATCH", "/api/users/{ada}/").json(body).says(403, NOT_ALLOWED));
    }
    cases.push(Case::new("DELETE", "/api/users/{grace}/").says(403, NOT_ALLOWED));
    cases.push(Case::new("DELETE", "/api/users/{ada}/").says(403, NOT_ALLOWED));
    for id in ["abc", "%20", "{own}0", "current"] {
        cases.push(Case::new("DELETE", &format!("/api/auth/sessions/{id}/")).says(404, NOT_FOUND));
    }
    for id in ["{ada}", "{c}", "00000000-0000-0000-0000-000000000000", "6f9619ff-8b86-4011-b42d-00c04fc964ff"] {
        cases.push(Case::new("DELETE", &format!("/api/auth/sessions/{id}/")).status(404));
    }
    for (method, path) in [
        ("DELETE", "/api/conversations/{foreign}/"),
        ("PATCH", "/api/conversations/{foreign}/"),
        ("POST", "/api/conversations/{foreign}/add_participant/"),
        ("POST", "/api/conversations/{foreign}/remove_participant/"),
    ] {
        let case = Case::new(method, path).json(r#"{"user_id":"{ada}","title":"Mine"}"#);
        cases.push(case.says(404, "No Conversation matches the given query."));
    }
    cases
}

fn nowhere() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "/nothing",
        "/api/nothing/",
        "/api/users/me/nothing/",
        "/api/users/{grace}/messages/",
        "/api/conversations/{c}/nothing/",
        "/api/conversations/{c}/messages/{own}/nothing/",
        "/api/messages/{own}/nothing/",
        "/api/auth/",
        "/api/auth/nothing/",
        "/api-auth/",
        "/api-auth/nothing/",
        "/API/users/",
        "/api/Users/",
        "/api/user/",
        "/api/users.json",
        "/api/users;a=b",
        "/health/nothing",
        "/index.html",
        "/.env",
        "/.git/config",
        "/robots.txt",
        "/favicon.ico",
        "/wp-login.php",
    ] {
        cases.push(Case::new("GET", path).says(404, NOT_FOUND));
        cases.push(Case::anonymous("POST", path).json("{").says(404, NOT_FOUND));
    }
    // What clients would have put in order before sending it.
    for path in [
        "//",
        "//api/users/",
        "/api//users/",
        "/api/users//",
        "/api/./users/",
        "/api/users/../users/",
        "/api/users/%2e%2e/",
        "/%00",
        "/%FF",
    ] {
        let case = Case::new("GET", path).status(404);
        cases.push(case.inside());
    }
    cases
}

fn methods() -> Vec<Case> {
    let mut cases = Vec::new();
    for (method, path) in [
        ("POST", "/api/users/me/"),
        ("PUT", "/api/users/me/"),
        ("DELETE", "/api/users/me/"),
        ("POST", "/api/users/{grace}/"),
        ("DELETE", "/api/conversations/"),
        ("PUT", "/api/conversations/"),
        ("PATCH", "/api/messages/"),
        ("POST", "/api/messages/{own}/"),
        ("GET", "/api/conversations/{c}/leave/"),
        ("POST", "/api/conversations/{c}/read/"),
        ("DELETE", "/api/conversations/{c}/messages/"),
        ("GET", "/api/auth/logout/"),
        ("GET", "/api/auth/register/"),
        ("DELETE", "/api/"),
        ("PUT", "/health"),
        ("TRACE", "/api/users/me/"),
        ("PROPFIND", "/api/users/"),
        ("PURGE", "/api/conversations/{c}/"),
        ("LINK", "/api/messages/{own}/"),
    ] {
        cases.push(Case::new(method, path).says(405, &format!("Method \"{method}\" not allowed.")));
    }
    for method in ["get", "Get", "GETS", "X", "M-SEARCH", "!"] {
        let case = Case::new(method, "/api/users/me/");
        cases.push(case.says(405, &format!("Method \"{method}\" not allowed.")).inside());
    }
    cases
}
