//! What the fields of a body are, said once: `OPTIONS` and the OpenAPI document tell it to clients, and parsing asks it
//! which fields of a form are lists.

use serde_json::{Map, Value, json};

/// One field of a body. It is required unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) nullable: bool,
    pub(super) about: &'static str,
    pub(super) example: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// At most that many characters.
    Text(usize),
    Email,
    Password,
    Choice(&'static [&'static str]),
    Id,
    Ids,
    /// A whole number that is not negative.
    Number,
    Flag,
}

impl Field {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, required: true, nullable: false, about: "", example: None }
    }

    /// Text of at most `most` characters.
    pub const fn text(name: &'static str, most: usize) -> Self {
        Self::new(name, Kind::Text(most))
    }

    pub const fn email(name: &'static str) -> Self {
        Self::new(name, Kind::Email)
    }

    pub const fn password(name: &'static str) -> Self {
        Self::new(name, Kind::Password)
    }

    pub const fn choice(name: &'static str, choices: &'static [&'static str]) -> Self {
        Self::new(name, Kind::Choice(choices))
    }

    /// A UUID.
    pub const fn id(name: &'static str) -> Self {
        Self::new(name, Kind::Id)
    }

    /// A list of UUIDs.
    pub const fn ids(name: &'static str) -> Self {
        Self::new(name, Kind::Ids)
    }

    pub const fn number(name: &'static str) -> Self {
        Self::new(name, Kind::Number)
    }

    pub const fn flag(name: &'static str) -> Self {
        Self::new(name, Kind::Flag)
    }

    /// It may be missing.
    pub const fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// It may be missing, or null.
    pub const fn nullable(mut self) -> Self {
        self.required = false;
        self.nullable = true;
        self
    }

    /// What it is, in a sentence.
    pub const fn about(mut self, sentence: &'static str) -> Self {
        self.about = sentence;
        self
    }

    pub const fn example(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }

    /// Whether a form gives it as often as there are elements.
    pub(super) fn is_list(&self) -> bool {
        self.kind == Kind::Ids
    }

    /// As Django REST Framework's metadata tells it.
    pub(super) fn metadata(&self) -> Value {
        let mut told = Map::from_iter([
            ("type".to_owned(), json!(self.type_name())),
            ("required".to_owned(), json!(self.required)),
            ("read_only".to_owned(), json!(false)),
            ("label".to_owned(), json!(self.label())),
        ]);
        if !self.about.is_empty() {
            told.insert("help_text".to_owned(), json!(self.about));
        }
        match self.kind {
            Kind::Text(most) => drop(told.insert("max_length".to_owned(), json!(most))),
            Kind::Choice(choices) => {
                let choices = choices.iter().map(|choice| json!({ "value": choice, "display_name": choice }));
                told.insert("choices".to_owned(), choices.collect());
            }
            Kind::Ids => {
                let child = json!({ "type": "string", "required": true, "read_only": false });
                told.insert("child".to_owned(), child);
            }
            Kind::Number => drop(told.insert("min_value".to_owned(), json!(0))),
            Kind::Email | Kind::Password | Kind::Id | Kind::Flag => {}
        }
        Value::Object(told)
    }

    fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Text(_) | Kind::Password | Kind::Id => "string",
            Kind::Email => "email",
            Kind::Choice(_) => "choice",
            Kind::Ids => "list",
            Kind::Number => "integer",
            Kind::Flag => "boolean",
        }
    }

    /// `message_body` → `Message body`
    fn label(&self) -> String {
        let words = self.name.replace('_', " ");
        let (first, rest) = words.split_at(1);
        format!("{}{rest}", first.to_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_told_as_clients_know_it() {
        let field = Field::text("message_body", 20_000).about("What is said.");
        let expected = json!({
            "type": "string", "required": true, "read_only": false, "label": "Message body",
            "help_text": "What is said.", "max_length": 20_000,
        });
        assert_eq!(field.metadata(), expected);
        assert_eq!(Field::ids("participant_ids").metadata()["child"]["type"], "string");
        assert_eq!(Field::number("number").nullable().metadata()["required"], false);
    }
}
