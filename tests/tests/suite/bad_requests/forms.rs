//! Forms, plain and in parts (RFC 7578), that are broken or hold what they must not.

use serde_json::json;

use super::Case;

const BOUNDARY: &str = "multipart/form-data; boundary=xyz";
const REQUIRED: &str = "This field is required.";

fn send() -> Case {
    Case::new("POST", "/api/messages/")
}

/// A form in parts, its lines ended as they must be.
fn parts(lines: &str) -> Case {
    send().body(BOUNDARY, lines.replace('\n', "\r\n"))
}

pub(super) fn cases() -> Vec<Case> {
    [plain(), broken(), in_parts()].concat()
}

fn plain() -> Vec<Case> {
    let form = |body: &str| send().form(body);
    let blank = "This field may not be blank.";
    let mut cases = vec![
        form("conversation={c}&message_body=").refuses("message_body", blank),
        form("conversation={c}&message_body=+%09%0A").refuses("message_body", blank),
        form("conversation={c}&message_body").refuses("message_body", blank),
        form("conversation={c}&message_body=Hello&message_body=").refuses("message_body", blank),
        form("conversation={c}&message_body=a%00b").refuses("message_body", "Null characters are not allowed."),
        form("conversation={c}").refuses("message_body", "Message body is required"),
        form("message_body=Hello").refuses("conversation", REQUIRED),
        form("conversation=&message_body=Hello").names(&["conversation"]),
        form("conversation=%&message_body=Hello").names(&["conversation"]),
        form("conversation=%FF&message_body=Hello").names(&["conversation"]),
        form("conversation={c}%00&message_body=Hello").names(&["conversation"]),
        form("conversation={foreign}&message_body=Hello").names(&["conversation"]),
        form("conversation={c}&message_body=Hello&sender={grace}").names(&["sender"]),
        form("&&&").names(&["conversation", "message_body"]),
        form("=").names(&["conversation", "message_body"]),
        form("=Hello&=").names(&["conversation", "message_body"]),
        form(r#"{"conversation":"{c}","message_body":"Hello"}"#).names(&["conversation", "message_body"]),
        form("CONVERSATION={c}&Message_Body=Hello").names(&["conversation", "message_body"]),
        form("conversation[]={c}&message_body[0]=Hello").names(&["conversation", "message_body"]),
        form("conversation={c};message_body=Hello").names(&["conversation", "message_body"]),
        Case::new("PUT", "/api/conversations/{c}/read/").form("number=").names(&["number"]),
        Case::new("PUT", "/api/conversations/{c}/read/").form("number=one").names(&["number"]),
        Case::new("PUT", "/api/conversations/{c}/read/").form("number=1&number=-1").names(&["number"]),
        Case::new("PUT", "/api/messages/{own}/").form("message_body=").refuses("message_body", blank),
        Case::new("POST", "/api/conversations/").form("title=Engines").names(&["participant_ids"]),
        Case::new("POST", "/api/conversations/").form("participant_ids=").names(&["participant_ids"]),
        Case::new("POST", "/api/conversations/").form("participant_ids=abc").names(&["participant_ids"]),
        Case::new("POST", "/api/conversations/").form("participant_ids={ada}").names(&["participant_ids"]),
        Case::new("POST", "/api/conversations/")
            .form("participant_ids={grace}&participant_ids=x")
            .refuses_all(json!({ "participant_ids": { "1": ["“x” is not a valid UUID."] } })),
        Case::anonymous("POST", "/api/auth/register/").form("email=%FF%00&email").names(&[
            "email",
            "first_name",
            "last_name",
            "password",
        ]),
        Case::anonymous("POST", "/api/auth/login/").form("username=&password=").names(&["password", "username"]),
        form(&format!("conversation={{c}}&message_body={}", "a".repeat(20_001))).names(&["message_body"]),
        form(&format!("conversation={{c}}&message_body={}", "a".repeat(256 * 1024))).status(413),
    ];
    for bytes in [&b"message_body=\xFF"[..], b"\xC3\x28=a", b"conversation=\xED\xA0\x80"] {
        cases.push(send().form(bytes).says(400, "The form is not encoded in UTF-8.").inside());
    }
    cases
}

/// What has parts in no way that a reader could find.
fn broken() -> Vec<Case> {
    const PART: &str = "--xyz\nContent-Disposition: form-data; name=\"message_body\"\n\nHello\n";
    let mut cases = Vec::new();
    for body in [
        "x",
        "--xyz",
        "--abc--\n",
        "--xy",
        "nonsense\nnonsense\n",
        &PART.replace("--xyz", "--abc"),
        PART,
        &PART[..PART.len() - 4],
        &format!("{PART}--xy"),
        "--xyz\nContent-Disposition: form-data; name=\"message_body\"",
        "--xyz\nContent-Disposition: form-data; name=\"message_body\"\n\n",
        "{\"message_body\":\"Hello\"}",
        "conversation={c}&message_body=Hello",
    ] {
        cases.push(parts(body).begins(400, "Multipart form parse error - "));
    }
    // Ended by bare line feeds.
    cases.push(send().body(BOUNDARY, format!("{PART}--xyz--\n")).begins(400, "Multipart form parse error - "));
    let form = format!("{PART}--xyz--").replace('\n', "\r\n");
    for (media_type, status) in [
        ("multipart/form-data", 400),
        ("multipart/form-data; charset=utf-8", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary", 415),
        ("multipart/form-data; boundary=\"", 415),
    ] {
        cases.push(send().body(media_type, form.clone()).status(status));
    }
    cases
}

fn in_parts() -> Vec<Case> {
    let part = |disposition: &str, content: &str| format!("--xyz\n{disposition}\n\n{content}\n");
    let form = |list: &[String]| parts(&format!("{}--xyz--\n", list.concat()));
    let conversation = part("Content-Disposition: form-data; name=\"conversation\"", "{c}");
    let body = |content: &str| part("Content-Disposition: form-data; name=\"message_body\"", content);
    let file = part("Content-Disposition: form-data; name=\"message_body\"; filename=\"a.txt\"", "Hello");
    let typed = "Content-Disposition: form-data; name=\"message_body\"; filename=\"\"\nContent-Type: text/html";
    let mut cases = vec![
        parts("--xyz--\n").names(&["conversation", "message_body"]),
        form(std::slice::from_ref(&conversation)).refuses("message_body", "Message body is required"),
        form(&[body("Hello")]).refuses("conversation", REQUIRED),
        form(&[conversation.clone(), body("")]).names(&["message_body"]),
        form(&[conversation.clone(), body("Hello"), body(" ")]).names(&["message_body"]),
        form(&[conversation.clone(), body("a\u{0}b")]).names(&["message_body"]),
        form(&[conversation.clone(), file]).refuses("message_body", "Not a valid string."),
        form(&[conversation.clone(), part(typed, "Hello")]).names(&["message_body"]),
        form(&[conversation.clone(), part("Content-Disposition: form-data", "Hello")]).names(&["message_body"]),
        form(&[conversation.clone(), part("Content-Disposition: form-data; name=\"\"", "Hello")])
            .names(&["message_body"]),
        form(&[conversation.clone(), part("X-Nothing: 1", "Hello")]).names(&["message_body"]),
        form(&[part("Content-Disposition: form-data; name=\"conversation\"; filename=\"c\"", "{c}"), body("Hello")])
            .refuses("conversation", "Not a valid string."),
        form(&[conversation.clone(), body(&"a".repeat(20_001))]).names(&["message_body"]),
        form(&[conversation.clone(), body(&"a".repeat(256 * 1024))]).status(413),
    ];
    let many: Vec<String> =
        (0..2000).map(|n| part(&format!("Content-Disposition: form-data; name=\"f{n}\""), "")).collect();
    cases.push(form(&many).names(&["conversation", "message_body"]));
    let no_text =
        [b"--xyz\r\nContent-Disposition: form-data; name=\"message_body\"\r\n\r\n\xFF\r\n--xyz--\r\n".to_vec()];
    cases.push(send().body(BOUNDARY, no_text.concat()).says(400, "The form is not encoded in UTF-8.").inside());
    cases
}
