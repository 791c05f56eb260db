//! Who came and went, by the changes that say so, by META and by memberships.

use super::{Findings, Look, violation_if};
use crate::domain::Error;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::id::{ConversationId, Number, UserId};
use crate::store::audit::facts::Part;
use crate::store::audit::thing::Thing;
use crate::store::calls::Consistency;
use crate::store::keys::Key;
use crate::store::log::Log;

impl Look<'_> {
    pub(super) async fn part(&self, user: UserId, id: ConversationId, part: Part) -> Result<Findings, Error> {
        let mut findings = Findings::new();
        match part.last {
            Some((number, true)) => findings.extend(self.last_addition(user, id, number).await?),
            Some((number, false)) => findings.extend(self.last_removal(user, id, number).await?),
            None => {}
        }
        if let Some(addition) = part.addition {
            findings.extend(self.addition(user, id, addition).await?);
        }
        Ok(findings)
    }

    /// Whoever was added stays until another change with a higher number takes them out, which stands then.
    async fn last_addition(&self, user: UserId, id: ConversationId, number: Number) -> Result<Findings, Error> {
        let (meta, change) = (Key::conversation(id), Key::change(id, number));
        let Some([Some(Thing::Conversation(conversation))]) = self.together([&meta]).await? else {
            return Ok(Vec::new());
        };
        if conversation.has(user) {
            return Ok(Vec::new());
        }
        let removes =
            |change: &Change| matches!(change.kind, ChangeKind::ParticipantRemoved { user: out, .. } if out == user);
        let mut changes = |found: Vec<Change>| found.iter().any(removes);
        let found = self.walk(Log::Changes, id, number, &mut changes).await?;
        let stands = self.store.get(meta.clone(), Consistency::Strong).await?.is_some();
        let sentence = "somebody does not take part whom the last change that names them added";
        Ok(violation_if(found == Some(false) && stands, sentence, [&meta, &change]))
    }

    /// Whoever was taken out stays out until another change with a higher number adds them, which their membership names.
    async fn last_removal(&self, user: UserId, id: ConversationId, number: Number) -> Result<Findings, Error> {
        let (meta, own, change) = (Key::conversation(id), Key::membership(user, id), Key::change(id, number));
        let Some([Some(Thing::Conversation(conversation)), membership]) = self.together([&meta, &own]).await? else {
            return Ok(Vec::new());
        };
        let addition = match membership {
            Some(Thing::Membership(membership)) => membership.addition,
            _ => None,
        };
        let wrong = conversation.has(user) && addition.is_none_or(|addition| addition <= number);
        let sentence = "somebody takes part whom the last change that names them took out";
        Ok(violation_if(wrong, sentence, [&meta, &own, &change]))
    }

    /// A membership and the change that it names are written in one transaction.
    async fn addition(&self, user: UserId, id: ConversationId, number: Number) -> Result<Findings, Error> {
        let (meta, own, change) = (Key::conversation(id), Key::membership(user, id), Key::change(id, number));
        let Some([Some(Thing::Conversation(_)), Some(Thing::Membership(membership)), standing]) =
            self.together([&meta, &own, &change]).await?
        else {
            return Ok(Vec::new());
        };
        let adds = matches!(
            standing,
            Some(Thing::Change(_, Change { kind: ChangeKind::ParticipantAdded { user: joiner, .. }, .. }))
                if joiner == user
        );
        let wrong = membership.addition == Some(number) && !adds;
        Ok(violation_if(wrong, "a membership names a change that did not add its person", [&own, &change]))
    }
}
