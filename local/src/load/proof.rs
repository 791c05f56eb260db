//! What must be true of what a run wrote, asked at the front door by those who took part.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::crowd::Crowd;
use super::drive::Sent;
use crate::api::{Api, Call, SignedIn};
use crate::failure::Result;

const AT_ONCE: usize = 4;

/// A number whose writer died is void once 30 s have passed and somebody reads it.
const UNTIL_SETTLED: Duration = Duration::from_secs(40);
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    pub(crate) messages: u64,
    /// Numbers without a message, whose writers died.
    pub(crate) voids: u64,
    /// Sends that their client gave up, and that are there all the same.
    pub(crate) there_after_all: u64,
    /// Each a sentence; none where the promises are kept.
    pub(crate) broken: Vec<String>,
}

/// A conversation's log as somebody read it, and what this somebody is told about it.
#[derive(Debug, Default)]
struct Log {
    /// What stands at each number: the body of a message, or nothing for good.
    entries: BTreeMap<u64, Option<String>>,
    pending: Vec<u64>,
    /// By person: last number, read number, unread messages.
    counts: Vec<[u64; 3]>,
}

impl Proof {
    pub(crate) async fn of(api: &Api, crowd: &Crowd, sent: &[Sent]) -> Result<Self> {
        let logs = (0..crowd.conversations.len()).map(|conversation| Log::settled(api, crowd, conversation));
        let mut logs = futures::stream::iter(logs).buffered(AT_ONCE).enumerate();
        let mut proof = Self::default();
        while let Some((conversation, log)) = logs.next().await {
            let sent: Vec<_> = sent.iter().filter(|sent| sent.conversation == conversation).collect();
            proof.judge(&crowd.conversations[conversation], &log?, &sent);
        }
        Ok(proof)
    }

    fn judge(&mut self, id: &str, log: &Log, sent: &[&Sent]) {
        let mut broken = |sentence: String| self.broken.push(format!("conversation {id}: {sentence}"));
        let last = log.entries.keys().next_back().copied().unwrap_or_default();
        if log.entries.len() as u64 != last {
            broken(format!("of the numbers 1 to {last}, only {} stand for something", log.entries.len()));
        }
        if !log.pending.is_empty() {
            broken(format!("the numbers {:?} are still pending", log.pending));
        }
        for [last_number, read, unread] in &log.counts {
            if *last_number != last || *unread != last - (*read).min(last) {
                broken(format!("{unread} unread after {read} of {last}, though the last number is {last_number}"));
            }
        }
        let mut numbers: HashMap<&str, Vec<u64>> = HashMap::new();
        for (number, body) in &log.entries {
            match body {
                Some(body) => numbers.entry(body).or_default().push(*number),
                None => self.voids += 1,
            }
        }
        let mut broken = |sentence: String| self.broken.push(format!("conversation {id}: {sentence}"));
        for Sent { name, number, .. } in sent {
            let found = numbers.remove(name.as_str()).unwrap_or_default();
            match (number, &*found) {
                (None, []) => {}
                (None, [_]) => self.there_after_all += 1,
                (Some(number), [found]) if number == found => {}
                (_, found) => broken(format!("{name:?} was acknowledged as {number:?}, and stands at {found:?}")),
            }
            self.messages += found.len() as u64;
        }
        for (name, found) in numbers {
            broken(format!("nobody sent {name:?}, which stands at {found:?}"));
        }
    }
}

impl Log {
    /// The log once nothing in it is pending any more, or after some time as it is.
    async fn settled(api: &Api, crowd: &Crowd, conversation: usize) -> Result<Self> {
        let deadline = Instant::now() + UNTIL_SETTLED;
        loop {
            let log = Self::read(api, crowd, conversation).await?;
            if log.pending.is_empty() || Instant::now() > deadline {
                return Ok(log);
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn read(api: &Api, crowd: &Crowd, conversation: usize) -> Result<Self> {
        let id = &crowd.conversations[conversation];
        let sessions: Vec<&SignedIn> =
            crowd.dimensions.participants(conversation).map(|index| &crowd.people[index].session).collect();
        let mut log = Self::default();
        let mut next = Some(format!("/api/conversations/{id}/changes/"));
        while let Some(path) = next {
            let page = api.expect(Some(sessions[0]), &Call::get(&path)).await?;
            for entry in page["messages"].as_array().into_iter().flatten() {
                let body = entry["message_body"].as_str().map(str::to_owned);
                log.entries.insert(entry["number"].as_u64().unwrap_or_default(), body);
            }
            log.pending.extend(page["pending"].as_array().into_iter().flatten().filter_map(Value::as_u64));
            next = page["next"].as_str().map(|address| path_of(address).to_owned());
        }
        let path = format!("/api/conversations/{id}/");
        let counts = sessions.into_iter().map(async |session| {
            let shown = api.expect(Some(session), &Call::get(&path)).await?;
            Ok(["last_number", "read_number", "unread_count"].map(|name| shown[name].as_u64().unwrap_or_default()))
        });
        log.counts = futures::stream::iter(counts).buffered(AT_ONCE).try_collect().await?;
        Ok(log)
    }
}

/// An address without scheme and host.
fn path_of(address: &str) -> &str {
    let after_scheme = address.find("://").map_or(0, |at| at + 3);
    address[after_scheme..].find('/').map_or("/", |at| &address[after_scheme + at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(name: &str, number: Option<u64>) -> Sent {
        Sent { conversation: 0, name: name.to_owned(), number }
    }

    fn log(entries: &[(u64, Option<&str>)]) -> Log {
        let entries = entries.iter().map(|(number, body)| (*number, body.map(str::to_owned)));
        Log { entries: entries.collect(), ..Log::default() }
    }

    fn judged(log: &Log, sent: &[Sent]) -> Proof {
        let mut proof = Proof::default();
        proof.judge("c", log, &sent.iter().collect::<Vec<_>>());
        proof
    }

    #[test]
    fn what_stands_as_it_was_acknowledged_is_right() {
        let log = log(&[(1, Some("a")), (2, None), (3, Some("b"))]);
        let proof = judged(&log, &[sent("a", Some(1)), sent("b", None), sent("c", None)]);
        assert_eq!((proof.messages, proof.voids, proof.there_after_all), (2, 1, 1));
        assert!(proof.broken.is_empty(), "{:?}", proof.broken);
    }

    #[test]
    fn every_broken_promise_is_told() {
        let acknowledged = [sent("a", Some(1))];
        for (what, log) in [
            ("lost", log(&[])),
            ("doubled", log(&[(1, Some("a")), (2, Some("a"))])),
            ("elsewhere", log(&[(1, None), (2, Some("a"))])),
            ("a gap", log(&[(1, Some("a")), (3, None)])),
            ("of nobody", log(&[(1, Some("a")), (2, Some("x"))])),
            ("pending", Log { pending: vec![2], ..log(&[(1, Some("a"))]) }),
            ("a wrong count", Log { counts: vec![[1, 1, 1]], ..log(&[(1, Some("a"))]) }),
            ("a wrong last number", Log { counts: vec![[2, 1, 0]], ..log(&[(1, Some("a"))]) }),
        ] {
            assert!(!judged(&log, &acknowledged).broken.is_empty(), "{what}");
        }
    }

    #[test]
    fn paths_are_taken_out_of_addresses() {
        assert_eq!(path_of("http://127.0.0.1:9000/api/x/?after=1"), "/api/x/?after=1");
        assert_eq!(path_of("/api/x/"), "/api/x/");
        assert_eq!(path_of("https://example.com"), "/");
    }
}
