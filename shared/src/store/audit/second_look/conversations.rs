//! Who takes part, what leads to a conversation, and what is left of one that is gone.

use super::{Findings, Look, note, violation, violation_if};
use crate::domain::Error;
use crate::domain::conversation::{Conversation, Kind, Membership};
use crate::domain::id::{ConversationId, MessageId, UserId};
use crate::domain::message::Entry;
use crate::store::audit::Note;
use crate::store::audit::thing::{ImportItem, Thing};
use crate::store::calls::Consistency;
use crate::store::import::Progress;
use crate::store::item::{Reader, text};
use crate::store::keys::{CLEARING, Key, PK, conversation_partition};

impl Look<'_> {
    pub(super) async fn membership(&self, user: UserId, id: ConversationId) -> Result<Findings, Error> {
        let (meta, own) = (Key::conversation(id), Key::membership(user, id));
        let Some([conversation, membership]) = self.together([&meta, &own]).await? else { return Ok(Vec::new()) };
        let membership = match membership {
            Some(Thing::Membership(membership)) => Some(membership),
            _ => None,
        };
        match (conversation, membership) {
            (Some(Thing::Conversation(conversation)), membership) => {
                self.membership_in(&conversation, user, membership, [&meta, &own]).await
            }
            (_, Some(membership)) => self.membership_of_none(&membership, &own).await,
            (_, None) => Ok(Vec::new()),
        }
    }

    /// META and membership change in one transaction, but for those that an import adds after META.
    async fn membership_in(
        &self,
        conversation: &Conversation,
        user: UserId,
        membership: Option<Membership>,
        both: [&Key; 2],
    ) -> Result<Findings, Error> {
        Ok(match membership {
            None if !conversation.has(user) => Vec::new(),
            None => violation_if(
                !self.is_being_imported(conversation.id).await?,
                "somebody takes part without a membership",
                both,
            ),
            Some(_) if !conversation.has(user) => violation("a membership is of somebody who does not take part", both),
            Some(membership) if membership.conversation_created_at != conversation.created_at => {
                violation("a membership does not know when its conversation was made", both)
            }
            Some(membership) => {
                let ahead = membership.read_number > conversation.messages;
                violation_if(ahead, "somebody has read further than the log goes", both)
            }
        })
    }

    async fn is_being_imported(&self, id: ConversationId) -> Result<bool, Error> {
        let Some(import) = self.imports.get(&id) else { return Ok(false) };
        let note = self.together([&Key::import(import.old_id)]).await?;
        Ok(matches!(note, Some([Some(Thing::Import(note))]) if note.progress == Progress::Placed))
    }

    /// Memberships come before META where they do not fit into its transaction; whoever meets one whose maker died
    /// clears it. No other membership is without META, but where that is being cleared.
    async fn membership_of_none(&self, membership: &Membership, own: &Key) -> Result<Findings, Error> {
        let id = membership.conversation;
        if self.imports.contains_key(&id) || self.is_being_cleared(id).await? {
            return Ok(Vec::new());
        }
        let Some([conversation, Some(Thing::Membership(standing))]) =
            self.together([&Key::conversation(id), own]).await?
        else {
            return Ok(Vec::new());
        };
        if conversation.is_some() || standing != *membership {
            return Ok(Vec::new());
        }
        let Membership { joined_at, conversation_created_at, read_number, .. } = *membership;
        if joined_at == conversation_created_at && read_number.get() == 0 {
            Ok(note(Note::Memberships, 1))
        } else {
            Ok(violation("a membership is of a conversation that is not there", [own]))
        }
    }

    /// To be asked after META was not there: what was removed before that is noted, or cleared to the end.
    async fn is_being_cleared(&self, id: ConversationId) -> Result<bool, Error> {
        let query = self
            .store
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :clearing"))
            .expression_attribute_values(":clearing", text(CLEARING));
        let noted = self.store.all_rows(query).await?;
        let is_this = |item| Reader(item).parsed("conversation", ConversationId::parse).is_ok_and(|noted| noted == id);
        Ok(noted.iter().any(is_this))
    }

    pub(super) async fn orphans(&self, id: ConversationId) -> Result<Findings, Error> {
        let meta = Key::conversation(id);
        let stands = self.store.get(meta.clone(), Consistency::Strong).await?.is_some();
        if stands || self.imports.contains_key(&id) || self.is_being_cleared(id).await? {
            return Ok(Vec::new());
        }
        let query = self
            .store
            .query(Consistency::Strong)
            .key_condition_expression(format!("{PK} = :conversation"))
            .expression_attribute_values(":conversation", text(conversation_partition(id)))
            .limit(1);
        let left = self.store.rows(query).await?.items;
        let keys = left.iter().map(|item| Reader(item).key()).collect::<Result<Vec<_>, Error>>()?;
        let wrong = keys.first().is_some_and(|key| *key != meta);
        Ok(violation_if(wrong, "something stands in the log of a conversation that is not there", &keys))
    }

    /// A pair and its conversation come and go in one transaction.
    pub(super) async fn direct(&self, one: UserId, other: UserId, id: ConversationId) -> Result<Findings, Error> {
        let (pair, meta) = (Key::direct(one, other), Key::conversation(id));
        let Some([named, conversation]) = self.together([&pair, &meta]).await? else { return Ok(Vec::new()) };
        let is_theirs = matches!(
            conversation,
            Some(Thing::Conversation(found)) if found.kind == Kind::Direct && found.has(one) && found.has(other)
        );
        let names_it = matches!(named, Some(Thing::DirectPair { conversation, .. }) if conversation == id);
        let both = [&pair, &meta];
        Ok(match (names_it, is_theirs) {
            (true, false) => violation("a pair names a conversation that is not the direct one of the two", both),
            (false, true) => violation("a direct conversation is not named by its pair", both),
            _ => Vec::new(),
        })
    }

    /// What an old id leads to was written in the same transaction, and stays.
    pub(super) async fn alias(&self, id: MessageId) -> Result<Findings, Error> {
        let (meta, entry) = (Key::conversation(id.conversation), Key::message(id));
        let Some([Some(Thing::Conversation(_)), standing]) = self.together([&meta, &entry]).await? else {
            return Ok(Vec::new());
        };
        let leads = matches!(&standing, Some(Thing::Entry(_, standing)) if !matches!(standing.entry, Entry::Void(_)));
        Ok(violation_if(!leads, "an old id leads to a message that is not there", [&entry]))
    }

    pub(super) async fn import(&self, import: ImportItem) -> Result<Findings, Error> {
        let (note, meta) = (Key::import(import.old_id), Key::conversation(import.conversation));
        let Some([Some(Thing::Import(standing)), Some(_)]) = self.together([&note, &meta]).await? else {
            return Ok(Vec::new());
        };
        let wrong = standing.progress == Progress::Begun;
        Ok(violation_if(wrong, "a conversation stands whose import has not come so far", [&note, &meta]))
    }

    pub(super) async fn removed(&self, id: ConversationId, note: &Key) -> Result<Findings, Error> {
        let meta = Key::conversation(id);
        let both = self.together([&meta, note]).await?;
        let wrong = matches!(both, Some([Some(_), Some(_)]));
        Ok(violation_if(wrong, "a conversation stands and is to be cleared", [&meta, note]))
    }
}
