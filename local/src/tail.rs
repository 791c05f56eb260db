//! What a client tells, as lines for people and for programs.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::api::{Api, Call, SignedIn};
use crate::client::{Applied, Place, Told, Via};
use crate::terminal::{Colour, without_colours};

/// The names behind ids, learned on the way.
pub(crate) struct Names {
    api: Api,
    me: SignedIn,
    people: HashMap<String, String>,
    conversations: HashMap<String, String>,
}

impl Names {
    pub(crate) fn new(api: Api, me: SignedIn) -> Self {
        Self { api, me, people: HashMap::new(), conversations: HashMap::new() }
    }

    /// Takes the names that something carries, and asks for those of a conversation that is new.
    pub(crate) async fn learn(&mut self, told: &Told) {
        let (conversation, event) = match told {
            Told::Applied(applied) => (applied.conversation.as_str(), &applied.event),
            Told::Passing(event) => (event["conversation"].as_str().unwrap_or_default(), event),
            Told::Joined { conversation } => (conversation.as_str(), &Value::Null),
            _ => return,
        };
        self.note_people(event);
        let is_renamed = event["type"] == "conversation.updated";
        if conversation.is_empty() || (self.conversations.contains_key(conversation) && !is_renamed) {
            return;
        }
        let path = format!("/api/conversations/{conversation}/");
        // What cannot be had is shown by its id.
        let details = self.api.expect(Some(&self.me), &Call::get(&path)).await.unwrap_or_default();
        self.note_people(&details);
        self.conversations.insert(conversation.to_owned(), self.title(conversation, &details));
    }

    fn title(&self, id: &str, details: &Value) -> String {
        if let Some(title) = details["title"].as_str() {
            return plain(title);
        }
        let people = details["participants_details"].as_array().into_iter().flatten();
        let others = people.filter_map(|participant| participant["user"].as_str()).filter(|user| *user != self.me.id);
        let others: Vec<_> = others.take(3).map(|user| self.person(user)).collect();
        if others.is_empty() { id.to_owned() } else { others.join(", ") }
    }

    /// Whoever is described anywhere inside.
    fn note_people(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                let field = |name: &str| fields.get(name).and_then(Value::as_str);
                if let (Some(id), Some(first), Some(last)) = (field("user_id"), field("first_name"), field("last_name"))
                {
                    self.people.insert(id.to_owned(), plain(&format!("{first} {last}")));
                }
                fields.values().for_each(|value| self.note_people(value));
            }
            Value::Array(values) => values.iter().for_each(|value| self.note_people(value)),
            _ => {}
        }
    }

    fn person(&self, id: &str) -> String {
        if id == self.me.id { "you".to_owned() } else { self.people.get(id).map_or(id, String::as_str).to_owned() }
    }

    fn conversation(&self, id: &str) -> String {
        self.conversations.get(id).map_or(id, String::as_str).to_owned()
    }
}

/// A line for people; nothing for what is of no interest to them.
pub(crate) fn line(told: &Told, names: &Names) -> Option<String> {
    let remark = |text: String| Some(Colour::Grey.paint(&text));
    match told {
        Told::Ready => None,
        Told::Applied(applied) => Some(applied_line(applied, names)),
        Told::Passing(event) => passing_line(event, names),
        Told::Joined { conversation } => remark(format!("· {} is new", names.conversation(conversation))),
        Told::Left { conversation } => remark(format!("· {} has gone", names.conversation(conversation))),
        Told::GapFilled { conversation } => {
            remark(format!("· something was missing in {}, and has been fetched", names.conversation(conversation)))
        }
        Told::Connected { attempts: 1 } => remark("· connected".to_owned()),
        Told::Connected { attempts } => remark(format!("· connected, with attempt {attempts}")),
        Told::Disconnected { reason, again_in } => {
            remark(format!("· not connected: {}; trying again in {} ms", plain(reason), again_in.as_millis()))
        }
        Told::SessionEnded => remark("· signed out".to_owned()),
    }
}

fn applied_line(applied: &Applied, names: &Names) -> String {
    let Applied { conversation, place, event, via, delay } = applied;
    let conversation = names.conversation(conversation);
    let person = |value: &Value| names.person(value.as_str().unwrap_or("somebody"));
    let body = |message: &Value| plain(message["message_body"].as_str().unwrap_or("(deleted since)"));
    let (message, by) = (&event["message"], person(&event["by"]));
    let number = match place {
        Place::Message(number) => *number,
        Place::Change(_) => message["number"].as_u64().unwrap_or_default(),
    };
    let what = match event["type"].as_str().unwrap_or_default() {
        "message.created" => format!("#{number} {}: {}", person(&message["sender"]), body(message)),
        "message.edited" => format!("#{number} edited by {by}: {}", body(message)),
        "message.deleted" => format!("#{number} deleted by {by}"),
        "participant.added" => format!("{by} added {}", person(&event["participant"]["user"])),
        "participant.removed" => match person(&event["user"]["user_id"]) {
            who if who == by => format!("{who} left"),
            who => format!("{by} removed {who}"),
        },
        "conversation.updated" => format!("{by} named it {}", plain(event["title"].as_str().unwrap_or("nothing"))),
        "void" => format!("{} stands for nothing", place_name(*place)),
        other => plain(other),
    };
    let way = match via {
        Via::Push => format!("({} ms)", delay.as_millis()),
        Via::CatchUp => "(caught up)".to_owned(),
    };
    format!("[{conversation}] {what} {}", Colour::Grey.paint(&way))
}

fn passing_line(event: &Value, names: &Names) -> Option<String> {
    let person = || names.person(event["user"].as_str().unwrap_or("somebody"));
    let conversation = || names.conversation(event["conversation"].as_str().unwrap_or_default());
    match event["type"].as_str()? {
        "typing" => Some(format!("[{}] {} is typing", conversation(), person())),
        "presence" => {
            let state = if event["online"] == true { "here" } else { "away" };
            Some(format!("{} is {state}", person()))
        }
        "conversation.read" => Some(format!("[{}] read up to #{}", conversation(), event["number"])),
        "error" => Some(format!("error: {}", plain(event["detail"].as_str().unwrap_or_default()))),
        _ => None,
    }
}

/// A line for programs.
pub(crate) fn json_line(told: &Told) -> Value {
    match told {
        Told::Ready => json!({ "told": "ready" }),
        Told::Applied(Applied { conversation, place, event, via, delay }) => {
            let (log, number) = match place {
                Place::Message(number) => ("message", number),
                Place::Change(number) => ("change", number),
            };
            let via = if *via == Via::Push { "push" } else { "catch_up" };
            json!({
                "told": "applied",
                "conversation": conversation,
                log: number,
                "via": via,
                "delay_ms": delay.as_millis() as u64,
                "event": event,
            })
        }
        Told::Passing(event) => json!({ "told": "passing", "event": event }),
        Told::Joined { conversation } => json!({ "told": "joined", "conversation": conversation }),
        Told::Left { conversation } => json!({ "told": "left", "conversation": conversation }),
        Told::GapFilled { conversation } => json!({ "told": "gap_filled", "conversation": conversation }),
        Told::Connected { attempts } => json!({ "told": "connected", "attempts": attempts }),
        Told::Disconnected { reason, again_in } => {
            json!({ "told": "disconnected", "reason": reason, "again_in_ms": again_in.as_millis() as u64 })
        }
        Told::SessionEnded => json!({ "told": "session_ended" }),
    }
}

fn place_name(place: Place) -> String {
    match place {
        Place::Message(number) => format!("#{number}"),
        Place::Change(number) => format!("change {number}"),
    }
}

/// On one line, and without what a terminal would obey: people write what they like.
fn plain(text: &str) -> String {
    let text = without_colours(text);
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn names() -> Names {
        let mut names =
            Names::new(Api::at("http://127.0.0.1:1"), SignedIn { id: "me".to_owned(), token: String::new() });
        names.note_people(&json!([{ "deep": { "user_id": "a", "first_name": "Ada", "last_name": "King" } }]));
        names.conversations.insert("c".to_owned(), "Engines".to_owned());
        names
    }

    fn applied(place: Place, via: Via, event: Value) -> String {
        let delay = Duration::from_millis(7);
        let told = Told::Applied(Applied { conversation: "c".to_owned(), place, event, via, delay });
        without_colours(&line(&told, &names()).unwrap())
    }

    #[test]
    fn what_happens_is_told_with_who_where_number_and_text() {
        let message = json!({ "number": 4, "sender": "a", "message_body": "Hello\n\u{1b}[2Jyou" });
        let line = |via| applied(Place::Message(4), via, json!({ "type": "message.created", "message": message }));
        assert_eq!(line(Via::Push), "[Engines] #4 Ada King: Hello you (7 ms)");
        assert_eq!(line(Via::CatchUp), "[Engines] #4 Ada King: Hello you (caught up)");
        let change = |event| applied(Place::Change(1), Via::CatchUp, event);
        let edit = json!({ "type": "message.edited", "by": "me", "message": { "number": 2, "message_body": "x" } });
        assert_eq!(change(edit), "[Engines] #2 edited by you: x (caught up)");
        let left = json!({ "type": "participant.removed", "by": "a", "user": { "user_id": "a" } });
        assert_eq!(change(left), "[Engines] Ada King left (caught up)");
        let added = json!({ "type": "participant.added", "by": "a", "participant": { "user": "me" } });
        assert_eq!(change(added), "[Engines] Ada King added you (caught up)");
        assert_eq!(change(json!({ "type": "void" })), "[Engines] change 1 stands for nothing (caught up)");
    }

    #[test]
    fn what_passes_is_told_where_it_is_of_interest() {
        let names = names();
        let told = |event| line(&Told::Passing(event), &names);
        let typing = json!({ "type": "typing", "conversation": "c", "user": "a" });
        assert_eq!(told(typing).unwrap(), "[Engines] Ada King is typing");
        let presence = json!({ "type": "presence", "user": "b", "online": false });
        assert_eq!(told(presence).unwrap(), "b is away");
        assert_eq!(told(json!({ "type": "pong", "id": "1" })), None);
    }

    #[test]
    fn programs_get_everything() {
        let told = Told::Applied(Applied {
            conversation: "c".to_owned(),
            place: Place::Change(3),
            event: json!({ "type": "void" }),
            via: Via::Push,
            delay: Duration::ZERO,
        });
        let line = json_line(&told);
        assert_eq!((&line["change"], &line["via"]), (&json!(3), &json!("push")));
        assert_eq!(json_line(&Told::Connected { attempts: 2 })["attempts"], 2);
    }
}
