//! Credentials of the wrong shape: headers, tokens, cookies, and cookies without what must come with them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Case;

const NOT_GIVEN: &str = "Authentication credentials were not provided.";
const ENDED: &str = "Invalid or expired session.";
const CSRF: &str = "CSRF Failed: ";
const ME: &str = "/api/users/me/";

pub(super) fn cases() -> Vec<Case> {
    [schemes(), tokens(), cookies(), without_csrf_token()].concat()
}

fn me(authorization: &str) -> Case {
    Case::anonymous("GET", ME).header("authorization", authorization)
}

/// What is no bearer token (RFC 6750) counts as none; what is a wrong one counts as wrong.
fn schemes() -> Vec<Case> {
    let mut cases = vec![Case::anonymous("GET", ME).says(401, NOT_GIVEN)];
    for authorization in [
        "Bearer",
        "Basic YWRhOnBhc3N3b3Jk",
        "Token {token}",
        "{token}",
        "JWT {token}",
        "Bearer:{token}",
        "Bearer={token}",
        "Bearer\t{token}",
        "Session {token}",
        "Digest username=\"ada\"",
        "bearer-{token}",
    ] {
        cases.push(me(authorization).says(401, NOT_GIVEN));
    }
    for authorization in [
        "Bearer null",
        "Bearer undefined",
        "Bearer Bearer {token}",
        "Bearer \"{token}\"",
        "Bearer {token},",
        "Bearer {token} {token}",
        "Bearer token={token}",
        "bearer x",
        "BEARER x",
        "Bearer <token>",
        "Bearer {ended}",
    ] {
        cases.push(me(authorization).says(401, ENDED));
    }
    cases.push(me("Bearer \u{E9}").status(401).inside());
    cases.push(me(&format!("Bearer {}", "a".repeat(60_000))).says(401, ENDED).inside());
    cases
}

/// Tokens that were tampered with, or made up.
fn tokens() -> Vec<Case> {
    let made = |header: &str, claims: &str, signature: &str| {
        format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims),
            URL_SAFE_NO_PAD.encode(signature)
        )
    };
    let claims = r#"{"sub":"{ada}","sid":"00000000-0000-4000-8000-000000000000","iat":0,"exp":99999999999}"#;
    let mut tokens = vec![
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b".to_owned(),
        "a.b.c".to_owned(),
        "a.b.c.d".to_owned(),
        "{token}.".to_owned(),
        "{token}.{token}".to_owned(),
        ".{token}".to_owned(),
        "{token}=".to_owned(),
        "{token}A".to_owned(),
        "A{token}".to_owned(),
        "{token}%00".to_owned(),
        "eyJhbGciOiJIUzI1NiJ9..".to_owned(),
        "eyJhbGciOiJIUzI1NiJ9.e30.".to_owned(),
        "+/+/.+/+/.+/+/".to_owned(),
    ];
    for header in [
        r#"{"typ":"JWT","alg":"none","kid":"k1"}"#,
        r#"{"typ":"JWT","alg":"None","kid":"k1"}"#,
        r#"{"typ":"JWT","alg":"","kid":"k1"}"#,
        r#"{"typ":"JWT","alg":"HS512","kid":"k1"}"#,
        r#"{"typ":"JWT","alg":"RS256","kid":"k1"}"#,
        r#"{"typ":"JWT","alg":"ES256","kid":"k1","jwk":{"kty":"EC"}}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"k2"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"active"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"../../../dev/null"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":null}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":1}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":""}"#,
        r#"{"typ":"JWT","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"k1","jku":"http://evil.example/keys"}"#,
        r#"{"alg":["HS256"],"kid":"k1"}"#,
        "{}",
        "[]",
        "null",
        "",
        "{",
    ] {
        tokens.push(made(header, claims, "a signature of thirty-two bytes.").replace("{ada}", "nobody"));
    }
    for claims in ["", "{}", "[]", "null", r#"{"sub":1}"#, r#"{"exp":"never"}"#, "{\"exp\":1e999}"] {
        tokens.push(made(r#"{"typ":"JWT","alg":"HS256","kid":"k1"}"#, claims, ""));
    }
    tokens.into_iter().map(|token| me(&format!("Bearer {token}")).says(401, ENDED)).collect()
}

fn cookies() -> Vec<Case> {
    let mut cases = Vec::new();
    for cookie in [
        "sessionid",
        "sessionid=",
        "=",
        ";;;",
        "SESSIONID={token}",
        "session={token}",
        "=sessionid={token}",
        "a=1; b=2",
    ] {
        cases.push(Case::anonymous("GET", ME).header("cookie", cookie).says(401, NOT_GIVEN));
    }
    for cookie in [
        "sessionid=garbage",
        "sessionid={token}x",
        "sessionid=\"{token}\"",
        "sessionid={ended}",
        "sessionid=x; sessionid={token}",
        "sessionid=..",
        "sessionid==",
        "sessionid=a=b",
        "a=1;sessionid=garbage;b=2",
    ] {
        cases.push(Case::anonymous("GET", ME).header("cookie", cookie).says(401, ENDED));
    }
    let many: Vec<String> = (0..1000).map(|n| format!("c{n}=1")).collect();
    cases.push(Case::anonymous("GET", ME).header("cookie", many.join("; ")).says(401, NOT_GIVEN).inside());
    cases.push(Case::anonymous("GET", ME).header("cookie", b"sessionid=\xFF").says(401, NOT_GIVEN).inside());
    // A token that is wrong is not made good by a cookie that is right.
    cases.push(me("Bearer garbage").header("cookie", "sessionid={token}").says(401, ENDED));
    cases
}

/// A cookie alone does not show that a request is its owner's.
fn without_csrf_token() -> Vec<Case> {
    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz012345";
    const SEND: &str = r#"{"conversation":"{c}","message_body":"Hello"}"#;
    let send = |cookie: &str| Case::anonymous("POST", "/api/messages/").header("cookie", cookie).json(SEND);
    let signed_in = format!("sessionid={{token}}; csrftoken={TOKEN}");
    let mut cases = vec![
        send("sessionid={token}").begins(403, CSRF),
        send(&signed_in).begins(403, CSRF),
        send(&signed_in).header("x-csrftoken", "").begins(403, CSRF),
        send(&signed_in).header("x-csrftoken", "abcdefghijklmnopqrstuvwxyz012346").begins(403, CSRF),
        send(&signed_in).header("x-csrftoken", TOKEN.to_uppercase()).begins(403, CSRF),
        send(&signed_in).header("x-csrf-token", TOKEN).begins(403, CSRF),
        send(&signed_in).header("x-xsrf-token", TOKEN).begins(403, CSRF),
        send("sessionid={token}").header("x-csrftoken", TOKEN).begins(403, CSRF),
        send("sessionid={token}; csrftoken=").header("x-csrftoken", "").begins(403, CSRF),
        send("sessionid={token}; csrftoken=short").header("x-csrftoken", "short").begins(403, CSRF),
        Case::anonymous("POST", &format!("/api/messages/?csrfmiddlewaretoken={TOKEN}"))
            .header("cookie", &signed_in)
            .json(SEND)
            .begins(403, CSRF),
        Case::anonymous("POST", "/api/messages/")
            .header("cookie", &signed_in)
            .json(format!(r#"{{"conversation":"{{c}}","message_body":"Hello","csrfmiddlewaretoken":"{TOKEN}"}}"#))
            .begins(403, CSRF),
        Case::anonymous("POST", "/api/messages/")
            .header("cookie", &signed_in)
            .form("conversation={c}&message_body=Hello&csrfmiddlewaretoken=wrong")
            .begins(403, CSRF),
    ];
    for origin in ["null", "https://evil.example", "http://localhost.evil.example", "localhost", "", "file://"] {
        let case = send(&signed_in).header("x-csrftoken", TOKEN).header("origin", origin);
        cases.push(case.begins(403, CSRF));
    }
    for (method, path) in [
        ("PUT", "/api/messages/{own}/"),
        ("PATCH", "/api/messages/{own}/"),
        ("DELETE", "/api/messages/{own}/"),
        ("PUT", "/api/conversations/{c}/read/"),
        ("POST", "/api/conversations/"),
        ("POST", "/api/auth/logout/"),
        ("POST", "/api/auth/password/"),
        ("POST", "/api-auth/logout/"),
        // Before the method is judged, and whether there is such a thing.
        ("DELETE", "/api/users/me/"),
        ("DELETE", "/api/messages/abc/"),
    ] {
        cases.push(Case::anonymous(method, path).header("cookie", &signed_in).json("{").begins(403, CSRF));
    }
    cases.push(Case::anonymous("POST", "/api-auth/login/").json(r#"{"email":"a","password":"b"}"#).begins(403, CSRF));
    cases.push(Case::anonymous("POST", "/api-auth/login/").form("username=a&password=b").begins(403, CSRF));
    cases
}
