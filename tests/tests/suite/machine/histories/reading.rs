//! Answers in JSON as the checker knows them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tests::linearizability::{Change, Detail, Number, Person, Row, Shown, Text};

/// Bytes of the digest that stands before the position in a cursor.
const DIGEST_LENGTH: usize = 8;

/// Reads answers that name people by their ids.
pub(super) struct Reading<'a> {
    pub(super) people: &'a [tests::Person],
}

impl Reading<'_> {
    pub(super) fn person(&self, id: &Value) -> Person {
        let place = self.people.iter().position(|person| Some(&*person.id) == id.as_str());
        place.unwrap_or_else(|| panic!("nobody has the id {id}")) as Person
    }

    /// A message, or what is left of it.
    pub(super) fn shown(&self, value: &Value) -> Shown {
        if value["void"] == true {
            Shown::Void
        } else if value["deleted"] == true {
            Shown::Tombstone { sender: self.person(&value["sender"]) }
        } else {
            let text = named(&value["message_body"]).expect("a text of ours");
            Shown::Message { sender: self.person(&value["sender"]), text }
        }
    }

    pub(super) fn numbered(&self, value: &Value) -> (Number, Shown) {
        (number(&value["number"]), self.shown(value))
    }

    pub(super) fn each_numbered(&self, list: &Value) -> Vec<(Number, Shown)> {
        elements(list).map(|value| self.numbered(value)).collect()
    }

    pub(super) fn change(&self, value: &Value) -> (Number, Change) {
        let by = || self.person(&value["by"]);
        let message = || number(&value["message"]["number"]);
        let change = match value["kind"].as_str().expect("a kind") {
            "message.edited" => Change::Edited { number: message(), by: by() },
            "message.deleted" => Change::Deleted { number: message(), by: by() },
            "participant.added" => Change::Added { person: self.person(&value["participant"]["user"]), by: by() },
            "participant.removed" => Change::Removed { person: self.person(&value["user"]["user_id"]), by: by() },
            "conversation.updated" => Change::Renamed { by: by() },
            other => panic!("an unknown kind of change: {other}"),
        };
        (number(&value["change"]), change)
    }

    pub(super) fn row(&self, value: &Value) -> Row {
        Row {
            title: named(&value["title"]),
            creator: self.person(&value["created_by"]),
            participants: number(&value["participant_count"]) as usize,
            unread: number(&value["unread_count"]),
            last: Some(&value["last_message"]).filter(|last| last.is_object()).map(|last| self.numbered(last)),
        }
    }

    pub(super) fn detail(&self, value: &Value) -> Detail {
        let (last, read) = (number(&value["last_number"]), number(&value["read_number"]));
        assert_eq!(number(&value["unread_count"]), last.saturating_sub(read), "{value}");
        let messages = self.each_numbered(&value["messages"]);
        // The latest 50 of what stands there were looked at, deleted ones among them; while few were sent, that is all.
        let from = match messages.first() {
            _ if last <= 30 => 1,
            Some((first, _)) => *first,
            None => Number::MAX,
        };
        Detail {
            title: named(&value["title"]),
            creator: self.person(&value["created_by"]),
            participants: number(&value["participant_count"]) as usize,
            last,
            read,
            messages,
            from,
        }
    }
}

pub(super) fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}")).iter()
}

pub(super) fn number(value: &Value) -> Number {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

pub(super) fn numbers(list: &Value) -> Vec<Number> {
    elements(list).map(number).collect()
}

/// The number by which a history calls a text or a title.
pub(super) fn named(text: &Value) -> Option<Text> {
    text.as_str()?.rsplit(' ').next()?.parse().ok()
}

/// Where a link leads: its path with its query, and the position in its cursor.
pub(super) fn link(link: &Value, parameter: &str) -> Option<(String, String)> {
    let address = link.as_str()?;
    let path = address.strip_prefix("http://localhost").unwrap_or(address).to_owned();
    let query = path.split_once('?')?.1;
    let cursor = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{parameter}=")))?;
    Some((path.clone(), position(cursor)))
}

pub(super) fn position(cursor: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).expect("cursors are in base64");
    String::from_utf8(bytes[DIGEST_LENGTH..].to_vec()).expect("positions are texts")
}

/// The first two numbers of a position in both logs.
pub(super) fn both(position: &str) -> [Number; 2] {
    let mut numbers = position.split('.').map(|number| number.parse().expect("a number"));
    [numbers.next().expect("two numbers"), numbers.next().expect("two numbers")]
}
