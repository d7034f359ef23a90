//! The accounts of a made-up media company, each with its things and its callers.

use crate::generate::{
    actor::{self, Actor},
    catalogue::Duty,
    pool::Pools,
    random::{Random, mix, skewed},
};

/// How much of a trail each duty makes, in thousandths.
const SHARES: &[(Duty, u64)] = &[
    (Duty::Workload, 205),
    (Duty::Watcher, 170),
    (Duty::Service, 385),
    (Duty::Steward, 25),
    (Duty::Fleet, 90),
    (Duty::Deploy, 45),
    (Duty::Console, 55),
    (Duty::Access, 4),
    (Duty::Federation, 9),
    (Duty::Partner, 8),
    (Duty::Directory, 3),
    (Duty::Owner, 1),
];

/// One account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    /// Another account of the organisation.
    pub(crate) partner: String,
    pub(crate) pools: Pools,
    pub(crate) root: Actor,
    callers: Vec<(Duty, Vec<Actor>)>,
}

impl Account {
    fn new(seed: u64, id: &str, partner: &str) -> Self {
        let pools = Pools::new(seed, id);
        let mut callers: Vec<(Duty, Vec<Actor>)> =
            SHARES.iter().map(|&(duty, _)| (duty, Vec::new())).collect();
        let own = mix(seed, id.parse().unwrap_or_default());
        for actor in actor::cast(id, partner, &pools, own) {
            for (duty, actors) in &mut callers {
                if *duty == actor.duty {
                    actors.push(actor.clone());
                }
            }
        }
        let root = actor::root(id);
        Self { id: id.to_owned(), partner: partner.to_owned(), pools, root, callers }
    }

    /// Returns the caller that the number `session` stands for, by the usual shares.
    pub(crate) fn caller(&self, session: u64) -> &Actor {
        let mut mark = Random::new(session).below(1000);
        for &(duty, share) in SHARES {
            if mark < share {
                return self.caller_of(duty, session);
            }
            mark -= share;
        }
        self.caller_of(Duty::Workload, session)
    }

    /// Returns the caller of one duty that the number `session` stands for.
    pub(crate) fn caller_of(&self, wanted: Duty, session: u64) -> &Actor {
        let listed = self.callers.iter().find(|(duty, _)| *duty == wanted);
        let actors = listed.map_or(&[][..], |(_, actors)| actors);
        &actors[skewed(mix(session, 2), actors.len())]
    }
}

/// All accounts.
#[derive(Debug)]
pub(crate) struct World(pub(crate) Vec<Account>);

impl World {
    /// Makes the accounts with these ids.
    pub(crate) fn new(seed: u64, ids: &[String]) -> Self {
        let partner = |at: usize| &ids[(at + 1) % ids.len()];
        let accounts = ids.iter().enumerate();
        Self(accounts.map(|(at, id)| Account::new(seed, id, partner(at))).collect())
    }

    /// Invents `count` account ids; the first ones are those of the AWS documentation.
    pub(crate) fn invent_ids(seed: u64, count: usize) -> Vec<String> {
        let known = ["111122223333", "444455556666", "123456789012"];
        let mut random = Random::new(mix(seed, 0x1d));
        let mut ids: Vec<String> = known.iter().take(count).map(ToString::to_string).collect();
        while ids.len() < count {
            ids.push((200_000_000_000 + random.below(700_000_000_000)).to_string());
        }
        ids
    }
}
