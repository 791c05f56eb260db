//! The primary keys, built from typed ids. Here alone.

use crate::domain::Timestamp;
use crate::domain::connection::ConnectionId;
use crate::domain::id::{ConversationId, ForeignId, MessageId, Nonce, Number, SessionId, UserId};
use crate::domain::message::ClientKey;
use crate::domain::session::Caller;
use crate::domain::user::Email;

pub(super) const PK: &str = "PK";
pub(super) const SK: &str = "SK";
pub(super) const GSI1: &str = "GSI1";
pub(super) const GSI1PK: &str = "GSI1PK";
pub(super) const GSI1SK: &str = "GSI1SK";
pub(super) const EXPIRES_AT: &str = "expires_at";

/// `GSI1PK` of everybody.
pub(super) const USERS: &str = "USERS";
/// `GSI1PK` of all conversations.
pub(super) const CONVERSATIONS: &str = "CONVERSATIONS";

/// `PK` of all that is still to be cleared.
pub(super) const CLEARING: &str = "CLEARING";

pub(super) const SESSION_PREFIX: &str = "SESSION#";
pub(super) const MEMBER_PREFIX: &str = "MEMBER#";
pub(super) const WATCH_PREFIX: &str = "WATCH#";

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    pub(super) fn user(user: UserId) -> Self {
        Self::new(user_partition(user), "PROFILE")
    }

    pub(super) fn email(email: &Email) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), "EMAIL")
    }

    pub(super) fn session(caller: &Caller) -> Self {
        Self::new(user_partition(caller.user), session_sort(caller.session))
    }

    /// The list of active admins.
    pub(super) fn admins() -> Self {
        Self::new("ADMINS".to_owned(), "ADMINS")
    }

    /// One failed login, among those of one account or one address.
    pub(super) fn failure(partition: String, at: Timestamp, nonce: Nonce) -> Self {
        Self::new(partition, format!("{}#{nonce}", failure_sort(at)))
    }

    pub(super) fn membership(user: UserId, conversation: ConversationId) -> Self {
        Self::new(user_partition(user), format!("{MEMBER_PREFIX}{conversation}"))
    }

    /// The sockets that a person has open.
    pub(super) fn connections(user: UserId) -> Self {
        Self::new(user_partition(user), "CONNECTIONS")
    }

    /// The way back from a socket to its person.
    pub(super) fn connection(connection: &ConnectionId) -> Self {
        Self::new(format!("CONN#{connection}"), "CONN")
    }

    /// That a socket is told when a person comes and goes.
    pub(super) fn watch(user: UserId, connection: &ConnectionId) -> Self {
        Self::new(user_partition(user), format!("{WATCH_PREFIX}{connection}"))
    }

    pub(super) fn conversation(conversation: ConversationId) -> Self {
        Self::new(conversation_partition(conversation), "META")
    }

    pub(super) fn message(message: MessageId) -> Self {
        Self::new(conversation_partition(message.conversation), message_sort(message.number))
    }

    pub(super) fn change(conversation: ConversationId, number: Number) -> Self {
        Self::new(conversation_partition(conversation), change_sort(number))
    }

    pub(super) fn client_key(conversation: ConversationId, sender: UserId, key: &ClientKey) -> Self {
        Self::new(conversation_partition(conversation), format!("KEY#{sender}#{}", key.as_str()))
    }

    /// The same for both orders of the two.
    pub(super) fn direct(one: UserId, other: UserId) -> Self {
        Self::new(format!("DIRECT#{}#{}", one.min(other), one.max(other)), "DIRECT")
    }

    /// As it may be shown: without e-mail addresses, and without what clients called their sends.
    pub(super) fn shown(&self) -> String {
        let digest = |text: &str| {
            let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
            digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        match ItemKind::of(self) {
            Some(ItemKind::Account) => {
                format!("EMAIL#(SHA-256 {}…) {}", digest(self.address().unwrap_or_default()), self.sk)
            }
            Some(ItemKind::ClientKey) => match self.sender_and_client_key() {
                Some((sender, key)) => format!("{} KEY#{sender}#(SHA-256 {}…)", self.pk, digest(key.as_str())),
                None => format!("{} KEY#…", self.pk),
            },
            _ => format!("{} {}", self.pk, self.sk),
        }
    }

    /// Of whom a direct pair's key is.
    pub(super) fn pair(&self) -> Option<(UserId, UserId)> {
        let (one, other) = rest(&self.pk)?.split_once('#')?;
        Some((UserId::parse(one).ok()?, UserId::parse(other).ok()?))
    }

    /// Who used a client key, and which.
    pub(super) fn sender_and_client_key(&self) -> Option<(UserId, ClientKey)> {
        let (sender, key) = rest(&self.sk)?.split_once('#')?;
        Some((UserId::parse(sender).ok()?, ClientKey::parse(key).ok()?))
    }

    /// The address that an e-mail guard's key names.
    pub(super) fn address(&self) -> Option<&str> {
        rest(&self.pk)
    }

    pub(super) fn alias(id: ForeignId) -> Self {
        Self::new(format!("ALIAS#{id}"), "ALIAS")
    }

    /// The note on the import of a conversation.
    pub(super) fn import(id: ForeignId) -> Self {
        Self::new(format!("IMPORT#{id}"), "IMPORT")
    }

    /// What a removed conversation left behind, by when the last of its writers must be dead.
    pub(super) fn clearing(due: Timestamp, conversation: ConversationId) -> Self {
        Self::new(CLEARING.to_owned(), format!("{due}#{conversation}"))
    }

    /// An item that is never there: reading it opens the connection.
    pub(super) fn nothing() -> Self {
        Self::new("NOTHING".to_owned(), "NOTHING")
    }
}

/// What comes after a key's first word.
fn rest(part: &str) -> Option<&str> {
    part.split_once('#').map(|(_, rest)| rest)
}

/// What stands under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKind {
    Person,
    Account,
    Session,
    Failure,
    Admins,
    Conversation,
    Message,
    Change,
    ClientKey,
    Membership,
    DirectPair,
    Alias,
    Import,
    Remains,
    Connections,
    Connection,
    Watch,
}

impl ItemKind {
    /// By how the key begins; nothing for what this version does not know.
    pub(super) fn of(key: &Key) -> Option<Self> {
        let first = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
        Some(match (first(&key.pk).as_str(), first(&key.sk).as_str()) {
            ("USER", "PROFILE") => Self::Person,
            ("USER", "SESSION") => Self::Session,
            ("USER", "MEMBER") => Self::Membership,
            ("USER", "CONNECTIONS") => Self::Connections,
            ("USER", "WATCH") => Self::Watch,
            ("CONN", "CONN") => Self::Connection,
            ("EMAIL", _) => Self::Account,
            ("LOGINS" | "ADDRESS", "FAILED") => Self::Failure,
            ("ADMINS", _) => Self::Admins,
            ("CONV", "META") => Self::Conversation,
            ("CONV", "MSG") => Self::Message,
            ("CONV", "CHG") => Self::Change,
            ("CONV", "KEY") => Self::ClientKey,
            ("DIRECT", _) => Self::DirectPair,
            ("ALIAS", _) => Self::Alias,
            ("IMPORT", _) => Self::Import,
            (CLEARING, _) => Self::Remains,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Account => ACCOUNT,
            Self::Session => "session",
            Self::Failure => "failed_login",
            Self::Admins => ADMINS,
            Self::Conversation => CONVERSATION,
            Self::Message => MESSAGE,
            Self::Change => "change",
            Self::ClientKey => "client_key",
            Self::Membership => MEMBERSHIP,
            Self::DirectPair => "direct_pair",
            Self::Alias => "alias",
            Self::Import => "import",
            Self::Remains => "remains",
            Self::Connections => "connections",
            Self::Connection => "connection",
            Self::Watch => "watch",
        }
    }
}

/// What the export calls an item; nothing for what is not exported, since it ends by itself or with its database:
/// sessions, failed logins, sockets. Unknown items are exported, rather than left out of a backup.
pub(super) fn kind_of(key: &Key) -> Option<&'static str> {
    match ItemKind::of(key) {
        Some(
            ItemKind::Session | ItemKind::Failure | ItemKind::Connections | ItemKind::Connection | ItemKind::Watch,
        ) => None,
        Some(kind) => Some(kind.name()),
        None => Some("item"),
    }
}

pub(super) const ACCOUNT: &str = "account";
pub(super) const CONVERSATION: &str = "conversation";
pub(super) const MESSAGE: &str = "message";
pub(super) const MEMBERSHIP: &str = "membership";
pub(super) const ADMINS: &str = "admins";

pub(super) fn user_partition(user: UserId) -> String {
    format!("USER#{user}")
}

pub(super) fn conversation_partition(conversation: ConversationId) -> String {
    format!("CONV#{conversation}")
}

pub(super) fn message_sort(number: Number) -> String {
    format!("MSG#{:010x}", number.get())
}

pub(super) fn change_sort(number: Number) -> String {
    format!("CHG#{:010x}", number.get())
}

/// Of the failed logins to one account; the address is not to be read there.
pub(super) fn account_failures_partition(digest: &str) -> String {
    format!("LOGINS#{digest}")
}

/// Of the failed logins from one place.
pub(super) fn address_failures_partition(address: &str) -> String {
    format!("ADDRESS#{address}")
}

/// What the sort keys of failures begin with: they sort by time.
pub(super) fn failure_sort(at: Timestamp) -> String {
    format!("FAILED#{at}")
}

fn session_sort(session: SessionId) -> String {
    format!("{SESSION_PREFIX}{session}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_one_key_whoever_starts() {
        let (ada, grace) = (UserId::unique(), UserId::unique());
        assert_eq!(Key::direct(ada, grace), Key::direct(grace, ada));
    }

    #[test]
    fn message_keys_sort_by_number_up_to_the_last_one() {
        let sorts: Vec<_> = [1, 9, 10, 255, 256, 1 << 39, Number::MAX.get()]
            .iter()
            .filter_map(|n| Number::new(*n))
            .map(message_sort)
            .collect();
        assert!(sorts.is_sorted());
    }
}
