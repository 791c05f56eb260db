//! A page of one conversation's messages: by number, in either direction, and only those that a filter takes.

use std::collections::BTreeSet;

use super::Store;
use super::accounts::People;
use super::messages::{holes_on, senders};
use super::stretch::{Found, Stretch};
use crate::domain::conversation::Conversation;
use crate::domain::filter::MessageFilter;
use crate::domain::id::{ConversationId, Number};
use crate::domain::log::{Numbered, WRITER_LIFETIME};
use crate::domain::message::{Entry, Message};
use crate::domain::page::{Anchor, Page, Slice};
use crate::domain::seek::Seek;
use crate::domain::session::Caller;
use crate::domain::{Error, Timestamp};

/// How many queries a page may take when much of what they find is not to be shown.
const MOST_QUERIES: usize = 4;

/// How many messages a filter looks at in one query.
const LOOKED_AT_ONCE: usize = 100;

/// Which messages are asked for, and in which order.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Only numbers above this one.
    pub above: Number,
    /// Only numbers below this one.
    pub below: Option<Number>,
    pub filter: MessageFilter,
    pub newest_first: bool,
    pub slice: Slice<Number>,
    /// The slice counts numbers, deleted ones too: such pages come short of these.
    pub by_number: bool,
}

/// Messages of one conversation, with those who sent them.
#[derive(Debug)]
pub struct MessagePage {
    pub page: Page<Message, Number>,
    pub senders: People,
    /// The last number of the conversation.
    pub last: Number,
}

/// What was read for a page.
struct Read {
    messages: Vec<Message>,
    /// The last number that was looked at.
    through: Number,
    overdue: BTreeSet<Number>,
}

impl Store {
    /// A page of a conversation's messages, if the caller takes part. With a filter it may come short.
    pub async fn messages(
        &self,
        caller: &Caller,
        id: ConversationId,
        window: &Window,
        now: Timestamp,
    ) -> Result<MessagePage, Error> {
        let mut window = window.clone();
        let (conversation, found) = if window.filter.sent_after.or(window.filter.sent_before).is_some() {
            let conversation = self.admit(caller, self.conversation_seen_by(caller.user, id)).await?;
            self.narrow(&mut window, &conversation).await?;
            let found = self.entries(id, window.reads(), window.looks_at(0)).await?;
            (conversation, found)
        } else {
            // Both are read whoever asks: outsiders cost what they cost where nothing is.
            let seen = async {
                let found = self.entries(id, window.reads(), window.looks_at(0));
                let (conversation, found) = tokio::join!(self.conversation_seen_by(caller.user, id), found);
                Ok((conversation?, found?))
            };
            self.admit(caller, seen).await?
        };
        let Read { messages, through, overdue } = self.fill_page(&conversation, &window, found, now).await?;
        let (senders, settled) =
            tokio::join!(self.people_named(senders(&messages)), self.settle(id, overdue.into_iter().collect(), now));
        match settled {
            // They are missing from the page either way: the next reader tries again.
            Err(Error::Unavailable(cause)) => {
                tracing::warn!(conversation = %id, "numbers of dead writers stay pending: {cause}");
            }
            settled => drop(settled?),
        }
        let page = window.page(messages, through, &conversation);
        Ok(MessagePage { page, senders: senders?, last: conversation.messages })
    }

    /// Makes the window no larger than the times that the filter asks for, but for what writers' clocks may hide.
    async fn narrow(&self, window: &mut Window, conversation: &Conversation) -> Result<(), Error> {
        let (after, before) = (window.filter.sent_after, window.filter.sent_before);
        let instants =
            [after.map(|instant| instant - WRITER_LIFETIME), before.map(|instant| instant + WRITER_LIFETIME)];
        let seek = |instant: Option<Timestamp>| instant.map(|instant| Seek::new(instant, conversation.messages));
        let [after, before] = instants.map(seek);
        let mut seeks: Vec<_> = after.iter().chain(&before).map(|seek| (conversation.id, seek.clone())).collect();
        self.seek_all(&mut seeks).await?;
        let mut sought = seeks.into_iter().map(|(_, seek)| seek);
        if let Some(seek) = after.and_then(|_| sought.next()) {
            window.above = window.above.max(seek.low());
        }
        if let Some(seek) = before.and_then(|_| sought.next()) {
            window.below = Some(window.below.map_or(seek.high(), |below| below.min(seek.high())));
        }
        Ok(())
    }

    /// Reads on past what is not to be shown until the page is full, within bounds.
    async fn fill_page(
        &self,
        conversation: &Conversation,
        window: &Window,
        mut found: Found<Entry>,
        now: Timestamp,
    ) -> Result<Read, Error> {
        let mut rest = window.reads();
        let mut read = Read { messages: Vec::new(), through: found.through, overdue: BTreeSet::new() };
        if rest.is_empty() {
            return Ok(read);
        }
        for query in 1.. {
            read.overdue.extend(holes_on(conversation, rest.from, &found, now).overdue);
            read.through = found.through;
            for entry in found.entries {
                if read.messages.len() == window.slice.limit {
                    break;
                }
                let number = entry.number();
                read.messages.extend(entry.into_message().filter(|message| window.filter.takes(message)));
                if read.messages.len() == window.slice.limit {
                    read.through = number;
                }
            }
            let ended = read.through == rest.to || (rest.rising && read.through >= conversation.messages);
            if read.messages.len() >= window.slice.limit || ended || query == MOST_QUERIES {
                break;
            }
            rest.from = if rest.rising { read.through.next() } else { read.through.minus(1) };
            found = self.entries(conversation.id, rest, window.looks_at(read.messages.len())).await?;
        }
        Ok(read)
    }
}

impl Window {
    /// The first number asked for and the last, in the direction of reading.
    fn stretch(&self) -> Stretch {
        let low = self.above.next();
        let high = self.below.map_or(Number::MAX, |below| below.minus(1));
        // The page before a position is read backwards from it.
        let (rising, low, high) = match self.slice.anchor {
            Anchor::Start => (!self.newest_first, low, high),
            Anchor::After(number) if self.newest_first => (false, low, high.min(number.minus(1))),
            Anchor::After(number) => (true, low.max(number.next()), high),
            Anchor::Before(number) if self.newest_first => (true, low.max(number.next()), high),
            Anchor::Before(number) => (false, low, high.min(number.minus(1))),
        };
        if rising { Stretch { from: low, to: high, rising } } else { Stretch { from: high, to: low, rising } }
    }

    /// The part of the stretch that this page may read.
    fn reads(&self) -> Stretch {
        let stretch = self.stretch();
        if self.by_number && stretch.rising {
            let last = stretch.from.plus(self.slice.limit as u64 - 1);
            return Stretch { to: stretch.to.min(last), ..stretch };
        }
        stretch
    }

    /// How many messages are looked at in the next query, with so many in the page already.
    fn looks_at(&self, found: usize) -> usize {
        if self.filter.takes_all() { self.slice.limit - found } else { LOOKED_AT_ONCE }
    }

    fn page(&self, mut messages: Vec<Message>, through: Number, conversation: &Conversation) -> Page<Message, Number> {
        let stretch = self.stretch();
        let backwards = matches!(self.slice.anchor, Anchor::Before(_));
        let ended =
            if stretch.rising { through >= stretch.to.min(conversation.messages) } else { through <= stretch.to };
        let far = (!ended).then_some(through);
        // Behind the first one read lies what the anchor stands for, unless the window ends there.
        let behind = |number: &Number| {
            if stretch.rising {
                *number > self.above.next()
            } else {
                self.below.is_none_or(|below| number.next() < below)
            }
        };
        let near = messages
            .first()
            .map(|message| message.id.number)
            .filter(|number| self.slice.anchor != Anchor::Start && behind(number));
        if backwards {
            messages.reverse();
        }
        let (previous, next) = if backwards { (far, near) } else { (near, far) };
        let whole = self.above == Number::ZERO && self.below.is_none() && self.filter.takes_all();
        let count = whole.then(|| conversation.visible_messages());
        Page { rows: messages, previous, next, count }
    }
}
