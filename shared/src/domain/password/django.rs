//! Hashes that Django made, of imported people: checked until their owner signs in, and replaced then.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, verify};

/// Django's own default has been below a million for years; more than this would only keep a function busy.
const MOST_ITERATIONS: u32 = 10_000_000;

/// A `pbkdf2_sha256$iterations$salt$hash`, Django's default.
pub(super) struct Pbkdf2<'a> {
    iterations: NonZeroU32,
    /// Used as it is written: Django's salts are letters and digits.
    salt: &'a str,
    derived: [u8; 32],
}

impl<'a> Pbkdf2<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("pbkdf2_sha256$")?.split('$');
        let (iterations, salt, derived) = (parts.next()?, parts.next()?, parts.next()?);
        let iterations: NonZeroU32 = iterations.parse().ok()?;
        let bounded = iterations.get() <= MOST_ITERATIONS && !salt.is_empty() && parts.next().is_none();
        let derived = STANDARD.decode(derived).ok()?.try_into().ok()?;
        bounded.then_some(Self { iterations, salt, derived })
    }

    pub(super) fn fits(&self, password: &str) -> bool {
        let (salt, password) = (self.salt.as_bytes(), password.as_bytes());
        verify(PBKDF2_HMAC_SHA256, self.iterations, salt, password, &self.derived).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `make_password("correct horse", "seasalt", "pbkdf2_sha256")` writes it, with 20 iterations.
    const HASH: &str = "pbkdf2_sha256$20$seasalt$g3dGJQ8owMYyhK9ZquyN7VEHZB9iVlMqw6PFWQ9oG7A=";

    #[test]
    fn a_hash_that_django_made_fits_its_password_only() {
        let hash = Pbkdf2::parse(HASH).expect("a hash");
        assert!(hash.fits("correct horse"));
        assert!(!hash.fits("Correct horse"));
    }

    #[test]
    fn what_is_no_such_hash_or_would_take_for_ever_is_refused() {
        let derived = HASH.rsplit_once('$').expect("four parts").1;
        for text in [
            "",
            "!unusable",
            "pbkdf2_sha256$20$seasalt",
            "pbkdf2_sha256$20$seasalt$c2hvcnQ=",
            &format!("pbkdf2_sha256$0$seasalt${derived}"),
            &format!("pbkdf2_sha256$-1$seasalt${derived}"),
            &format!("pbkdf2_sha256$10000001$seasalt${derived}"),
            &format!("pbkdf2_sha256$20$${derived}"),
            &format!("pbkdf2_sha256$20$seasalt${derived}$"),
            &format!("pbkdf2_sha1$20$seasalt${derived}"),
        ] {
            assert!(Pbkdf2::parse(text).is_none(), "{text}");
        }
    }
}
