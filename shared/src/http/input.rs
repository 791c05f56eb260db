//! Bodies, parsed into types that hold nothing unchecked.

use axum::extract::{FromRequest, Request};
use serde_json::{Map, Value};

use super::body::{self, Content};
use super::field::Field;
use super::problem::Problem;
use crate::domain::Invalid;

/// A request body as a `T`, or what is wrong with it: which is told only after all that comes before it, since a 404
/// goes before a 400.
pub struct Body<T>(Result<T, Problem>);

impl<T> Body<T> {
    /// For endpoints where nothing else can be wrong.
    pub fn parsed(self) -> Result<T, Problem> {
        self.0
    }

    /// What can only be parsed with more than the body at hand.
    pub fn and_then<U>(self, parse: impl FnOnce(T) -> Result<U, Problem>) -> Body<U> {
        Body(self.0.and_then(parse))
    }

    /// What was parsed; or the problem, unless `authorise` finds a graver one.
    pub async fn parsed_or<E>(self, authorise: impl Future<Output = Result<(), E>>) -> Result<T, Problem>
    where
        Problem: From<E>,
    {
        parsed_or(self.0, authorise).await
    }
}

/// What was parsed; or the problem, unless `authorise` finds a graver one.
pub async fn parsed_or<T, E>(
    parsed: Result<T, Problem>,
    authorise: impl Future<Output = Result<(), E>>,
) -> Result<T, Problem>
where
    Problem: From<E>,
{
    if parsed.is_err() {
        authorise.await?;
    }
    parsed
}

impl<T: FromFields, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(body::read(request).await.and_then(|content| Fields::new(content, T::FIELDS).read_all())))
    }
}

/// Something that a body's fields make up.
pub trait FromFields: Sized {
    /// Each of the fields, for those who are to send them.
    const FIELDS: &'static [Field];

    /// Reads every field, so that all that are wrong are told at once; `None` if one of them is.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// The fields of a body, and what was wrong with those read so far.
pub struct Fields {
    described: &'static [Field],
    values: Map<String, Value>,
    errors: Map<String, Value>,
}

impl Fields {
    fn new(content: Content, described: &'static [Field]) -> Self {
        Self { described, values: content.into_fields(described), errors: Map::new() }
    }

    fn read_all<T: FromFields>(mut self) -> Result<T, Problem> {
        match T::read(&mut self) {
            Some(parsed) if self.errors.is_empty() => Ok(parsed),
            _ => Err(Problem::fields(self.errors)),
        }
    }

    /// A text that must be there.
    pub fn required<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
        match self.value(name) {
            None => self.refuse(name, [Invalid::REQUIRED]),
            Some(value) => {
                let parsed = text_of(value).and_then(|text| parse(&text));
                self.judge(name, parsed)
            }
        }
    }

    /// A text that may be missing, null or empty: then it is `None`.
    pub fn optional<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<Option<T>> {
        match self.value(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => {
                let parsed =
                    text_of(value).and_then(|text| if text.is_empty() { Ok(None) } else { parse(&text).map(Some) });
                self.judge(name, parsed)
            }
        }
    }

    /// A text that may be missing, but not null: of a change, what is missing stays.
    pub fn given<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<Option<T>> {
        if self.has(name) { self.required(name, parse).map(Some) } else { Some(None) }
    }

    /// Yes or no, in the spellings that forms and programs have for it; it may be missing, but not null.
    pub fn flag(&mut self, name: &str) -> Option<Option<bool>> {
        let spelt = match self.value(name) {
            None => return Some(None),
            Some(Value::Null) => return self.refuse(name, [Invalid::NULL]),
            Some(Value::Bool(flag)) => return Some(Some(*flag)),
            Some(Value::String(text)) => text.to_ascii_lowercase(),
            Some(other) => other.to_string(),
        };
        match spelt.as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(Some(true)),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(Some(false)),
            _ => self.refuse(name, [Invalid::new("Must be a valid boolean.")]),
        }
    }

    /// A value that is no text, as it came.
    pub fn value(&self, name: &str) -> Option<&Value> {
        debug_assert!(self.described.iter().any(|field| field.name == name), "the field {name} is not described");
        self.values.get(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Records why a field is refused.
    pub fn refuse<T>(&mut self, name: &str, reasons: impl IntoIterator<Item = Invalid>) -> Option<T> {
        let reasons: Vec<Value> = reasons.into_iter().map(|reason| Value::String(reason.0.into_owned())).collect();
        self.errors.insert(name.to_owned(), Value::Array(reasons));
        None
    }

    /// Records what is wrong with the elements of a list, by their index.
    pub fn refuse_elements<T>(&mut self, name: &str, reasons: impl IntoIterator<Item = (usize, Invalid)>) -> Option<T> {
        let by_index =
            reasons.into_iter().map(|(index, reason)| (index.to_string(), Value::from(vec![reason.0.into_owned()])));
        self.errors.insert(name.to_owned(), Value::Object(by_index.collect()));
        None
    }

    fn judge<T>(&mut self, name: &str, parsed: Result<T, Invalid>) -> Option<T> {
        parsed.or_else(|reason| self.refuse(name, [reason]).ok_or(())).ok()
    }
}

/// Text, or a number as the text that it is written as.
fn text_of(value: &Value) -> Result<std::borrow::Cow<'_, str>, Invalid> {
    match value {
        Value::String(text) => Ok(text.into()),
        Value::Number(number) => Ok(number.to_string().into()),
        Value::Null => Err(Invalid::NULL),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Invalid::new("Not a valid string.")),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;

    use super::*;

    struct Probe(String, Option<String>);

    impl FromFields for Probe {
        const FIELDS: &'static [Field] = &[Field::text("required", 9), Field::text("optional", 9).nullable()];

        fn read(fields: &mut Fields) -> Option<Self> {
            let plain = |text: &str| Ok(text.to_owned());
            let (required, optional) = (fields.required("required", plain), fields.optional("optional", plain));
            Some(Self(required?, optional?))
        }
    }

    fn read_json(text: &str) -> Result<Probe, Value> {
        let fields = body::json_fields(&Bytes::from(text.to_owned()));
        let probe = fields.and_then(|fields| Fields::new(Content::Object(fields), Probe::FIELDS).read_all());
        probe.map_err(|problem| Value::from(problem.status().as_u16()))
    }

    #[test]
    fn numbers_become_text_and_the_last_of_repeated_keys_wins() {
        let Ok(probe) = read_json(r#"{"required": 1, "required": 2.50, "optional": null, "unknown": []}"#) else {
            panic!("refused")
        };
        assert_eq!((probe.0.as_str(), probe.1), ("2.5", None));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let fields = body::json_fields(&Bytes::from(r#"{"required": null, "optional": true}"#)).expect("an object");
        let mut fields = Fields::new(Content::Object(fields), Probe::FIELDS);
        assert!(Probe::read(&mut fields).is_none());
        assert_eq!(
            Value::Object(fields.errors),
            serde_json::json!({"required": ["This field may not be null."], "optional": ["Not a valid string."]})
        );
    }

    /// Any value of JSON.
    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(".{0,8}", inner, 0..5).prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_a_field_holds_it_is_read_or_refused_by_name(required in json(), optional in json()) {
            let fields = Map::from_iter([("required".to_owned(), required.clone()), ("optional".to_owned(), optional)]);
            let mut fields = Fields::new(Content::Object(fields), Probe::FIELDS);
            match Probe::read(&mut fields) {
                Some(probe) => {
                    prop_assert!(fields.errors.is_empty());
                    prop_assert!(required.is_number() || required.as_str() == Some(&*probe.0));
                }
                None => prop_assert!(!fields.errors.is_empty()),
            }
            for (name, reasons) in &fields.errors {
                prop_assert!(["required", "optional"].contains(&name.as_str()));
                prop_assert!(reasons.as_array().is_some_and(|reasons| reasons.len() == 1 && reasons[0].is_string()));
            }
        }
    }

    #[test]
    fn a_flag_is_taken_in_every_spelling_of_yes_and_no() {
        const FLAG: &[Field] = &[Field::flag("flag").optional()];
        let read = |json: &str| {
            let fields = body::json_fields(&Bytes::from(json.to_owned())).expect("an object");
            Fields::new(Content::Object(fields), FLAG).flag("flag")
        };
        assert_eq!(read("{}"), Some(None));
        for yes in ["true", "\"true\"", "\"True\"", "\"on\"", "\"1\"", "1", "\"yes\""] {
            assert_eq!(read(&format!(r#"{{"flag": {yes}}}"#)), Some(Some(true)), "{yes}");
        }
        for no in ["false", "\"FALSE\"", "\"off\"", "\"0\"", "0", "\"n\""] {
            assert_eq!(read(&format!(r#"{{"flag": {no}}}"#)), Some(Some(false)), "{no}");
        }
        for nonsense in ["null", "2", "\"\"", "\"perhaps\"", "[]", "{}", "[true]"] {
            assert_eq!(read(&format!(r#"{{"flag": {nonsense}}}"#)), None, "{nonsense}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "null", "1", "\"a\"", "{", "{\"a\": NaN}", "{\"a\": \"\\ud800\"}", &"[".repeat(10_000)] {
            assert!(read_json(text).is_err(), "{text}");
        }
    }
}
