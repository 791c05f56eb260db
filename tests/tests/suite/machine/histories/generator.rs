//! What clients are going to do, and what is going to be in their way: all of it decided by a seed.

use std::fmt;

use tests::linearizability::Role;
use tests::machine::proxy::Fate;

/// Numbers that look random and follow from a seed (SplitMix64).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Send,
    SendWithKey,
    Repeat,
    RepeatWithAnotherText,
    Edit,
    Delete,
    MarkRead,
    Message,
    Page,
    Follow,
    CatchUp,
    Settle,
    Inbox,
    Detail,
    StartGroup,
    StartDirect,
    Add,
    Remove,
    Leave,
    Rename,
    DeleteConversation,
}

/// How often each kind is done, of all times.
const SHARES: [(Kind, u64); 21] = [
    (Kind::Send, 180),
    (Kind::SendWithKey, 110),
    (Kind::Repeat, 70),
    (Kind::RepeatWithAnotherText, 10),
    (Kind::Edit, 80),
    (Kind::Delete, 40),
    (Kind::MarkRead, 70),
    (Kind::Message, 60),
    (Kind::Page, 110),
    (Kind::Follow, 90),
    (Kind::CatchUp, 50),
    (Kind::Settle, 8),
    (Kind::Inbox, 60),
    (Kind::Detail, 40),
    (Kind::StartGroup, 4),
    (Kind::StartDirect, 6),
    (Kind::Add, 30),
    (Kind::Remove, 10),
    (Kind::Leave, 8),
    (Kind::Rename, 12),
    (Kind::DeleteConversation, 2),
];

/// What is in a request's way to the database.
#[derive(Clone, Copy, Debug)]
pub(super) enum Disturbance {
    /// This happens to that call.
    Once(usize, Fate),
    /// This happens to that call, and to all after it.
    FromThenOn(usize, Fate),
    /// Whoever asks goes away when that call is about to be applied, or when it was.
    Abandoned(usize, Fate),
    /// That call is held for some milliseconds.
    Slow(usize, u64),
}

/// Whether anything comes between clients and the database.
#[derive(Clone, Copy, Debug)]
pub(super) enum Day {
    Good,
    Bad,
}

/// One thing that a client is going to do. Where and to what is decided when it is done, by these numbers, for that
/// depends on what is there.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) kind: Kind,
    pub(super) place: u64,
    pub(super) target: u64,
    /// Numbers what is written: texts, titles and keys.
    pub(super) name: u32,
    pub(super) disturbance: Option<Disturbance>,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) roles: Vec<Role>,
    /// For each client what it does, one after the other. Clients share people: some are somebody's second device.
    pub(super) clients: Vec<Vec<Intent>>,
}

impl Plan {
    pub(super) fn of(seed: u64, operations: usize, day: Day) -> Self {
        let mut random = Random::new(seed);
        let people = 3 + random.below(4) as usize;
        let clients = 4 + random.below(13) as usize;
        let troubled = match day {
            Day::Good => 0,
            Day::Bad => [2, 5, 10][random.below(3) as usize],
        };
        let roles = (0..people).map(|person| match person {
            1 => Role::Host,
            2 => Role::Admin,
            _ => Role::Guest,
        });
        let roles = roles.collect();
        let mut plan = Self { seed, roles, clients: vec![Vec::new(); clients] };
        for index in 0..operations {
            let intent = intent(&mut random, index as u32 + 1, troubled);
            plan.clients[index % clients].push(intent);
        }
        plan
    }

    pub(super) fn person(&self, client: usize) -> u8 {
        (client % self.roles.len()) as u8
    }

    pub(super) fn operations(&self) -> usize {
        self.clients.iter().map(Vec::len).sum()
    }
}

fn intent(random: &mut Random, name: u32, troubled: u64) -> Intent {
    let mut left = random.below(SHARES.iter().map(|(_, share)| share).sum());
    let chosen = SHARES.iter().find(|(_, share)| match left.checked_sub(*share) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    let kind = chosen.map_or(Kind::Send, |(kind, _)| *kind);
    let (place, target) = (random.next(), random.next());
    let disturbance = (random.below(100) < troubled).then(|| disturbance(random));
    // A direct conversation whose start is not answered could not be told from one that another made.
    let disturbance = disturbance.filter(|_| kind != Kind::StartDirect && kind != Kind::Settle);
    Intent { kind, place, target, name, disturbance }
}

fn disturbance(random: &mut Random) -> Disturbance {
    const ONCE: [Fate; 9] = [
        Fate::LoseAnswer,
        Fate::ResetAfter,
        Fate::ResetBefore,
        Fate::Conflict,
        Fate::CancelConflict,
        Fate::ServeOne,
        Fate::Throttle,
        Fate::Fail,
        Fate::Busy,
    ];
    const FROM_THEN_ON: [Fate; 4] = [Fate::LoseAnswer, Fate::ResetAfter, Fate::Throttle, Fate::Fail];
    let mut one_of = |fates: &[Fate]| fates[random.below(fates.len() as u64) as usize];
    let (once, from_then_on, abandoned) = (one_of(&ONCE), one_of(&FROM_THEN_ON), one_of(&[Fate::Hold, Fate::Withhold]));
    let at = random.below(6) as usize;
    match random.below(10) {
        0..=4 => Disturbance::Once(at, once),
        5 | 6 => Disturbance::FromThenOn(at, from_then_on),
        7 => Disturbance::Abandoned(at, abandoned),
        _ => Disturbance::Slow(at, 5 + random.below(60)),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, roles, clients } = self;
        writeln!(formatter, "seed {seed}, {} people, {} clients", roles.len(), clients.len())?;
        for (client, intents) in clients.iter().enumerate() {
            writeln!(formatter, "client {client}, person {}:", self.person(client))?;
            for Intent { kind, place, target, name, disturbance } in intents {
                writeln!(formatter, "  {name}: {kind:?} {place} {target} {disturbance:?}")?;
            }
        }
        Ok(())
    }
}
