//! Whether a caller's session is alive, found out beside the first call that the caller's request makes anyway.

use super::Store;
use super::calls::Consistency;
use super::item::Reader;
use super::keys::Key;
use crate::domain::conversation::Conversation;
use crate::domain::id::{ConversationId, UserId};
use crate::domain::session::{Caller, SEEN_EVERY, Session};
use crate::domain::user::User;
use crate::domain::{Error, Resource};

impl Store {
    /// Opens the connection by a cheap read, so that the first request does not wait for handshakes.
    pub async fn warm(&self) -> Result<(), Error> {
        self.get(Key::nothing(), Consistency::Eventual).await?;
        Ok(())
    }

    /// Runs `work` in the same round trip that reads the caller's session, and lets its outcome out only if the
    /// session is alive. For work that reads; what writes must undo its writes if this fails.
    pub(super) async fn admit<T>(
        &self,
        caller: &Caller,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let (alive, outcome) = tokio::join!(self.alive(caller), work);
        alive?;
        outcome
    }

    /// Fails unless the caller's session is alive. Once in a while it is noted that it is.
    pub async fn alive(&self, caller: &Caller) -> Result<(), Error> {
        let item = self.get(Key::session(caller), Consistency::Strong).await?.ok_or(Error::SessionEnded)?;
        let session = Session::try_from(Reader(&item))?;
        if caller.at.since(session.last_seen_at) > SEEN_EVERY { self.move_last_seen(caller).await } else { Ok(()) }
    }

    /// Fails unless the caller takes part in the conversation.
    pub async fn takes_part(&self, caller: &Caller, conversation: ConversationId) -> Result<(), Error> {
        self.admit(caller, self.conversation_seen_by(caller.user, conversation)).await.map(drop)
    }

    /// A conversation that a person sees, and that person, whose role decides what they may do in it.
    pub(super) async fn conversation_judged_by(
        &self,
        user: UserId,
        id: ConversationId,
    ) -> Result<(Conversation, User), Error> {
        tokio::try_join!(self.conversation_seen_by(user, id), self.user(user))
    }

    /// Loading is authorising: whoever does not take part is told the same as if it were not there.
    pub(super) async fn conversation_seen_by(&self, user: UserId, id: ConversationId) -> Result<Conversation, Error> {
        let item = self.get(Key::conversation(id), Consistency::Strong).await?;
        let conversation = item.map(|item| Conversation::try_from(Reader(&item))).transpose()?;
        conversation.filter(|conversation| conversation.has(user)).ok_or(Error::NotFound(Resource::Conversation))
    }
}
