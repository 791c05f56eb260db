//! What adding and removing people have in common: whom the body names, and the shape of answers.

use serde::Serialize;
use serde_json::Value;
use shared::domain::id::UserId;
use shared::domain::{Error, Resource};
use shared::http::{Field, Fields, FromFields, Problem};
use utoipa::ToSchema;

/// Whom a body names. A name that is none is judged after the caller's right to ask.
pub(crate) enum Named {
    Nobody,
    NoUser,
    User(UserId),
}

impl FromFields for Named {
    const FIELDS: &'static [Field] = &[Field::id("user_id").about("Who.")];

    fn read(fields: &mut Fields) -> Option<Self> {
        Some(match fields.value("user_id") {
            None | Some(Value::Null) => Self::Nobody,
            Some(Value::String(text)) if text.is_empty() => Self::Nobody,
            Some(Value::String(text)) => UserId::parse(text).map_or(Self::NoUser, Self::User),
            Some(_) => Self::NoUser,
        })
    }
}

impl Named {
    pub(crate) fn user(self) -> Result<UserId, Problem> {
        match self {
            Self::Nobody => Err(Problem::refused_action("user_id is required")),
            Self::NoUser => Err(Problem::no_such_user()),
            Self::User(user) => Ok(user),
        }
    }
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    message: &'static str,
}

impl Done {
    pub(crate) fn new(message: &'static str) -> Self {
        Self { message }
    }
}

/// These actions tell what is wrong in a shape of their own, unless the conversation is not there.
pub(crate) fn problem(error: Error) -> Problem {
    match error {
        Error::NotFound(Resource::User) => Problem::no_such_user(),
        Error::Refused(sentence) => Problem::refused_action(sentence),
        other => other.into(),
    }
}
