//! Instants, to the microsecond, in the one spelling that clients see.

use std::fmt;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Datelike, SecondsFormat, SubsecRound, Utc};

/// An instant in UTC with microseconds, written `2026-01-01T12:00:00.123456Z` (RFC 3339).
///
/// The text has a fixed width, so it sorts as the instants do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    pub fn parse(text: &str) -> Option<Self> {
        let instant = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc);
        // An offset can lead out of the years that four digits spell, and with them out of the fixed width.
        (0..=9999).contains(&instant.year()).then(|| Self(instant.trunc_subsecs(6)))
    }

    /// An instant, or a day, which begins at midnight UTC.
    pub fn parse_instant_or_day(text: &str) -> Option<Self> {
        let midnight = || Self::parse(&format!("{text}T00:00:00Z"));
        Self::parse(text).or_else(midnight)
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
    use proptest::prelude::*;

    use super::*;

    /// Any instant of the years that are written with four digits.
    fn instant() -> impl Strategy<Value = Timestamp> {
        const LAST: i64 = 253_402_300_799;
        (0..=LAST, 0..1_000_000u64).prop_map(|(seconds, micros)| {
            Timestamp::from_epoch_seconds(seconds).expect("an instant") + Duration::from_micros(micros)
        })
    }

    proptest! {
        #[test]
        fn every_instant_is_read_back(instant in instant()) {
            prop_assert_eq!(instant.to_string().len(), "2026-01-01T12:00:00.123456Z".len());
            prop_assert_eq!(Timestamp::parse(&instant.to_string()), Some(instant));
        }

        #[test]
        fn texts_sort_as_their_instants_do(one in instant(), other in instant()) {
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }

        #[test]
        fn whatever_is_read_can_be_read_again(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-5][0-9])"
        ) {
            if let Some(instant) = Timestamp::parse(&text) {
                prop_assert_eq!(Timestamp::parse(&instant.to_string()), Some(instant));
            }
        }

        #[test]
        fn any_text_is_an_instant_or_none(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }

    #[test]
    fn an_instant_whose_year_does_not_fit_is_none() {
        for text in ["9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00+14:00", "+10000-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

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

    #[test]
    fn a_day_begins_at_midnight_and_what_is_neither_day_nor_instant_is_refused() {
        let midnight = Timestamp::parse("2026-01-01T00:00:00Z");
        assert_eq!(Timestamp::parse_instant_or_day("2026-01-01"), midnight);
        assert_eq!(Timestamp::parse_instant_or_day("2026-01-01T01:00:00+01:00"), midnight);
        for text in ["", "yesterday", "2026-13-01", "2026-01-01T12:00:00", "2026-1-1", "12026-01-01"] {
            assert_eq!(Timestamp::parse_instant_or_day(text), None, "{text}");
        }
    }
}
