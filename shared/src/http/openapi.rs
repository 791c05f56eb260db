//! The OpenAPI 3.1 document, made from what the functions declare: who may call, the path and the body say which refusals
//! there are, so no endpoint has to.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, InfoBuilder, License, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response, Schema,
    SecurityRequirement, ServerBuilder, Tag,
};

use super::endpoint::{Access, Routes};
use super::field::{Field, Kind};
use super::operation::{Answer, Operation, Parameter, Place, Shape};

const BEARER: &str = "token";
const COOKIE: &str = "session_cookie";
const PROBLEM: &str = "Problem";
const REFUSAL: &str = "Refusal";

const MEDIA_TYPES: [&str; 3] = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];

/// The document of several functions, each named by the tag that its operations get.
pub fn document(functions: impl IntoIterator<Item = (&'static str, Routes)>) -> OpenApi {
    let mut paths = Paths::new();
    let mut schemas = BTreeMap::from([(PROBLEM.to_owned(), problem()), (REFUSAL.to_owned(), refusal())]);
    let (mut tags, mut ids) = (Vec::new(), Vec::new());
    for (tag, routes) in functions {
        tags.push(Tag::new(tag));
        for (path, access, operations) in routes.described() {
            for (method, operation) in operations {
                let described = Described { tag, path, access, method, operation };
                let id = described.id(&ids);
                let (Ok(http_method), address) = (http_method(method), with_slash(path)) else { continue };
                let item = PathItem::new(http_method, described.build(&id, &mut schemas));
                ids.push(id);
                match paths.paths.get_mut(&address) {
                    Some(standing) => standing.merge_operations(item),
                    None => drop(paths.paths.insert(address, item)),
                }
            }
        }
    }
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .responses_from_iter(IMPLIED.map(|implied| (implied.name, refused(implied.status, implied.about))))
        .security_scheme(BEARER, bearer())
        .security_scheme(COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("sessionid"))))
        .build();
    let info = InfoBuilder::new()
        .title("Confab")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(License::new("MIT")));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .paths(paths)
        .components(Some(components))
        .tags(Some(tags))
        .build()
}

const ABOUT: &str = "Messaging: people, conversations, and messages that are numbered without gaps.\n\n\
    Every address answers with and without its trailing slash. Lists are pages: follow `next` until it is null; a page \
    may be shorter than asked for and still have a `next`. What is not the caller's is answered like what is not there. \
    Bodies may be JSON, forms or multipart forms, up to 256 KiB; unknown fields are ignored. After a 503 or a time-out \
    the outcome is unknown: repeat the request, a send with its `Idempotency-Key`.";

/// A refusal that follows from what an endpoint declares.
#[derive(Clone, Copy)]
struct Implied {
    name: &'static str,
    status: StatusCode,
    about: &'static str,
}

const fn implied(name: &'static str, status: StatusCode, about: &'static str) -> Implied {
    Implied { name, status, about }
}

const BAD_REQUEST: Implied = implied("BadRequest", StatusCode::BAD_REQUEST, "The body, or a field of it, is refused.");
const UNAUTHORIZED: Implied =
    implied("Unauthorized", StatusCode::UNAUTHORIZED, "No credentials, or those of a session that is not alive.");
const CSRF_FAILED: Implied = implied("CsrfFailed", StatusCode::FORBIDDEN, "CSRF failed, for a caller by cookie.");
const NOT_FOUND: Implied =
    implied("NotFound", StatusCode::NOT_FOUND, "Not there, or not the caller's: the two look the same.");
const NO_SUCH_PAGE: Implied =
    implied("NoSuchPage", StatusCode::NOT_FOUND, "A cursor of another list, or a page too far.");
const NOT_ACCEPTABLE: Implied =
    implied("NotAcceptable", StatusCode::NOT_ACCEPTABLE, "The answer cannot be given as `Accept` asks for it.");
const TOO_LARGE: Implied = implied("PayloadTooLarge", StatusCode::PAYLOAD_TOO_LARGE, "The body has more than 256 KiB.");
const UNSUPPORTED_MEDIA_TYPE: Implied = implied(
    "UnsupportedMediaType",
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "The body's media type is none of those that are taken.",
);
const UNAVAILABLE: Implied = implied(
    "Unavailable",
    StatusCode::SERVICE_UNAVAILABLE,
    "Not done in time; whether it took effect is unknown: repeat it.",
);

/// Every refusal that is implied anywhere.
const IMPLIED: [Implied; 9] = [
    BAD_REQUEST,
    UNAUTHORIZED,
    CSRF_FAILED,
    NOT_FOUND,
    NO_SUCH_PAGE,
    NOT_ACCEPTABLE,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    UNAVAILABLE,
];

/// One operation with all that the document tells of it.
struct Described<'a> {
    tag: &'static str,
    path: &'static str,
    access: Access,
    method: &'a Method,
    operation: &'a Operation,
}

impl Described<'_> {
    /// The summary as one word; an operation that stands at a second address gets its path's beginning, too.
    fn id(&self, taken: &[String]) -> String {
        let words = self.operation.summary.to_lowercase();
        let id = words.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        let id = id.collect::<Vec<_>>().join("_");
        if !taken.contains(&id) {
            return id;
        }
        let place = self.path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
        format!("{id}_at_{}", place.map(|part| part.replace('-', "_")).collect::<Vec<_>>().join("_"))
    }

    fn build(&self, id: &str, schemas: &mut BTreeMap<String, RefOr<Schema>>) -> OperationBuilder {
        let mut operation = OperationBuilder::new()
            .tag(self.tag)
            .operation_id(Some(id))
            .summary(Some(self.operation.summary))
            .description((!self.operation.about.is_empty()).then_some(self.operation.about));
        for name in self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            operation = operation.parameter(path_parameter(name));
        }
        for parameter in &self.operation.parameters {
            operation = operation.parameter(other_parameter(parameter));
        }
        if let Some(fields) = self.operation.fields {
            let name = camel_case(&format!("{id}_body"));
            schemas.insert(name.clone(), body_schema(fields).into());
            let contents = MEDIA_TYPES.into_iter().fold(RequestBodyBuilder::new(), |body, media_type| {
                body.content(media_type, Content::new(Some(Ref::from_schema_name(&name))))
            });
            let needed = fields.iter().any(|field| field.required);
            operation = operation.request_body(Some(contents.required(needed.then_some(Required::True)).build()));
        }
        for answer in &self.operation.answers {
            operation = operation.response(answer.status.as_str(), self.answered(answer, schemas));
        }
        for Implied { status, name, .. } in self.implied() {
            if !self.operation.answers.iter().any(|answer| answer.status == status) {
                operation = operation.response(status.as_str(), Ref::from_response_name(name));
            }
        }
        for requirement in self.security() {
            operation = operation.security(requirement);
        }
        operation
    }

    /// The refusals that follow from the declaration.
    fn implied(&self) -> impl Iterator<Item = Implied> {
        let signed_in = self.access == Access::SignedIn;
        let checks_csrf = !self.method.is_safe() && self.access != Access::EverybodyWithoutCsrf;
        let has_body = self.operation.fields.is_some();
        let has_id = self.path.contains('{');
        let applying = [
            (has_body, BAD_REQUEST),
            (signed_in, UNAUTHORIZED),
            (checks_csrf, CSRF_FAILED),
            (has_id, NOT_FOUND),
            (self.operation.is_page && !has_id, NO_SUCH_PAGE),
            (true, NOT_ACCEPTABLE),
            (has_body, TOO_LARGE),
            (has_body, UNSUPPORTED_MEDIA_TYPE),
            (true, UNAVAILABLE),
        ];
        applying.into_iter().filter_map(|(applies, implied)| applies.then_some(implied))
    }

    fn security(&self) -> Vec<SecurityRequirement> {
        let none: [&str; 0] = [];
        match self.access {
            Access::SignedIn => {
                vec![SecurityRequirement::new(BEARER, none), SecurityRequirement::new(COOKIE, none)]
            }
            Access::Everybody | Access::EverybodyWithCsrf | Access::EverybodyWithoutCsrf => Vec::new(),
        }
    }

    fn answered(&self, answer: &Answer, schemas: &mut BTreeMap<String, RefOr<Schema>>) -> Response {
        let response = ResponseBuilder::new().description(answer.about);
        match answer.shape {
            Shape::Nothing => response.build(),
            Shape::Html => response.content("text/html", Content::new(Some(plain(Type::String)))).build(),
            Shape::Problem => refused(answer.status, answer.about),
            Shape::Json(described) => {
                let mut found = Vec::new();
                (described.collect)(&mut found);
                schemas.extend(found);
                let response = response.content("application/json", Content::new(Some((described.reference)())));
                if answer.status == StatusCode::CREATED {
                    response.header("Location", header("The address of what was made.")).build()
                } else {
                    response.build()
                }
            }
        }
    }
}

/// `send_a_message` → `SendAMessage`
fn camel_case(words: &str) -> String {
    let words = words.split('_').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| format!("{}{rest}", first.to_uppercase())).collect()
}

fn http_method(method: &Method) -> Result<HttpMethod, String> {
    match *method {
        Method::GET => Ok(HttpMethod::Get),
        Method::POST => Ok(HttpMethod::Post),
        Method::PUT => Ok(HttpMethod::Put),
        Method::PATCH => Ok(HttpMethod::Patch),
        Method::DELETE => Ok(HttpMethod::Delete),
        _ => Err(format!("{method} is not described")),
    }
}

fn with_slash(path: &str) -> String {
    format!("{}/", path.trim_end_matches('/'))
}

fn plain(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

fn uuid() -> ObjectBuilder {
    plain(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
}

fn header(about: &str) -> utoipa::openapi::header::Header {
    HeaderBuilder::new().schema(Some(plain(Type::String))).description(Some(about)).build()
}

fn path_parameter(name: &str) -> ParameterBuilder {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("A UUID in any spelling; anything else is 404."))
        .schema(Some(uuid()))
}

fn other_parameter(parameter: &Parameter) -> ParameterBuilder {
    let place = match parameter.place {
        Place::Query => ParameterIn::Query,
        Place::Header => ParameterIn::Header,
    };
    let schema = plain(Type::String);
    let schema =
        if parameter.choices.is_empty() { schema } else { schema.enum_values(Some(parameter.choices.to_vec())) };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(parameter.about))
        .schema(Some(schema))
}

fn body_schema(fields: &[Field]) -> ObjectBuilder {
    fields.iter().fold(plain(Type::Object), |body, field| {
        let body = body.property(field.name, field_schema(field));
        if field.required { body.required(field.name) } else { body }
    })
}

fn field_schema(field: &Field) -> RefOr<Schema> {
    let about = (!field.about.is_empty()).then_some(field.about);
    let schema = match field.kind {
        Kind::Text(most) => plain(Type::String).max_length(Some(most)),
        Kind::Email => plain(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Email))),
        Kind::Password => plain(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Password))),
        Kind::Choice(choices) => plain(Type::String).enum_values(Some(choices.to_vec())),
        Kind::Id => uuid(),
        Kind::Number => plain(Type::Integer).minimum(Some(0)),
        Kind::Flag => plain(Type::Boolean),
        Kind::Ids => return ArrayBuilder::new().items(uuid()).min_items(Some(1)).description(about).into(),
    };
    let schema = schema.description(about).examples(field.example.map(Value::from));
    match (field.nullable, &field.kind) {
        (true, Kind::Number) => schema.schema_type(SchemaType::from_iter([Type::Integer, Type::Null])).into(),
        (true, _) => schema.schema_type(SchemaType::from_iter([Type::String, Type::Null])).into(),
        (false, _) => schema.into(),
    }
}

/// Every refusal but 400 and some 404.
fn problem() -> RefOr<Schema> {
    plain(Type::Object)
        .description(Some("A refusal in one sentence."))
        .property("detail", plain(Type::String))
        .property("request_id", plain(Type::String).description(Some("With 5xx: for whoever runs this.")))
        .required("detail")
        .examples([json!({ "detail": "Not found." })])
        .into()
}

/// A 400: sentences by field, or one of its own.
fn refusal() -> RefOr<Schema> {
    let sentences = || ArrayBuilder::new().items(plain(Type::String));
    let by_index = plain(Type::Object).additional_properties(Some(AdditionalProperties::from(sentences())));
    let told = AnyOfBuilder::new().item(plain(Type::String)).item(sentences()).item(by_index);
    plain(Type::Object)
        .description(Some(
            "Sentences by field; by index where the field is a list; `detail` or `error` where no field is to blame.",
        ))
        .additional_properties(Some(AdditionalProperties::from(Schema::from(told))))
        .examples([json!({ "message_body": ["This field may not be blank."] })])
        .into()
}

fn refused(status: StatusCode, about: &str) -> Response {
    let shape = match status {
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => REFUSAL,
        _ => PROBLEM,
    };
    let response = ResponseBuilder::new()
        .description(about)
        .content("application/json", Content::new(Some(Ref::from_schema_name(shape))));
    match status {
        StatusCode::UNAUTHORIZED => response.header("WWW-Authenticate", header("`Bearer`")).build(),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            response.header("Retry-After", header("Seconds to wait.")).build()
        }
        _ => response.build(),
    }
}

fn bearer() -> SecurityScheme {
    let about = "The token of register or login.";
    SecurityScheme::Http(
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(about)).build(),
    )
}
