//! What imported messages were called before.

use super::Store;
use super::calls::Consistency;
use super::item::Reader;
use super::keys::Key;
use crate::domain::Error;
use crate::domain::id::{ForeignId, MessageId};
use crate::domain::session::Caller;

impl Store {
    /// The message that was called so before it was imported; if none was, the id of no message, with which everything
    /// goes on as with any id that leads nowhere. Who may see it is not judged yet: the answer must not depend on which.
    pub async fn message_imported_as(&self, caller: &Caller, old: ForeignId) -> Result<MessageId, Error> {
        let alias = async { Ok(self.get(Key::alias(old), Consistency::Strong).await?) };
        match self.admit(caller, alias).await? {
            Some(item) => Reader(&item).parsed("message", MessageId::parse),
            None => Ok(old.no_message()),
        }
    }
}
