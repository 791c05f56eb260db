//! Holds what functions printed against what may and must stand there: no secret, the ids by which a request is found,
//! and metrics that CloudWatch takes.

mod embedded_metrics;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use serde_json::{Map, Value};

use crate::failure::{Context, Result};
use crate::workspace;

/// How much of a long secret is looked for: a line that holds all of it holds its beginning.
const SOUGHT: usize = 64;

/// A file of secrets, one `{"kind", "text"}` a line, that is gone when this is.
pub(crate) struct Secrets(PathBuf);

impl Secrets {
    pub(crate) fn new(path: PathBuf) -> Result<Self> {
        File::create(&path).context(format!("cannot write {}", workspace::shown(&path)))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn search(&self) -> Result<Search> {
        let text = fs::read_to_string(&self.0).context(format!("cannot read {}", workspace::shown(&self.0)))?;
        let secrets = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Search::for_all(secrets.filter_map(|secret| {
            Some((
                secret["kind"].as_str()?.to_owned(),
                secret["text"].as_str().filter(|text| !text.is_empty())?.to_owned(),
            ))
        }))
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        // Whatever is left lies in a folder that only this tool uses, and is overwritten by the next run.
        let _ = fs::remove_file(&self.0);
    }
}

/// Looks for all secrets at once.
struct Search {
    automaton: AhoCorasick,
    kinds: Vec<String>,
}

impl Search {
    fn for_all(secrets: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let (mut kinds, mut patterns) = (Vec::new(), Vec::new());
        for (kind, text) in secrets {
            let end = text.char_indices().nth(SOUGHT).map_or(text.len(), |(end, _)| end);
            let escaped = Value::from(&text[..end]).to_string();
            // As it is, and as it stands within JSON.
            for pattern in BTreeSet::from([text[..end].to_owned(), escaped[1..escaped.len() - 1].to_owned()]) {
                kinds.push(kind.clone());
                patterns.push(pattern);
            }
        }
        let automaton = AhoCorasick::new(&patterns).context("too many secrets to look for at once")?;
        Ok(Self { automaton, kinds })
    }

    fn kind_in(&self, text: &str) -> Option<&str> {
        self.automaton.find(text).map(|found| &*self.kinds[found.pattern().as_usize()])
    }
}

/// What is wrong with a log: each fault once, in a sentence that does not repeat what should not have been said.
pub(crate) fn faults(log: &Path, secrets: &Secrets) -> Result<BTreeSet<String>> {
    let search = secrets.search()?;
    let context = || format!("cannot read {}", workspace::shown(log));
    let mut lines = BufReader::new(File::open(log).context(context())?);
    let (mut line, mut faults) = (String::new(), BTreeSet::new());
    loop {
        line.clear();
        match lines.read_line(&mut line) {
            Ok(0) => return Ok(faults),
            Ok(_) => faults.extend(faults_of(line.trim_end(), &search)),
            // Somebody printed what is no text: nothing of ours.
            Err(error) if error.kind() == ErrorKind::InvalidData => {}
            Err(error) => return Err(error).context(context()),
        }
    }
}

fn faults_of(line: &str, search: &Search) -> Vec<String> {
    let fields = match serde_json::from_str(line) {
        Ok(Value::Object(fields)) if fields.contains_key("level") => Some(fields),
        _ => None,
    };
    let mut faults = Vec::new();
    if let Some(kind) = search.kind_in(line) {
        faults.push(format!("{} holds what the suite sent or was given as {kind:?}", place(fields.as_ref(), search)));
    }
    if let Some(fields) = &fields {
        let told =
            |name: &str| fields.get(name).is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty()));
        let name = line_name(fields);
        let needed = ["timestamp", "target", "function", "message"].into_iter();
        let is_request = fields.get("message").is_some_and(|message| message == "request");
        let needed = needed.chain(is_request.then_some("request_id"));
        faults.extend(needed.filter(|field| !told(field)).map(|field| format!("the line {name} has no {field}")));
        if is_request {
            faults.extend(
                embedded_metrics::faults(line, fields).into_iter().map(|fault| format!("the line {name}: {fault}")),
            );
        }
    }
    faults
}

/// Where in a line a secret stands.
fn place(fields: Option<&Map<String, Value>>, search: &Search) -> String {
    let Some(fields) = fields else { return "a line that is none of the functions' own".to_owned() };
    let holding = fields.iter().filter(|(_, value)| search.kind_in(&value.to_string()).is_some());
    let names: Vec<_> = holding.map(|(name, _)| name.as_str()).collect();
    format!("the field {} of the line {}", names.join(" and "), line_name(fields))
}

/// By its level and where it was printed: what it says may be what it should not say.
fn line_name(fields: &Map<String, Value>) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
    format!("{} of {} in {}", text("level"), text("target"), text("function"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "correct horse battery staple";

    fn search(secret: &str) -> Search {
        Search::for_all([("password".to_owned(), secret.to_owned())].into_iter()).unwrap()
    }

    fn line(message: &str, field: &str, value: &str) -> String {
        let line = serde_json::json!({
            "timestamp": "2026-01-01T00:00:00.000000Z", "level": "WARN", "target": "shared::store", "function": "auth",
            "message": message, field: value,
        });
        line.to_string()
    }

    #[test]
    fn a_secret_in_a_line_is_found_and_not_repeated() {
        let faults = faults_of(&line("a warning", "cause", &format!("wrong: {SECRET}!")), &search(SECRET));
        let expected = r#"the field cause of the line WARN of shared::store in auth holds what the suite sent or was given as "password""#;
        assert_eq!(faults, [expected]);
    }

    #[test]
    fn a_secret_is_found_as_json_spells_it_and_by_its_beginning() {
        let strange = "a \"quoted\"\nsecret \u{7}";
        assert_eq!(faults_of(&line("a warning", "cause", strange), &search(strange)).len(), 1);
        let long = "0123456789".repeat(50);
        assert_eq!(faults_of(&line("a warning", "cause", &long[..100]), &search(&long)).len(), 1);
    }

    #[test]
    fn a_secret_in_what_is_no_line_of_ours_is_found() {
        let faults = faults_of(&format!("thread 'main' panicked at {SECRET}"), &search(SECRET));
        assert_eq!(faults.len(), 1, "{faults:?}");
    }

    #[test]
    fn other_lines_are_fine() {
        for line in [&*line("a warning", "cause", "correct horse"), "chatter", "{}", "", "{\"a\":1}"] {
            assert_eq!(faults_of(line, &search(SECRET)), [""; 0], "{line}");
        }
    }

    #[test]
    fn a_line_without_what_leads_to_it_is_a_fault() {
        let faults = faults_of(&line("", "cause", ""), &search(SECRET));
        assert_eq!(faults, ["the line WARN of shared::store in auth has no message"]);
        let faults = faults_of(&line("request", "request_id", ""), &search(SECRET));
        assert!(faults.iter().any(|fault| fault.ends_with("has no request_id")), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.ends_with("there are no metrics")), "{faults:?}");
    }

    #[test]
    fn a_whole_log_is_searched() {
        let folder = workspace::folder("logs").unwrap();
        let id = uuid::Uuid::new_v4();
        let log = folder.join(format!("{id}.log"));
        fs::write(&log, [line("fine", "a", "b").as_bytes(), b"\n\xFF\n", line("a", "b", SECRET).as_bytes()].concat())
            .unwrap();
        let secrets = Secrets::new(folder.join(format!("{id}.secrets"))).unwrap();
        assert_eq!(faults(&log, &secrets).unwrap().len(), 0);
        fs::write(secrets.path(), format!("{}\n", serde_json::json!({ "kind": "password", "text": SECRET }))).unwrap();
        assert_eq!(faults(&log, &secrets).unwrap().len(), 1);
        fs::remove_file(log).unwrap();
    }
}
