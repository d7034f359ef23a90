//! One worker of an application: looks at the leases, takes its share, and keeps what it holds alive.
//!
//! Renewing runs apart from reading: whatever waits downstream, a lease that is held stays held.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::audit::{Audit, Found};
use super::consumer::{Consumer, Ended};
use super::env::{Env, Unit};
use super::held::{Held, HeldError};
use super::leases::taking::{Seen, choose};
use super::leases::{Change, Lease, Listing};
use crate::runtime::retry::Backoff;

/// Leases that are renewed at once.
const RENEWALS: usize = 32;

/// Rows that are told of, each once.
const MAX_TOLD: usize = 100;

/// What the table is known by among a source's troubles; no stream is named so.
const TABLE: &str = "the table of leases";

/// Why a worker has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It was told to stop.
    Stopped,
    /// A stream was deleted and made anew: everything that is known of it is to be asked anew.
    MadeAnew,
}

/// What is held, by key.
type Holding = Arc<Mutex<BTreeMap<String, Arc<Held>>>>;

/// A worker.
pub struct Worker {
    env: Arc<Env>,
    units: Vec<Arc<Unit>>,
    holding: Holding,
    seen: Seen,
    audits: Vec<Audit>,
    /// Rows that were told of.
    told: HashSet<String>,
    consumers: JoinSet<(Arc<Held>, Ended)>,
}

impl Worker {
    /// A worker for these streams.
    pub fn new(env: Arc<Env>, units: Vec<Arc<Unit>>) -> Self {
        let audits = units.iter().map(|unit| Audit::new(Arc::clone(unit))).collect();
        let (holding, seen) = (Holding::default(), Seen::default());
        Self { env, units, holding, seen, audits, told: HashSet::new(), consumers: JoinSet::new() }
    }

    /// Works until told to stop, or until a stream turns out to be another one by now; then until all
    /// that is in hand is at its end and given back.
    pub async fn run(mut self) -> Over {
        // Aborted with this future, should it be dropped.
        let mut renewing = JoinSet::new();
        renewing.spawn(renew(Arc::clone(&self.env), Arc::clone(&self.holding)));
        let env = Arc::clone(&self.env);
        let mut backoff = Backoff::new(env.times.look / 2, env.times.look);
        let mut over = Over::Stopped;
        while !env.context.stop.is_cancelled() {
            if self.look().await == Some(Over::MadeAnew) {
                over = Over::MadeAnew;
                env.context.stop.cancel();
            }
            let wait = backoff.next(None);
            tokio::select! {
                () = env.context.stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
                // Its children are taken without waiting.
                Some(ended) = self.consumers.join_next() => self.ended(ended),
            }
            while let Some(ended) = self.consumers.try_join_next() {
                self.ended(ended);
            }
        }
        while let Some(ended) = self.consumers.join_next().await {
            self.ended(ended);
        }
        over
    }

    fn ended(&mut self, ended: Result<(Arc<Held>, Ended), tokio::task::JoinError>) {
        let (held, ended) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                error!(source = %self.env.context.name, %error,
                    "a reader of a shard ended by a defect: its lease expires and is taken again");
                self.drop_lost();
                return;
            }
        };
        self.env.metrics.lease(match ended {
            Ended::Finished => "finished",
            Ended::Lost => "lost",
            Ended::Stopped => "returned",
        });
        let mut holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        holding.remove(&held.lease().key);
        // Who reads nothing of a stream any more has no trouble with it.
        let stream = &held.lease().stream;
        let unit = self.units.iter().find(|unit| unit.id == *stream);
        if let Some(unit) = unit
            && holding.values().all(|other| other.lease().stream != *stream)
            && self.env.troubles.are_over(unit.stream.name())
        {
            self.env.context.metrics.up();
        }
    }

    /// What nobody reads must not be renewed: of leases held, only those of living readers stay.
    fn drop_lost(&mut self) {
        let mut holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader holds one end, the map another.
        holding.retain(|_, held| Arc::strong_count(held) > 1);
    }

    /// Looks at the table once and does what is to be done; tells whether there is reason to end.
    async fn look(&mut self) -> Option<Over> {
        let env = Arc::clone(&self.env);
        let listing = match env.table.all().await {
            Ok(listing) => listing,
            Err(error) => {
                self.table_trouble(&error.to_string(), &error);
                return None;
            }
        };
        if env.troubles.are_over(TABLE) {
            info!(source = %env.context.name, "the table of leases can be read again");
        }
        let Listing { leases, unreadable } = listing;
        for row in unreadable.iter().filter(|row| !row.is_other_kind) {
            self.tell("bad_row", &row.key, &row.why);
        }
        let (all, mut leases, mut others) = (leases, Vec::new(), Vec::new());
        for lease in all {
            match self.units.iter().find_map(|unit| unit.compare(&lease)) {
                Some(Ordering::Equal) => leases.push(lease),
                // Of one that had the name of a stream before, or has it since: it is never taken.
                Some(Ordering::Less | Ordering::Greater) => others.push(lease),
                None => self.tell(
                    "foreign_row",
                    &lease.key,
                    "it is of a stream that this source does not read",
                ),
            }
        }
        let is_first = |me: &str| {
            let owners = leases.iter().filter(|lease| !lease.is_finished());
            owners.filter_map(|lease| lease.owner.as_deref()).all(|owner| me <= owner)
        };
        // One worker is enough to see what is missing; should it sleep, it loses its leases.
        let is_first = is_first(&env.me);
        for audit in &mut self.audits {
            if audit.run(&env, &mut leases, &others, is_first).await == Found::AnotherStream {
                return Some(Over::MadeAnew);
            }
        }
        self.take(&leases).await;
        None
    }

    fn table_trouble(&self, words: &str, failure: &super::leases::TableError) {
        self.env.metrics.failed(failure.reason());
        self.env.context.metrics.down();
        warn!(source = %self.env.context.name, "{words}: will try again");
        self.env.troubles.are(TABLE, words);
    }

    /// Tells once of a row that is left as it is.
    fn tell(&mut self, reason: &'static str, key: &str, why: &str) {
        if self.told.len() < MAX_TOLD && self.told.insert(key.to_owned()) {
            self.env.metrics.failed(reason);
            warn!(source = %self.env.context.name, table = %self.env.table.name(), row = %key,
                "a row is left as it is: {why}; choose another `application` if the table is not this one's");
        }
    }

    async fn take(&mut self, leases: &[Lease]) {
        let now = Instant::now();
        self.seen.note(leases, now);
        // Mine by the table, but no longer read: free again, as far as I see it.
        let mut view = leases.to_vec();
        {
            let holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
            for lease in &mut view {
                if lease.owner.as_deref() == Some(&*self.env.me)
                    && !holding.contains_key(&lease.key)
                {
                    lease.owner = None;
                }
            }
            let held = holding.len();
            let count = |wanted: &dyn Fn(&&Lease) -> bool| view.iter().filter(wanted).count();
            let others = count(&|lease| {
                !lease.is_finished()
                    && lease.owner.as_deref().is_some_and(|owner| owner != &*self.env.me)
            });
            let free = count(&|lease| !lease.is_finished() && lease.owner.is_none());
            let finished = count(&|lease| lease.is_finished());
            self.env.metrics.leases([
                ("held", held),
                ("others", others),
                ("free", free),
                ("finished", finished),
            ]);
        }
        let mut pick = |below| fastrand::usize(..below);
        let failover = self.env.times.failover;
        let chosen = choose(&self.env.me, &view, (&self.seen, now), failover, &mut pick);
        for (lease, why) in chosen {
            let (counter, before) = (lease.counter, lease.owner.clone());
            let owner = self.env.me.to_string();
            let change = Change::Take { counter, before, owner: owner.clone() };
            let began = Instant::now();
            match self.env.table.write(&lease.key, &change).await {
                // Somebody was faster.
                Ok(false) => debug!(lease = %lease.key, "another worker took it"),
                Ok(true) if began.elapsed() < failover => {
                    let counter = counter.saturating_add(1);
                    self.begin(Lease { counter, owner: Some(owner), ..lease.clone() }, began);
                    self.env.metrics.lease(why.name());
                    info!(source = %self.env.context.name, lease = %lease.key, why = why.name(), "a shard is read here");
                }
                // Too late to be sure of it: it is taken again when it is free.
                Ok(true) => {}
                Err(error) => return self.table_trouble(&error.to_string(), &error),
            }
        }
    }

    fn begin(&mut self, lease: Lease, taken: Instant) {
        let Some(unit) = self.units.iter().find(|unit| unit.id == lease.stream) else { return };
        let failover = self.env.times.failover;
        let held = Arc::new(Held::new(lease, &self.env.me, &self.env.table, (failover, taken)));
        let key = held.lease().key.clone();
        let consumer = Consumer::new(&self.env, unit, &held);
        self.holding.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&held));
        self.consumers.spawn(async move {
            let ended = consumer.run().await;
            (held, ended)
        });
    }
}

/// Renews everything that is held, for ever.
async fn renew(env: Arc<Env>, holding: Holding) {
    let every = env.times.renew();
    loop {
        tokio::time::sleep(every).await;
        let held: Vec<Arc<Held>> =
            holding.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let env = &env;
        futures::stream::iter(held)
            .for_each_concurrent(RENEWALS, |held| async move {
                if held.is_lost() {
                    return;
                }
                match held.renew().await {
                    Ok(()) | Err(HeldError::Lost) => {}
                    Err(HeldError::Table(error)) => {
                        env.metrics.failed(error.reason());
                        warn!(source = %env.context.name, lease = %held.lease().key,
                            "{error}: will try again while the lease lasts");
                    }
                }
            })
            .await;
    }
}
