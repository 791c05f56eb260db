//! The Django app's data as rows of text, out of its SQLite file; a dump becomes such a file first.
//!
//! The app's tables have had more than one shape: columns are taken by the names that they have, and what is missing is
//! read as NULL. Nothing is judged here.

mod dump;

use std::collections::HashSet;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use uuid::Uuid;

use crate::failure::{Context, Failure, Result};

pub(crate) struct Django {
    connection: Connection,
    people: String,
    conversations: String,
    /// One for each table that says who takes part.
    participants: Vec<String>,
    messages: String,
    /// Participants and messages of conversations that are not there.
    orphans: Vec<(Orphan, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Orphan {
    Participant,
    Message,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PersonRow {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) phone_number: String,
    pub(crate) role: String,
    pub(crate) password: String,
    pub(crate) created_at: String,
    pub(crate) is_active: bool,
    pub(crate) is_superuser: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct ConversationRow {
    pub(crate) id: String,
    pub(crate) created_at: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ParticipantRow {
    pub(crate) user: String,
    pub(crate) joined_at: String,
}

#[derive(Clone, Debug)]
pub(crate) struct MessageRow {
    pub(crate) id: String,
    pub(crate) sender: String,
    pub(crate) body: String,
    pub(crate) sent_at: String,
}

impl Django {
    pub(crate) fn open_sqlite(path: &Path) -> Result<Self> {
        let name = path.display();
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .context(format!("cannot open {name}"))?;
        // All that is read is of one moment.
        connection.execute_batch("BEGIN").context(format!("cannot read {name}"))?;
        Self::of(connection)
    }

    pub(crate) fn open_dump(path: &Path) -> Result<Self> {
        Self::of(dump::load(path)?)
    }

    fn of(connection: Connection) -> Result<Self> {
        let people = Table::find(&connection, "user", &["email"])?;
        let conversations = Table::find(&connection, "conversation", &[])?;
        let messages = Table::find(&connection, "message", &["conversation_id"])?;
        let (person, conversation) =
            (people.one_of(&["user_id", "id"])?, conversations.one_of(&["conversation_id", "id"])?);
        let message = messages.one_of(&["message_id", "id"])?;
        let created = people.any_of(&["created_at", "date_joined"]);
        let people = format!(
            "SELECT {person}, {}, {}, {}, {}, {}, {}, {created}, {}, {} FROM {} ORDER BY {created}, {person}",
            people.any_of(&["email"]),
            people.any_of(&["first_name"]),
            people.any_of(&["last_name"]),
            people.any_of(&["phone_number"]),
            people.any_of(&["role"]),
            people.any_of(&["password"]),
            people.any_of(&["is_active"]),
            people.any_of(&["is_superuser"]),
            people.name,
        );
        let not_there = format!("conversation_id NOT IN (SELECT {conversation} FROM {})", conversations.name);
        let mut orphans = vec![(Orphan::Message, format!("SELECT {message} FROM {} WHERE {not_there}", messages.name))];
        let mut participants = Vec::new();
        for name in ["conversationparticipant", "conversation_participants"] {
            let Ok(table) = Table::find(&connection, name, &["conversation_id", "user_id"]) else { continue };
            let joined = table.any_of(&["joined_at"]);
            participants.push(format!(
                "SELECT user_id, {joined} FROM {} WHERE conversation_id = ?1 ORDER BY {joined}, {}",
                table.name,
                table.any_of(&["id", "user_id"]),
            ));
            let id = table.any_of(&["id", "user_id"]);
            orphans.push((Orphan::Participant, format!("SELECT {id} FROM {} WHERE {not_there}", table.name)));
        }
        let created = conversations.any_of(&["created_at"]);
        let conversations =
            format!("SELECT {conversation}, {created} FROM {} ORDER BY {created}, {conversation}", conversations.name);
        let messages = format!(
            "SELECT {message}, {}, {}, {} FROM {} WHERE conversation_id = ?1",
            messages.one_of(&["sender_id"])?,
            messages.one_of(&["message_body"])?,
            messages.one_of(&["sent_at"])?,
            messages.name,
        );
        Ok(Self { connection, people, conversations, participants, messages, orphans })
    }

    /// In the order in which they came.
    pub(crate) fn people(&self) -> Result<Vec<PersonRow>> {
        self.rows(&self.people, None, |row| {
            Ok(PersonRow {
                id: text(row, 0)?,
                email: text(row, 1)?,
                first_name: text(row, 2)?,
                last_name: text(row, 3)?,
                phone_number: text(row, 4)?,
                role: text(row, 5)?,
                password: text(row, 6)?,
                created_at: text(row, 7)?,
                is_active: text(row, 8)? != "0",
                is_superuser: text(row, 9)? == "1",
            })
        })
    }

    pub(crate) fn conversations(&self) -> Result<Vec<ConversationRow>> {
        self.rows(&self.conversations, None, |row| Ok(ConversationRow { id: text(row, 0)?, created_at: text(row, 1)? }))
    }

    pub(crate) fn participants(&self, conversation: &ConversationRow) -> Result<Vec<ParticipantRow>> {
        let mut participants = Vec::new();
        for query in &self.participants {
            participants.extend(self.rows(query, Some(&conversation.id), |row| {
                Ok(ParticipantRow { user: text(row, 0)?, joined_at: text(row, 1)? })
            })?);
        }
        Ok(participants)
    }

    /// In no order.
    pub(crate) fn messages(&self, conversation: &ConversationRow) -> Result<Vec<MessageRow>> {
        self.rows(&self.messages, Some(&conversation.id), |row| {
            Ok(MessageRow { id: text(row, 0)?, sender: text(row, 1)?, body: text(row, 2)?, sent_at: text(row, 3)? })
        })
    }

    /// The ids of what belongs to no conversation.
    pub(crate) fn orphans(&self) -> Result<Vec<(Orphan, String)>> {
        let mut found = Vec::new();
        for (orphan, query) in &self.orphans {
            found.extend(self.rows(query, None, |row| Ok((*orphan, text(row, 0)?)))?);
        }
        Ok(found)
    }

    fn rows<T>(
        &self,
        query: &str,
        parameter: Option<&str>,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let rows = || {
            let mut statement = self.connection.prepare_cached(query)?;
            let rows = statement.query_map(rusqlite::params_from_iter(parameter), |row| read(row))?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        };
        rows().context("cannot read the old database")
    }
}

/// Any value as text; NULL is empty, and sixteen bytes are a UUID.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Blob(bytes) => Uuid::from_slice(bytes)
            .map_or_else(|_| String::from_utf8_lossy(bytes).into_owned(), |uuid| uuid.to_string()),
    })
}

/// A table of the app, with the names of its columns.
struct Table {
    /// Quoted.
    name: String,
    columns: HashSet<String>,
}

impl Table {
    /// The table of a model, whatever the app is called, that has these columns.
    fn find(connection: &Connection, model: &str, columns: &[&str]) -> Result<Self> {
        let tables = || {
            let query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name NOT LIKE 'chats\\_%' ESCAPE '\\', name";
            let mut statement = connection.prepare(query)?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            names.collect::<rusqlite::Result<Vec<_>>>()
        };
        for name in tables().context("cannot read the old database")? {
            if name != model && !name.ends_with(&format!("_{model}")) {
                continue;
            }
            let table = Self::read(connection, &name).context("cannot read the old database")?;
            if columns.iter().all(|column| table.columns.contains(*column)) {
                return Ok(table);
            }
        }
        Err(Failure::new(format!("there is no table for the model {model}: is this the database of the Django app?")))
    }

    fn read(connection: &Connection, name: &str) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let columns = statement.query_map([name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(Self { name: format!("\"{}\"", name.replace('"', "\"\"")), columns })
    }

    /// The first of these columns that there is.
    fn one_of(&self, names: &[&'static str]) -> Result<&'static str> {
        let found = names.iter().find(|name| self.columns.contains(**name));
        found
            .copied()
            .ok_or_else(|| Failure::new(format!("the table {} has no column {}", self.name, names.join(" or "))))
    }

    /// The first of these columns that there is; else nothing, in every row.
    fn any_of(&self, names: &[&'static str]) -> &'static str {
        self.one_of(names).unwrap_or("NULL")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_in_either_of_their_shapes() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE auth_user (id INTEGER, username TEXT);
                 CREATE TABLE talk_user (id BLOB, email TEXT, date_joined TEXT, is_active BOOL);
                 CREATE TABLE talk_conversation (id TEXT);
                 CREATE TABLE talk_conversation_participants (id INTEGER, conversation_id TEXT, user_id BLOB);
                 CREATE TABLE talk_message (id TEXT, sender_id BLOB, conversation_id TEXT, message_body TEXT, sent_at TEXT);
                 INSERT INTO talk_user VALUES (x'6f9619ff8b864011b42d00cf4fc964ff', 'a@example.com', '2024-01-01', 1);
                 INSERT INTO talk_conversation VALUES ('c1');
                 INSERT INTO talk_conversation_participants VALUES (1, 'c1', x'00'), (2, 'gone', x'00');
                 INSERT INTO talk_message VALUES ('m1', x'00', 'c1', 'Hello', '2024-01-01'), ('m2', x'00', 'gone', '', '');",
            )
            .unwrap();
        let django = Django::of(connection).unwrap();
        let person = &django.people().unwrap()[0];
        assert_eq!(person.id, "6f9619ff-8b86-4011-b42d-00cf4fc964ff");
        assert_eq!((person.created_at.as_str(), person.is_active, person.is_superuser), ("2024-01-01", true, false));
        let conversation = &django.conversations().unwrap()[0];
        assert_eq!(django.participants(conversation).unwrap().len(), 1);
        assert_eq!(django.messages(conversation).unwrap()[0].body, "Hello");
        let orphans: Vec<String> = django.orphans().unwrap().into_iter().map(|(_, id)| id).collect();
        assert_eq!(orphans, ["m2", "2"]);
    }

    #[test]
    fn another_database_is_refused() {
        assert!(Django::of(Connection::open_in_memory().unwrap()).is_err());
    }
}
