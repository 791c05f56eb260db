//! People and sessions as items.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::id::{SessionId, UserId};
use crate::domain::session::{Caller, Session};
use crate::domain::user::{Email, PersonName, PhoneNumber, Role, User};
use crate::domain::{Error, Timestamp};
use crate::store::item::{Item, Reader, Writer, corrupt};
use crate::store::keys::{EXPIRES_AT, GSI1PK, GSI1SK, Key, PK, SK, USERS};

pub(super) fn user_to_item(user: &User) -> Item {
    Writer::at(Key::user(user.id))
        .text(GSI1PK, USERS)
        .text(GSI1SK, format_args!("{}#{}", user.created_at, user.id))
        .text("first_name", user.first_name.as_str())
        .text("last_name", user.last_name.as_str())
        .text("email", user.email.as_str())
        .optional("phone_number", user.phone_number.as_ref().map(PhoneNumber::as_str))
        .text("role", user.role.as_str())
        .set("active", AttributeValue::Bool(user.active))
        .text("created_at", user.created_at)
        .build()
}

impl TryFrom<Reader<'_>> for User {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: item.key_id(PK, UserId::parse)?,
            first_name: item.parsed("first_name", PersonName::parse)?,
            last_name: item.parsed("last_name", PersonName::parse)?,
            email: item.parsed("email", Email::parse)?,
            phone_number: item.optional_parsed("phone_number", PhoneNumber::parse)?,
            role: item.parsed("role", Role::parse)?,
            active: item.flag("active")?,
            created_at: item.instant("created_at")?,
        })
    }
}

pub(super) fn session_to_item(session: &Session) -> Item {
    Writer::at(Key::session(&session.caller))
        .text("created_at", session.created_at)
        .text("last_seen_at", session.last_seen_at)
        .integer(EXPIRES_AT, session.expires_at.epoch_seconds())
        .optional("address", session.address.as_ref())
        .optional("agent", session.agent.as_ref())
        .build()
}

impl TryFrom<Reader<'_>> for Session {
    type Error = Error;

    fn try_from(item: Reader<'_>) -> Result<Self, Error> {
        let created_at = item.instant("created_at")?;
        // Sessions of earlier versions were not watched.
        let last_seen_at = item.optional_instant("last_seen_at")?.unwrap_or(created_at);
        let expires_at = Timestamp::from_epoch_seconds(item.integer(EXPIRES_AT)?).ok_or_else(|| corrupt(EXPIRES_AT))?;
        Ok(Self {
            caller: Caller {
                user: item.key_id(PK, UserId::parse)?,
                session: item.key_id(SK, SessionId::parse)?,
                at: last_seen_at,
            },
            created_at,
            last_seen_at,
            expires_at,
            address: item.optional_text("address")?.map(str::to_owned),
            agent: item.optional_text("agent")?.map(str::to_owned),
        })
    }
}
