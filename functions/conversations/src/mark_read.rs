use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use shared::domain::id::{ConversationId, Number};
use shared::domain::session::Caller;
use shared::domain::{Error, Invalid};
use shared::http::{App, Body, Field, Fields, FromFields, PathId, Problem};
use utoipa::ToSchema;

pub(crate) struct MarkRead(Number);

impl FromFields for MarkRead {
    const FIELDS: &'static [Field] = &[Field::number("number").about("The last number that was read.")];

    fn read(fields: &mut Fields) -> Option<Self> {
        let number = match fields.value("number") {
            None => Err(Invalid::REQUIRED),
            Some(Value::Null) => Err(Invalid::NULL),
            Some(Value::Number(number)) => parse_number(&number.to_string()),
            Some(Value::String(text)) => parse_number(text.trim()),
            Some(_) => Err(Invalid::new("A valid integer is required.")),
        };
        number.map(Self).or_else(|reason| fields.refuse("number", [reason]).ok_or(())).ok()
    }
}

fn parse_number(text: &str) -> Result<Number, Invalid> {
    let number: i128 = text.parse().map_err(|_| Invalid::new("A valid integer is required."))?;
    let number = u64::try_from(number).map_err(|_| Invalid::new("Ensure this value is greater than or equal to 0."))?;
    Number::new(number).ok_or_else(|| Invalid::new("Ensure this value is not above the last number."))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Marked {
    read_number: u64,
    unread_count: u64,
}

/// Never goes back: a lower number changes nothing.
pub(crate) async fn mark_read(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<ConversationId>,
    body: Body<MarkRead>,
) -> Result<Json<Marked>, Problem> {
    let MarkRead(number) = body.parsed_or(app.store.takes_part(&caller, id)).await?;
    let (read_number, unread_count) = match app.store.mark_read(&caller, id, number).await {
        Err(Error::Refused(sentence)) => return Err(Problem::field("number", &Invalid(sentence))),
        marked => marked?,
    };
    Ok(Json(Marked { read_number: read_number.get(), unread_count }))
}
