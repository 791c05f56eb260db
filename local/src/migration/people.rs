//! People of the Django app as people here.

use std::collections::HashSet;

use shared::domain::Timestamp;
use shared::domain::id::UserId;
use shared::domain::password::PasswordHash;
use shared::domain::user::{Email, NewUser, PersonName, PhoneNumber, Role};

use super::django::PersonRow;
use super::report::{Outcome, Report, Thing};

/// Somebody to be imported, and when they came.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) user: NewUser,
    pub(crate) created_at: Timestamp,
}

/// Everybody who can be imported: the first of those who share an address.
pub(crate) fn newcomers(rows: Vec<PersonRow>, report: &mut Report) -> Vec<Newcomer> {
    let (mut addresses, mut ids) = (HashSet::new(), HashSet::new());
    let mut newcomers = Vec::with_capacity(rows.len());
    for row in rows {
        let newcomer = match newcomer(&row, report) {
            Ok(newcomer) => newcomer,
            Err(reason) => {
                report.add(Outcome::Skipped, Thing::Person, &row.id, reason);
                continue;
            }
        };
        if !addresses.insert(newcomer.user.email.clone()) {
            let reason = "somebody who came earlier has the same e-mail address, but for the case of its letters";
            report.add(Outcome::Skipped, Thing::Person, newcomer.user.id, reason);
        } else if ids.insert(newcomer.user.id) {
            newcomers.push(newcomer);
        }
    }
    newcomers
}

fn newcomer(row: &PersonRow, report: &mut Report) -> Result<Newcomer, String> {
    let id = UserId::parse(&row.id).map_err(|_| "the id is not a UUID".to_owned())?;
    let email = Email::parse(&row.email).map_err(|reason| format!("the e-mail address is not valid: {reason}"))?;
    let mut change = |reason: &str| report.add(Outcome::Changed, Thing::Person, id, reason);
    let phone_number = PhoneNumber::parse(&row.phone_number).ok();
    if phone_number.is_none() && !row.phone_number.trim().is_empty() {
        change("the telephone number is not valid: left out");
    }
    let role = match Role::parse(&row.role) {
        _ if row.is_superuser => Role::Admin,
        Ok(role) => role,
        Err(_) => {
            change("the role is not known: a guest now");
            Role::Guest
        }
    };
    let password = PasswordHash::of_django(&row.password).unwrap_or_else(|| {
        if !row.password.starts_with('!') {
            change("the password's hash is not pbkdf2_sha256: needs a new password");
        }
        PasswordHash::unusable()
    });
    let created_at = instant(&row.created_at).unwrap_or_else(|| {
        change("when they came is not known: 1970 now");
        beginning()
    });
    let (first_name, last_name) = (name(&row.first_name), name(&row.last_name));
    if first_name.is_none() || last_name.is_none() {
        change("a name is blank or has characters that names cannot have: replaced by the e-mail address or a dash");
    }
    let first_name = first_name.or_else(|| name(email.local_part())).unwrap_or_else(dash);
    let last_name = last_name.unwrap_or_else(dash);
    let user = NewUser { id, first_name, last_name, email, phone_number, role, active: row.is_active, password };
    Ok(Newcomer { user, created_at })
}

/// As much of a name as names can hold.
fn name(text: &str) -> Option<PersonName> {
    PersonName::parse(text).or_else(|_| PersonName::parse(&text.chars().take(150).collect::<String>())).ok()
}

fn dash() -> PersonName {
    PersonName::parse("–").expect("a dash can be seen")
}

/// When nothing is known.
pub(super) fn beginning() -> Timestamp {
    Timestamp::from_epoch_seconds(0).expect("1970 is a year")
}

/// An instant as Django's database or dump has it: with a space or a `T`, in UTC if it does not say otherwise.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim().replacen(' ', "T", 1);
    Timestamp::parse(&text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, email: &str) -> PersonRow {
        PersonRow {
            id: id.to_owned(),
            email: email.to_owned(),
            first_name: "Ada".to_owned(),
            last_name: "King".to_owned(),
            role: "guest".to_owned(),
            password: "!".to_owned(),
            created_at: "2024-01-01 12:00:00.5".to_owned(),
            is_active: true,
            ..PersonRow::default()
        }
    }

    const ADA: &str = "6f9619ff8b864011b42d00cf4fc964ff";
    const GRACE: &str = "00000000-8b86-4011-b42d-00cf4fc964ff";

    #[test]
    fn whoever_can_be_taken_as_they_are_is_and_nothing_is_remarked() {
        let mut report = Report::default();
        let newcomers = newcomers(vec![row(ADA, "Ada@Example.com")], &mut report);
        assert_eq!(newcomers[0].user.id.to_string(), "6f9619ff-8b86-4011-b42d-00cf4fc964ff");
        assert_eq!(newcomers[0].user.email.as_str(), "ada@example.com");
        assert_eq!(newcomers[0].created_at.to_string(), "2024-01-01T12:00:00.500000Z");
        assert_eq!(report.count(Outcome::Changed, Thing::Person), 0);
    }

    #[test]
    fn the_second_of_two_addresses_that_differ_by_case_is_skipped() {
        let mut report = Report::default();
        let rows = vec![row(ADA, "ada@example.com"), row(GRACE, "ADA@example.com"), row("no-uuid", "x@example.com")];
        assert_eq!(newcomers(rows, &mut report).len(), 1);
        assert_eq!(report.count(Outcome::Skipped, Thing::Person), 2);
    }

    #[test]
    fn what_a_person_cannot_have_here_is_replaced_and_remarked() {
        let mut report = Report::default();
        let nasty = PersonRow {
            first_name: " ".to_owned(),
            last_name: "x".repeat(300),
            phone_number: "call me".to_owned(),
            role: "chief".to_owned(),
            password: "md5$salt$hash".to_owned(),
            created_at: String::new(),
            ..row(ADA, "ada@example.com")
        };
        let newcomer = newcomers(vec![nasty.clone()], &mut report).remove(0);
        assert_eq!(newcomer.user.first_name.as_str(), "ada");
        assert_eq!(newcomer.user.last_name.as_str(), "x".repeat(150));
        assert_eq!((newcomer.user.phone_number, newcomer.user.role), (None, Role::Guest));
        assert_eq!(newcomer.user.password, PasswordHash::unusable());
        assert_eq!(report.count(Outcome::Changed, Thing::Person), 5);
        let superuser = PersonRow { is_superuser: true, ..nasty };
        assert_eq!(super::newcomers(vec![superuser], &mut report)[0].user.role, Role::Admin);
    }

    #[test]
    fn instants_are_read_in_every_spelling_that_django_uses() {
        for text in
            ["2024-01-01 12:00:00", "2024-01-01T12:00:00Z", "2024-01-01 13:00:00+01:00", "2024-01-01T12:00:00.000"]
        {
            let instant = instant(text).map(|instant| instant.to_string());
            assert_eq!(instant.as_deref(), Some("2024-01-01T12:00:00.000000Z"), "{text}");
        }
        assert_eq!(instant("yesterday"), None);
        assert_eq!(instant(""), None);
    }
}
