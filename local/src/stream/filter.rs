//! Which records a function runs for: what the mapping's `FilterCriteria` say in the template.
//!
//! Most of what a table's stream tells is nobody's to hear: logins, profiles, counters, keys. Without this, every write of a
//! machine's stack would make `fanout` run.

use serde_json::Value;

/// Records of these events whose sort key is, or begins with, one of these texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Any, if there are none.
    pub events: &'static [&'static str],
    pub sort_keys: &'static [SortKey],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    Is(&'static str),
    BeginsWith(&'static str),
}

/// What somebody may be told: the filters of `FanoutMapping` in the template, in their order.
pub const WORTH_TELLING: &[Filter] = &[
    Filter { events: &["INSERT"], sort_keys: &[SortKey::BeginsWith("MSG#"), SortKey::BeginsWith("CHG#")] },
    Filter { events: &["INSERT", "REMOVE"], sort_keys: &[SortKey::Is("META")] },
    Filter { events: &["MODIFY"], sort_keys: &[SortKey::BeginsWith("MEMBER#")] },
    Filter { events: &["REMOVE"], sort_keys: &[SortKey::BeginsWith("SESSION#")] },
    Filter { events: &[], sort_keys: &[SortKey::Is("CONNECTIONS")] },
];

impl Filter {
    fn matches(self, record: &Value) -> bool {
        let event = record["eventName"].as_str().unwrap_or_default();
        let sort_key = record["dynamodb"]["Keys"]["SK"]["S"].as_str().unwrap_or_default();
        let fits = |pattern: &SortKey| match pattern {
            SortKey::Is(text) => sort_key == *text,
            SortKey::BeginsWith(text) => sort_key.starts_with(text),
        };
        (self.events.is_empty() || self.events.contains(&event)) && self.sort_keys.iter().any(fits)
    }

    /// As the template writes it.
    #[must_use]
    pub fn pattern(self) -> Value {
        let keys = self.sort_keys.iter().map(|key| match key {
            SortKey::Is(text) => Value::from(*text),
            SortKey::BeginsWith(text) => serde_json::json!({ "prefix": text }),
        });
        let mut pattern = serde_json::json!({ "dynamodb": { "Keys": { "SK": { "S": keys.collect::<Vec<_>>() } } } });
        if !self.events.is_empty() {
            pattern["eventName"] = self.events.into();
        }
        pattern
    }
}

/// Whether a record is delivered.
pub(super) fn let_through(filters: &[Filter], record: &Value) -> bool {
    filters.is_empty() || filters.iter().any(|filter| filter.matches(record))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_told(event: &str, sort_key: &str) -> bool {
        let record = json!({ "eventName": event, "dynamodb": { "Keys": { "SK": { "S": sort_key } } } });
        let_through(WORTH_TELLING, &record)
    }

    #[test]
    fn only_what_somebody_may_be_told_is_delivered() {
        for (event, sort_key) in [
            ("INSERT", "MSG#0000000001"),
            ("INSERT", "CHG#0000000001"),
            ("REMOVE", "META"),
            ("MODIFY", "MEMBER#1"),
            ("REMOVE", "SESSION#1"),
            ("MODIFY", "CONNECTIONS"),
        ] {
            assert!(is_told(event, sort_key), "{event} {sort_key}");
        }
        for (event, sort_key) in [
            ("MODIFY", "MSG#0000000001"),
            ("MODIFY", "META"),
            ("INSERT", "META#"),
            ("INSERT", "MEMBER#1"),
            ("INSERT", "SESSION#1"),
            ("INSERT", "PROFILE"),
        ] {
            assert!(!is_told(event, sort_key), "{event} {sort_key}");
        }
    }

    #[test]
    fn without_filters_everything_is_delivered() {
        assert!(let_through(&[], &json!({ "eventName": "INSERT" })));
    }
}
