//! Conversations of the Django app as conversations here.

use std::collections::{HashMap, HashSet};

use shared::domain::Timestamp;
use shared::domain::conversation::{Conversation, Kind, MOST_PARTICIPANTS, Membership};
use shared::domain::id::{ConversationId, ForeignId, Number, UserId};
use shared::domain::message::{Message, MessageBody};
use shared::store::ImportedConversation;

use super::django::{ConversationRow, MessageRow, ParticipantRow};
use super::people::{beginning, instant};
use super::report::{Outcome, Report, Thing};

/// Everything that is written about one conversation.
pub(crate) struct Rows {
    pub(crate) conversation: ConversationRow,
    pub(crate) participants: Vec<ParticipantRow>,
    pub(crate) messages: Vec<MessageRow>,
}

/// A conversation between people who are here, as a group; [`Directs`] knows which become direct ones. Nothing if it
/// cannot be imported.
pub(crate) fn conversation(rows: Rows, here: &HashSet<UserId>, report: &mut Report) -> Option<ImportedConversation> {
    let row = &rows.conversation;
    let Ok(old_id) = ForeignId::parse(&row.id) else {
        return skip(rows, report, "the id is not a UUID");
    };
    let id = ConversationId::of_imported(old_id);
    let joined = participants(old_id, &rows.participants, here, report);
    if joined.is_empty() {
        return skip(rows, report, "nobody takes part who is here");
    }
    if joined.len() > MOST_PARTICIPANTS {
        return skip(rows, report, "more take part than a conversation can have");
    }
    let messages = messages(id, &rows.messages, here, report);
    let first_known =
        || joined.iter().filter_map(|(_, at)| *at).chain(messages.iter().map(|(_, sent)| sent.sent_at)).min();
    let created_at = instant(&row.created_at).unwrap_or_else(|| {
        let reason = "when it was made is not known: when something first happened in it, now";
        report.add(Outcome::Changed, Thing::Conversation, old_id, reason);
        first_known().unwrap_or_else(beginning)
    });
    let last = messages.last().map(|(_, message)| (message.id.number, message.sent_at));
    let (last_number, last_activity) = last.unwrap_or((Number::ZERO, created_at));
    let memberships = memberships(id, created_at, last_number, joined);
    let conversation = Conversation {
        id,
        kind: Kind::Group,
        participants: memberships.iter().map(|membership| membership.user).collect(),
        title: None,
        // The app did not keep who it was.
        created_by: memberships[0].user,
        created_at,
        messages: last_number,
        hidden: 0,
        last_activity,
        changes: Number::ZERO,
        changed_at: created_at,
    };
    Some(ImportedConversation { old_id, conversation, memberships, messages })
}

fn skip(rows: Rows, report: &mut Report, reason: &str) -> Option<ImportedConversation> {
    report.add(Outcome::Skipped, Thing::Conversation, rows.conversation.id, reason);
    for message in rows.messages {
        report.add(Outcome::Skipped, Thing::Message, message.id, "its conversation was skipped");
    }
    None
}

/// Who takes part, each once, and when they joined if that is known.
fn participants(
    conversation: ForeignId,
    rows: &[ParticipantRow],
    here: &HashSet<UserId>,
    report: &mut Report,
) -> Vec<(UserId, Option<Timestamp>)> {
    let (mut joined, mut seen) = (Vec::new(), HashSet::new());
    for row in rows {
        match UserId::parse(&row.user).ok().filter(|user| here.contains(user)) {
            Some(user) => joined.extend(seen.insert(user).then(|| (user, instant(&row.joined_at)))),
            None => {
                let which = format!("{} in {conversation}", row.user);
                report.add(Outcome::Skipped, Thing::Participant, which, "this person is not here");
            }
        }
    }
    joined
}

/// In the order of joining; the app knew no unread messages, so everything counts as read.
fn memberships(
    id: ConversationId,
    created_at: Timestamp,
    last_number: Number,
    joined: Vec<(UserId, Option<Timestamp>)>,
) -> Vec<Membership> {
    let mut joined: Vec<_> = joined.into_iter().map(|(user, at)| (user, at.unwrap_or(created_at))).collect();
    joined.sort_by_key(|(_, at)| *at);
    let membership = |(position, (user, joined_at))| Membership {
        conversation: id,
        conversation_created_at: created_at,
        user,
        joined_at,
        position,
        read_number: last_number,
        addition: None,
    };
    (0..).zip(joined).map(membership).collect()
}

/// In the order in which they were sent, numbered from 1.
fn messages(
    id: ConversationId,
    rows: &[MessageRow],
    here: &HashSet<UserId>,
    report: &mut Report,
) -> Vec<(ForeignId, Message)> {
    let mut sent = Vec::with_capacity(rows.len());
    for row in rows {
        match message(row, here) {
            Ok(message) => sent.push(message),
            Err(reason) => report.add(Outcome::Skipped, Thing::Message, &row.id, reason),
        }
    }
    sent.sort_by_key(|(old_id, sent_at, ..)| (*sent_at, *old_id));
    sent.dedup_by_key(|(old_id, ..)| *old_id);
    let numbers = Number::ZERO.next().through(Number::MAX);
    numbers
        .zip(sent)
        .map(|(number, (old_id, sent_at, sender, body))| {
            let id = id.message(number);
            (old_id, Message { id, sender, body, sent_at, edited_at: None, key: None, edits: Vec::new() })
        })
        .collect()
}

type Sent = (ForeignId, Timestamp, UserId, MessageBody);

/// Who sent it need not take part any more.
fn message(row: &MessageRow, here: &HashSet<UserId>) -> Result<Sent, String> {
    let old_id = ForeignId::parse(&row.id).map_err(|_| "the id is not a UUID".to_owned())?;
    let sender = UserId::parse(&row.sender).ok().filter(|user| here.contains(user));
    let sender = sender.ok_or_else(|| "the sender is not here".to_owned())?;
    let sent_at = instant(&row.sent_at).ok_or_else(|| "when it was sent is not known".to_owned())?;
    let body = MessageBody::parse(&row.body).map_err(|reason| format!("the body cannot be taken: {reason}"))?;
    Ok((old_id, sent_at, sender, body))
}

/// Which conversation of two people is their direct one. The app let two have many: it is the one that was active last,
/// and the others become groups.
#[derive(Debug, Default)]
pub(crate) struct Directs(HashMap<Vec<UserId>, (Timestamp, ConversationId)>);

impl Directs {
    pub(crate) fn add(&mut self, import: &ImportedConversation) {
        let place = (import.conversation.last_activity, import.conversation.id);
        if let Some(pair) = pair(import) {
            let latest = self.0.entry(pair).or_insert(place);
            *latest = place.max(*latest);
        }
    }

    pub(crate) fn kind(&self, import: &ImportedConversation) -> Kind {
        let direct = pair(import).and_then(|pair| self.0.get(&pair));
        if direct.is_some_and(|(_, id)| *id == import.conversation.id) { Kind::Direct } else { Kind::Group }
    }
}

fn pair(import: &ImportedConversation) -> Option<Vec<UserId>> {
    let pair: Vec<UserId> = import.conversation.participants.iter().copied().collect();
    (pair.len() == 2).then_some(pair)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    struct Scene {
        ada: UserId,
        grace: UserId,
        here: HashSet<UserId>,
    }

    impl Scene {
        fn new() -> Self {
            let (ada, grace) = (UserId::unique(), UserId::unique());
            Self { ada, grace, here: HashSet::from([ada, grace]) }
        }

        fn rows(&self, messages: Vec<MessageRow>) -> Rows {
            let joined = |user: UserId, day: u32| ParticipantRow {
                user: user.to_string(),
                joined_at: format!("2024-01-0{day} 00:00:00"),
            };
            Rows {
                conversation: ConversationRow {
                    id: Uuid::new_v4().simple().to_string(),
                    created_at: "2024-01-01 00:00:00".to_owned(),
                },
                participants: vec![joined(self.grace, 2), joined(self.ada, 1), joined(self.grace, 3)],
                messages,
            }
        }

        fn message(&self, id: &str, sent_at: &str, body: &str) -> MessageRow {
            MessageRow {
                id: id.to_owned(),
                sender: self.ada.to_string(),
                body: body.to_owned(),
                sent_at: sent_at.to_owned(),
            }
        }
    }

    const LOW: &str = "00000000-8b86-4011-b42d-00cf4fc964ff";
    const HIGH: &str = "6f9619ff-8b86-4011-b42d-00cf4fc964ff";
    const HIGHER: &str = "7f9619ff-8b86-4011-b42d-00cf4fc964ff";

    #[test]
    fn messages_are_numbered_in_the_order_of_sending_with_ties_by_id() {
        let scene = Scene::new();
        let messages = vec![
            scene.message(HIGHER, "2024-01-01 12:00:00.000001", "third"),
            scene.message(HIGH, "2024-01-01 12:00:00", "second"),
            scene.message(LOW, "2024-01-01T12:00:00Z", " first "),
        ];
        let import = conversation(scene.rows(messages), &scene.here, &mut Report::default()).unwrap();
        let bodies: Vec<_> = import.messages.iter().map(|(_, message)| message.body.as_str()).collect();
        assert_eq!(bodies, ["first", "second", "third"]);
        assert_eq!(import.conversation.messages, Number::new(3).unwrap());
        assert_eq!(import.conversation.last_activity.to_string(), "2024-01-01T12:00:00.000001Z");
        assert_eq!(import.conversation.created_by, scene.ada);
        assert_eq!(import.memberships.iter().map(|member| member.user).collect::<Vec<_>>(), [scene.ada, scene.grace]);
        assert!(import.memberships.iter().all(|member| member.read_number == import.conversation.messages));
    }

    #[test]
    fn what_cannot_be_taken_is_skipped_with_its_reason_and_the_numbers_stay_dense() {
        let (scene, mut report) = (Scene::new(), Report::default());
        let stranger = MessageRow { sender: UserId::unique().to_string(), ..scene.message(LOW, "2024-01-01", "x") };
        let messages = vec![
            scene.message("no-uuid", "2024-01-01 12:00:00", "Hello"),
            scene.message(LOW, "2024-01-01 12:00:00", "\u{200B} "),
            scene.message(LOW, "2024-01-01 12:00:00", &"x".repeat(20_001)),
            scene.message(LOW, "some day", "Hello"),
            stranger,
            scene.message(HIGH, "2024-01-01 12:00:00", "Hello"),
        ];
        let import = conversation(scene.rows(messages), &scene.here, &mut report).unwrap();
        assert_eq!(import.messages.len(), 1);
        assert_eq!(import.messages[0].1.id.number, Number::new(1).unwrap());
        assert_eq!(report.count(Outcome::Skipped, Thing::Message), 5);
    }

    #[test]
    fn a_conversation_of_strangers_is_skipped_with_its_messages() {
        let (scene, mut report) = (Scene::new(), Report::default());
        let rows = scene.rows(vec![scene.message(LOW, "2024-01-01 12:00:00", "Hello")]);
        assert!(conversation(rows, &HashSet::new(), &mut report).is_none());
        assert_eq!(report.count(Outcome::Skipped, Thing::Conversation), 1);
        assert_eq!(report.count(Outcome::Skipped, Thing::Message), 1);
    }

    #[test]
    fn of_two_peoples_conversations_the_last_active_one_is_direct() {
        let scene = Scene::new();
        let mut directs = Directs::default();
        let [early, late] = ["2024-01-01 12:00:00", "2024-01-02 12:00:00"].map(|sent_at| {
            let rows = scene.rows(vec![scene.message(LOW, sent_at, "Hello")]);
            conversation(rows, &scene.here, &mut Report::default()).unwrap()
        });
        directs.add(&late);
        directs.add(&early);
        assert_eq!((directs.kind(&early), directs.kind(&late)), (Kind::Group, Kind::Direct));
    }
}
