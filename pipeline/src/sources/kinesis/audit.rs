//! Compares the leases of a stream with its shards: makes what is missing, removes what nobody needs,
//! and tells of hash keys that nobody reads.

use std::collections::{HashMap, HashSet};
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
    last: Option<Instant>,
    hole: Option<(Hole, u32)>,
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
        Self { unit, last: None, hole: None }
    }

    /// Compares if it is time to, or if the stream has no lease at all; `leases` gets what is made.
    pub async fn run(&mut self, env: &Env, leases: &mut Vec<Lease>) {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= env.times.audit);
        let is_empty = leases.iter().all(|lease| lease.stream != self.unit.id);
        if !is_due && !is_empty {
            return;
        }
        let done = match is_empty {
            true => self.begin(env, leases).await,
            false => self.compare(env, leases).await,
        };
        match done {
            Ok(()) => self.last = Some(Instant::now()),
            Err(Trouble::Stream(error)) => {
                env.metrics.failed(error.kind.name());
                env.context.metrics.down();
                warn!(source = %env.context.name, "{error}: will try again");
                env.troubles.are(self.unit.stream.name(), &error.words);
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
    }

    /// The first leases: of every shard that has records from the initial position on.
    async fn begin(&mut self, env: &Env, leases: &mut Vec<Lease>) -> Result<(), Trouble> {
        let mut shards =
            self.unit.stream.shards(Some(&env.initial)).await.map_err(Trouble::Stream)?;
        let mut ranges: Vec<_> = shards.iter().map(|shard| shard.range).collect();
        if let Some(hole) = sync::first_hole(&mut ranges) {
            let (from, to) = (hole.from, hole.to);
            return Err(Trouble::Listing(format!("no shard takes the hash keys {from} to {to}")));
        }
        shards.sort_by(|a, b| (&a.begins, &a.id).cmp(&(&b.begins, &b.id)));
        for shard in &shards {
            self.make(env, shard, env.initial.clone(), leases).await?;
        }
        info!(source = %env.context.name, stream = %self.unit.stream.name(), shards = shards.len(),
            "the stream has its first leases");
        Ok(())
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
        let child = Child {
            id: shard.id.clone(),
            parents: shard.parents.clone(),
            range: Some(shard.range),
        };
        let lease = new_lease(&self.unit, &child, position);
        let change = Change::Create(lease.clone());
        // Where another worker was faster, the next look shows what it made.
        if env.table.write(&lease.key, &change).await.map_err(Trouble::Table)? {
            env.metrics.lease("made");
            leases.push(lease);
        }
        Ok(())
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
