//! Data of the Django app, as its SQLite file and as a dump.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use uuid::Uuid;

use super::tool::scratch_file;

/// What everybody signed in with there.
pub const OLD_PASSWORD: &str = "an old long password";

/// Its hash as Django writes it, with few iterations.
pub const OLD_HASH: &str = "pbkdf2_sha256$1000$seasalt$Y/Op96qefVX78khpOsnAFUuRTyTgGOsq/zqzU6xikZ0=";

#[derive(Clone, Debug)]
pub struct DjangoUser {
    pub id: Uuid,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub phone_number: Option<String>,
    pub role: String,
    pub password: String,
    pub created_at: String,
    pub is_active: bool,
    pub is_superuser: bool,
}

impl DjangoUser {
    /// Somebody new in all the world, of whom nothing is wrong.
    pub fn new(first_name: &str) -> Self {
        let id = Uuid::new_v4();
        Self {
            id,
            email: format!("{}.{}@example.com", first_name.to_lowercase(), id.simple()),
            first_name: first_name.to_owned(),
            last_name: "Tester".to_owned(),
            phone_number: None,
            role: "guest".to_owned(),
            password: OLD_HASH.to_owned(),
            created_at: "2024-01-01 12:00:00.123000".to_owned(),
            is_active: true,
            is_superuser: false,
        }
    }
}

#[derive(Clone, Debug)]
pub struct DjangoConversation {
    pub id: Uuid,
    pub participants: Vec<Uuid>,
    pub messages: Vec<DjangoMessage>,
}

#[derive(Clone, Debug)]
pub struct DjangoMessage {
    pub id: Uuid,
    pub sender: Uuid,
    pub body: String,
    pub sent_at: String,
}

impl DjangoConversation {
    pub fn between(people: &[&DjangoUser]) -> Self {
        let participants = people.iter().map(|user| user.id).collect();
        Self { id: Uuid::new_v4(), participants, messages: Vec::new() }
    }

    /// The same with another message, sent that many milliseconds after the beginning of a day.
    pub fn say(mut self, sender: &DjangoUser, body: &str, milliseconds: usize) -> Self {
        let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let sent_at = format!("2024-02-01 {:02}:{:02}:{seconds:02}.{milliseconds:03}000", minutes / 60, minutes % 60);
        self.messages.push(DjangoMessage { id: Uuid::new_v4(), sender: sender.id, body: body.to_owned(), sent_at });
        self
    }
}

#[derive(Clone, Debug, Default)]
pub struct DjangoApp {
    pub users: Vec<DjangoUser>,
    pub conversations: Vec<DjangoConversation>,
}

const CREATED: &str = "2024-01-31 00:00:00";

impl DjangoApp {
    /// As Django 4.2 makes the tables: UUIDs are 32 hex digits.
    pub fn write_sqlite(&self) -> PathBuf {
        let path = scratch_file("django.sqlite3");
        let mut connection = Connection::open(&path).expect("a database");
        let transaction = connection.transaction().expect("a transaction");
        transaction
            .execute_batch(
                "CREATE TABLE chats_user (password varchar(128), last_login datetime, is_superuser bool, first_name varchar(150),
                    last_name varchar(150), is_staff bool, is_active bool, date_joined datetime, user_id char(32) PRIMARY KEY,
                    email varchar(254), phone_number varchar(17), role varchar(10), created_at datetime);
                 CREATE TABLE chats_conversation (conversation_id char(32) PRIMARY KEY, created_at datetime);
                 CREATE TABLE chats_conversationparticipant (id char(32) PRIMARY KEY, joined_at datetime,
                    conversation_id char(32), user_id char(32));
                 CREATE TABLE chats_message (message_id char(32) PRIMARY KEY, message_body text, sent_at datetime,
                    conversation_id char(32), sender_id char(32));
                 CREATE TABLE chats_user_groups (id integer, user_id char(32), group_id integer);
                 CREATE INDEX chats_message_conversation_id ON chats_message (conversation_id);
                 CREATE INDEX chats_participant_conversation_id ON chats_conversationparticipant (conversation_id);",
            )
            .expect("tables");
        for user in &self.users {
            let DjangoUser { id, email, first_name, last_name, phone_number, role, password, created_at, .. } = user;
            transaction
                .execute(
                    "INSERT INTO chats_user VALUES (?1, NULL, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10, ?6)",
                    params![
                        password,
                        user.is_superuser,
                        first_name,
                        last_name,
                        user.is_active,
                        created_at,
                        id.simple().to_string(),
                        email,
                        phone_number,
                        role
                    ],
                )
                .expect("a user");
        }
        for conversation in &self.conversations {
            let id = conversation.id.simple().to_string();
            transaction.execute("INSERT INTO chats_conversation VALUES (?1, ?2)", params![id, CREATED]).expect("a row");
            for (index, user) in conversation.participants.iter().enumerate() {
                let joined_at = format!("2024-01-31 00:00:00.{index:06}");
                transaction
                    .execute(
                        "INSERT INTO chats_conversationparticipant VALUES (?1, ?2, ?3, ?4)",
                        params![Uuid::new_v4().simple().to_string(), joined_at, id, user.simple().to_string()],
                    )
                    .expect("a row");
            }
            for message in &conversation.messages {
                let (message_id, sender) = (message.id.simple().to_string(), message.sender.simple().to_string());
                transaction
                    .execute(
                        "INSERT INTO chats_message VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![message_id, message.body, message.sent_at, id, sender],
                    )
                    .expect("a row");
            }
        }
        transaction.commit().expect("committed");
        path
    }

    /// As `manage.py dumpdata` writes it: hyphens, and milliseconds.
    pub fn write_dump(&self) -> PathBuf {
        let path = scratch_file("dump.json");
        let object =
            |model: &str, pk: Uuid, fields: Value| json!({ "model": model, "pk": pk.to_string(), "fields": fields });
        let instant = |text: &str| format!("{}Z", text.replacen(' ', "T", 1).replace("000Z", "Z"));
        let mut objects = vec![json!({ "model": "sessions.session", "pk": "x", "fields": {} })];
        for user in &self.users {
            let fields = json!({
                "password": user.password, "last_login": null, "is_superuser": user.is_superuser,
                "first_name": user.first_name, "last_name": user.last_name, "is_staff": false,
                "is_active": user.is_active, "date_joined": instant(&user.created_at), "email": user.email,
                "phone_number": user.phone_number, "role": user.role, "created_at": instant(&user.created_at),
                "groups": [], "user_permissions": [],
            });
            objects.push(object("chats.user", user.id, fields));
        }
        for conversation in &self.conversations {
            objects.push(object("chats.conversation", conversation.id, json!({ "created_at": instant(CREATED) })));
            for (index, user) in conversation.participants.iter().enumerate() {
                let fields = json!({
                    "conversation": conversation.id.to_string(), "user": user.to_string(),
                    "joined_at": instant(&format!("2024-01-31 00:00:00.{index:06}")),
                });
                objects.push(object("chats.conversationparticipant", Uuid::new_v4(), fields));
            }
            for message in &conversation.messages {
                let fields = json!({
                    "sender": message.sender.to_string(), "conversation": conversation.id.to_string(),
                    "message_body": message.body, "sent_at": instant(&message.sent_at),
                });
                objects.push(object("chats.message", message.id, fields));
            }
        }
        std::fs::write(&path, json!(objects).to_string()).expect("a file");
        path
    }
}
