use axum::extract::State;
use shared::domain::id::UserId;
use shared::domain::password::Password;
use shared::domain::session::Session;
use shared::domain::user::{Email, NewUser, PersonName, PhoneNumber, Role};
use shared::http::{App, Body, Client, Created, Field, Fields, FromFields, Host, Problem, Registration};

use crate::sign_in::{SignedIn, off_the_runtime};

pub(crate) struct Register {
    first_name: PersonName,
    last_name: PersonName,
    email: Email,
    phone_number: Option<PhoneNumber>,
    password: Password,
}

impl FromFields for Register {
    const FIELDS: &'static [Field] = &[
        Field::text("first_name", PersonName::MOST_CHARACTERS).example("Ada"),
        Field::text("last_name", PersonName::MOST_CHARACTERS).example("Lovelace"),
        Field::email("email").about("Case is ignored.").example("ada@example.com"),
        Field::password("password")
            .about("At least 8 characters, not only digits, not common, not like name or e-mail."),
        Field::text("phone_number", PhoneNumber::MOST_CHARACTERS).nullable().about(PhoneNumber::SHAPE),
    ];

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

/// Makes a guest, whatever role is asked for, and signs them in.
pub(crate) async fn register(
    State(app): State<App>,
    host: Host,
    client: Client,
    body: Body<Register>,
) -> Result<Created<SignedIn>, Problem> {
    if app.registration == Registration::Closed {
        return Err(Problem::forbidden());
    }
    let Register { first_name, last_name, email, phone_number, password } = body.parsed()?;
    let now = app.now();
    let password = off_the_runtime(move || password.hash()).await?;
    let new = NewUser { id: UserId::unique(), first_name, last_name, email, phone_number, role: Role::Guest, password };
    let session = Session::begin(new.id, now, client.address, client.agent);
    let user = app.store.create_user(new, Some(&session), now).await?;
    Ok(Created { location: host.link(&format!("/api/users/{}/", user.id)), body: SignedIn::new(&app, &session, &user) })
}
