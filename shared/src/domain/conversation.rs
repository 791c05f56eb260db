//! Conversations: who takes part, and the two counters that number its log.

use std::collections::BTreeSet;

use super::id::{ConversationId, Number, UserId};
use super::log::Counter;
use super::text::{Invalid, trimmed, visible};
use super::{Error, Timestamp};

/// How many may take part: at 16 bytes each they stay within 5 KB of the item that every send writes.
pub const MOST_PARTICIPANTS: usize = 250;

/// How many of the last numbers are looked through for the last message to show.
pub const LAST_MESSAGE_DEPTH: u64 = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub id: ConversationId,
    pub kind: Kind,
    pub participants: BTreeSet<UserId>,
    pub title: Option<Title>,
    pub created_by: UserId,
    pub created_at: Timestamp,
    /// The last number taken by a send.
    pub messages: Number,
    /// How many of those numbers are tombstones and voids.
    pub hidden: u64,
    /// When the last number was taken by a send; at first when the conversation was made.
    pub last_activity: Timestamp,
    /// The last number taken by an edit, a delete or a change of who takes part.
    pub changes: Number,
    /// When the last number was taken by a change; at first when the conversation was made.
    pub changed_at: Timestamp,
}

impl Conversation {
    pub fn has(&self, user: UserId) -> bool {
        self.participants.contains(&user)
    }

    /// Fails if nobody can join, whoever it is.
    pub fn check_can_grow(&self) -> Result<(), Error> {
        match self.kind {
            Kind::Group => Ok(()),
            Kind::Direct => Err(Error::refused("A direct conversation cannot grow.")),
        }
    }

    /// Fails if nobody can be taken out, whoever it is.
    pub fn check_can_shrink(&self) -> Result<(), Error> {
        match self.kind {
            Kind::Group => Ok(()),
            Kind::Direct => Err(Error::refused("Nobody can be removed from a direct conversation.")),
        }
    }

    /// Fails if it cannot have that title.
    pub fn check_can_be_called(&self, title: Option<&Title>) -> Result<(), Error> {
        match (self.kind, title) {
            (Kind::Direct, Some(_)) => Err(Error::refused("A direct conversation has no title.")),
            (Kind::Direct, None) | (Kind::Group, _) => Ok(()),
        }
    }

    /// Fails if that person cannot join.
    pub fn check_can_take_in(&self, user: UserId) -> Result<(), Error> {
        self.check_can_grow()?;
        if self.has(user) {
            Err(Error::refused("User is already a participant"))
        } else if self.participants.len() >= MOST_PARTICIPANTS {
            Err(Error::refused(format!("A conversation must have no more than {MOST_PARTICIPANTS} participants.")))
        } else {
            Ok(())
        }
    }

    /// Fails if that person cannot be taken out by `by`.
    pub fn check_can_lose(&self, user: UserId, by: UserId) -> Result<(), Error> {
        self.check_can_shrink()?;
        if user == by {
            Err(Error::refused("You cannot remove yourself: leave the conversation instead."))
        } else if self.has(user) {
            Ok(())
        } else {
            Err(Error::refused("User is not a participant"))
        }
    }

    /// Whether a message with that number is recent enough to stand as the last one.
    pub fn shows_as_last(&self, number: Number) -> bool {
        self.messages.distance_from(number) < LAST_MESSAGE_DEPTH
    }

    /// The counter that numbers messages.
    pub fn message_counter(&self) -> Counter {
        Counter { last: self.messages, moved_at: self.last_activity }
    }

    /// The counter that numbers changes.
    pub fn change_counter(&self) -> Counter {
        Counter { last: self.changes, moved_at: self.changed_at }
    }

    /// When either counter moved last.
    pub fn moved_at(&self) -> Timestamp {
        self.last_activity.max(self.changed_at)
    }

    /// How many messages there are to read, apart from deleted ones.
    pub fn visible_messages(&self) -> u64 {
        self.messages.get().saturating_sub(self.hidden)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The one conversation without a title that two people have: nobody joins, nobody leaves.
    Direct,
    Group,
}

/// One person's part in one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub conversation: ConversationId,
    /// When the conversation was made: kept here too, so that a person's conversations can be put in order at once.
    pub conversation_created_at: Timestamp,
    pub user: UserId,
    pub joined_at: Timestamp,
    /// The order among those who joined at the same instant.
    pub position: u32,
    /// The last number this person has read; everything after it is unread.
    pub read_number: Number,
    /// The change that added this person; nothing if it was not a change that did, but the beginning.
    pub addition: Option<Number>,
}

impl Membership {
    /// Unread is derived, so it cannot drift: the last number minus the number read.
    pub fn unread(&self, conversation: &Conversation) -> u64 {
        conversation.messages.distance_from(self.read_number)
    }
}

/// A conversation to be made. The creator takes part; whom it names twice takes part once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversation {
    pub id: ConversationId,
    pub kind: Kind,
    pub title: Option<Title>,
    pub created_by: UserId,
    /// In order, the creator first, each once, 2 to [`MOST_PARTICIPANTS`].
    pub participants: Vec<UserId>,
}

impl NewConversation {
    pub fn between(creator: UserId, others: &[UserId], title: Option<Title>) -> Result<Self, Invalid> {
        let mut participants = vec![creator];
        let mut seen = BTreeSet::from([creator]);
        participants.extend(others.iter().filter(|user| seen.insert(**user)));
        if participants.len() < 2 {
            return Err(Invalid::new("A conversation must have at least 2 participants."));
        }
        if participants.len() > MOST_PARTICIPANTS {
            return Err(Invalid::new(format!(
                "A conversation must have no more than {MOST_PARTICIPANTS} participants."
            )));
        }
        let kind = if participants.len() == 2 && title.is_none() { Kind::Direct } else { Kind::Group };
        Ok(Self { id: ConversationId::unique(), kind, title, created_by: creator, participants })
    }
}

/// What a group is called: 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    pub const MOST_CHARACTERS: usize = 200;

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        visible(text, Self::MOST_CHARACTERS).map(|text| Self(text.to_owned()))
    }

    /// As [`Title::parse`]; blank means none.
    pub fn parse_optional(text: &str) -> Result<Option<Self>, Invalid> {
        match trimmed(text, Self::MOST_CHARACTERS)? {
            "" => Ok(None),
            text => Self::parse(text).map(Some),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(count: usize) -> Vec<UserId> {
        (0..count).map(|_| UserId::unique()).collect()
    }

    #[test]
    fn the_creator_takes_part_and_repeats_collapse() {
        let [ada, grace] = people(2)[..] else { unreachable!() };
        let new = NewConversation::between(ada, &[grace, ada, grace], None).expect("two people");
        assert_eq!(new.participants, [ada, grace]);
        assert_eq!(new.kind, Kind::Direct);
    }

    #[test]
    fn two_people_with_a_title_are_a_group() {
        let [ada, grace] = people(2)[..] else { unreachable!() };
        let title = Title::parse_optional(" Engines ").expect("a title");
        assert_eq!(NewConversation::between(ada, &[grace], title).expect("two people").kind, Kind::Group);
        assert_eq!(Title::parse_optional("  "), Ok(None));
    }

    #[test]
    fn a_conversation_has_2_to_250_participants() {
        let ada = UserId::unique();
        assert!(NewConversation::between(ada, &[ada], None).is_err());
        assert!(NewConversation::between(ada, &people(249), None).is_ok());
        assert!(NewConversation::between(ada, &people(250), None).is_err());
    }
}
