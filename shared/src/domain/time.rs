//! Instants, to the microsecond, in the one spelling that clients see.

use std::fmt;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};

/// An instant in UTC with microseconds, written `2026-01-01T12:00:00.123456Z` (RFC 3339).
///
/// The text has a fixed width, so it sorts as the instants do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    pub fn parse(text: &str) -> Option<Self> {
        let instant = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(instant.with_timezone(&Utc).trunc_subsecs(6)))
    }

    /// Seconds since 1970-01-01T00:00:00Z, the unit of DynamoDB's TTL and of tokens (RFC 7519, NumericDate).
    pub fn epoch_seconds(self) -> i64 {
        self.0.timestamp()
    }

    pub fn from_epoch_seconds(seconds: i64) -> Option<Self> {
        DateTime::from_timestamp(seconds, 0).map(Self)
    }

    /// How long ago `earlier` was; zero if it lies ahead, as it may when clocks disagree.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or_default()
    }
}

impl From<SystemTime> for Timestamp {
    fn from(instant: SystemTime) -> Self {
        Self(DateTime::<Utc>::from(instant).trunc_subsecs(6))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0 - duration)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_six_digits_and_read_back() {
        let instant = Timestamp::parse("2026-01-01T12:00:00Z").expect("a valid instant");
        assert_eq!(instant.to_string(), "2026-01-01T12:00:00.000000Z");
        assert_eq!(Timestamp::parse(&instant.to_string()), Some(instant));
    }

    #[test]
    fn nanoseconds_are_dropped_so_that_what_is_stored_equals_what_was_answered() {
        let instant = Timestamp::parse("2026-01-01T12:00:00.123456789+01:00").expect("a valid instant");
        assert_eq!(instant.to_string(), "2026-01-01T11:00:00.123456Z");
    }
}
