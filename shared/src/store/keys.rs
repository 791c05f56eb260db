//! The primary keys, built from typed ids. Here alone.

use crate::domain::Timestamp;
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

/// What the export calls an item; nothing for what is not exported, since it ends by itself or with its database:
/// sessions, connections, failed logins. Unknown items are exported, rather than left out of a backup.
pub(super) fn kind_of(key: &Key) -> Option<&'static str> {
    let first = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
    match (first(&key.pk).as_str(), first(&key.sk).as_str()) {
        (_, "SESSION" | "CONN" | "FAILED") => None,
        ("USER", "PROFILE") => Some("person"),
        ("EMAIL", _) => Some(ACCOUNT),
        ("CONV", "META") => Some(CONVERSATION),
        ("CONV", "MSG") => Some(MESSAGE),
        ("CONV", "CHG") => Some("change"),
        ("CONV", "KEY") => Some("client_key"),
        ("USER", "MEMBER") => Some(MEMBERSHIP),
        ("DIRECT", _) => Some("direct_pair"),
        ("ALIAS", _) => Some("alias"),
        ("IMPORT", _) => Some("import"),
        (CLEARING, _) => Some("remains"),
        ("ADMINS", _) => Some(ADMINS),
        _ => Some("item"),
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
