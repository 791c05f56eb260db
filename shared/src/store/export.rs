//! The table as lines of JSON, and back: everything but sessions, failed logins and sockets.
//!
//! A line is `{"item": {…}, "kind": "message"}`, its item as it stands, attribute by attribute, so that nothing is lost that this version does not know of. Texts, numbers,
//! flags and lists are JSON's own; what JSON has no word for is an object with one key: `{"bytes": base64}`,
//! `{"bytes_set": [base64]}`.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Store;
use super::calls::Failure;
use super::item::{Item, Reader};
use super::keys::{ACCOUNT, ADMINS, CONVERSATION, EXPIRES_AT, MEMBERSHIP, MESSAGE, PK, SK, kind_of};
use crate::domain::{Error, Timestamp};

/// How many turns there are to restore items by.
pub const TURNS: usize = 4;

/// One item on its way between tables.
#[derive(Clone, Debug)]
pub struct ExportedItem {
    kind: String,
    item: Item,
}

/// Where the next part of an export begins.
#[derive(Clone, Debug)]
pub struct ExportPosition(Item);

/// What became of an item to be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    Now,
    /// It was there, the same.
    Before,
    /// Something else was there, and stays.
    Differs,
    /// Its time is over.
    Expired,
}

impl ExportedItem {
    /// What it is: `person`, `message` and the like.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// When its turn comes to be restored, below [`TURNS`]. What makes other things be seen comes after them: a conversation
    /// after its messages, an account after everything that somebody who signs in may see. Memberships come after their
    /// conversations, since whoever meets one without a conversation clears it.
    pub fn turn(&self) -> usize {
        let last = [CONVERSATION, MEMBERSHIP, ACCOUNT];
        last.iter().position(|kind| *kind == self.kind).map_or(0, |position| position + 1)
    }

    /// Which item it is, for reports.
    pub fn name(&self) -> String {
        let part = |name: &str| Reader(&self.item).text(name).unwrap_or_default().to_owned();
        format!("{} {}", part(PK), part(SK))
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        let expires_at = Reader(&self.item).integer::<i64>(EXPIRES_AT);
        expires_at.is_ok_and(|expires_at| expires_at <= now.epoch_seconds())
    }

    /// What it is to find `standing` in this one's place.
    fn judge(&self, standing: Item) -> Result<Restored, Error> {
        let standing = Self { kind: self.kind.clone(), item: standing };
        // The list of admins is made anew of the people that there are.
        let same = self.kind == ADMINS || standing.to_line()? == self.to_line()?;
        Ok(if same { Restored::Before } else { Restored::Differs })
    }

    /// The line, without its end; the same for the same item.
    pub fn to_line(&self) -> Result<String, Error> {
        let mut item = BTreeMap::new();
        for (name, value) in &self.item {
            let value = to_json(value).ok_or_else(|| Error::Internal(format!("{name} cannot be exported")))?;
            item.insert(name, value);
        }
        Ok(json!({ "item": item, "kind": self.kind }).to_string())
    }

    /// The item of a line; nothing if the line is none.
    pub fn from_line(line: &str) -> Option<Self> {
        let Value::Object(mut line) = serde_json::from_str(line).ok()? else { return None };
        let (Some(Value::String(kind)), Some(Value::Object(item))) = (line.remove("kind"), line.remove("item")) else {
            return None;
        };
        let item = item.into_iter().map(|(name, value)| Some((name, from_json(value)?))).collect::<Option<Item>>()?;
        let named = [PK, SK].iter().all(|name| Reader(&item).text(name).is_ok());
        named.then_some(Self { kind, item })
    }
}

fn to_json(value: &AttributeValue) -> Option<Value> {
    let base64 = |blob: &Blob| STANDARD.encode(blob);
    Some(match value {
        AttributeValue::S(text) => Value::from(text.as_str()),
        AttributeValue::N(digits) => Value::from(digits.parse::<i64>().ok()?),
        AttributeValue::Bool(flag) => Value::from(*flag),
        AttributeValue::L(list) => list.iter().map(to_json).collect::<Option<Vec<_>>>()?.into(),
        AttributeValue::M(map) => {
            let map: Option<BTreeMap<_, _>> = map.iter().map(|(name, value)| Some((name, to_json(value)?))).collect();
            json!({ "map": map? })
        }
        AttributeValue::B(blob) => json!({ "bytes": base64(blob) }),
        AttributeValue::Bs(blobs) => {
            let mut blobs: Vec<_> = blobs.iter().map(base64).collect();
            blobs.sort_unstable();
            json!({ "bytes_set": blobs })
        }
        AttributeValue::Ss(texts) => {
            let mut texts = texts.clone();
            texts.sort_unstable();
            json!({ "text_set": texts })
        }
        _ => return None,
    })
}

fn from_json(value: Value) -> Option<AttributeValue> {
    let blob = |text: &Value| STANDARD.decode(text.as_str()?).ok().map(Blob::new);
    Some(match value {
        Value::String(text) => AttributeValue::S(text),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::Bool(flag) => AttributeValue::Bool(flag),
        Value::Array(list) => AttributeValue::L(list.into_iter().map(from_json).collect::<Option<_>>()?),
        Value::Object(map) => {
            let (word, value) = map.into_iter().next()?;
            match (word.as_str(), value) {
                ("map", Value::Object(map)) => {
                    let map = map.into_iter().map(|(name, value)| Some((name, from_json(value)?)));
                    AttributeValue::M(map.collect::<Option<_>>()?)
                }
                ("bytes", text) => AttributeValue::B(blob(&text)?),
                ("bytes_set", Value::Array(texts)) => {
                    AttributeValue::Bs(texts.iter().map(blob).collect::<Option<_>>()?)
                }
                ("text_set", Value::Array(texts)) => AttributeValue::Ss(
                    texts.iter().map(|text| text.as_str().map(str::to_owned)).collect::<Option<_>>()?,
                ),
                _ => return None,
            }
        }
        Value::Null => return None,
    })
}

impl Store {
    /// The next part of the whole table, in no order, and where to go on.
    pub async fn export(
        &self,
        from: Option<ExportPosition>,
    ) -> Result<(Vec<ExportedItem>, Option<ExportPosition>), Error> {
        let rows = self.scan(from.map(|position| position.0)).await?;
        let mut exported = Vec::with_capacity(rows.items.len());
        for item in rows.items {
            let Some(kind) = kind_of(&Reader(&item).key()?) else { continue };
            // Messages, tombstones and voids say themselves which they are.
            let kind = if kind == MESSAGE { Reader(&item).text("kind")? } else { kind }.to_owned();
            exported.push(ExportedItem { kind, item });
        }
        Ok((exported, rows.next.map(ExportPosition)))
    }

    /// Writes exported items where none stand: at most 100, whose lines together have at most 4 MB. Those that can be
    /// written are, all at once.
    pub async fn restore(
        &self,
        items: Vec<ExportedItem>,
        now: Timestamp,
    ) -> Result<Vec<(ExportedItem, Restored)>, Error> {
        let (expired, mut coming): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.has_expired(now));
        let mut restored: Vec<_> = expired.into_iter().map(|item| (item, Restored::Expired)).collect();
        while !coming.is_empty() {
            match self.transact(coming.iter().map(|exported| self.putting_new(exported.item.clone())).collect()).await {
                Ok(()) => restored.extend(coming.drain(..).map(|item| (item, Restored::Now))),
                Err(Failure::Cancelled(standing)) => {
                    for (item, standing) in std::mem::take(&mut coming).into_iter().zip(standing) {
                        match standing {
                            Some(standing) => restored.push((item.clone(), item.judge(standing)?)),
                            None => coming.push(item),
                        }
                    }
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(restored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::item::{integer, participant_set, text};

    fn item() -> Item {
        let user = crate::domain::id::UserId::unique();
        Item::from([
            (PK.to_owned(), text("CONV#1")),
            (SK.to_owned(), text("META")),
            ("participants".to_owned(), participant_set([&user, &crate::domain::id::UserId::unique()])),
            ("nonce".to_owned(), AttributeValue::B(Blob::new(*b"\0\xff\""))),
            ("messages".to_owned(), integer(1_u64 << 40)),
            ("edits".to_owned(), AttributeValue::L(vec![integer(1), text("zwei \n \u{2028}")])),
            ("active".to_owned(), AttributeValue::Bool(false)),
            ("more".to_owned(), AttributeValue::M(Item::from([("kind".to_owned(), text(""))]))),
        ])
    }

    #[test]
    fn an_item_becomes_one_line_and_the_same_item_again() {
        let exported = ExportedItem { kind: "conversation".to_owned(), item: item() };
        let line = exported.to_line().expect("a line");
        assert!(!line.contains('\n'), "{line}");
        let restored = ExportedItem::from_line(&line).expect("an item");
        assert_eq!(restored.to_line().expect("a line"), line);
        assert_eq!((restored.turn(), restored.kind()), (1, "conversation"));
        assert_eq!(restored.item["nonce"], exported.item["nonce"]);
        assert_eq!(restored.item["messages"], exported.item["messages"]);
    }

    #[test]
    fn what_is_no_line_of_an_export_is_refused() {
        let line = |item: &str| format!(r#"{{"item":{item},"kind":"x"}}"#);
        assert!(ExportedItem::from_line(&line(r#"{"PK":"a","SK":"b"}"#)).is_some());
        for item in ["[]", "{}", r#"{"PK":"a"}"#, r#"{"PK":"a","SK":1}"#, r#"{"PK":"a","SK":"b","c":null}"#] {
            assert!(ExportedItem::from_line(&line(item)).is_none(), "{item}");
        }
        for line in ["", "[]", "{}", r#"{"kind":"x"}"#, r#"{"item":{"PK":"a","SK":"b"}}"#] {
            assert!(ExportedItem::from_line(line).is_none(), "{line}");
        }
        assert!(ExportedItem::from_line(&line(r#"{"PK":"a","SK":"b","c":{"bytes":"?"}}"#)).is_none());
    }
}
