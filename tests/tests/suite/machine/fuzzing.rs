//! The OpenAPI document held against the functions by a fuzzer that knows nothing but the document: schemathesis sends
//! what the document allows and what it does not, and reports every status, shape and header that it does not tell of.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use shared::domain::user::Role;
use tests::http_client;
use tests::machine::InProcess;
use tests::machine::cast::Actor;
use tests::machine::own_table::OwnTable;

/// The same cases in every run.
const SEED: &str = "1";
const CASES_AN_OPERATION: &str = "20";

/// What schemathesis can check, too, and Confab does not promise: it takes numbers for texts, ignores what it does not
/// know, and refuses what no schema can say, such as weak passwords.
const NOT_PROMISED: &str =
    "negative_data_rejection,positive_data_acceptance,missing_required_header,ensure_resource_availability";

/// What would end the session that everything else is asked with.
const ENDS_THE_SESSION: [&str; 3] = ["/api/auth/logout/", "/api-auth/logout/", "/api/auth/password/"];

/// A table in which a fuzzer may do as it likes, and functions in this process.
struct Arena {
    table: OwnTable,
    address: String,
    http: reqwest::Client,
}

impl Arena {
    async fn new() -> Self {
        let table = OwnTable::new().await;
        let address = InProcess::on(table.store()).serve().await;
        Self { table, address, http: http_client() }
    }

    async fn person(&self, name: &str, role: Role) -> Actor {
        Actor::named(name, &self.table.store(), role).await
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.address)).bearer_auth(token).json(&body);
        let answer = request.send().await.expect("the functions answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// What is there to be found: without it nearly everything would be 404.
#[derive(Default)]
struct Known {
    people: Vec<String>,
    conversations: Vec<String>,
    messages: Vec<String>,
}

impl Known {
    async fn make(arena: &Arena, token: &str) -> Self {
        let mut known = Self::default();
        for name in ["Grace", "Alan", "Edsger"] {
            known.people.push(arena.person(name, Role::Guest).await.id().to_string());
        }
        for number in 0..8 {
            let title = (number % 2 == 0).then(|| format!("Engine {number}"));
            let start = json!({ "participant_ids": [known.people[number % 3]], "title": title });
            let conversation = text(&arena.post(token, "/api/conversations/", start).await["conversation_id"]);
            for body in ["one", "two", "three"] {
                let send = json!({ "conversation": conversation, "message_body": body });
                known.messages.push(text(&arena.post(token, "/api/messages/", send).await["message_id"]));
            }
            known.conversations.push(conversation);
        }
        known
    }

    /// The configuration by which schemathesis mostly names what is there.
    fn configuration(&self) -> String {
        let dictionary = |name: &str, ids: &[String]| format!("[dictionaries.{name}]\nvalues = {}\n", json!(ids));
        let uses = [
            ("path.conversation_id", "conversations"),
            ("path.message_id", "messages"),
            ("path.user_id", "people"),
            ("body.conversation", "conversations"),
            ("body.user_id", "people"),
            ("query.conversation_id", "conversations"),
        ];
        let uses =
            uses.map(|(place, name)| format!("\"{place}\" = {{ dictionary = \"{name}\", probability = 0.8 }}\n"));
        [
            format!("[parameters]\n{}", uses.concat()),
            dictionary("people", &self.people),
            dictionary("conversations", &self.conversations),
            dictionary("messages", &self.messages),
            // The CSRF token is judged before the method, by the contract.
            "[[operations]]\ninclude-path = \"/api-auth/login/\"\nchecks.unsupported_method.enabled = false\n"
                .to_owned(),
        ]
        .join("\n")
    }
}

/// What is wrong with the answers, if anything is.
fn fuzz(arena: &Arena, token: &str, configuration: &str) -> Result<(), String> {
    let program = std::env::var("CONFAB_SCHEMATHESIS")
        .expect("CONFAB_SCHEMATHESIS is not set: `cargo dev test` installs schemathesis and sets it");
    let folder = std::env::temp_dir().join(format!("confab-fuzzing-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let configuration_file = folder.join("schemathesis.toml");
    std::fs::write(&configuration_file, configuration).expect("a file can be written");
    let document = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../functions/root/openapi.json");
    let mut command = Command::new(program);
    command.current_dir(&folder).arg("--config-file").arg(configuration_file).arg("run").arg(document);
    command.args(["--url", &arena.address, "--header", &format!("Authorization: Bearer {token}")]);
    command.args(["--seed", SEED, "--max-examples", CASES_AN_OPERATION, "--exclude-checks", NOT_PROMISED]);
    command.args(["--warnings", "off", "--no-color", "--continue-on-failure"]);
    command.args(ENDS_THE_SESSION.iter().flat_map(|path| ["--exclude-path", path]));
    let output = command.output().expect("schemathesis runs");
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{report}");
    if output.status.success() { Ok(()) } else { Err(format!("{report}{}", String::from_utf8_lossy(&output.stderr))) }
}

async fn survives_fuzzing(role: Role) {
    let arena = Arena::new().await;
    let token = arena.person("Ada", role).await.token;
    let configuration = Known::make(&arena, &token).await.configuration();
    let outcome = tokio::task::spawn_blocking(move || fuzz(&arena, &token, &configuration)).await;
    outcome.expect("it does not panic").unwrap_or_else(|report| panic!("{report}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_guest_is_answered_is_what_the_document_says() {
    survives_fuzzing(Role::Guest).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_admin_is_answered_is_what_the_document_says() {
    survives_fuzzing(Role::Admin).await;
}
