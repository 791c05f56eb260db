//! What the suite's clients sent and were given that no log may hold: tokens, passwords, cookies, bodies, searches.
//!
//! `CONFAB_SECRETS` names the file that takes them, one JSON object a line; `cargo dev test` sets it, and afterwards
//! searches all that the functions printed for each of them.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::sync::{LazyLock, Mutex, PoisonError};

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use uuid::Uuid;

/// Shorter texts may stand in a line by chance.
const SHORTEST: usize = 12;

static RECORD: LazyLock<Option<Mutex<Record>>> = LazyLock::new(|| {
    let path = std::env::var_os("CONFAB_SECRETS")?;
    let file = OpenOptions::new().create(true).append(true).open(path).expect("a file that can be written");
    Some(Mutex::new(Record { file, seen: HashSet::new() }))
});

struct Record {
    file: File,
    seen: HashSet<u64>,
}

pub(crate) fn in_request(request: &reqwest::Request) {
    in_headers(request.headers());
    for (name, value) in request.url().query_pairs() {
        keep(&name, &value);
    }
    let Some(body) = request.body().and_then(reqwest::Body::as_bytes) else { return };
    if let Ok(value) = serde_json::from_slice(body) {
        in_value("body", &value);
    } else if let Ok(form) = std::str::from_utf8(body) {
        // Any address will do: only its query is read.
        let parsed = reqwest::Url::parse(&format!("http://localhost/?{form}"));
        parsed.iter().flat_map(reqwest::Url::query_pairs).for_each(|(name, value)| keep(&name, &value));
    }
}

pub(crate) fn in_answer(headers: &HeaderMap, text: &str) {
    for cookie in texts(headers, "set-cookie") {
        in_cookie(cookie.split(';').next().unwrap_or_default());
    }
    // The rest of an answer was sent by somebody before, or is no secret.
    if let Some(token) = serde_json::from_str::<Value>(text).ok().as_ref().and_then(|answer| answer["token"].as_str()) {
        keep("token", token);
    }
}

fn in_headers(headers: &HeaderMap) {
    texts(headers, "authorization").for_each(|value| keep("token", value.rsplit(' ').next().unwrap_or_default()));
    texts(headers, "cookie").flat_map(|cookies| cookies.split("; ")).for_each(in_cookie);
    for name in ["idempotency-key", "x-csrftoken"] {
        texts(headers, name).for_each(|value| keep(name, value));
    }
}

fn texts<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok())
}

fn in_cookie(cookie: &str) {
    if let Some((name, value)) = cookie.split_once('=') {
        keep(name, value);
    }
}

fn in_value(name: &str, value: &Value) {
    match value {
        Value::String(text) => keep(name, text),
        Value::Array(values) => values.iter().for_each(|value| in_value(name, value)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| in_value(name, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn keep(kind: &str, text: &str) {
    let Some(record) = &*RECORD else { return };
    // Ids and addresses stand in paths, and paths in the log.
    if text.len() < SHORTEST || Uuid::parse_str(text).is_ok() || text.starts_with('/') || text.starts_with("http") {
        return;
    }
    let mut digest = DefaultHasher::new();
    text.hash(&mut digest);
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    if record.seen.insert(digest.finish()) {
        writeln!(record.file, "{}", json!({ "kind": kind, "text": text })).expect("the file can be written");
    }
}
