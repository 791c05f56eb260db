//! What clients say over a socket, and what they are answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The longest name that a client gives a frame.
const LONGEST_ID: usize = 64;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Frame {
    /// Keeps the socket open, and finds out whether it still is.
    Ping,
    /// The others of a conversation are told that one is writing.
    Typing {
        #[schema(format = Uuid)]
        conversation: String,
    },
    /// Moves one's read mark.
    Read {
        #[schema(format = Uuid)]
        conversation: String,
        #[schema(minimum = 0)]
        number: u64,
    },
    /// Asks to be told when these people come and go, and nobody else.
    Watch {
        #[schema(max_items = 100)]
        users: Vec<String>,
    },
}

/// A frame, and what its client calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: Option<String>,
    /// Or why it is none.
    pub frame: Result<Frame, Reply>,
}

/// Why a frame was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Not JSON, or not an object.
    Malformed,
    /// Of no type that there is.
    UnknownType,
    /// Without what such a frame needs.
    Invalid,
    /// Not there, or not the caller's to see.
    NotFound,
    /// It makes no sense now; the detail says why.
    Refused,
    /// Too many frames within a minute.
    SlowDown,
    /// The session has ended, or the socket is not known any more: it is closed.
    Ended,
    /// Not to be done in time: it may be repeated.
    Unavailable,
    /// A defect of the server.
    Internal,
}

/// What a client is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type")]
pub enum Reply {
    #[serde(rename = "pong")]
    Pong,
    #[serde(rename = "typing.done")]
    Typing,
    #[serde(rename = "read.done")]
    Read { conversation: String, read_number: u64, unread_count: u64 },
    #[serde(rename = "watch.done")]
    Watch { users: Vec<Presence> },
    #[serde(rename = "error")]
    Error { code: Code, detail: String },
}

/// Whether somebody is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Presence {
    #[schema(format = Uuid)]
    pub user: String,
    pub online: bool,
}

impl Named {
    pub fn parse(text: &str) -> Self {
        let malformed = |detail: &str| Self { id: None, frame: Err(Reply::error(Code::Malformed, detail)) };
        let Ok(value) = serde_json::from_str::<Value>(text) else { return malformed("A frame must be JSON.") };
        let Value::Object(fields) = &value else { return malformed("A frame must be a JSON object.") };
        let id = match fields.get("id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if id.chars().count() <= LONGEST_ID => Some(id.clone()),
            Some(_) => {
                let detail = format!("The id of a frame must be a text of at most {LONGEST_ID} characters.");
                return Self { id: None, frame: Err(Reply::error(Code::Invalid, detail)) };
            }
        };
        Self { id, frame: frame_of(&value) }
    }
}

fn frame_of(value: &Value) -> Result<Frame, Reply> {
    const TYPES: [&str; 4] = ["ping", "typing", "read", "watch"];
    match value["type"].as_str() {
        Some(kind) if TYPES.contains(&kind) => {
            Frame::deserialize(value).map_err(|error| Reply::error(Code::Invalid, format!("A {kind} frame: {error}.")))
        }
        _ => Err(Reply::error(Code::UnknownType, format!("The type of a frame must be one of {}.", TYPES.join(", ")))),
    }
}

impl Reply {
    pub fn error(code: Code, detail: impl Into<String>) -> Self {
        Self::Error { code, detail: detail.into() }
    }

    /// With the name of the frame that it answers.
    pub fn to_json(&self, id: Option<&str>) -> String {
        let mut reply = serde_json::to_value(self).unwrap_or_default();
        if let Some(id) = id {
            reply["id"] = id.into();
        }
        reply.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> Code {
        match Named::parse(text).frame {
            Err(Reply::Error { code, .. }) => code,
            other => panic!("{text} was taken: {other:?}"),
        }
    }

    #[test]
    fn frames_are_what_they_say() {
        let named = Named::parse(r#"{"type":"ping","id":"7"}"#);
        assert_eq!(named, Named { id: Some("7".to_owned()), frame: Ok(Frame::Ping) });
        assert_eq!(
            Named::parse(r#"{"type":"typing","conversation":"c"}"#).frame,
            Ok(Frame::Typing { conversation: "c".to_owned() })
        );
        assert_eq!(Named::parse(r#"{"type":"watch","users":[]}"#).frame, Ok(Frame::Watch { users: vec![] }));
    }

    #[test]
    fn what_is_no_frame_is_told_why() {
        assert_eq!(code("hello"), Code::Malformed);
        assert_eq!(code("[]"), Code::Malformed);
        assert_eq!(code("{}"), Code::UnknownType);
        assert_eq!(code(r#"{"type":"shout"}"#), Code::UnknownType);
        assert_eq!(code(r#"{"type":7}"#), Code::UnknownType);
        assert_eq!(code(r#"{"type":"read","conversation":"c"}"#), Code::Invalid);
        assert_eq!(code(r#"{"type":"read","conversation":"c","number":-1}"#), Code::Invalid);
        assert_eq!(code(r#"{"type":"ping","id":7}"#), Code::Invalid);
        assert_eq!(code(&format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65))), Code::Invalid);
    }

    #[test]
    fn a_reply_names_what_it_answers() {
        assert_eq!(Reply::Pong.to_json(None), r#"{"type":"pong"}"#);
        assert_eq!(Reply::Pong.to_json(Some("7")), r#"{"id":"7","type":"pong"}"#);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_answered(text in ".{0,60}", field in "[a-z\":{}\\[\\],0-9]{0,60}") {
            let _ = Named::parse(&text);
            let _ = Named::parse(&format!("{{{field}}}"));
        }
    }
}
