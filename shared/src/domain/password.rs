//! Passwords: what is too weak, and the argon2id hash (RFC 9106) that alone is kept; but imported people keep the one
//! that Django made until they sign in.

mod django;

use std::fmt;

use argon2::password_hash::phc::PasswordHash as PhcString;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use self::django::Pbkdf2;
use super::text::Invalid;
use super::user::{Email, PersonName};

/// Memory in KiB, passes, lanes: the least that OWASP's password storage cheat sheet advises for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// More than this takes time to hash and helps nobody.
const MOST_CHARACTERS: usize = 1024;

/// Commonly used passwords of 8 and more characters that are not only digits, in lower case, sorted by bytes:
/// from a list of the 20 000 commonest in leaked collections; the rest of it is refused for other reasons.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password as a person typed it. Never shown, never stored.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password that is to be checked, not set: anything goes that can be hashed.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            Err(Invalid::BLANK)
        } else if text.contains('\0') {
            Err(Invalid::NUL_CHARACTER)
        } else if text.chars().count() > MOST_CHARACTERS {
            Err(Invalid::longer_than(MOST_CHARACTERS))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// Every reason why this is too weak to be set as the password of that person.
    pub fn weaknesses(&self, email: Option<&Email>, names: &[&PersonName]) -> Vec<Invalid> {
        let lower = self.0.to_lowercase();
        let mut weaknesses = Vec::new();
        if self.0.chars().count() < 8 {
            weaknesses.push(Invalid::new("This password is too short. It must contain at least 8 characters."));
        }
        if is_common(&lower) {
            weaknesses.push(Invalid::new("This password is too common."));
        }
        if self.0.chars().all(char::is_numeric) {
            weaknesses.push(Invalid::new("This password is entirely numeric."));
        }
        if email.is_some_and(|email| lower == email.as_str() || lower == email.local_part()) {
            weaknesses.push(Invalid::new("The password is too similar to the email."));
        }
        if names.iter().any(|name| lower == name.as_str().to_lowercase()) {
            weaknesses.push(Invalid::new("The password is too similar to the name."));
        }
        weaknesses
    }

    /// Hashes with a fresh salt. Takes tens of milliseconds of processor time, by design.
    pub fn hash(&self) -> PasswordHash {
        let hash = hasher()
            .hash_password(self.0.as_bytes())
            .expect("the parameters and the length are within argon2's bounds");
        PasswordHash(hash.to_string())
    }

    /// Whether this is the password behind `hash`. Takes as long as [`Password::hash`], even if no password can have
    /// that hash; but with an imported hash as long as its iterations take, so that until its owner has signed in once,
    /// the account can be told from an unknown one by time.
    pub fn matches(&self, hash: &PasswordHash) -> bool {
        if let Some(hash) = Pbkdf2::parse(&hash.0) {
            return hash.fits(&self.0);
        }
        let nobody = PasswordHash::of_nobody();
        let hash = PhcString::new(&hash.0).or_else(|_| PhcString::new(&nobody.0));
        hash.is_ok_and(|hash| hasher().verify_password(self.0.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// A hash in the PHC string format, or as Django wrote it, with its parameters and salt.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hash that no password has, with the parameters of today: checking against it makes an unknown account
    /// take as long as a wrong password.
    pub fn of_nobody() -> Self {
        Self(
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5aGFzdGhpczAw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                .to_owned(),
        )
    }

    /// A hash as Django wrote it, if it is one that [`Password::matches`] can check.
    pub fn of_django(text: &str) -> Option<Self> {
        Pbkdf2::parse(text).map(|_| Self(text.to_owned()))
    }

    /// What stands for the hash of somebody who has no password yet: it fits none.
    pub fn unusable() -> Self {
        Self("!".to_owned())
    }

    /// Whether the hash was made with other parameters than those of today.
    pub fn is_outdated(&self) -> bool {
        let Ok(hash) = PhcString::new(&self.0) else { return true };
        let current = Params::try_from(&hash)
            .is_ok_and(|params| (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES));
        hash.algorithm.as_str() != "argon2id" || !current
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn is_common(lower: &str) -> bool {
    // The list is sorted, but a line's start must be found from any byte: a walk is simpler and takes microseconds.
    COMMON.lines().any(|common| common == lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).expect("can be hashed")
    }

    #[test]
    fn a_hash_fits_its_password_only() {
        let hash = password("correct horse").hash();
        assert!(password("correct horse").matches(&hash));
        assert!(!password("Correct horse").matches(&hash));
        assert!(!hash.is_outdated());
    }

    #[test]
    fn nobody_has_the_hash_of_nobody_and_it_is_checked_with_the_parameters_of_today() {
        assert!(!password("nobody").matches(&PasswordHash::of_nobody()));
        assert!(!PasswordHash::of_nobody().is_outdated());
    }

    #[test]
    fn a_hash_with_other_parameters_is_outdated() {
        let weaker = PasswordHash::from_stored(
            "$argon2id$v=19$m=4096,t=2,p=1$bm9ib2R5aGFzdGhpczAw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        );
        assert!(weaker.is_outdated());
        assert!(PasswordHash::from_stored("pbkdf2_sha256$1$a$b".to_owned()).is_outdated());
    }

    #[test]
    fn an_unusable_hash_fits_nothing() {
        assert!(!password("!").matches(&PasswordHash::unusable()));
        for text in ["", "!abc"] {
            assert!(!password("abc").matches(&PasswordHash::from_stored(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn a_hash_that_django_made_is_checked_and_is_outdated() {
        let hash = "pbkdf2_sha256$20$seasalt$g3dGJQ8owMYyhK9ZquyN7VEHZB9iVlMqw6PFWQ9oG7A=".to_owned();
        assert!(PasswordHash::of_django(&hash).is_some_and(|hash| hash.is_outdated()));
        assert!(password("correct horse").matches(&PasswordHash::from_stored(hash)));
    }

    #[test]
    fn weak_passwords_are_named_with_every_reason() {
        let email = Email::parse("ada.lovelace@example.com").expect("an address");
        let name = PersonName::parse("Lovelace").expect("a name");
        let weaknesses = |text: &str| password(text).weaknesses(Some(&email), &[&name]).len();
        assert_eq!(weaknesses("1234567"), 2, "short and numeric");
        assert_eq!(weaknesses("Password1"), 1, "common");
        assert_eq!(weaknesses("LOVELACE"), 1, "a name");
        assert_eq!(weaknesses("Ada.Lovelace"), 1, "the local part of the address");
        assert_eq!(weaknesses("ada.lovelace@example.com"), 1, "the address");
        assert_eq!(weaknesses("confab-demo-2026"), 0);
    }

    #[test]
    fn a_password_is_not_written_into_logs() {
        assert_eq!(format!("{:?}", password("correct horse")), "Password(…)");
        assert_eq!(format!("{:?}", PasswordHash::of_nobody()), "PasswordHash(…)");
    }
}
