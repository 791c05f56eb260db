//! What one method of an endpoint does, for people and programs that were not there when it was written: `OPTIONS` tells
//! some of it, the OpenAPI document all.

use axum::http::StatusCode;
use utoipa::ToSchema;

use super::field::Field;
use super::input::FromFields;

#[derive(Clone, Debug)]
pub struct Operation {
    pub(super) summary: &'static str,
    pub(super) about: &'static str,
    pub(super) fields: Option<&'static [Field]>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) answers: Vec<Answer>,
    pub(super) is_page: bool,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    Header,
}

#[cfg_attr(not(feature = "openapi"), expect(dead_code, reason = "functions hand out the document, and do not make it"))]
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) choices: &'static [&'static str],
}

#[cfg_attr(not(feature = "openapi"), expect(dead_code, reason = "functions hand out the document, and do not make it"))]
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) about: &'static str,
    pub(super) shape: Shape,
}

/// What stands in an answer's body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Nothing,
    Html,
    Problem,
    /// How the schema is made is of no use to a function, and weighs.
    Json(#[cfg(feature = "openapi")] Described),
}

/// A schema's name, its reference, and those that it refers to.
#[cfg(feature = "openapi")]
#[derive(Clone, Copy, Debug)]
pub(super) struct Described {
    pub(super) reference: fn() -> utoipa::openapi::RefOr<utoipa::openapi::Schema>,
    pub(super) collect: fn(&mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>),
}

impl Shape {
    #[cfg_attr(
        not(feature = "openapi"),
        expect(clippy::extra_unused_type_parameters, reason = "functions hand out the document, and do not make it")
    )]
    fn of<T: ToSchema>() -> Self {
        Self::Json(
            #[cfg(feature = "openapi")]
            Described {
                reference: || utoipa::openapi::Ref::from_schema_name(T::name()).into(),
                collect: |schemas| {
                    schemas.push((T::name().into_owned(), T::schema()));
                    T::schemas(schemas);
                },
            },
        )
    }
}

impl Operation {
    /// `summary` says in a few words what it does; each operation's is its own.
    pub fn new(summary: &'static str) -> Self {
        Self { summary, about: "", fields: None, parameters: Vec::new(), answers: Vec::new(), is_page: false }
    }

    /// What the summary does not say.
    pub fn about(mut self, sentences: &'static str) -> Self {
        self.about = sentences;
        self
    }

    /// The body that it takes.
    pub fn takes<T: FromFields>(mut self) -> Self {
        self.fields = Some(T::FIELDS);
        self
    }

    /// A parameter of the query string.
    pub fn query(self, name: &'static str, about: &'static str) -> Self {
        self.parameter(Place::Query, name, about, &[])
    }

    /// `?ordering=`, the default first.
    pub fn ordering(self, known: &'static [&'static str]) -> Self {
        self.parameter(Place::Query, "ordering", "The order of the rows; anything else counts as the first.", known)
    }

    pub fn header(self, name: &'static str, about: &'static str) -> Self {
        self.parameter(Place::Header, name, about, &[])
    }

    fn parameter(
        mut self,
        place: Place,
        name: &'static str,
        about: &'static str,
        choices: &'static [&'static str],
    ) -> Self {
        self.parameters.push(Parameter { place, name, about, choices });
        self
    }

    pub fn answers<T: ToSchema>(self, status: u16, about: &'static str) -> Self {
        self.answer(status, about, Shape::of::<T>())
    }

    pub fn answers_nothing(self, status: u16, about: &'static str) -> Self {
        self.answer(status, about, Shape::Nothing)
    }

    pub fn answers_html(self, status: u16, about: &'static str) -> Self {
        self.answer(status, about, Shape::Html)
    }

    /// A page of a list, with its parameters.
    pub fn pages<T: ToSchema>(mut self, about: &'static str) -> Self {
        self.is_page = true;
        self.answer(200, about, Shape::of::<super::pages::Envelope<T>>())
            .query("cursor", "Where the page begins: from `next` or `previous` of another page of the same list.")
            .query("page_size", "How many rows: 1 to 100, 20 by default; out of range is clamped.")
    }

    /// A refusal beyond those that follow from who may call, from the path and from the body.
    pub fn refuses(self, status: u16, about: &'static str) -> Self {
        self.answer(status, about, Shape::Problem)
    }

    fn answer(mut self, status: u16, about: &'static str, shape: Shape) -> Self {
        let status = StatusCode::from_u16(status).expect("statuses are written by hand, and tested");
        self.answers.push(Answer { status, about, shape });
        self
    }
}
