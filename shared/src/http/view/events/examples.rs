//! One event of each type, of two people and what they say: for the document that describes events, and for tests.

use std::collections::HashMap;

use super::{Audience, EventView, Events};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::conversation::{Conversation, Kind, Membership, Title};
use crate::domain::id::{ConversationId, Number, UserId};
use crate::domain::message::{ClientKey, Entry, Message, MessageBody};
use crate::domain::user::{Email, PersonName, Role, User};
use crate::domain::{Error, Timestamp};
use crate::store::Shown;

const ADA: UserId = UserId::from_bytes(*b"\x01\x95\xd2\xa4\x6f\x0e\x70\0\x80\0\0\0\0\0\0\x01");
const GRACE: UserId = UserId::from_bytes(*b"\x01\x95\xd2\xa4\x6f\x0e\x70\0\x80\0\0\0\0\0\0\x02");

/// What Ada says to Grace, and around it.
pub(crate) struct Scene {
    pub(crate) message: Message,
    pub(crate) audience: Audience,
    pub(crate) grace: UserId,
}

fn at() -> Timestamp {
    Timestamp::parse("2026-01-01T12:00:00.123456Z").expect("an instant")
}

fn person(id: UserId, first_name: &str, last_name: &str, email: &str) -> User {
    User {
        id,
        first_name: PersonName::parse(first_name).expect("a name"),
        last_name: PersonName::parse(last_name).expect("a name"),
        email: Email::parse(email).expect("an address"),
        phone_number: None,
        role: Role::Guest,
        active: true,
        created_at: at(),
    }
}

impl Scene {
    pub(crate) fn saying(body: &str) -> Self {
        let id = ConversationId::parse("9f0c6a52-1d2e-8b3f-a4c5-d60000000000").expect("an id");
        let one = Number::ZERO.next();
        let conversation = Conversation {
            id,
            kind: Kind::Group,
            participants: [ADA, GRACE].into(),
            title: Some(Title::parse("Engines").expect("a title")),
            created_by: ADA,
            created_at: at(),
            messages: one,
            hidden: 0,
            last_activity: at(),
            changes: Number::ZERO,
            changed_at: at(),
        };
        let message = Message {
            id: id.message(one),
            sender: ADA,
            body: MessageBody::parse(body).expect("a body"),
            sent_at: at(),
            edited_at: None,
            key: Some(ClientKey::parse("first").expect("a key")),
            edits: Vec::new(),
        };
        let membership = Membership {
            conversation: id,
            conversation_created_at: at(),
            user: GRACE,
            joined_at: at(),
            position: 0,
            read_number: one,
            addition: None,
        };
        let ada = person(ADA, "Ada", "Lovelace", "ada@example.com");
        let grace = person(GRACE, "Grace", "Hopper", "grace@example.com");
        let shown = Shown {
            people: std::sync::Arc::new([(ADA, ada), (GRACE, grace)].into()),
            messages: [(one, Entry::Message(message.clone()))].into(),
            memberships: [(GRACE, membership)].into(),
            title: conversation.title.clone(),
        };
        let audience = Audience { conversation, shown, sockets: HashMap::new(), named: vec![ADA, GRACE] };
        Self { message, audience, grace: GRACE }
    }

    /// One of each kind but voids.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let message = self.message.id.number;
        let kinds = [
            ChangeKind::MessageEdited { message, by: ADA, earlier: None },
            ChangeKind::MessageDeleted { message, by: ADA },
            ChangeKind::ParticipantAdded { user: GRACE, by: ADA },
            ChangeKind::ParticipantRemoved { user: GRACE, by: ADA },
            ChangeKind::ConversationUpdated { by: ADA },
        ];
        let mut number = Number::ZERO;
        let numbered = kinds.map(|kind| {
            number = number.next();
            Change { number, at: at(), kind }
        });
        numbered.into()
    }
}

/// One event of each type, as JSON.
#[cfg(feature = "openapi")]
pub(crate) fn all() -> Result<Vec<String>, Error> {
    let scene = Scene::saying("Hello Grace!");
    let (audience, conversation) = (&scene.audience, &scene.audience.conversation);
    let membership = audience.shown.memberships[&scene.grace];
    let mut events = vec![
        Events::sent(&scene.message, audience)?,
        Events::started(audience)?,
        Events::removed(conversation.id)?,
        Events::read(&membership)?,
        Events::typing(conversation.id, ADA)?,
        Events::presence(ADA, true, at())?,
    ];
    for change in scene.changes() {
        events.extend(Events::changed(&change, audience)?);
    }
    let mut events: Vec<String> = events.iter().map(|events| events.seen_by(scene.grace).to_string()).collect();
    let deleted = EventView::MessageDeleted {
        conversation: conversation.id.to_string(),
        change: 2,
        at: at().to_string(),
        by: ADA.to_string(),
        message: super::EntryView::of_deleted(&scene.message, at()),
    };
    events.retain(|event| !event.contains("message.deleted"));
    events.push(deleted.to_json()?);
    Ok(events)
}
