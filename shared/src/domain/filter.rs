//! Which messages of a list are asked for.

use super::Timestamp;
use super::id::UserId;
use super::message::Message;
use super::search::Search;

/// Everything that is set must hold; bounds are exclusive.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    pub search: Option<Search>,
    pub sender: Option<UserId>,
    pub sent_after: Option<Timestamp>,
    pub sent_before: Option<Timestamp>,
}

impl MessageFilter {
    pub fn takes_all(&self) -> bool {
        self.search.is_none() && self.sender.is_none() && self.sent_after.is_none() && self.sent_before.is_none()
    }

    pub fn takes(&self, message: &Message) -> bool {
        self.sender.is_none_or(|sender| message.sender == sender)
            && self.sent_after.is_none_or(|instant| message.sent_at > instant)
            && self.sent_before.is_none_or(|instant| message.sent_at < instant)
            && self.search.as_ref().is_none_or(|search| search.matches([message.body.as_str()]))
    }
}
