//! Who does what when, decided beforehand from a seed.

use std::time::Duration;

use fastrand::Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operation {
    Send,
    ReadPage,
    ReadInbox,
    MarkRead,
    LogIn,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [Self::Send, Self::ReadPage, Self::ReadInbox, Self::MarkRead, Self::LogIn];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::ReadPage => "read a page",
            Self::ReadInbox => "read the inbox",
            Self::MarkRead => "mark read",
            Self::LogIn => "log in",
        }
    }

    /// Of a hundred requests, how many are of this kind.
    fn share(self) -> u32 {
        match self {
            Self::Send => 40,
            Self::ReadPage => 29,
            Self::ReadInbox => 15,
            Self::MarkRead => 15,
            Self::LogIn => 1,
        }
    }

    fn choose(rng: &mut Rng) -> Self {
        let mut ticket = rng.u32(0..Self::ALL.iter().map(|operation| operation.share()).sum());
        for operation in Self::ALL {
            match ticket.checked_sub(operation.share()) {
                Some(rest) => ticket = rest,
                None => return operation,
            }
        }
        Self::Send
    }
}

/// How many people there are, in how many conversations, of how many people each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dimensions {
    pub(crate) people: usize,
    pub(crate) conversations: usize,
    pub(crate) participants: usize,
}

impl Dimensions {
    /// The people of a conversation: neighbours in a ring.
    pub(crate) fn participants(self, conversation: usize) -> impl Iterator<Item = usize> {
        (0..self.participants).map(move |place| (conversation + place) % self.people)
    }
}

/// One request to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// From the beginning.
    pub(crate) at: Duration,
    pub(crate) operation: Operation,
    pub(crate) conversation: usize,
    /// One of that conversation's.
    pub(crate) person: usize,
}

/// Requests that arrive independently of each other (a Poisson process): `rate` a second on average, for `length`.
pub(crate) fn arrivals(
    seed: u64,
    rate: f64,
    length: Duration,
    dimensions: Dimensions,
) -> impl Iterator<Item = Arrival> {
    let mut rng = Rng::with_seed(seed);
    let mut at = 0.0;
    std::iter::from_fn(move || {
        // The time between two arrivals is distributed exponentially; 1 - f64() is never 0.
        at -= (1.0 - rng.f64()).ln() / rate;
        let conversation = rng.usize(0..dimensions.conversations);
        let person = dimensions.participants(conversation).nth(rng.usize(0..dimensions.participants))?;
        let operation = Operation::choose(&mut rng);
        (at < length.as_secs_f64()).then(|| Arrival {
            at: Duration::from_secs_f64(at),
            operation,
            conversation,
            person,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROWD: Dimensions = Dimensions { people: 10, conversations: 10, participants: 3 };

    fn plan(seed: u64) -> Vec<Arrival> {
        arrivals(seed, 100.0, Duration::from_secs(100), CROWD).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_plan_and_another_another() {
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
    }

    #[test]
    fn requests_come_in_order_at_the_rate_asked_for() {
        let plan = plan(7);
        assert!(plan.is_sorted_by_key(|arrival| arrival.at));
        // The number of arrivals of such a process deviates by its square root: here 100.
        assert!((9_500..10_500).contains(&plan.len()), "{}", plan.len());
    }

    #[test]
    fn every_kind_of_request_comes_as_often_as_its_share_says() {
        let plan = plan(7);
        for operation in Operation::ALL {
            let count = plan.iter().filter(|arrival| arrival.operation == operation).count();
            let share = 100.0 * count as f64 / plan.len() as f64;
            assert!((share - f64::from(operation.share())).abs() < 3.0, "{operation:?}: {share}");
        }
        assert_eq!(Operation::ALL.iter().map(|operation| operation.share()).sum::<u32>(), 100);
    }

    #[test]
    fn whoever_asks_takes_part() {
        for Arrival { conversation, person, .. } in plan(3) {
            assert!(CROWD.participants(conversation).any(|participant| participant == person));
        }
        assert_eq!(CROWD.participants(9).collect::<Vec<_>>(), [9, 0, 1]);
    }
}
