//! The defects of the application that Confab replaces, and the tests that show each of them not to be here.
//!
//! Most are shown where the matter belongs; here are those that belong nowhere else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use reqwest::Method;
use serde_json::json;
use tests::machine::all_routes;
use tests::{Client, PASSWORD, Person, two_people};

/// Each defect, and the names of the tests that show its absence.
const DEFECTS: &[(&str, &[&str])] = &[
    (
        "editing or deleting others' messages",
        &[
            "nobody_edits_or_deletes_the_messages_of_others",
            "everybody_gets_the_answer_that_is_theirs_at_every_endpoint",
        ],
    ),
    ("forging the sender", &["nobody_sends_in_anothers_name", "its_sender_edits_a_message_and_only_its_body"]),
    ("moving a message to another conversation", &["its_sender_edits_a_message_and_only_its_body"]),
    ("orphaning a message", &["an_edit_leaves_a_message_where_it_is_whatever_it_names"]),
    (
        "no throttling of logins",
        &["whoever_guesses_has_to_wait_before_the_twentieth_guess_whether_there_is_an_account_or_not"],
    ),
    (
        "deleting a conversation that one merely takes part in",
        &["a_deleted_conversation_is_gone_for_everybody", "everybody_gets_the_answer_that_is_theirs_at_every_endpoint"],
    ),
    (
        "being added by anybody",
        &[
            "adding_is_judged_by_who_asks_then_by_what_is_asked",
            "everybody_gets_the_answer_that_is_theirs_at_every_endpoint",
        ],
    ),
    ("no way out", &["who_leaves_a_group_is_out_of_it", "all_may_leave_at_once"]),
    ("forms that leak ids and e-mail addresses", &["options_say_the_same_to_everybody_and_name_nobody"]),
    (
        "telling what exists from what is one's own",
        &[
            "a_conversation_that_one_takes_no_part_in_is_like_none",
            "a_conversation_that_is_gone_is_like_none",
            "a_deleted_message_is_like_a_number_that_was_never_taken",
            "who_is_inactive_is_like_nobody",
            "the_session_of_another_is_like_none",
            "a_wrong_password_and_an_unknown_account_look_the_same",
        ],
    ),
    ("passwords in plain text", &["no_answer_holds_a_password_or_its_hash"]),
    (
        "staff that makes itself superuser",
        &[
            "a_guest_cannot_make_themselves_an_admin",
            "nobody_but_admins_manages_people_and_the_barred_look_like_nobody",
            "nobody_gets_a_role_by_asking_for_it",
        ],
    ),
    ("logging out by an image on another site", &["an_image_on_another_site_logs_nobody_out"]),
    ("twins of an e-mail address that differ by case", &["an_address_has_one_account_whatever_its_case"]),
    (
        "status 500 by input",
        &[
            "a_wrong_request_is_refused_clearly_and_changes_nothing",
            "a_wrong_request_is_refused_clearly_whatever_brought_it",
        ],
    ),
    (
        "conversations left half made by an error",
        &["a_conversation_that_could_not_be_started_leaves_nothing_behind", "a_start_that_fails_leaves_nothing_behind"],
    ),
    (
        "inserts that race past their check",
        &[
            "of_those_who_race_for_an_address_one_gets_it",
            "two_people_who_race_to_start_talking_get_one_conversation",
            "of_two_who_add_the_same_person_at_once_one_is_told_that_it_was_done",
        ],
    ),
    ("lost updates", &["of_edits_at_once_the_last_one_stands", "edits_at_once_lose_nothing_of_each_other"]),
    ("an edit that brings a deleted message back", &["an_edit_never_brings_a_deleted_message_back"]),
    ("two direct conversations of the same people", &["two_people_have_one_direct_conversation_whoever_starts_it"]),
    (
        "details and bodies without bounds",
        &["a_conversation_shows_its_latest_50_messages_only", "a_body_that_is_too_large_is_refused_whatever_it_is"],
    ),
    (
        "a read for each row",
        &["what_a_page_costs_in_round_trips_does_not_depend_on_its_rows", "every_operation_costs_what_the_table_says"],
    ),
    (
        "pages that skip rows while others write",
        &[
            "walking_meets_every_message_once_in_both_directions_while_others_write",
            "walking_the_inbox_shows_every_conversation_once_in_both_directions",
            "walking_the_list_shows_everybody_once_in_both_directions",
        ],
    ),
    ("ties without an order", &["what_came_at_the_same_instant_has_an_order"]),
    ("secrets in the repository", &["no_tracked_file_holds_a_secret"]),
];

#[test]
fn every_defect_has_a_test_that_shows_its_absence() {
    let mut files = Vec::new();
    rust_files(&workspace().join("tests/tests/suite"), &mut files).expect("the suite can be listed");
    let suite: Vec<String> = files.iter().map(|file| fs::read_to_string(file).expect("a source file")).collect();
    for (defect, tests) in DEFECTS {
        for test in *tests {
            let declaration = format!("fn {test}() {{");
            assert!(suite.iter().any(|source| source.contains(&declaration)), "{defect}: there is no test {test}");
        }
    }
}

#[tokio::test]
async fn an_edit_leaves_a_message_where_it_is_whatever_it_names() {
    let (ada, grace, conversation) = two_people().await;
    let message = ada.say(&conversation, "Hello").await;
    let path = format!("/api/messages/{}/", message["message_id"].as_str().expect("an id"));
    for nowhere in [json!(null), json!(""), json!("00000000-0000-0000-0000-000000000000"), json!([])] {
        let wish = json!({ "message_body": "Hello again", "conversation": nowhere, "sender": nowhere });
        ada.client.put(&path, wish.clone()).await.expect(200);
        let edited = ada.client.patch(&path, wish).await.expect(200).json();
        assert_eq!((&edited["conversation"], &edited["sender"]), (&json!(conversation), &json!(ada.id)));
    }
    let seen = grace.all_messages(&conversation, "").await;
    assert_eq!(tests::each(&seen, "message_body"), ["Hello again"]);
}

#[tokio::test]
async fn options_say_the_same_to_everybody_and_name_nobody() {
    let (ada, grace, conversation) = two_people().await;
    let message = ada.say(&conversation, "Hello").await["message_id"].as_str().expect("an id").to_owned();
    let mallory = Person::new("Mallory").await;
    for (_, routes) in all_routes() {
        for (route, _, _) in routes.iter() {
            let path = route
                .replace("{conversation_id}", &conversation)
                .replace("{message_id}", &message)
                .replace("{user_id}", &grace.id);
            let [to_ada, to_mallory] = [
                ada.client.send(Method::OPTIONS, &path, None).await.expect(200),
                mallory.client.send(Method::OPTIONS, &path, None).await.expect(200),
            ];
            assert_eq!(to_ada.likeness(), to_mallory.likeness(), "{path}");
            for secret in [&ada, &grace, &mallory].into_iter().flat_map(|person| [&person.id, &person.email]) {
                assert!(!to_ada.text.contains(secret), "{path} names {secret}");
            }
        }
    }
}

#[tokio::test]
async fn no_answer_holds_a_password_or_its_hash() {
    let (ada, grace, conversation) = two_people().await;
    ada.say(&conversation, "Hello").await;
    let credentials = json!({ "email": ada.email, "password": PASSWORD });
    let mut answers = vec![Client::anonymous().post("/api/auth/login/", credentials).await.expect(200)];
    let wrong = json!({ "first_name": "Ada", "email": ada.email, "password": PASSWORD });
    answers.push(Client::anonymous().post("/api/auth/register/", wrong).await.expect(400));
    for path in ["/api/users/me/", "/api/users/", "/api/conversations/", "/api/auth/password/", "/api/auth/sessions/"] {
        answers.push(ada.client.get(path).await);
    }
    answers.push(grace.client.get(&format!("/api/users/{}/", ada.id)).await.expect(200));
    answers.push(grace.client.get(&format!("/api/conversations/{conversation}/")).await.expect(200));
    answers.push(grace.client.get(&format!("/api/conversations/{conversation}/messages/")).await.expect(200));
    for answer in answers {
        for secret in [PASSWORD, "argon2", "pbkdf2", "\"password\":\""] {
            assert!(!answer.text.contains(secret), "{secret} in {}", answer.text);
        }
    }
}

#[tokio::test]
async fn nobody_gets_a_role_by_asking_for_it() {
    let (ada, grace) = tokio::join!(Person::new("Ada"), Person::new("Grace"));
    let wish = json!({ "role": "admin", "is_staff": true, "is_superuser": true, "is_active": true });
    for path in ["/api/users/me/".to_owned(), format!("/api/users/{}/", ada.id), format!("/api/users/{}/", grace.id)] {
        for method in [Method::PUT, Method::PATCH] {
            let body = Some(("application/json", wish.to_string().into_bytes()));
            let answer = ada.client.send(method.clone(), &path, body).await;
            assert!([200, 403, 405].contains(&answer.status), "{method} {path}: {}", answer.text);
        }
    }
    for person in [&ada, &grace] {
        assert_eq!(person.client.get("/api/users/me/").await.expect(200).json()["role"], "guest");
    }
}

/// What keys look like: of AWS, of certificates, of services; a signed token; 32 bytes or more in hexadecimal digits.
fn looks_like_a_secret(word: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let is_base64 = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let parts: Vec<&str> = word.split('.').collect();
    let is_token = matches!(parts[..], [header, claims, signature]
        if header.starts_with("eyJ") && claims.starts_with("eyJ") && signature.len() >= 43 && is_base64(signature));
    let is_key = ["AKIA", "ASIA"].iter().any(|start| word.starts_with(start) && word.len() == 20)
        || ["ghp_", "github_pat_", "xoxb-", "sk-ant-", "AIza", "glpat-"]
            .iter()
            .any(|start| word.strip_prefix(start).is_some_and(|rest| rest.len() >= 20 && is_base64(rest)));
    is_token || is_key || (word.len() >= 64 && is_hex(word))
}

#[test]
fn a_secret_is_known_when_it_is_seen() {
    let token = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.{}", "a".repeat(43));
    for secret in [&token, &"ab12".repeat(16), &format!("AKIA{}", "A".repeat(16)), &format!("ghp_{}", "a".repeat(36))] {
        assert!(looks_like_a_secret(secret), "{secret}");
    }
    for word in ["", "secret", "a.b.c", "0195d2a4-6f0e-8000-8000-000000000000", "abcdefghijklmnopqrstuvwxyz012345"] {
        assert!(!looks_like_a_secret(word), "{word}");
    }
}

#[test]
fn no_tracked_file_holds_a_secret() {
    // Marks that stand at the head of keys, put together so that they do not stand here.
    let marks = ["PRIVATE KEY", "OPENSSH"].map(|kind| format!("-----BEGIN {kind}"));
    for file in tracked_files() {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let extension = file.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
        assert!(!name.starts_with(".env") && !name.contains("session-keys"), "{}", file.display());
        for secret in ["pem", "key", "p12", "pfx", "jks", "sqlite3", "db", "pyc", "log"] {
            assert_ne!(extension, secret, "{}", file.display());
        }
        // Checksums of packages are as long as keys, and so are some passwords that everybody knows.
        if ["Cargo.lock", "common_passwords.txt"].contains(&&*name) {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        assert!(!marks.iter().any(|mark| text.contains(mark.as_str())), "{} holds a key", file.display());
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && !"._-".contains(character));
        let secrets: BTreeSet<&str> = words.filter(|word| looks_like_a_secret(word)).collect();
        assert!(secrets.is_empty(), "{}: {secrets:?}", file.display());
    }
}

fn tracked_files() -> Vec<PathBuf> {
    let listed = Command::new("git").arg("ls-files").current_dir(workspace()).output().expect("git lists the files");
    let names = String::from_utf8(listed.stdout).expect("names are texts");
    let files: Vec<_> = names.lines().map(|name| workspace().join(name)).collect();
    assert!(files.len() > 100, "git knows the files: {}", String::from_utf8_lossy(&listed.stderr));
    files
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
