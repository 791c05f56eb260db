//! What it takes to make a person, whether they register themselves or an admin does it for them.

use super::field::Field;
use super::input::{Fields, FromFields};
use crate::domain::Error;
use crate::domain::id::UserId;
use crate::domain::password::Password;
use crate::domain::user::{Email, NewUser, PersonName, PhoneNumber, Role};

pub struct NewPerson {
    first_name: PersonName,
    last_name: PersonName,
    email: Email,
    phone_number: Option<PhoneNumber>,
    password: Password,
}

impl NewPerson {
    pub const DESCRIBED: [Field; 5] = [
        Field::text("first_name", PersonName::MOST_CHARACTERS).example("Ada"),
        Field::text("last_name", PersonName::MOST_CHARACTERS).example("Lovelace"),
        Field::email("email").about("Case is ignored.").example("ada@example.com"),
        Field::password("password")
            .about("At least 8 characters, not only digits, not common, not like name or e-mail."),
        Field::text("phone_number", PhoneNumber::MOST_CHARACTERS).nullable().about(PhoneNumber::SHAPE),
    ];
}

impl FromFields for NewPerson {
    const FIELDS: &'static [Field] = &Self::DESCRIBED;

    fn read(fields: &mut Fields) -> Option<Self> {
        let first_name = fields.required("first_name", PersonName::parse);
        let last_name = fields.required("last_name", PersonName::parse);
        let email = fields.required("email", Email::parse);
        let phone_number = fields.optional("phone_number", PhoneNumber::parse);
        let password = fields.required("password", Password::parse).and_then(|password| {
            let names: Vec<_> = first_name.iter().chain(&last_name).collect();
            let weaknesses = password.weaknesses(email.as_ref(), &names);
            if weaknesses.is_empty() { Some(password) } else { fields.refuse("password", weaknesses) }
        });
        Some(Self {
            first_name: first_name?,
            last_name: last_name?,
            email: email?,
            phone_number: phone_number?,
            password: password?,
        })
    }
}

impl NewPerson {
    /// Takes as long as hashing the password does.
    pub async fn into_new_user(self, role: Role, active: bool) -> Result<NewUser, Error> {
        Ok(NewUser {
            id: UserId::unique(),
            first_name: self.first_name,
            last_name: self.last_name,
            email: self.email,
            phone_number: self.phone_number,
            role,
            active,
            password: self.password.hashed().await?,
        })
    }
}
