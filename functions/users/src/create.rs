use axum::extract::State;
use shared::domain::session::Caller;
use shared::domain::user::Role;
use shared::http::view::UserView;
use shared::http::{App, Body, Created, Field, Fields, FromFields, Host, NewPerson, Problem};

pub(crate) struct CreatePerson {
    person: NewPerson,
    role: Role,
    active: bool,
}

impl FromFields for CreatePerson {
    const FIELDS: &'static [Field] = {
        let [first_name, last_name, email, password, phone_number] = NewPerson::DESCRIBED;
        let role = Field::choice("role", Role::NAMES).optional().about("Guest unless said otherwise.");
        let active = Field::flag("is_active").optional().about("Whether they may come in; yes unless said otherwise.");
        &[first_name, last_name, email, password, phone_number, role, active]
    };

    fn read(fields: &mut Fields) -> Option<Self> {
        let person = NewPerson::read(fields);
        let (role, active) = (fields.given("role", Role::parse), fields.flag("is_active"));
        Some(Self { person: person?, role: role?.unwrap_or(Role::Guest), active: active?.unwrap_or(true) })
    }
}

/// For admins: somebody who need not register.
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    host: Host,
    body: Body<CreatePerson>,
) -> Result<Created<UserView>, Problem> {
    let me = app.store.manager(&caller).await?;
    let CreatePerson { person, role, active } = body.parsed()?;
    let user = app.store.create_user(person.into_new_user(role, active).await?, None, app.now()).await?;
    let location = host.link(&format!("/api/users/{}/", user.id));
    Ok(Created { location, body: UserView::seen_by(&me, &user) })
}
