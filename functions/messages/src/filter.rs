//! The filters that lists of messages take, parsed from the query string: all that are wrong are told at once.

use serde_json::{Map, Value};
use shared::domain::filter::MessageFilter;
use shared::domain::id::UserId;
use shared::domain::search::Search;
use shared::domain::{Invalid, Timestamp};
use shared::http::{Operation, PageRequest, Problem};

const SEARCH: &str = "search";
const SENDER: &str = "sender";
const SENT_AFTER: &str = "sent_after";
const SENT_BEFORE: &str = "sent_before";

pub(crate) fn filter(request: &PageRequest) -> Result<MessageFilter, Problem> {
    let mut errors = Map::new();
    let filter = MessageFilter {
        search: given(request, SEARCH).and_then(Search::parse),
        sender: parsed(request, SENDER, parse_sender, &mut errors),
        sent_after: parsed(request, SENT_AFTER, parse_instant, &mut errors),
        sent_before: parsed(request, SENT_BEFORE, parse_instant, &mut errors),
    };
    if errors.is_empty() { Ok(filter) } else { Err(Problem::fields(errors)) }
}

/// A parameter that is not left empty, as forms leave those that nobody filled in.
pub(crate) fn given<'r>(request: &'r PageRequest, name: &str) -> Option<&'r str> {
    request.text(name).filter(|text| !text.is_empty())
}

fn parsed<T>(
    request: &PageRequest,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
    errors: &mut Map<String, Value>,
) -> Option<T> {
    match given(request, name).map(parse)? {
        Ok(value) => Some(value),
        Err(reason) => {
            errors.insert(name.to_owned(), Value::from(vec![reason.0.into_owned()]));
            None
        }
    }
}

pub(crate) fn parse_sender(text: &str) -> Result<UserId, Invalid> {
    UserId::parse(text).map_err(|_| Invalid::no_uuid(text))
}

fn parse_instant(text: &str) -> Result<Timestamp, Invalid> {
    Timestamp::parse_instant_or_day(text).ok_or(Invalid::new("Enter a valid date/time."))
}

/// Describes the filters.
pub(crate) fn filtered(operation: Operation) -> Operation {
    operation
        .query(SEARCH, "Only messages with words that begin with these, whatever their case.")
        .query(SENDER, "Only messages from this person.")
        .query(SENT_AFTER, "Only messages sent after this instant (RFC 3339) or the beginning of this day (UTC).")
        .query(SENT_BEFORE, "Only messages sent before this instant (RFC 3339) or the beginning of this day (UTC).")
        .refuses(400, "A filter is malformed.")
}
