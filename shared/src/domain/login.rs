//! How many wrong credentials are looked at, and how soon: guessing passwords must not pay.
//!
//! Failures are counted per account, whether it exists or not, and per address. Refused attempts are not looked at, so
//! they count for nothing: whoever waits as told gets their turn.

use std::net::IpAddr;
use std::time::Duration;

use super::Timestamp;
use super::user::Email;

/// How long a failure counts against its account.
pub const ACCOUNT_WINDOW: Duration = Duration::from_secs(15 * 60);
/// How many failures of an account are ever looked at; so many in one window bar it until the first of them is over.
pub const ACCOUNT_LIMIT: usize = 20;
/// From this failure on, each doubles the wait after it, beginning with a second.
const FIRST_DELAYED: usize = 6;

/// How long a failure counts against where it came from: many people may be behind one address.
pub const ADDRESS_WINDOW: Duration = Duration::from_secs(10 * 60);
/// More failures than 200 in one window bar the address until enough of them are over.
pub const ADDRESS_LIMIT: usize = 201;

/// Somebody's attempt to show that they are whom they say they are.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The account's address, if what was written can be one.
    pub email: Option<Email>,
    /// Names the account, be there one or not, without telling its address.
    pub account: String,
    /// Where it came from, as far as that is known.
    pub origin: Option<String>,
}

impl Attempt {
    pub fn new(email: &str, address: Option<&str>) -> Self {
        let written = email.trim().to_lowercase();
        let email = Email::parse(email).ok();
        let digest = ring::digest::digest(
            &ring::digest::SHA256,
            email.as_ref().map_or(written.as_str(), Email::as_str).as_bytes(),
        );
        let account = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { email, account, origin: address.and_then(origin) }
    }
}

/// Whoever has one IPv6 address has the 2^64 of its network, too (RFC 6177).
fn origin(address: &str) -> Option<String> {
    match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => Some(address.to_string()),
        IpAddr::V6(address) => {
            let [one, two, three, four, ..] = address.segments();
            Some(format!("{one:x}:{two:x}:{three:x}:{four:x}::/64"))
        }
    }
}

/// How long no more credentials of an account are looked at, given its failures within the window, newest first.
pub fn wait_of_account(failures: &[Timestamp], now: Timestamp) -> Duration {
    let Some(latest) = failures.first() else { return Duration::ZERO };
    let delay = match failures.len().checked_sub(FIRST_DELAYED) {
        Some(doublings) => Duration::from_secs(1 << doublings.min(20)).min(ACCOUNT_WINDOW),
        None => Duration::ZERO,
    };
    (*latest + delay).since(now).max(wait_of(failures, ACCOUNT_LIMIT, ACCOUNT_WINDOW, now))
}

/// How long no more credentials from an address are looked at, given its failures within the window, newest first.
pub fn wait_of_address(failures: &[Timestamp], now: Timestamp) -> Duration {
    wait_of(failures, ADDRESS_LIMIT, ADDRESS_WINDOW, now)
}

/// Until there are fewer than `limit` failures in the window.
fn wait_of(failures: &[Timestamp], limit: usize, window: Duration, now: Timestamp) -> Duration {
    failures.get(limit - 1).map_or(Duration::ZERO, |failure| (*failure + window).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        Timestamp::parse("2026-01-01T12:00:00Z").expect("an instant")
    }

    fn at(seconds: u64) -> Timestamp {
        start() + Duration::from_secs(seconds)
    }

    #[test]
    fn the_wait_begins_with_the_sixth_failure_and_doubles() {
        for (failures, seconds) in [(0, 0), (1, 0), (5, 0), (6, 1), (7, 2), (8, 4), (10, 16), (15, 512), (16, 900)] {
            assert_eq!(wait_of_account(&vec![start(); failures], start()), Duration::from_secs(seconds), "{failures}");
        }
        assert_eq!(wait_of_account(&[start(); 10], at(15)), Duration::from_secs(1));
        assert_eq!(wait_of_account(&[start(); 10], at(16)), Duration::ZERO);
    }

    #[test]
    fn twenty_failures_bar_an_account_until_the_first_of_them_is_over() {
        let failures: Vec<Timestamp> = (0..20).rev().map(|minute| at(minute * 10)).collect();
        assert_eq!(wait_of(&failures, ACCOUNT_LIMIT, ACCOUNT_WINDOW, at(200)), Duration::from_secs(700));
        assert!(wait_of_account(&failures, at(899)) > Duration::ZERO);
    }

    #[test]
    fn two_hundred_failures_from_an_address_are_nothing_and_one_more_bars_it() {
        let mut failures = vec![at(1); 200];
        assert_eq!(wait_of_address(&failures, at(2)), Duration::ZERO);
        failures.push(at(0));
        assert_eq!(wait_of_address(&failures, at(2)), Duration::from_secs(598));
    }

    #[test]
    fn whoever_writes_an_address_in_capitals_tries_the_same_account() {
        let account = |email| Attempt::new(email, None).account;
        assert_eq!(account(" ADA@example.com"), account("ada@example.com"));
        assert_eq!(account("No Address "), account("no address"));
        assert_ne!(account("ada@example.com"), account("grace@example.com"));
        assert!(!account("ada@example.com").contains("ada"));
    }

    #[test]
    fn a_network_of_ipv6_is_one_origin() {
        let origin = |address| Attempt::new("ada@example.com", Some(address)).origin;
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:0:0:1"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(origin("garbage"), None);
    }
}
