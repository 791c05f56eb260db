//! What a client was told, as far as tests look at it.

use std::collections::BTreeMap;
use std::time::Duration;

use local::client::{Applied, Place, Told, Via};
use serde_json::Value;

#[derive(Debug, Default)]
pub struct Seen {
    pub shown: Vec<Shown>,
    /// What has no number: typing, presence, read marks, answers to frames.
    pub passing: Vec<Value>,
    /// Conversations that it was told of as new, and those that it was told were gone, each time.
    pub joined: Vec<String>,
    pub left: Vec<String>,
    /// How often it was connected.
    pub connections: usize,
    /// Why its connections were lost.
    pub losses: Vec<String>,
    /// How long it waited each time before it connected again.
    pub waits: Vec<Duration>,
    pub gaps_filled: usize,
    /// It said that the session has ended, and stopped.
    pub has_ended: bool,
    /// It is not running any more.
    pub has_stopped: bool,
    /// How far each conversation was told: messages, changes.
    positions: BTreeMap<String, (u64, u64)>,
}

/// One thing that was shown.
#[derive(Clone, Debug)]
pub struct Shown {
    pub conversation: String,
    pub place: Place,
    /// The type of the event.
    pub kind: String,
    /// The number of the message that it is about, and its body unless it was deleted.
    pub message: Option<(u64, Option<String>)>,
    pub via: Via,
    pub delay: Duration,
}

impl Seen {
    pub(super) fn take(&mut self, told: Option<Told>) {
        match told {
            None => self.has_stopped = true,
            Some(Told::Ready) => {}
            Some(Told::Applied(applied)) => self.show(applied),
            Some(Told::Passing(event)) => self.passing.push(event),
            Some(Told::Joined { conversation }) => {
                self.positions.insert(conversation.clone(), (0, 0));
                self.joined.push(conversation);
            }
            Some(Told::Left { conversation }) => self.left.push(conversation),
            Some(Told::GapFilled { .. }) => self.gaps_filled += 1,
            Some(Told::Connected { .. }) => self.connections += 1,
            Some(Told::Disconnected { reason, again_in }) => {
                self.losses.push(reason);
                self.waits.push(again_in);
            }
            Some(Told::SessionEnded) => self.has_ended = true,
        }
    }

    fn show(&mut self, Applied { conversation, place, event, via, delay }: Applied) {
        let message = &event["message"];
        let body = message["message_body"].as_str().filter(|_| message["deleted"] != true);
        let message = message["number"].as_u64().map(|number| (number, body.map(str::to_owned)));
        let position = self.positions.entry(conversation.clone()).or_default();
        match place {
            Place::Message(number) => position.0 = number,
            Place::Change(number) => position.1 = number,
        }
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        self.shown.push(Shown { conversation, place, kind, message, via, delay });
    }

    /// What was shown of one conversation, in the order in which it was.
    pub fn of<'s, 'n>(&'s self, conversation: &'n str) -> impl Iterator<Item = &'s Shown> + use<'s, 'n> {
        self.shown.iter().filter(move |shown| shown.conversation == conversation)
    }

    /// The number of the last message that was told of it.
    pub fn messages(&self, conversation: &str) -> u64 {
        self.positions.get(conversation).copied().unwrap_or_default().0
    }

    /// The number of the last change that was told of it.
    pub fn changes(&self, conversation: &str) -> u64 {
        self.positions.get(conversation).copied().unwrap_or_default().1
    }

    /// The numbers of all messages in the order in which they were shown.
    pub fn numbers(&self, conversation: &str) -> Vec<u64> {
        let number = |shown: &Shown| match shown.place {
            Place::Message(number) => Some(number),
            Place::Change(_) => None,
        };
        self.of(conversation).filter_map(number).collect()
    }

    /// The numbers of all changes in the order in which they were shown.
    pub fn change_numbers(&self, conversation: &str) -> Vec<u64> {
        let number = |shown: &Shown| match shown.place {
            Place::Change(number) => Some(number),
            Place::Message(_) => None,
        };
        self.of(conversation).filter_map(number).collect()
    }

    /// What a screen would show that did all that was told: bodies by number.
    pub fn screen(&self, conversation: &str) -> BTreeMap<u64, String> {
        let mut screen = BTreeMap::new();
        for (number, body) in self.of(conversation).filter_map(|shown| shown.message.clone()) {
            match body {
                Some(body) => drop(screen.insert(number, body)),
                None => drop(screen.remove(&number)),
            }
        }
        screen
    }

    /// The types of what was shown of one conversation.
    pub fn kinds<'s>(&'s self, conversation: &str) -> Vec<&'s str> {
        self.of(conversation).map(|shown| shown.kind.as_str()).collect()
    }

    /// How many things came by this way.
    pub fn came_by(&self, via: Via) -> usize {
        self.shown.iter().filter(|shown| shown.via == via).count()
    }

    pub fn in_short(&self) -> String {
        format!(
            "up to {:?}, {} by push and {} by catch-up, {} gaps filled, {} connections, lost by {:?}{}",
            self.positions,
            self.came_by(Via::Push),
            self.came_by(Via::CatchUp),
            self.gaps_filled,
            self.connections,
            self.losses,
            if self.has_ended { ", its session has ended" } else { "" }
        )
    }
}
