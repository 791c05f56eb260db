//! The AsyncAPI 3.0 document of what open sockets say and are told: schemas from the very types that are written and read,
//! examples from the code that writes them. <https://www.asyncapi.com/docs/reference/specification/v3.0.0>

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::frame::{Code, Frame, Presence, Reply};
use crate::domain::Error;
use crate::http::view::{EventView, event_examples};

const ABOUT: &str = "Open sockets. A client opens one with its session token in the header `Authorization: Bearer …`, or as \
    a subprotocol (`Sec-WebSocket-Protocol: confab, TOKEN`), or with the session cookie. A frame of the server holds one \
    event or reply, or a list of events in order. Events may come twice or late, and seldom not at all: `number` and \
    `change` tell. After every opening, `GET /api/changes/` tells what was missed.";

/// The whole document.
pub fn document() -> Result<Value, Error> {
    let mut schemas = Map::new();
    let mut messages = Map::new();
    let said = add::<Frame>("say.", &mut messages, &mut schemas, &frame_examples())?;
    let replied = add::<Reply>("", &mut messages, &mut schemas, &reply_examples())?;
    let told = add::<EventView>("", &mut messages, &mut schemas, &parsed(&event_examples()?)?)?;
    let in_channel: Map<String, Value> = messages
        .keys()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    let refs = |names: &[String]| -> Vec<Value> {
        names.iter().map(|name| json!({ "$ref": format!("#/channels/socket/messages/{name}") })).collect()
    };
    let channel = json!({ "$ref": "#/channels/socket" });
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Confab events", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT, "license": { "name": "MIT" } },
        "defaultContentType": "application/json",
        "channels": { "socket": { "address": "/", "messages": in_channel } },
        "operations": {
            "say": { "action": "receive", "summary": "What a client says.", "channel": channel, "messages": refs(&said),
                     "reply": { "channel": channel, "messages": refs(&replied) } },
            "tell": { "action": "send", "summary": "What happened.", "channel": channel, "messages": refs(&told) },
        },
        "components": { "messages": messages, "schemas": schemas },
    }))
}

/// Adds a message for each variant of a type that is told apart by its `type`; returns their names, which begin with
/// `prefix`.
fn add<T: ToSchema>(
    prefix: &str,
    messages: &mut Map<String, Value>,
    schemas: &mut Map<String, Value>,
    examples: &[Value],
) -> Result<Vec<String>, Error> {
    let unwritable = |error: serde_json::Error| Error::Internal(format!("a schema cannot be written: {error}"));
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    for (name, schema) in parts {
        schemas.insert(name, serde_json::to_value(schema).map_err(unwritable)?);
    }
    let whole = serde_json::to_value(T::schema()).map_err(unwritable)?;
    let mut names = Vec::new();
    for variant in whole["oneOf"].as_array().into_iter().flatten() {
        let Some(kind) = type_of(variant) else { continue };
        let name = format!("{prefix}{kind}");
        let mut payload = variant.clone();
        // Events alone are nobody's.
        if examples.iter().any(|example| example.get("id").is_some()) {
            let about = "What the client calls the frame; its reply is called the same.";
            payload["properties"]["id"] = json!({ "type": "string", "maxLength": 64, "description": about });
        }
        let examples: Vec<Value> = examples
            .iter()
            .filter(|example| example["type"] == kind)
            .map(|example| json!({ "payload": example }))
            .collect();
        messages.insert(name.clone(), json!({ "name": kind, "payload": payload, "examples": examples }));
        names.push(name);
    }
    Ok(names)
}

/// The one value that a variant's `type` has.
fn type_of(variant: &Value) -> Option<String> {
    let kind = &variant["properties"]["type"];
    kind["enum"][0].as_str().or(kind["const"].as_str()).map(str::to_owned)
}

fn frame_examples() -> [Value; 4] {
    let conversation = "9f0c6a52-1d2e-8b3f-a4c5-d60000000000";
    [
        json!({ "type": "ping", "id": "1" }),
        json!({ "type": "typing", "conversation": conversation }),
        json!({ "type": "read", "conversation": conversation, "number": 1 }),
        json!({ "type": "watch", "users": ["0195d2a4-6f0e-7000-8000-000000000001"] }),
    ]
}

fn reply_examples() -> Vec<Value> {
    let conversation = "9f0c6a52-1d2e-8b3f-a4c5-d60000000000".to_owned();
    let user = "0195d2a4-6f0e-7000-8000-000000000001".to_owned();
    let replies = [
        Reply::Pong,
        Reply::Typing,
        Reply::Read { conversation, read_number: 1, unread_count: 0 },
        Reply::Watch { users: vec![Presence { user, online: true }] },
        Reply::error(Code::NotFound, "No Conversation matches the given query."),
    ];
    replies.iter().filter_map(|reply| serde_json::from_str(&reply.to_json(Some("1"))).ok()).collect()
}

fn parsed(events: &[String]) -> Result<Vec<Value>, Error> {
    let unreadable = |error: serde_json::Error| Error::Internal(format!("an example is no JSON: {error}"));
    events.iter().map(|event| serde_json::from_str(event).map_err(unreadable)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::frame::Named;
    use super::*;

    /// What is said of a schema that this document uses: enough to find a field that is missing, or that nobody told of.
    fn check(value: &Value, schema: &Value, document: &Value, place: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = document.pointer(reference.trim_start_matches('#'));
            return check(value, target.unwrap_or_else(|| panic!("{reference} is not there")), document, place);
        }
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let fits = |choice: &&Value| std::panic::catch_unwind(|| check(value, choice, document, place)).is_ok();
            assert!(choices.iter().any(|choice| fits(&choice)), "{place}: nothing of {schema} fits {value}");
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            check(value, part, document, place);
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let is = |kind: &str| match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            _ => false,
        };
        assert!(types.iter().any(|kind| is(kind)), "{place}: {value} is none of {types:?}");
        if let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
            for (name, field) in fields {
                let property = properties.get(name).unwrap_or_else(|| panic!("{place}.{name} is not described"));
                check(field, property, document, &format!("{place}.{name}"));
            }
            for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(fields.contains_key(required), "{place}.{required} is missing");
            }
        }
    }

    #[test]
    fn every_message_has_an_example_that_is_as_its_schema_says() {
        let document = document().expect("a document");
        let messages = document["components"]["messages"].as_object().expect("messages");
        assert_eq!(messages.len(), 4 + 5 + 11, "{:?}", messages.keys());
        for (name, message) in messages {
            let examples = message["examples"].as_array().expect("examples");
            assert!(!examples.is_empty(), "{name} has no example");
            for example in examples {
                check(&example["payload"], &message["payload"], &document, name);
            }
        }
    }

    #[test]
    fn a_field_that_is_missing_or_too_many_would_be_found() {
        let document = document().expect("a document");
        let schema = &document["components"]["messages"]["typing"]["payload"];
        for wrong in
            [json!({ "type": "typing" }), json!({ "type": "typing", "conversation": "c", "users": "u", "more": 1 })]
        {
            assert!(std::panic::catch_unwind(|| check(&wrong, schema, &document, "typing")).is_err());
        }
    }

    #[test]
    fn what_clients_are_shown_to_say_is_understood() {
        for example in frame_examples() {
            assert!(Named::parse(&example.to_string()).frame.is_ok(), "{example}");
        }
    }
}
