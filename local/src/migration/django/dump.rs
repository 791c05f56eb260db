//! What `manage.py dumpdata` wrote, as the database that it came from: read object by object into a temporary SQLite
//! file, so that a dump need not fit into memory.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::failure::{Context, Result};

/// The columns that are taken, after the primary key; the names of fields, but for what Django adds to foreign keys.
const MODELS: [(&str, &str, &[&str]); 4] = [
    (
        "user",
        "user_id",
        &[
            "email",
            "first_name",
            "last_name",
            "phone_number",
            "role",
            "password",
            "created_at",
            "date_joined",
            "is_active",
            "is_superuser",
        ],
    ),
    ("conversation", "conversation_id", &["created_at"]),
    ("conversationparticipant", "id", &["conversation_id", "user_id", "joined_at"]),
    ("message", "message_id", &["sender_id", "conversation_id", "message_body", "sent_at"]),
];

#[derive(Deserialize)]
struct Object {
    model: String,
    pk: Value,
    fields: Map<String, Value>,
}

pub(super) fn load(path: &Path) -> Result<Connection> {
    let name = path.display();
    let file = File::open(path).context(format!("cannot open {name}"))?;
    // An empty name is a file of SQLite's own, which is gone with the connection.
    let connection = Connection::open("").context("cannot make a temporary database")?;
    create(&connection).context("cannot make a temporary database")?;
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(file));
    deserializer.deserialize_seq(Objects(&connection)).context(format!("cannot read {name}"))?;
    deserializer.end().context(format!("cannot read {name}"))?;
    index(&connection).context("cannot make a temporary database")?;
    Ok(connection)
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    for (model, key, columns) in MODELS {
        connection.execute_batch(&format!("CREATE TABLE chats_{model} ({key}, {})", columns.join(", ")))?;
    }
    connection.execute_batch("CREATE TABLE chats_conversation_participants (conversation_id, user_id); BEGIN")
}

fn index(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("COMMIT")?;
    for table in ["conversationparticipant", "conversation_participants", "message"] {
        connection.execute_batch(&format!("CREATE INDEX {table}_of ON chats_{table} (conversation_id)"))?;
    }
    connection.execute_batch("CREATE INDEX conversation_by_id ON chats_conversation (conversation_id)")
}

struct Objects<'c>(&'c Connection);

impl<'de> Visitor<'de> for Objects<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects with model, pk and fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> std::result::Result<(), A::Error> {
        while let Some(object) = objects.next_element::<Object>()? {
            insert(self.0, object).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

fn insert(connection: &Connection, object: Object) -> rusqlite::Result<()> {
    let model = object.model.rsplit('.').next().unwrap_or_default().to_lowercase();
    let Some((_, _, columns)) = MODELS.iter().find(|(name, _, _)| *name == model) else { return Ok(()) };
    let mut fields = object.fields;
    if let Some(Value::Array(people)) = fields.remove("participants") {
        let query = "INSERT INTO chats_conversation_participants VALUES (?1, ?2)";
        for person in people {
            connection.prepare_cached(query)?.execute((sql(object.pk.clone()), sql(person)))?;
        }
    }
    let values = columns.iter().map(|column| {
        let field = column.strip_suffix("_id").unwrap_or(column);
        sql(fields.remove(field).unwrap_or_default())
    });
    let values: Vec<Sql> = std::iter::once(sql(object.pk)).chain(values).collect();
    let places = vec!["?"; values.len()].join(", ");
    let query = format!("INSERT INTO chats_{model} VALUES ({places})");
    connection.prepare_cached(&query)?.execute(rusqlite::params_from_iter(values)).map(drop)
}

fn sql(value: Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Bool(flag) => Sql::Integer(flag.into()),
        Value::String(text) => Sql::Text(text),
        other => Sql::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Django;

    #[test]
    fn a_dump_is_read_as_the_database_that_it_came_from() {
        let path = std::env::temp_dir().join(format!("confab-dump-{}.json", uuid::Uuid::new_v4()));
        let dump = r#"[
            {"model": "contenttypes.contenttype", "pk": 1, "fields": {"app_label": "chats"}},
            {"model": "chats.user", "pk": "u1", "fields": {"email": "a@example.com", "is_active": false,
             "is_superuser": true, "phone_number": null, "created_at": "2024-01-01T12:00:00.123Z", "groups": []}},
            {"model": "chats.conversation", "pk": "c1", "fields": {"participants": ["u1", "u2"]}},
            {"model": "chats.ConversationParticipant", "pk": "p1", "fields": {"conversation": "c1", "user": "u3",
             "joined_at": "2024-01-02T12:00:00Z"}},
            {"model": "chats.message", "pk": "m1", "fields": {"sender": "u1", "conversation": "c1",
             "message_body": "Hello", "sent_at": "2024-01-03T12:00:00Z"}}
        ]"#;
        std::fs::write(&path, dump).unwrap();
        let django = Django::open_dump(&path).unwrap();
        std::fs::write(&path, &dump[..dump.len() - 30]).unwrap();
        let cut_short = Django::open_dump(&path);
        std::fs::remove_file(&path).unwrap();
        assert!(cut_short.is_err());

        let person = &django.people().unwrap()[0];
        assert_eq!((person.id.as_str(), person.phone_number.as_str()), ("u1", ""));
        assert_eq!((person.is_active, person.is_superuser), (false, true));
        let conversation = &django.conversations().unwrap()[0];
        let mut people: Vec<_> = django.participants(conversation).unwrap().into_iter().map(|row| row.user).collect();
        people.sort_unstable();
        assert_eq!(people, ["u1", "u2", "u3"]);
        assert_eq!(django.messages(conversation).unwrap()[0].sender, "u1");
        assert!(django.orphans().unwrap().is_empty());
    }
}
