//! Compares the leases of a stream with its shards: makes what is missing, removes what nobody needs,
//! and tells of hash keys that nobody reads.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::ending::new_lease;
use super::env::{Env, Unit};
use super::leases::sync::{self, Hole, Shard};
use super::leases::{Change, Lease, TableError};
use super::position::Position;
use super::stream::{Child, StreamError};

/// A hole that is seen so often in a row is told: children are made at the moment their parent ends.
const TELL_AFTER: u32 = 3;

/// What is compared from time to time.
pub struct Audit {
    unit: Arc<Unit>,
    /// When it was last asked whether it is still the same stream.
    asked: Option<Instant>,
    /// When leases were last compared with shards.
    last: Option<Instant>,
    hole: Option<(Hole, u32)>,
    /// What its troubles are known by; no stream is named so.
    place: String,
}

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The stream that it was begun with, as far as it could be asked.
    SameStream,
    /// Another one of that name.
    AnotherStream,
}

/// Why a comparison came to nothing.
enum Trouble {
    Stream(StreamError),
    Table(TableError),
    Listing(String),
}

impl Audit {
    /// Of one stream.
    pub fn new(unit: Arc<Unit>) -> Self {
        let place = format!("the shards of {}", unit.stream.name());
        Self { unit, asked: None, last: None, hole: None, place }
    }

    /// Compares if it is time to, if the stream has no lease at all, or if there is reason to believe that
    /// it was made anew; `leases` gets what is made. `others` are of streams that had a name before or
    /// have it since. Who is not the first one looks only whether it is still the same stream.
    pub async fn run(
        &mut self,
        env: &Env,
        leases: &mut Vec<Lease>,
        others: &[Lease],
        is_first: bool,
    ) -> Found {
        let others: Vec<&Lease> =
            others.iter().filter(|lease| self.unit.compare(lease).is_some()).collect();
        let is_old = |at: Option<Instant>| at.is_none_or(|at| at.elapsed() >= env.times.audit);
        let is_due = is_old(self.asked) || (is_first && is_old(self.last));
        let is_empty = leases.iter().all(|lease| lease.stream != self.unit.id);
        if !self.unit.was_doubted() && !is_due && !is_empty && others.is_empty() {
            return Found::SameStream;
        }
        match self.look(env, leases, &others, is_first).await {
            Ok(found) => {
                self.asked = Some(Instant::now());
                if is_first {
                    self.last = self.asked;
                }
                if env.troubles.are_over(&self.place) {
                    env.context.metrics.up();
                    info!(source = %env.context.name, stream = %self.unit.stream.name(),
                        "the shards of the stream can be listed again");
                }
                return found;
            }
            Err(Trouble::Stream(error)) => {
                env.metrics.failed(error.kind.name());
                env.context.metrics.down();
                warn!(source = %env.context.name, "{error}: will try again");
                env.troubles.are(&self.place, &error.words);
            }
            Err(Trouble::Table(error)) => {
                env.metrics.failed(error.reason());
                warn!(source = %env.context.name, "{error}: will try again");
            }
            Err(Trouble::Listing(words)) => {
                env.metrics.failed("inconsistent");
                warn!(source = %env.context.name, stream = %self.unit.stream.name(),
                    "the list of shards cannot be used: {words}: will try again");
            }
        }
        Found::SameStream
    }

    async fn look(
        &mut self,
        env: &Env,
        leases: &mut Vec<Lease>,
        others: &[&Lease],
        is_first: bool,
    ) -> Result<Found, Trouble> {
        // Asked before anything is written, so that who still has the old stream in mind writes nothing.
        if self.unit.stream.epoch().await.map_err(Trouble::Stream)? != self.unit.epoch {
            warn!(source = %env.context.name, stream = %self.unit.stream.name(),
                "the stream was deleted and made anew: it is begun anew");
            return Ok(Found::AnotherStream);
        }
        let is_earlier = |lease: &&&Lease| self.unit.compare(lease) == Some(Ordering::Less);
        let earlier: Vec<&Lease> = others.iter().filter(is_earlier).copied().collect();
        match (is_first, earlier.is_empty()) {
            (false, _) => {}
            (true, false) => self.replace(env, leases, &earlier).await?,
            (true, true) if leases.iter().all(|lease| lease.stream != self.unit.id) => {
                self.begin(env, leases).await?;
            }
            (true, true) => self.compare(env, leases).await?,
        }
        Ok(Found::SameStream)
    }

    /// The first leases: of every shard that has records from the initial position on.
    async fn begin(&mut self, env: &Env, leases: &mut Vec<Lease>) -> Result<(), Trouble> {
        let initial = self.initial(env);
        let shards = self.first_shards(&initial).await?;
        for shard in &shards {
            self.make(env, shard, initial.clone(), leases).await?;
        }
        info!(source = %env.context.name, stream = %self.unit.stream.name(), shards = shards.len(),
            "the stream has its first leases");
        Ok(())
    }

    /// The first leases of a stream that was made anew, and no more of the one before it. What is wholly
    /// new comes first: as long as there is a lease of the old one, all of it is done again after an end
    /// half way.
    async fn replace(
        &mut self,
        env: &Env,
        leases: &mut Vec<Lease>,
        earlier: &[&Lease],
    ) -> Result<(), Trouble> {
        // What comes from the first start on: all that a younger stream has.
        let initial = match self.initial(env) {
            Position::Latest => Position::TrimHorizon,
            other => other,
        };
        let mut left: BTreeMap<&str, &Lease> =
            earlier.iter().map(|lease| (&*lease.key, *lease)).collect();
        let shards = self.first_shards(&initial).await?;
        let mut in_place = Vec::new();
        for shard in &shards {
            match left.remove(&*self.unit.key(&shard.id)) {
                Some(old) => in_place.push((shard, old)),
                None => self.make(env, shard, initial.clone(), leases).await?,
            }
        }
        for (shard, old) in in_place {
            let lease = self.lease(shard, initial.clone());
            let change = Change::Replace { counter: old.counter, lease: lease.clone() };
            if env.table.write(&lease.key, &change).await.map_err(Trouble::Table)? {
                env.metrics.lease("removed");
                env.metrics.lease("made");
                leases.push(Lease { counter: old.counter.saturating_add(1), ..lease });
            }
        }
        for old in left.into_values() {
            let change = Change::Forget { counter: old.counter };
            if env.table.write(&old.key, &change).await.map_err(Trouble::Table)? {
                env.metrics.lease("removed");
            }
        }
        env.metrics.failed("made_anew");
        warn!(source = %env.context.name, stream = %self.unit.stream.name(), removed = earlier.len(),
            shards = shards.len(), "the leases of the stream that had this name before are removed: what was \
            not read of it is lost; the new one has its first leases");
        Ok(())
    }

    /// Where the stream is begun. A time before it was made is its beginning: no shard was open then.
    fn initial(&self, env: &Env) -> Position {
        match &env.initial {
            Position::AtTimestamp(at) if *at < self.unit.epoch.saturating_mul(1000) => {
                Position::TrimHorizon
            }
            other => other.clone(),
        }
    }

    /// Shards to begin with, parents first: those that have records from a position on.
    async fn first_shards(&self, initial: &Position) -> Result<Vec<Shard>, Trouble> {
        let mut shards = self.unit.stream.shards(Some(initial)).await.map_err(Trouble::Stream)?;
        let mut ranges: Vec<_> = shards.iter().map(|shard| shard.range).collect();
        if let Some(hole) = sync::first_hole(&mut ranges) {
            let (from, to) = (hole.from, hole.to);
            return Err(Trouble::Listing(format!("no shard takes the hash keys {from} to {to}")));
        }
        shards.sort_by(|a, b| (&a.begins, &a.id).cmp(&(&b.begins, &b.id)));
        Ok(shards)
    }

    async fn compare(&mut self, env: &Env, leases: &mut Vec<Lease>) -> Result<(), Trouble> {
        let shards = self.unit.shards(Duration::ZERO).await.map_err(Trouble::Stream)?;
        let id = &self.unit.id;
        let missing: Vec<(Shard, Position)> = {
            let mine: HashMap<&str, &Lease> = leases
                .iter()
                .filter(|lease| lease.stream == *id)
                .map(|lease| (&*lease.shard, lease))
                .collect();
            sync::missing(&shards, &mine, &env.initial)
                .map_err(|error| Trouble::Listing(error.to_string()))?
                .into_iter()
                .map(|missing| (missing.shard.clone(), missing.position))
                .collect()
        };
        for (shard, position) in missing {
            info!(source = %env.context.name, shard = %shard.id, "a shard without a lease gets one");
            self.make(env, &shard, position, leases).await?;
        }
        self.look_for_holes(env, leases, &shards);
        self.clean(env, leases, &shards).await
    }

    async fn make(
        &self,
        env: &Env,
        shard: &Shard,
        position: Position,
        leases: &mut Vec<Lease>,
    ) -> Result<(), Trouble> {
        // A name of now would mean another place after a crash.
        let position = if position == Position::Latest { env.now_on() } else { position };
        let lease = self.lease(shard, position);
        let change = Change::Create(lease.clone());
        // Where another worker was faster, the next look shows what it made.
        if env.table.write(&lease.key, &change).await.map_err(Trouble::Table)? {
            env.metrics.lease("made");
            leases.push(lease);
        }
        Ok(())
    }

    fn lease(&self, shard: &Shard, position: Position) -> Lease {
        let (id, parents) = (shard.id.clone(), shard.parents.clone());
        new_lease(&self.unit, &Child { id, parents, range: Some(shard.range) }, position)
    }

    fn look_for_holes(&mut self, env: &Env, leases: &[Lease], shards: &[Shard]) {
        let mine = leases.iter().filter(|lease| lease.stream == self.unit.id);
        let found = sync::hole(mine, shards);
        let times = match (&self.hole, &found) {
            (Some((before, times)), Some(now)) if before == now => times + 1,
            _ => 1,
        };
        self.hole = found.map(|hole| (hole, times));
        if let Some((hole, TELL_AFTER..)) = &self.hole {
            env.metrics.failed("hole");
            warn!(source = %env.context.name, stream = %self.unit.stream.name(),
                from = %hole.from, to = %hole.to,
                "no lease covers these hash keys: what is put there is not read; compare `askance kinesis \
                 leases` with `askance kinesis shards`");
        }
    }

    async fn clean(&self, env: &Env, leases: &[Lease], shards: &[Shard]) -> Result<(), Trouble> {
        let listed: HashSet<&str> = shards.iter().map(|shard| &*shard.id).collect();
        let mine: Vec<&Lease> =
            leases.iter().filter(|lease| lease.stream == self.unit.id).collect();
        for lease in sync::garbage(&mine, &listed) {
            if env.table.write(&lease.key, &Change::Delete).await.map_err(Trouble::Table)? {
                env.metrics.lease("removed");
                info!(source = %env.context.name, lease = %lease.key,
                    "the lease of a shard that is done with is removed");
            }
        }
        Ok(())
    }
}
