//! Bodies as they come: JSON, forms and multipart forms (RFC 7578), read within bounds.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value};

use super::field::Field;
use super::problem::Problem;

/// The largest body that is read, in bytes: 256 KiB.
pub(super) const LARGEST_BODY: usize = 256 * 1024;

/// The fields of a body: an object, or the pairs of a form, in which names may be repeated.
pub(super) enum Content {
    Object(Map<String, Value>),
    Pairs(Vec<(String, Value)>),
}

impl Content {
    /// Lists take all of a form's values of that name, everything else the last.
    pub(super) fn into_fields(self, described: &[Field]) -> Map<String, Value> {
        let pairs = match self {
            Self::Object(fields) => return fields,
            Self::Pairs(pairs) => pairs,
        };
        let mut fields = Map::new();
        for (name, value) in pairs {
            if described.iter().any(|field| field.name == name && field.is_list()) {
                let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
            } else {
                fields.insert(name, value);
            }
        }
        fields
    }
}

pub(super) async fn read(request: Request) -> Result<Content, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = collect(body).await?;
    if bytes.is_empty() {
        return Ok(Content::Object(Map::new()));
    }
    match MediaType::of(&parts.headers)? {
        MediaType::Json => json_fields(&bytes).map(Content::Object),
        MediaType::Form => form_fields(&bytes).map(Content::Pairs),
        MediaType::Multipart { boundary } => multipart_fields(bytes, boundary).await.map(Content::Pairs),
    }
}

async fn collect(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::too_large(LARGEST_BODY)),
        Err(error) => Err(Problem::malformed(format!("The request body could not be read: {error}"))),
    }
}

/// Reads one field of a form ahead, and puts the body back; nothing if there is no such form or field.
pub(super) async fn peek(request: Request, name: &str) -> (Request, Option<String>) {
    let (parts, body) = request.into_parts();
    let media_type = MediaType::of(&parts.headers);
    if !matches!(media_type, Ok(MediaType::Form | MediaType::Multipart { .. })) {
        return (Request::from_parts(parts, body), None);
    }
    // One byte more than is taken: whoever reads the body again finds it too large again.
    let bytes = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => Bytes::from(vec![b' '; LARGEST_BODY + 1]),
    };
    let pairs = match media_type {
        Ok(MediaType::Form) => form_fields(&bytes),
        Ok(MediaType::Multipart { boundary }) => multipart_fields(bytes.clone(), boundary).await,
        Ok(MediaType::Json) | Err(_) => Ok(Vec::new()),
    };
    let pairs = pairs.unwrap_or_default();
    let found = pairs.into_iter().rev().find(|(found, _)| found == name);
    let text = found.and_then(|(_, value)| value.as_str().map(str::to_owned));
    (Request::from_parts(parts, Body::from(bytes)), text)
}

enum MediaType {
    Json,
    Form,
    Multipart { boundary: String },
}

impl MediaType {
    /// A body without a type counts as JSON.
    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(Self::Json) };
        let text = value.to_str().unwrap_or_default();
        match text.parse::<mime::Mime>().as_ref().map(mime::Mime::essence_str) {
            Ok("application/json") => Ok(Self::Json),
            Ok("application/x-www-form-urlencoded") => Ok(Self::Form),
            Ok("multipart/form-data") => match multer::parse_boundary(text) {
                Ok(boundary) => Ok(Self::Multipart { boundary }),
                Err(_) => Err(Problem::malformed("Multipart form parse error - Invalid boundary in multipart: None")),
            },
            _ => Err(Problem::unsupported_media_type(text)),
        }
    }
}

pub(super) fn json_fields(bytes: &Bytes) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(Value::Null) => Err(Problem::non_field("No data provided")),
        Ok(other) => {
            Err(Problem::non_field(&format!("Invalid data. Expected a dictionary, but got {}.", type_name(&other))))
        }
        Err(error) => Err(Problem::malformed(format!("JSON parse error - {error}"))),
    }
}

/// What Python calls the type, as clients have seen it called.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

pub(super) fn form_fields(bytes: &Bytes) -> Result<Vec<(String, Value)>, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| Problem::malformed("The form is not encoded in UTF-8."))?;
    let pairs = form_urlencoded::parse(text.as_bytes());
    Ok(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

/// Parts without a name are left out; a file is no text, whatever it holds.
pub(super) async fn multipart_fields(bytes: Bytes, boundary: String) -> Result<Vec<(String, Value)>, Problem> {
    let broken = |error: multer::Error| Problem::malformed(format!("Multipart form parse error - {error}"));
    let whole = futures::stream::once(async { Ok::<_, std::convert::Infallible>(bytes) });
    let mut form = multer::Multipart::new(whole, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let is_file = part.file_name().is_some();
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let content = part.bytes().await.map_err(broken)?;
        let value = if is_file {
            Value::Object(Map::new())
        } else {
            let text = String::from_utf8(content.into());
            Value::String(text.map_err(|_| Problem::malformed("The form is not encoded in UTF-8."))?)
        };
        pairs.push((name, value));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
    }

    const DESCRIBED: &[Field] = &[Field::text("title", 200), Field::ids("participant_ids")];

    fn multipart(body: &str) -> Result<Vec<(String, Value)>, Problem> {
        let body = Bytes::from(body.replace('\n', "\r\n"));
        wait(multipart_fields(body, "xyz".to_owned()))
    }

    #[test]
    fn a_list_takes_all_values_of_a_form_and_a_text_the_last() {
        let pairs = form_fields(&Bytes::from("title=a&participant_ids=1&title=b&participant_ids=2")).ok();
        let fields = Content::Pairs(pairs.expect("a form")).into_fields(DESCRIBED);
        assert_eq!(Value::Object(fields), json!({ "title": "b", "participant_ids": ["1", "2"] }));
    }

    #[test]
    fn the_parts_of_a_multipart_form_are_its_fields_and_files_are_no_text() {
        let form = "--xyz\nContent-Disposition: form-data; name=\"title\"\n\nEngines, Äther\n\
                    --xyz\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\n\nabc\n--xyz--\n";
        let expected = [("title".to_owned(), json!("Engines, Äther")), ("file".to_owned(), json!({}))];
        assert_eq!(multipart(form).expect("a form"), expected);
    }

    #[test]
    fn a_broken_multipart_form_is_refused() {
        for form in ["", "--abc--", "--xyz", "--xyz\nContent-Disposition: form-data; name=\"a\"\n\nb", "nonsense"] {
            assert!(multipart(form).is_err(), "{form:?}");
        }
    }

    #[test]
    fn a_field_is_read_ahead_and_the_body_is_whole_afterwards() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nsecret\r\n--xyz--\r\n";
        for (media_type, body) in
            [("multipart/form-data; boundary=xyz", body), ("application/x-www-form-urlencoded", "a=b&token=secret")]
        {
            let request = Request::builder().header("content-type", media_type).body(Body::from(body));
            wait(async {
                let (request, token) = peek(request.expect("a request"), "token").await;
                assert_eq!(token.as_deref(), Some("secret"));
                assert_eq!(collect(request.into_body()).await.expect("a body"), body);
            });
        }
    }

    proptest! {
        #[test]
        fn a_form_is_read_as_it_was_written(pairs in prop::collection::vec((".{0,12}", ".{0,12}"), 0..6)) {
            let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let expected: Vec<_> = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            prop_assert_eq!(form_fields(&Bytes::from(written)).ok(), Some(expected));
        }

        #[test]
        fn a_form_in_parts_is_read_as_it_was_written(pairs in prop::collection::vec(("[a-zA-Z0-9_äß]{1,12}", "[^\r]{0,40}"), 0..6)) {
            let part = |(name, value): &(String, String)| {
                format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            let written = format!("{}--xyz--\r\n", pairs.iter().map(part).collect::<String>());
            let expected: Vec<_> = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            prop_assert_eq!(wait(multipart_fields(Bytes::from(written), "xyz".to_owned())).ok(), Some(expected));
        }

        #[test]
        fn any_bytes_are_fields_or_a_problem(bytes: Vec<u8>) {
            let bytes = Bytes::from(bytes);
            let _ = json_fields(&bytes);
            let _ = form_fields(&bytes);
            let _ = wait(multipart_fields(bytes, "xyz".to_owned()));
        }
    }
}
