//! Identifiers. Each kind has its own type, so that one cannot be passed for another.
//!
//! A conversation id is a UUIDv8 (RFC 9562, section 5.8): 82 random bits, then 40 zero bits. A message id is
//! the same UUID with the message's number in those 40 bits: it *is* the message's address, needs no index,
//! and sorts by number.
//!
//! What was imported can still be called by the UUID that it had before. A conversation's id is derived from that one,
//! so it takes no read to find it; a message's old id says nothing of its number, and leads to it by an item.

use std::fmt;

use ring::digest::{Context, SHA256};
use uuid::{Uuid, Variant};

const NUMBER_BITS: u32 = 40;
const NUMBER_MASK: u128 = (1 << NUMBER_BITS) - 1;

/// Why a text is not an id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not a UUID in any spelling.
    Malformed,
    /// A UUID, but not one that Confab gives to messages.
    Foreign,
}

fn parse_uuid(text: &str) -> Result<Uuid, IdError> {
    Uuid::try_parse(text).map_err(|_| IdError::Malformed)
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub fn parse(text: &str) -> Result<Self, IdError> {
                parse_uuid(text).map(Self)
            }

            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

opaque_id! {
    /// A person. New ones are UUIDv7; imported ones keep the UUIDv4 they had.
    UserId
}

opaque_id! {
    /// One login of one person.
    SessionId
}

opaque_id! {
    /// Marks one attempt at a write, so that a writer whose write was applied but not answered knows it again.
    Nonce
}

opaque_id! {
    /// What something was called before it was imported: a UUID that Confab did not give.
    ForeignId
}

impl UserId {
    /// An id that is new in all the world.
    pub fn unique() -> Self {
        Self(Uuid::now_v7())
    }
}

impl SessionId {
    /// An id that is new in all the world.
    pub fn unique() -> Self {
        Self(Uuid::new_v4())
    }
}

impl Nonce {
    /// A nonce that is new in all the world.
    pub fn unique() -> Self {
        Self(Uuid::new_v4())
    }
}

impl ForeignId {
    /// 82 bits of SHA-256 over what the id was used for and the id, as a conversation's id: two of a million old ids
    /// come together with a probability of 2^-43, and with that of a conversation made here as seldom as two of those do.
    fn derived(self, purpose: &str) -> ConversationId {
        let mut context = Context::new(&SHA256);
        context.update(purpose.as_bytes());
        context.update(self.as_bytes());
        let mut entropy = [0; 16];
        entropy.copy_from_slice(&context.finish().as_ref()[..16]);
        ConversationId::from_entropy(u128::from_be_bytes(entropy))
    }

    /// The id of no message: of one in a conversation that there is not.
    pub fn no_message(self) -> MessageId {
        self.derived("confab: a message that was not imported").message(Number::ZERO.next())
    }
}

/// A position in a conversation's log of messages or of changes: 1, 2, 3 …; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u64);

impl Number {
    /// Before the first.
    pub const ZERO: Self = Self(0);
    /// The last number that fits into a message id: 2^40 - 1.
    pub const MAX: Self = Self(NUMBER_MASK as u64);

    pub fn new(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    pub fn get(self) -> u64 {
        self.0
    }

    /// The number after this one.
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// The number `count` after this one, at most [`Number::MAX`].
    pub fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count).min(Self::MAX.0))
    }

    /// The number `count` before this one, at least [`Number::ZERO`].
    pub fn minus(self, count: u64) -> Self {
        Self(self.0.saturating_sub(count))
    }

    /// How many numbers lie after `earlier`, up to this one.
    pub fn distance_from(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The numbers from `self` to `last`, both included.
    pub fn through(self, last: Self) -> impl DoubleEndedIterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A conversation: a UUIDv8 whose last 40 bits are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(Uuid);

impl ConversationId {
    /// An id that is new in all the world.
    pub fn unique() -> Self {
        Self::from_entropy(Uuid::new_v4().as_u128())
    }

    fn from_entropy(entropy: u128) -> Self {
        Self(uuid::Builder::from_custom_bytes((entropy & !NUMBER_MASK).to_be_bytes()).into_uuid())
    }

    /// The id of the conversation that had that one before it was imported. An old id that happens to have the shape of
    /// ours is taken for what it looks like here as everywhere.
    pub fn of_imported(id: ForeignId) -> Self {
        match split(id.0) {
            Some((conversation, Number::ZERO)) => conversation,
            _ => id.derived("confab: an imported conversation"),
        }
    }

    /// Any UUID leads to a conversation, if only to one that is not there.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        ForeignId::parse(text).map(Self::of_imported)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id of this conversation's message with that number.
    pub fn message(self, number: Number) -> MessageId {
        MessageId { conversation: self, number }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A message: its conversation and its number there, spelt as one UUIDv8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId {
    pub conversation: ConversationId,
    pub number: Number,
}

impl MessageId {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (conversation, number) = split(parse_uuid(text)?).ok_or(IdError::Foreign)?;
        if number == Number::ZERO { Err(IdError::Foreign) } else { Ok(Self { conversation, number }) }
    }
}

/// A message as a client calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageName {
    Native(MessageId),
    /// What it was called before it was imported, if it was.
    Foreign(ForeignId),
}

impl MessageName {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match MessageId::parse(text) {
            Err(IdError::Foreign) => ForeignId::parse(text).map(Self::Foreign),
            native => native.map(Self::Native),
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_u128(self.conversation.0.as_u128() | u128::from(self.number.0)).fmt(formatter)
    }
}

fn split(uuid: Uuid) -> Option<(ConversationId, Number)> {
    let native = uuid.get_version_num() == 8 && uuid.get_variant() == Variant::RFC4122;
    let bits = uuid.as_u128();
    native.then(|| (ConversationId(Uuid::from_u128(bits & !NUMBER_MASK)), Number((bits & NUMBER_MASK) as u64)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_message_id_is_its_address(entropy: u128, number in 1..=Number::MAX.get()) {
            let conversation = ConversationId::from_entropy(entropy);
            let id = conversation.message(Number(number));
            prop_assert_eq!(MessageId::parse(&id.to_string()), Ok(id));
            prop_assert_eq!(ConversationId::parse(&conversation.to_string()), Ok(conversation));
            prop_assert_eq!(MessageId::parse(&conversation.to_string()), Err(IdError::Foreign));
            prop_assert_ne!(ConversationId::parse(&id.to_string()), Ok(conversation));
        }

        #[test]
        fn any_uuid_leads_to_one_conversation_and_its_spelling_does_not_matter(uuid: u128) {
            let uuid = Uuid::from_u128(uuid);
            let conversation = ConversationId::parse(&uuid.to_string()).expect("a UUID");
            prop_assert_eq!(ConversationId::parse(&uuid.simple().to_string().to_uppercase()), Ok(conversation));
            prop_assert_eq!(ConversationId::parse(&conversation.to_string()), Ok(conversation));
            prop_assert_eq!(split(conversation.0), Some((conversation, Number::ZERO)));
        }

        #[test]
        fn a_message_is_called_by_its_id_or_by_an_old_one(uuid: u128) {
            let text = Uuid::from_u128(uuid).to_string();
            match MessageName::parse(&text).expect("a UUID") {
                MessageName::Native(id) => prop_assert_eq!(id.to_string(), text),
                MessageName::Foreign(id) => {
                    prop_assert_eq!(id.to_string(), text);
                    prop_assert_ne!(id.no_message().conversation, ConversationId::of_imported(id));
                }
            }
        }

        #[test]
        fn the_last_ten_hex_digits_are_the_number(entropy: u128, number in 1..=Number::MAX.get()) {
            let id = ConversationId::from_entropy(entropy).message(Number(number)).to_string();
            prop_assert_eq!(u64::from_str_radix(&id[id.len() - 10..], 16), Ok(number));
        }

        #[test]
        fn message_ids_of_a_conversation_sort_by_number(entropy: u128, a in 1..=Number::MAX.get(), b in 1..=Number::MAX.get()) {
            let conversation = ConversationId::from_entropy(entropy);
            let (first, second) = (conversation.message(Number(a)).to_string(), conversation.message(Number(b)).to_string());
            prop_assert_eq!(a.cmp(&b), first.cmp(&second));
        }

        #[test]
        fn any_text_is_an_id_or_a_clear_error(text in ".{0,64}") {
            let _ = MessageId::parse(&text);
            prop_assert!(ConversationId::parse(&text).is_err() || Uuid::try_parse(&text).is_ok());
        }

        #[test]
        fn every_spelling_of_a_uuid_is_taken(entropy: u128) {
            let id = ConversationId::from_entropy(entropy);
            prop_assert_eq!(ConversationId::parse(&id.to_string().to_uppercase()), Ok(id));
            prop_assert_eq!(ConversationId::parse(&id.0.simple().to_string()), Ok(id));
        }
    }

    #[test]
    fn an_id_of_another_version_is_foreign_and_garbage_is_malformed() {
        assert_eq!(MessageId::parse(&Uuid::new_v4().to_string()), Err(IdError::Foreign));
        assert_eq!(ConversationId::parse("abc"), Err(IdError::Malformed));
        assert_eq!(MessageName::parse("abc"), Err(IdError::Malformed));
    }

    #[test]
    fn the_id_of_an_imported_conversation_stays_what_it_is() {
        let old = ForeignId::parse("6f9619ff-8b86-4011-b42d-00cf4fc964ff").expect("a UUID");
        assert_eq!(ConversationId::of_imported(old).to_string(), "b3a00a78-1ade-80d4-a383-a40000000000");
    }
}
