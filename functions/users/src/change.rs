use axum::Json;
use axum::extract::State;
use shared::domain::id::UserId;
use shared::domain::session::Caller;
use shared::domain::user::{PersonName, PhoneNumber, Role, UserChange};
use shared::http::view::UserView;
use shared::http::{App, Body, Field, Fields, FromFields, PathId, Problem};

/// What everybody may change about themselves.
pub(crate) struct ChangeMe(UserChange);

impl ChangeMe {
    const DESCRIBED: [Field; 3] = [
        Field::text("first_name", PersonName::MOST_CHARACTERS).optional().example("Ada"),
        Field::text("last_name", PersonName::MOST_CHARACTERS).optional().example("Lovelace"),
        Field::text("phone_number", PhoneNumber::MOST_CHARACTERS).nullable().about("Null or blank clears it."),
    ];
}

impl FromFields for ChangeMe {
    const FIELDS: &'static [Field] = &Self::DESCRIBED;

    fn read(fields: &mut Fields) -> Option<Self> {
        let first_name = fields.given("first_name", PersonName::parse);
        let last_name = fields.given("last_name", PersonName::parse);
        let names_number = fields.has("phone_number");
        let phone_number = fields.optional("phone_number", PhoneNumber::parse);
        Some(Self(UserChange {
            first_name: first_name?,
            last_name: last_name?,
            phone_number: phone_number.map(|number| names_number.then_some(number))?,
            ..UserChange::default()
        }))
    }
}

/// What admins may change about everybody.
pub(crate) struct ChangePerson(UserChange);

impl FromFields for ChangePerson {
    const FIELDS: &'static [Field] = {
        let [first_name, last_name, phone_number] = ChangeMe::DESCRIBED;
        let role = Field::choice("role", Role::NAMES).optional();
        let active = Field::flag("is_active").optional().about("Whether they may come in.");
        &[first_name, last_name, phone_number, role, active]
    };

    fn read(fields: &mut Fields) -> Option<Self> {
        let own = ChangeMe::read(fields);
        let (role, active) = (fields.given("role", Role::parse), fields.flag("is_active"));
        Some(Self(UserChange { role: role?, active: active?, ..own?.0 }))
    }
}

pub(crate) async fn me(
    State(app): State<App>,
    caller: Caller,
    body: Body<ChangeMe>,
) -> Result<Json<UserView>, Problem> {
    let ChangeMe(change) = body.parsed()?;
    Ok(Json(UserView::own(&app.store.change_me(&caller, &change).await?)))
}

pub(crate) async fn person(
    State(app): State<App>,
    caller: Caller,
    PathId(id): PathId<UserId>,
    body: Body<ChangePerson>,
) -> Result<Json<UserView>, Problem> {
    let ChangePerson(change) = body.parsed_or(async { app.store.managed(&caller, id).await.map(drop) }).await?;
    let (person, me) = app.store.change_person(&caller, id, &change).await?;
    Ok(Json(UserView::seen_by(&me, &person)))
}
