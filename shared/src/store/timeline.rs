//! Somebody's messages over all conversations, newest first; see [`crate::domain::timeline`].

use std::collections::HashMap;

use futures::future::try_join_all;

use super::Store;
use super::accounts::People;
use super::calls::Consistency;
use super::messages::senders;
use super::stretch::Stretch;
use crate::domain::Error;
use crate::domain::conversation::Conversation;
use crate::domain::filter::MessageFilter;
use crate::domain::id::{ConversationId, Number};
use crate::domain::log::WRITER_LIFETIME;
use crate::domain::message::Message;
use crate::domain::seek::Seek;
use crate::domain::session::Caller;
use crate::domain::timeline::{Lane, Merge, Place};

/// How many conversations are read in the first round trip, and in any other.
const FIRST_OPENED: usize = 5;
const MOST_OPENED: usize = 40;

/// How often the merge reads on in conversations that it has opened, before the page comes short.
const MOST_WAVES: usize = 5;

/// How many messages are read of a conversation at once: at first, and at most.
const FIRST_PORTION: usize = 20;
const MOST_AT_ONCE: usize = 100;

/// How many more than the page holds, so that what was sent at about the same time as its last row need not be read anew.
const BEYOND: usize = 4;

/// A page of somebody's messages, with those who sent them.
#[derive(Debug)]
pub struct Timeline {
    pub messages: Vec<Message>,
    pub senders: People,
    pub next: Option<Place>,
}

impl Store {
    /// The caller's messages over all conversations, or of one of them, that come after a place; newest first. A page
    /// may come short and have more after it.
    pub async fn messages_of(
        &self,
        caller: &Caller,
        only: Option<ConversationId>,
        filter: MessageFilter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Timeline, Error> {
        let lanes = match only {
            Some(id) => vec![self.admit(caller, self.conversation_seen_by(caller.user, id)).await?],
            None => {
                let memberships = self.admit(caller, self.memberships_of(caller.user)).await?;
                self.conversations_behind(&memberships, Consistency::Strong).await?
            }
        };
        let all = filter.search.is_none() && filter.sender.is_none();
        let portion = if all { FIRST_PORTION.min(limit) + BEYOND } else { MOST_AT_ONCE };
        let lanes = lanes.iter().map(|conversation: &Conversation| {
            Lane::new(conversation.id, conversation.messages, conversation.last_activity)
        });
        let mut merge = Merge::new(lanes.collect(), filter, after, limit);
        self.skip_to_page(&mut merge).await?;
        let wanting = self.merge(&mut merge, portion).await?;
        let (messages, next) = merge.finish(&wanting);
        let senders = self.people_named(senders(&messages)).await?;
        Ok(Timeline { messages, senders, next })
    }

    /// In conversations that have moved on past where the page begins, finds that place.
    async fn skip_to_page(&self, merge: &mut Merge) -> Result<(), Error> {
        let Some(begin) = merge.begins_before() else { return Ok(()) };
        let begin = begin + WRITER_LIFETIME;
        let moved_on = merge.lanes_mut().iter().filter(|lane| lane.reach() > begin + WRITER_LIFETIME);
        let mut seeks: Vec<_> = moved_on.map(|lane| (lane.conversation, Seek::new(begin, lane.next()))).collect();
        self.seek_all(&mut seeks).await?;
        let sought: HashMap<ConversationId, Number> = seeks.iter().map(|(id, seek)| (*id, seek.high())).collect();
        for lane in merge.lanes_mut() {
            if let Some(number) = sought.get(&lane.conversation) {
                lane.skip_from(*number);
            }
        }
        Ok(())
    }

    /// Reads until the page is certain, within bounds; returns the lanes that it stays uncertain of.
    async fn merge(&self, merge: &mut Merge, portion: usize) -> Result<Vec<usize>, Error> {
        let (mut opened_at_once, mut waves) = (FIRST_OPENED, 0);
        loop {
            let wanting = merge.wanting();
            if wanting.is_empty() || (waves >= MOST_WAVES && merge.may_stop(&wanting)) {
                return Ok(wanting);
            }
            let reading = wanting.into_iter().take(opened_at_once);
            let found = try_join_all(reading.map(async |lane| {
                let Lane { conversation, .. } = *merge.lane(lane);
                let stretch = Stretch::back_from(merge.lane(lane).next());
                let portion = merge.lane(lane).portion(portion, MOST_AT_ONCE);
                Ok::<_, Error>((lane, self.entries(conversation, stretch, portion).await?))
            }))
            .await?;
            for (lane, found) in found {
                merge.add(lane, found.entries, found.through);
            }
            opened_at_once = (opened_at_once * 2).min(MOST_OPENED);
            waves += 1;
        }
    }
}
