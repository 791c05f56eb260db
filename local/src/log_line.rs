//! What the emulator and the functions print, made readable: one line for each request, warnings and errors, and
//! nothing of what cargo and cargo-lambda say to each other.

use chrono::{DateTime, Local};
use serde_json::{Map, Value};

use crate::terminal::{Colour, without_colours};

#[derive(Debug, PartialEq)]
pub(crate) enum LogLine {
    /// The line with which a function closes a request.
    Request(Map<String, Value>),
    /// Any other line of a function's log.
    Event(Map<String, Value>),
    /// A function's process has ended. The emulator does not say which.
    Exit,
    /// A complaint of the emulator.
    Complaint(String),
    /// Chatter of cargo and cargo-lambda.
    Noise,
    /// Anything else: compiler errors, panics.
    Plain(String),
}

impl LogLine {
    pub(crate) fn parse(line: &str) -> Self {
        if let Ok(Value::Object(fields)) = serde_json::from_str(line)
            && fields.contains_key("level")
        {
            return match text(&fields, "message") {
                "request" => Self::Request(fields),
                _ => Self::Event(fields),
            };
        }
        let plain = without_colours(line);
        if let Some(complaint) = plain.strip_prefix("ERROR ").or_else(|| plain.strip_prefix(" WARN ")) {
            return match complaint {
                // The emulator itself stopped it, to start it anew.
                ended if ended.starts_with("command ") && ended.contains("ForceStop") => Self::Noise,
                ended if ended.starts_with("command ") => Self::Exit,
                _ => Self::Complaint(complaint.to_owned()),
            };
        }
        if is_noise(&plain) {
            return Self::Noise;
        }
        Self::Plain(line.to_owned())
    }

    /// Whether the line matters to somebody who looks for what went wrong.
    pub(crate) fn is_trouble(&self) -> bool {
        match self {
            Self::Event(fields) => is_trouble(fields),
            Self::Request(fields) => number(fields, "status") >= 500.0,
            Self::Complaint(_) | Self::Plain(_) => true,
            Self::Exit | Self::Noise => false,
        }
    }

    /// The line as a person reads it; nothing where it is of no interest.
    pub(crate) fn render(&self) -> Option<String> {
        match self {
            Self::Request(fields) => Some(request(fields)),
            Self::Event(fields) if is_trouble(fields) => Some(event(fields)),
            Self::Complaint(text) => Some(Colour::Red.paint(&format!("cargo-lambda: {text}"))),
            Self::Plain(text) => Some(text.clone()),
            Self::Event(_) | Self::Exit | Self::Noise => None,
        }
    }
}

fn is_noise(line: &str) -> bool {
    const LEVELS: [&str; 3] = [" INFO ", "DEBUG ", "TRACE "];
    // Cargo sets its verbs right-aligned in twelve columns.
    const VERBS: [&str; 5] = ["Finished", "Running", "Blocking", "Fresh", "Locking"];
    // Of several cargos that write at once, a line may come in two pieces.
    line.trim().is_empty()
        || line.contains("waiting for file lock on")
        || LEVELS.iter().any(|level| line.starts_with(level))
        || line.starts_with("   ") && VERBS.iter().any(|verb| line.trim_start().starts_with(verb))
}

fn is_trouble(fields: &Map<String, Value>) -> bool {
    matches!(text(fields, "level"), "WARN" | "ERROR")
}

fn request(fields: &Map<String, Value>) -> String {
    let status = number(fields, "status");
    let colour = match status {
        500.0.. => Colour::Red,
        400.0.. => Colour::Yellow,
        _ => Colour::Green,
    };
    let costs = format!(
        "{:>2} trips {:>5} rru {:>4} wru",
        number(fields, "round_trips"),
        number(fields, "rru"),
        number(fields, "wru")
    );
    format!(
        "{} {:<7} {} {:>5.0} ms {}  {}",
        Colour::Grey.paint(&time(fields)),
        text(fields, "method"),
        colour.paint(&format!("{status:>3}")),
        number(fields, "ms"),
        Colour::Grey.paint(&costs),
        // Last, since it may be long.
        text(fields, "path"),
    )
}

fn event(fields: &Map<String, Value>) -> String {
    // Lambda's and API Gateway's ids lead nowhere on one machine.
    const NOT_SHOWN: [&str; 6] = ["timestamp", "level", "message", "target", "lambda_id", "gateway_id"];
    let level = text(fields, "level");
    let colour = if level == "ERROR" { Colour::Red } else { Colour::Yellow };
    let details: String = fields
        .iter()
        .filter(|(name, _)| !NOT_SHOWN.contains(&name.as_str()))
        .map(|(name, value)| match value {
            Value::String(value) => format!(" {name}={value}"),
            value => format!(" {name}={value}"),
        })
        .collect();
    format!(
        "{} {} {}{}",
        Colour::Grey.paint(&time(fields)),
        colour.paint(&format!("{level:<7}")),
        text(fields, "message"),
        Colour::Grey.paint(&details),
    )
}

/// The time of day where the reader is.
fn time(fields: &Map<String, Value>) -> String {
    let timestamp = text(fields, "timestamp");
    DateTime::parse_from_rfc3339(timestamp)
        .map_or_else(|_| timestamp.to_owned(), |at| at.with_timezone(&Local).format("%H:%M:%S").to_string())
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(fields: &Map<String, Value>, name: &str) -> f64 {
    fields.get(name).and_then(Value::as_f64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(line: &str) -> Option<String> {
        LogLine::parse(line).render()
    }

    #[test]
    fn a_request_is_one_readable_line() {
        let line = r#"{"timestamp":"yesterday","level":"INFO","target":"shared::http","message":"request",
            "function":"messages","method":"POST","path":"/api/messages/","status":201,"ms":12.7,"round_trips":2,
            "rru":1.5,"wru":3.0,"request_id":"x","lambda_id":"y","gateway_id":"z","route":"/api/messages",
            "_aws":{"Timestamp":0,"CloudWatchMetrics":[]}}"#;
        let expected = "yesterday POST    201    13 ms  2 trips   1.5 rru    3 wru  /api/messages/";
        assert_eq!(rendered(line).as_deref(), Some(expected));
    }

    #[test]
    fn warnings_and_errors_are_shown_with_their_fields() {
        let line = r#"{"timestamp":"t","level":"WARN","message":"slow","target":"x","lambda_id":"y","table":"confab","tries":3}"#;
        assert_eq!(rendered(line).as_deref(), Some("t WARN    slow table=confab tries=3"));
        assert!(LogLine::parse(line).is_trouble());
    }

    #[test]
    fn other_events_are_not() {
        assert_eq!(rendered(r#"{"timestamp":"t","level":"INFO","message":"ready"}"#), None);
    }

    #[test]
    fn chatter_is_hidden() {
        for line in [
            " INFO starting Runtime server runtime_addr=127.0.0.1:9000",
            "    Finished `dev` profile [unoptimized] target(s) in 0.05s",
            "\x1b[1m\x1b[32m    Finished\x1b[0m `dev` profile",
            "     Running `/x/target/debug/auth`",
            "    Blocking waiting for file lock on build directory",
            "ERROR command killed code=ForceStop",
            " waiting for file lock on artifact directory",
            "    Blocking",
            "    ",
        ] {
            assert_eq!(LogLine::parse(line), LogLine::Noise, "{line}");
        }
    }

    #[test]
    fn the_end_of_a_function_is_noticed() {
        assert_eq!(LogLine::parse("ERROR command exited code=101"), LogLine::Exit);
        assert_eq!(LogLine::parse("ERROR failed to serve"), LogLine::Complaint("failed to serve".to_owned()));
    }

    #[test]
    fn compiler_errors_and_panics_pass_as_they_are() {
        for line in ["error[E0308]: mismatched types", "thread 'main' panicked at src/main.rs:1:1:", "{not json"] {
            assert_eq!(rendered(line).as_deref(), Some(line));
        }
    }
}
