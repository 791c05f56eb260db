//! Where somebody stands in all of their conversations at once, spelt as one cursor.
//!
//! The cursor is all that is kept of it, by the client, and it travels in an address, so it is small and bounded: five
//! random bytes of each conversation's id stand for it, and what moved least recently is left out when there is no room.
//! To be left out is no loss: such a conversation is told as one that the cursor does not know, with its counters, and
//! the client compares. Two conversations with the same five bytes are both left out, lest one be taken for the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cursor::{BadCursor, bytes_within, decode_bytes, encode_bytes};
use super::id::{ConversationId, Number, UserId};

/// How long the cursor may be: a request's first line and its headers together have 10 KB at API Gateway.
pub const MOST_CHARACTERS: usize = 6000;

/// Cursors of another shape are refused, and their clients start from none.
const VERSION: u8 = 1;

const PREFIX_LENGTH: usize = 5;

/// Enough of a conversation's id to tell one person's conversations apart: of a thousand, two are alike once in two
/// million people.
type Prefix = [u8; PREFIX_LENGTH];

/// The proven point in both logs of a conversation: everything up to there was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub messages: Number,
    pub changes: Number,
}

/// The proven points in as many of somebody's conversations as a cursor has room for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<Prefix, Position>);

impl Positions {
    /// Of all of somebody's conversations, those that matter most first, the positions that are known; as many as a cursor
    /// of so many characters holds.
    pub fn within(characters: usize, all: &[(ConversationId, Option<Position>)]) -> Self {
        let alike = alike(all.iter().map(|(id, _)| *id));
        let (mut positions, mut room) = (BTreeMap::new(), bytes_within(characters).saturating_sub(1));
        let known = all.iter().filter_map(|(id, position)| Some((prefix(*id), (*position)?)));
        for (prefix, position) in known.filter(|(prefix, _)| !alike.contains(prefix)) {
            let size = PREFIX_LENGTH + varint(position.messages).count() + varint(position.changes).count();
            if size > room {
                break;
            }
            room -= size;
            positions.insert(prefix, position);
        }
        Self(positions)
    }

    /// Where somebody stands in those of their conversations that the cursor knows; `all` are all of them.
    pub fn known_of(&self, all: &[ConversationId]) -> HashMap<ConversationId, Position> {
        let alike = alike(all.iter().copied());
        let known = all.iter().filter(|id| !alike.contains(&prefix(**id)));
        known.filter_map(|id| Some((*id, *self.0.get(&prefix(*id))?))).collect()
    }

    /// Whether there is a conversation among them that is none of these.
    pub fn know_another_than(&self, all: impl IntoIterator<Item = ConversationId>) -> bool {
        let prefixes: BTreeSet<Prefix> = all.into_iter().map(prefix).collect();
        self.0.keys().any(|prefix| !prefixes.contains(prefix))
    }

    /// Bound to whose they are.
    pub fn encode(&self, user: UserId) -> String {
        let mut bytes = vec![VERSION];
        for (prefix, position) in &self.0 {
            bytes.extend_from_slice(prefix);
            bytes.extend(varint(position.messages).chain(varint(position.changes)));
        }
        encode_bytes(&list(user), &bytes)
    }

    pub fn decode(user: UserId, cursor: &str) -> Result<Self, BadCursor> {
        let bytes = decode_bytes(&list(user), cursor)?;
        let mut rest = bytes.strip_prefix(&[VERSION]).ok_or(BadCursor)?;
        let mut positions = BTreeMap::new();
        while let Some((prefix, numbers)) = rest.split_first_chunk() {
            let (messages, numbers) = number(numbers).ok_or(BadCursor)?;
            let (changes, numbers) = number(numbers).ok_or(BadCursor)?;
            if positions.last_key_value().is_some_and(|(last, _)| last >= prefix) {
                return Err(BadCursor);
            }
            positions.insert(*prefix, Position { messages, changes });
            rest = numbers;
        }
        if rest.is_empty() { Ok(Self(positions)) } else { Err(BadCursor) }
    }
}

fn list(user: UserId) -> String {
    format!("changes in all conversations of {user}")
}

/// The first bytes of an id are random; its version and variant come later, and the last are zero.
fn prefix(id: ConversationId) -> Prefix {
    let mut prefix = [0; PREFIX_LENGTH];
    prefix.copy_from_slice(&id.as_bytes()[..PREFIX_LENGTH]);
    prefix
}

/// The prefixes that more than one of them has.
fn alike(ids: impl IntoIterator<Item = ConversationId>) -> BTreeSet<Prefix> {
    let mut met = BTreeSet::new();
    ids.into_iter().map(prefix).filter(|prefix| !met.insert(*prefix)).collect()
}

/// Seven bits to a byte, the lowest first; all but the last byte have the eighth.
fn varint(number: Number) -> impl Iterator<Item = u8> {
    let (mut rest, mut ended) = (number.get(), false);
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        ended = rest == 0;
        Some(if ended { low } else { low | 0x80 })
    })
}

fn number(bytes: &[u8]) -> Option<(Number, &[u8])> {
    let mut number = 0;
    for (index, byte) in bytes.iter().enumerate().take(6) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((Number::new(number)?, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn conversation(prefix: u64, rest: u16) -> ConversationId {
        let text = format!("{prefix:010x}008{rest:03x}8000000000000000");
        ConversationId::parse(&text).expect("a UUID")
    }

    fn position(messages: u64, changes: u64) -> Position {
        let number = |number| Number::new(number).expect("it fits");
        Position { messages: number(messages), changes: number(changes) }
    }

    prop_compose! {
        fn somebody()(id: [u8; 16]) -> UserId {
            UserId::from_bytes(id)
        }
    }

    prop_compose! {
        fn stand()(prefix in 0..1u64 << 40, known: bool, numbers in [0..=Number::MAX.get(), 0..=Number::MAX.get()])
            -> (u64, Option<Position>) {
            (prefix, known.then(|| position(numbers[0], numbers[1])))
        }
    }

    prop_compose! {
        /// Conversations, a few with the same prefix, and where somebody stands in them.
        fn stands()(stands in prop::collection::vec(stand(), 0..60)) -> Vec<(ConversationId, Option<Position>)> {
            let stands = stands.into_iter().enumerate().map(|(at, (prefix, position))| {
                let prefix = if at % 10 == 0 { 7 } else { prefix };
                (conversation(prefix, at as u16), position)
            });
            stands.collect()
        }
    }

    fn ids(all: &[(ConversationId, Option<Position>)]) -> Vec<ConversationId> {
        all.iter().map(|(id, _)| *id).collect()
    }

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_every_position_but_those_of_conversations_that_look_alike(
            user in somebody(), all in stands(),
        ) {
            let cursor = Positions::within(MOST_CHARACTERS, &all).encode(user);
            let known = Positions::decode(user, &cursor).expect("just encoded").known_of(&ids(&all));
            for (id, position) in &all {
                let alone = all.iter().filter(|(other, _)| prefix(*other) == prefix(*id)).count() == 1;
                prop_assert_eq!(known.get(id), position.as_ref().filter(|_| alone));
            }
        }

        #[test]
        fn a_short_cursor_knows_the_first_as_they_are_and_none_further_than_it_is(
            user in somebody(), all in stands(), characters in 0..400usize,
        ) {
            let positions = Positions::within(characters, &all);
            let cursor = positions.encode(user);
            prop_assert!(cursor.len() <= characters.max(Positions::default().encode(user).len()), "{}", cursor.len());
            let known = Positions::decode(user, &cursor).expect("just encoded").known_of(&ids(&all));
            let whole = Positions::within(usize::MAX / 4, &all).known_of(&ids(&all));
            prop_assert!(known.iter().all(|(id, position)| whole.get(id) == Some(position)));
            let kept: Vec<bool> =
                all.iter().filter(|(id, _)| whole.contains_key(id)).map(|(id, _)| known.contains_key(id)).collect();
            prop_assert!(kept.is_sorted_by(|before, after| before >= after), "those that matter most are kept: {:?}", kept);
        }

        #[test]
        fn a_cursor_of_somebody_else_is_refused(user in somebody(), other in somebody(), all in stands()) {
            prop_assume!(user != other);
            let cursor = Positions::within(MOST_CHARACTERS, &all).encode(user);
            prop_assert_eq!(Positions::decode(other, &cursor), Err(BadCursor));
        }

        #[test]
        fn a_damaged_cursor_is_refused(user in somebody(), all in stands(), at: prop::sample::Index, by in 1u8..) {
            let cursor = Positions::within(MOST_CHARACTERS, &all).encode(user);
            let at = at.index(cursor.len());
            prop_assert_eq!(Positions::decode(user, &cursor[..at]), Err(BadCursor));
            let mut bytes = cursor.into_bytes();
            bytes[at] = bytes[at].wrapping_add(by);
            prop_assert_eq!(Positions::decode(user, &String::from_utf8_lossy(&bytes)), Err(BadCursor));
        }

        #[test]
        fn what_was_sealed_by_others_is_read_or_refused_and_never_panics(
            user in somebody(), bytes in prop::collection::vec(any::<u8>(), 0..80), text in ".{0,80}",
        ) {
            let sealed = |bytes: &[u8]| Positions::decode(user, &encode_bytes(&list(user), bytes));
            for bytes in [bytes.clone(), [vec![VERSION], bytes].concat()] {
                if let Ok(positions) = sealed(&bytes) {
                    prop_assert_eq!(bytes[0], VERSION);
                    prop_assert_eq!(Positions::decode(user, &positions.encode(user)), Ok(positions));
                }
            }
            prop_assert_eq!(Positions::decode(user, &text), Err(BadCursor));
        }
    }

    #[test]
    fn there_is_room_for_hundreds_of_conversations() {
        let all: Vec<_> = (0..1000).map(|id| (conversation(id << 20, 0), Some(position(16_000, 120)))).collect();
        let positions = Positions::within(MOST_CHARACTERS, &all);
        assert_eq!(positions.0.len(), 561);
        assert!(positions.encode(UserId::unique()).len() <= MOST_CHARACTERS);
    }

    #[test]
    fn it_is_noticed_that_a_conversation_is_no_longer_ones_own() {
        let [one, other] = [1, 2].map(|id| conversation(id, 0));
        let positions = Positions::within(MOST_CHARACTERS, &[(one, Some(position(3, 1))), (other, None)]);
        assert!(!positions.know_another_than([one, other]));
        assert!(!positions.know_another_than([one]));
        assert!(positions.know_another_than([other]));
        assert!(!Positions::default().know_another_than([]));
    }
}
