//! Bodies that are no JSON, or JSON of another shape.

use super::Case;

const LARGEST_BODY: usize = 256 * 1024;

/// Where a body is judged: one endpoint for everybody, some for who is signed in.
fn endpoints() -> [Case; 4] {
    [
        Case::anonymous("POST", "/api/auth/register/"),
        Case::new("POST", "/api/messages/"),
        Case::new("PUT", "/api/messages/{own}/"),
        Case::new("PUT", "/api/conversations/{c}/read/"),
    ]
}

/// What no parser of JSON (RFC 8259) takes.
const BROKEN: &[&str] = &[
    "{",
    "}",
    "{]",
    " ",
    "\u{0}",
    "\u{FEFF}{}",
    "{} {}",
    "{},",
    "{}x",
    r#"{"a"}"#,
    r#"{"a":}"#,
    r#"{"a":1,}"#,
    r#"{"a":1 "b":2}"#,
    r#"{a:1}"#,
    r#"{'a':1}"#,
    r#"{"a":'b'}"#,
    r#"{"message_body":"Hello"#,
    r#"{"message_body":"Hello""#,
    r#"{"message_body":"a	b"}"#,
    "{\"message_body\":\"a\nb\"}",
    r#"{"message_body":"\x41"}"#,
    r#"{"message_body":"\u00"}"#,
    r#"{"message_body":"\ud800"}"#,
    r#"{"message_body":"\udc00"}"#,
    r#"{"message_body":"\udc00\ud800"}"#,
    r#"{"message_body":"\ud83d\u0041"}"#,
    r#"{"number":NaN}"#,
    r#"{"number":Infinity}"#,
    r#"{"number":-Infinity}"#,
    r#"{"number":01}"#,
    r#"{"number":+1}"#,
    r#"{"number":.5}"#,
    r#"{"number":1.}"#,
    r#"{"number":1e}"#,
    r#"{"number":1e400}"#,
    r#"{"number":0x10}"#,
    r#"{"number":True}"#,
    r#"{"number":undefined}"#,
    "{\"number\":1}//",
    "/* nothing */{}",
    "number=1",
    "<number>1</number>",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Every one of them at one endpoint, and the endpoints in turn: they share the parser.
    let mut broken: Vec<String> = BROKEN.iter().map(|body| (*body).to_owned()).collect();
    let nested = |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    broken.extend([
        nested("[", "]", 1000),
        nested("{\"a\":", "}", 1000),
        nested("[{\"a\":", "}]", 20_000),
        "[".repeat(100_000),
        "{\"a\":".repeat(40_000),
    ]);
    for (index, body) in broken.into_iter().enumerate() {
        let case = endpoints()[index % 4].clone().json(body);
        cases.push(case.begins(400, "JSON parse error - "));
    }
    for endpoint in endpoints() {
        for (body, name) in
            [("[]", "list"), ("[{}]", "list"), ("\"a\"", "str"), ("1", "int"), ("-1.5", "float"), ("true", "bool")]
        {
            let reason = format!("Invalid data. Expected a dictionary, but got {name}.");
            cases.push(endpoint.clone().json(body).refuses("non_field_errors", &reason));
        }
        cases.push(endpoint.clone().json("null").refuses("non_field_errors", "No data provided"));
        let too_large = format!("{{}}{}", " ".repeat(LARGEST_BODY - 1));
        cases.push(endpoint.json(too_large).status(413));
    }
    // Bytes that are no text.
    for bytes in [
        &b"{\"message_body\":\"\xFF\"}"[..],
        b"{\"message_body\":\"\xC0\xAF\"}",
        b"\xFF\xFE{\0}\0",
        b"{\"\xED\xA0\x80\":1}",
    ] {
        let case = Case::new("POST", "/api/messages/").json(bytes);
        cases.push(case.begins(400, "JSON parse error - ").inside());
    }
    let just_fits = format!("{{}}{}", " ".repeat(LARGEST_BODY - 2));
    cases.push(Case::new("POST", "/api/messages/").json(just_fits).names(&["conversation", "message_body"]));
    cases
}
