//! People and their sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use futures::join;
use local::costs::Sizes;
use serde_json::{Value, json};
use shared::domain::session::Caller;
use shared::domain::user::Role;
use shared::store::Meter;
use tests::machine::cast::Credential;
use tests::machine::{caller, now, person_in};
use tests::{PASSWORD, Person};
use uuid::Uuid;

use super::{Scene, TWO};

/// Where everybody calls from.
const HERE: &str = "192.0.2.77";

pub(super) async fn measure() -> BTreeSet<&'static str> {
    let (sessions, people) = join!(Box::pin(sessions()), Box::pin(people()));
    sessions.into_iter().chain(people).collect()
}

impl Scene {
    async fn post_from_here(&self, person: Option<&Person>, path: &str, body: Value) -> super::Asked {
        self.asked("POST", path, Box::pin(self.functions.post_from(HERE, person, path, &body)).await)
    }

    /// Somebody signs in once more.
    async fn sign_in(&self, person: &Person) -> Person {
        let credentials = json!({ "email": person.email, "password": PASSWORD });
        let signed_in = self.post_from_here(None, "/api/auth/login/", credentials).await.costs("log in", &TWO);
        let token = signed_in["token"].as_str().expect("a token").to_owned();
        Person { token, ..person.clone() }
    }
}

async fn sessions() -> BTreeSet<&'static str> {
    let scene = Scene::new().await;
    let wrong = json!({ "email": scene.ada.email, "password": "not-the-password" });
    let failed = scene.post_from_here(None, "/api/auth/login/", wrong).await;
    assert_eq!(failed.status, 400);
    failed.spends("failed login", &TWO);
    let others = [scene.sign_in(&scene.ada).await, scene.sign_in(&scene.ada).await];
    let three = Sizes { sessions: 3, ..TWO };
    let listed = scene.get("/api/auth/sessions/").await.costs("list one's sessions", &three);
    assert_eq!(listed["count"], 3);
    let one = format!("/api/auth/sessions/{}/", caller(&others[0]).session);
    scene.ada("DELETE", &one, json!({})).await.costs("end a session", &three);
    scene.sign_in(&scene.ada).await;
    scene.ada("DELETE", "/api/auth/sessions/", json!({})).await.costs("end all other sessions", &three);
    let others = [scene.sign_in(&scene.ada).await, scene.sign_in(&scene.ada).await];
    scene.ask(&others[0], "POST", "/api/auth/logout/", None, None).await.costs("log out", &TWO);
    for (method, person) in [("GET", &others[1]), ("POST", &scene.sign_in(&scene.ada).await)] {
        scene.ask(person, method, "/api-auth/logout/", None, None).await.costs("log out by a page", &TWO);
    }
    scene.sign_in(&scene.ada).await;
    scene.sign_in(&scene.ada).await;
    let passwords = json!({ "old_password": PASSWORD, "new_password": "another-long-password" });
    let changed = scene.post_from_here(Some(&scene.ada), "/api/auth/password/", passwords).await;
    changed.costs("change the password", &three);

    let late = Caller { at: now() + Duration::from_secs(2 * 60 * 60), ..caller(&scene.grace) };
    let meter = Meter::default();
    meter.measure(scene.table.store().me(&late)).await.expect("alive");
    let spent = (200, Value::Null, meter.spent());
    scene.asked("GET", "/api/users/me/", spent).costs("me, for the first time in an hour", &TWO);
    scene.measured()
}

async fn people() -> BTreeSet<&'static str> {
    let scene = Scene::new().await;
    scene.table.fill_with_people(420).await;
    scene.get("/api/users/me/").await.costs("me", &TWO);
    scene.get(&format!("/api/users/{}/", scene.grace.id)).await.costs("person by id", &TWO);
    let listed = scene.get("/api/users/").await.costs("list people", &Sizes { page: 20, ..TWO });
    assert_eq!(listed["results"].as_array().map(Vec::len), Some(20));
    let nobody = scene.get("/api/users/?search=nobody-is-called-so").await;
    nobody.costs("search people that finds nobody", &TWO);
    let name = json!({ "first_name": "Augusta" });
    scene.ada("PATCH", "/api/users/me/", name.clone()).await.costs("change one's names", &TWO);
    scene.ada("PATCH", "/api/users/me/", name).await.costs("change of oneself that changes nothing", &TWO);
    let stranger =
        |email: String| json!({ "first_name": "Emmy", "last_name": "Noether", "email": email, "password": PASSWORD });
    let registered = stranger(format!("{}@example.com", Uuid::new_v4()));
    scene.post_from_here(None, "/api/auth/register/", registered).await.costs("register", &TWO);

    let admin = person_in(&scene.table.store(), Role::Admin).await;
    let made = stranger(format!("{}@example.com", Uuid::new_v4()));
    scene.ask(&admin, "POST", "/api/users/", None, Some(made)).await.costs("make a person", &TWO);
    let path = format!("/api/users/{}/", scene.grace.id);
    let role = json!({ "role": "host" });
    scene.ask(&admin, "PATCH", &path, None, Some(role)).await.costs("change a person's role", &TWO);
    scene.sign_in(&scene.grace).await;
    let two_sessions = Sizes { sessions: 2, ..TWO };
    scene.ask(&admin, "DELETE", &path, None, None).await.costs("deactivate a person", &two_sessions);

    scene.ada("OPTIONS", "/api/users/me/", json!({})).await.costs("what an endpoint takes", &TWO);
    for path in ["/", "/health", "/api/", "/api/schema/", "/api/schema/events/", "/api-auth/login/"] {
        let request = Credential::None.request("GET", path, &json!({}));
        let (answer, spent) = scene.functions.ask(request).await;
        let asked = scene.asked("GET", path, (answer.status, Value::Null, spent));
        asked.costs("what is the same for everybody", &TWO);
    }
    form_login(&scene).await;
    scene.measured()
}

/// Browsers log in by the form, at the same price.
async fn form_login(scene: &Scene) {
    const TOKEN: &str = "abcdefghijklmnopqrstuvwxyz012345";
    let body = format!("csrfmiddlewaretoken={TOKEN}&username={}&password={PASSWORD}", tests::encoded(&scene.ada.email));
    let request = Request::post("/api-auth/login/")
        .header(header::HOST, "localhost")
        .header(header::COOKIE, format!("csrftoken={TOKEN}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .expect("a request");
    let (answer, mut spent) = scene.functions.ask(request).await;
    assert_eq!(answer.status, 302);
    // This one came from nowhere: nothing was looked for there.
    spent.rru += 0.5;
    scene.asked("POST", "/api-auth/login/", (302, Value::Null, spent)).costs("log in", &TWO);
}
