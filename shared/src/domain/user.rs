//! People.

use std::fmt;

use super::password::PasswordHash;
use super::text::{Invalid, visible};
use super::{Timestamp, id::UserId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub email: Email,
    pub phone_number: Option<PhoneNumber>,
    pub role: Role,
    /// Whether this person may sign in, is listed, and can be added to conversations.
    pub active: bool,
    pub created_at: Timestamp,
}

/// What it takes to make a person.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub id: UserId,
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub email: Email,
    pub phone_number: Option<PhoneNumber>,
    pub role: Role,
    pub active: bool,
    pub password: PasswordHash,
}

impl User {
    /// Of these one is always left.
    pub fn is_active_admin(&self) -> bool {
        self.active && self.role == Role::Admin
    }
}

/// What is to change about a person; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    pub first_name: Option<PersonName>,
    pub last_name: Option<PersonName>,
    /// `Some(None)` clears it.
    pub phone_number: Option<Option<PhoneNumber>>,
    pub role: Option<Role>,
    pub active: Option<bool>,
}

impl UserChange {
    pub const DEACTIVATION: Self =
        Self { first_name: None, last_name: None, phone_number: None, role: None, active: Some(false) };

    /// The person as they are afterwards.
    pub fn applied_to(&self, user: &User) -> User {
        User {
            first_name: self.first_name.clone().unwrap_or_else(|| user.first_name.clone()),
            last_name: self.last_name.clone().unwrap_or_else(|| user.last_name.clone()),
            phone_number: self.phone_number.clone().unwrap_or_else(|| user.phone_number.clone()),
            role: self.role.unwrap_or(user.role),
            active: self.active.unwrap_or(user.active),
            ..user.clone()
        }
    }
}

/// What a person may do beyond what everybody may; see [`super::permission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Guest,
    Host,
    Admin,
}

impl Role {
    /// As they are written.
    pub const NAMES: &'static [&'static str] = &["guest", "host", "admin"];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Host => "host",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "guest" => Ok(Self::Guest),
            "host" => Ok(Self::Host),
            "admin" => Ok(Self::Admin),
            other => Err(Invalid::new(format!("\"{other}\" is not a valid choice."))),
        }
    }
}

/// A first or last name: 1 to 150 characters, something of it visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonName(String);

impl PersonName {
    pub const MOST_CHARACTERS: usize = 150;

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        visible(text, Self::MOST_CHARACTERS).map(|text| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address in lower case, so that no two people differ by case alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    pub const MOST_CHARACTERS: usize = 254;

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = visible(text, Self::MOST_CHARACTERS)?.to_lowercase();
        let options =
            email_address::Options::default().with_required_tld().without_display_text().without_domain_literal();
        match email_address::EmailAddress::parse_with_options(&text, options) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(Invalid::new("Enter a valid email address.")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(self.0.as_str(), |(local, _)| local)
    }
}

/// Addresses are personal: they do not belong in logs.
impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Email(…)")
    }
}

/// A telephone number: 9 to 15 digits, after an optional `+` and an optional `1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    pub const MOST_CHARACTERS: usize = 17;
    pub const SHAPE: &str = "9 to 15 digits, after an optional + and an optional 1.";

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = visible(text, Self::MOST_CHARACTERS)?;
        let digits = text.strip_prefix('+').unwrap_or(text);
        let counts =
            |digits: &str| (9..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if counts(digits) || digits.strip_prefix('1').is_some_and(counts) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("Phone number must be entered in the format: '+999999999'. Up to 15 digits allowed."))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_taken_is_taken_again_unchanged(text in "\\PC{0,30}", local in "[a-zA-ZäÉ.+]{1,9}", digits in "\\+?[0-9]{7,18}") {
            for text in [text, format!("{local}@Example.com"), digits] {
                if let Ok(name) = PersonName::parse(&text) {
                    prop_assert_eq!(PersonName::parse(name.as_str()), Ok(name));
                }
                if let Ok(email) = Email::parse(&text) {
                    prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                    if email.as_str().is_ascii() {
                        prop_assert_eq!(Email::parse(&email.as_str().to_uppercase()), Ok(email));
                    }
                }
                if let Ok(number) = PhoneNumber::parse(&text) {
                    prop_assert_eq!(PhoneNumber::parse(number.as_str()), Ok(number));
                }
            }
        }
    }

    #[test]
    fn addresses_that_differ_by_case_are_one() {
        assert_eq!(Email::parse(" Ada@Example.COM "), Email::parse("ada@example.com"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "ada",
            "ada@",
            "@example.com",
            "ada@example",
            "a da@example.com",
            "ada@exam ple.com",
            "Ada <ada@example.com>",
        ] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn telephone_numbers_have_9_to_15_digits() {
        for text in ["123456789", "+123456789", "+1123456789012345", "123456789012345"] {
            assert!(PhoneNumber::parse(text).is_ok(), "{text}");
        }
        for text in ["12345678", "+12345678901234567", "12345678a", "++123456789"] {
            assert!(PhoneNumber::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_not_written_into_logs() {
        let email = Email::parse("ada@example.com").expect("an address");
        assert!(!format!("{email:?}").contains("ada"));
    }
}
