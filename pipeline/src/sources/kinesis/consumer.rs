//! Reads one shard under its lease, from its parents' end to its own.
//!
//! One batch is in hand at a time: it is handed on, its results are committed, then the lease's position
//! moves. A lost lease ends it at once, and nothing more is written under it.

use std::sync::Arc;
use std::time::Duration;

use askance_stages::decode::Aggregate;
use tokio::time::Instant;
use tracing::{info, warn};

use super::ending;
use super::env::{Env, Unit};
use super::held::{Held, HeldError};
use super::position::{Position, Within};
use super::reader::{End, Fetched, Reader};
use super::stream::{Child, Failure, Start, StreamError, StreamRecord};
use crate::runtime::retry::{Backoff, pause};
use crate::sources::{Batch, Body, Fence, Object, Part, Verdict};

/// A record that arrives so far in the future shows that this machine's clock is behind.
const SKEW: Duration = Duration::from_secs(10);

/// A shard that is read.
pub struct Consumer {
    env: Arc<Env>,
    unit: Arc<Unit>,
    held: Arc<Held>,
    /// How far everything is committed.
    position: Position,
    /// When the position was last written.
    written: Instant,
    /// When it was last asked whether the shard is closed.
    looked: Instant,
    /// The shards that it became, by the stream's listing.
    became: Option<Vec<Child>>,
}

/// How reading a shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The shard is read to its end.
    Finished,
    /// The lease is somebody else's.
    Lost,
    /// It was told to stop, and the lease is given back.
    Stopped,
}

/// Reading goes no further.
pub struct Halt(pub Ended);

impl From<HeldError> for Halt {
    fn from(_: HeldError) -> Self {
        Self(Ended::Lost)
    }
}

impl Consumer {
    /// Of a lease that was just taken.
    pub fn new(env: &Arc<Env>, unit: &Arc<Unit>, held: &Arc<Held>) -> Self {
        let now = Instant::now();
        Self {
            env: Arc::clone(env),
            unit: Arc::clone(unit),
            held: Arc::clone(held),
            position: held.lease().position.clone(),
            written: now,
            looked: now,
            became: None,
        }
    }

    /// Reads until the shard's end, or until it must stop.
    pub async fn run(mut self) -> Ended {
        let label = format!("{}/{}", self.unit.stream.name(), self.shard());
        let ended = match self.read().await {
            Ok(()) => Ended::Finished,
            Err(Halt(ended)) => ended,
        };
        self.env.metrics.no_age(&label);
        if ended == Ended::Lost {
            warn!(source = %self.env.context.name, shard = %label,
                "the lease is lost: somebody else reads the shard on");
        }
        // What is not given back expires, which takes others longer.
        if ended != Ended::Lost && insist(&self.env, || self.held.release()).await.is_err() {
            info!(source = %self.env.context.name, shard = %label,
                "the lease was not given back: it is free already, or expires");
        }
        ended
    }

    fn shard(&self) -> &str {
        &self.held.lease().shard
    }

    async fn read(&mut self) -> Result<(), Halt> {
        let (env, unit, held) =
            (Arc::clone(&self.env), Arc::clone(&self.unit), Arc::clone(&self.held));
        ending::wait_for_parents(&env, &unit, &held).await?;
        if self.position == Position::Latest {
            // A name would mean another place after a crash before the first record; a time does not.
            self.move_to(env.now_on()).await?;
        }
        let mut reader = Reader::new(&env, &unit, &held.lease().shard, start_of(&self.position));
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        let mut again = Backoff::usual();
        loop {
            let fetched = tokio::select! {
                biased;
                () = held.lost().cancelled() => return Err(Halt(Ended::Lost)),
                () = env.context.stop.cancelled() => return Err(Halt(Ended::Stopped)),
                fetched = reader.next() => fetched,
            };
            let fetched = match fetched {
                Ok(fetched) => fetched,
                Err(error) => {
                    let gone = self.failed(&error, &mut backoff).await?;
                    if let Some(children) = gone {
                        return self.finish(children).await;
                    }
                    continue;
                }
            };
            self.reached(&fetched);
            backoff.reset();
            let ended = self.ended(&fetched).await;
            if !self.take(fetched).await? {
                // It comes again, from where everything is committed.
                let lost = held.lost();
                if !again.wait(&env.context.stop).await || lost.is_cancelled() {
                    continue;
                }
                reader.rewind(start_of(&self.position));
                continue;
            }
            again.reset();
            if let Some(children) = ended {
                return self.finish(children).await;
            }
        }
    }

    /// Hands on what came and moves the position behind it; false if it must come again.
    async fn take(&mut self, fetched: Fetched) -> Result<bool, Halt> {
        let Fetched { records, hold, reached, .. } = fetched;
        let last = records.last().map(|last| {
            let count = Aggregate::open(&last.data).map_or(1, |aggregate| aggregate.count());
            Position::Record(last.sequence.clone(), Within::Place(count.saturating_sub(1)))
        });
        let (Some(last), Some(hold)) = (last, hold) else {
            // Nothing new, but a place that need not be looked for again.
            if let Some(reached) = reached
                && self.written.elapsed() >= self.env.times.audit
            {
                self.move_to(Position::Record(reached, Within::All)).await?;
            }
            return Ok(true);
        };
        self.note(&records);
        let parts = self.parts(records);
        if !parts.is_empty() {
            let batch = Batch { parts, range: self.held.lease().range };
            let path = format!("kinesis://{}/{}", self.unit.stream.name(), self.shard());
            let source = Arc::clone(&self.env.context.name);
            // It has no row in the ledger: what follows its position is read, and a batch that comes
            // again after a crash has the same alerts by their ids.
            let body = Body::Batch(batch);
            let object = Object { key: None, source, path, body, hold, asked: None };
            let metrics = &self.env.context.metrics;
            metrics.in_flight(1);
            // Whoever has the batch in hand commits nothing of it once the lease is lost.
            let held = Arc::clone(&self.held);
            let fence = Fence::new(move || !held.is_lost());
            let verdict = tokio::select! {
                verdict = self.env.context.intake.fenced(object, fence) => verdict,
                () = self.held.lost().cancelled() => Verdict::GiveBack,
            };
            metrics.in_flight(-1);
            metrics.objects(if verdict == Verdict::Done { "done" } else { "given_back" }, 1);
            if self.held.is_lost() {
                return Err(Halt(Ended::Lost));
            }
            if verdict == Verdict::GiveBack {
                return Ok(false);
            }
        }
        self.move_to(last).await?;
        Ok(true)
    }

    /// The records that are not done with yet, by their addresses.
    fn parts(&self, records: Vec<StreamRecord>) -> Vec<Part> {
        let address = format!("kinesis://{}/{}", self.unit.stream.name(), self.shard());
        let mut parts = Vec::with_capacity(records.len());
        for record in records {
            let skip = match &self.position {
                Position::Record(done, _) if record.sequence < *done => continue,
                Position::Record(done, Within::All) if record.sequence == *done => continue,
                Position::Record(done, Within::Place(place)) if record.sequence == *done => {
                    let count = Aggregate::open(&record.data).map_or(1, |found| found.count());
                    if place.saturating_add(1) >= count {
                        continue;
                    }
                    place + 1
                }
                _ => 0,
            };
            let path = format!("{address}/{}", record.sequence);
            parts.push(Part { path, data: record.data, skip });
        }
        parts
    }

    /// Counts what came.
    fn note(&self, records: &[StreamRecord]) {
        let metrics = &self.env.context.metrics;
        self.env.metrics.records(records.len() as u64);
        metrics.bytes(records.iter().map(|record| record.data.len() as u64).sum());
        let Some(arrived) = records.last().and_then(|record| record.arrived) else { return };
        let age = self.env.clock.now().as_millisecond().saturating_sub(arrived);
        match u64::try_from(age) {
            Ok(age) => metrics.lag(Duration::from_millis(age)),
            Err(_) if age.unsigned_abs() > SKEW.as_millis() as u64 => {
                self.env.metrics.failed("clock_skew");
                warn!(source = %self.env.context.name, seconds = age.unsigned_abs() / 1000,
                    "records arrive in the future: this machine's clock is behind; set it (leases do \
                     not depend on it)");
            }
            Err(_) => {}
        }
    }

    /// The stream answers.
    fn reached(&self, fetched: &Fetched) {
        let (env, name) = (&self.env, self.unit.stream.name());
        env.context.metrics.up();
        if env.troubles.are_over(name) {
            info!(source = %env.context.name, stream = %name, "the stream can be read again");
        }
        if let Some(behind) = fetched.behind {
            env.metrics.age(&format!("{name}/{}", self.shard()), behind);
        }
    }

    /// The shards that this one became, if what came was its last.
    async fn ended(&mut self, fetched: &Fetched) -> Option<Vec<Child>> {
        match &fetched.end {
            Some(End::Children(children)) => return Some(children.clone()),
            Some(End::Untold) => {}
            None => {
                let is_at_tip =
                    fetched.records.is_empty() && fetched.behind.is_none_or(|b| b.is_zero());
                if !is_at_tip {
                    return None;
                }
                // It was closed before this answer, which was empty and behind nothing.
                if let Some(children) = self.became.take() {
                    return Some(children);
                }
                if self.looked.elapsed() < self.env.times.audit {
                    return None;
                }
            }
        }
        self.looked = Instant::now();
        // A listing that fails is asked for again with the next empty answer.
        let shards = self.unit.shards(self.env.times.audit / 2).await.ok()?;
        let me = shards.iter().find(|shard| shard.id == self.held.lease().shard)?;
        if me.is_closed {
            let children = ending::children_of(self.shard(), &shards);
            if fetched.end.is_some() {
                return Some(children);
            }
            self.became = Some(children);
        }
        None
    }

    /// Tells why reading failed and waits; the shards that this one became if it is gone.
    async fn failed(
        &self,
        error: &StreamError,
        backoff: &mut Backoff,
    ) -> Result<Option<Vec<Child>>, Halt> {
        let env = &self.env;
        env.metrics.failed(error.kind.name());
        if matches!(error.kind, Failure::NotFound | Failure::BadPosition) {
            self.unit.doubt();
        }
        match error.kind {
            // Both are the usual course of things.
            Failure::Expired => return Ok(None),
            Failure::InUse => info!(source = %env.context.name, "{error}"),
            Failure::NotFound => {
                if let Ok(shards) = self.unit.stream.shards(None).await
                    && !shards.is_empty()
                    && shards.iter().all(|shard| shard.id != self.held.lease().shard)
                {
                    warn!(source = %env.context.name, shard = %self.shard(),
                        "the stream no longer has the shard: what was in it and not read is lost");
                    return Ok(Some(ending::children_of(self.shard(), &shards)));
                }
                self.down(error, backoff.attempts());
            }
            Failure::Throttled => {
                warn!(source = %env.context.name, attempts = backoff.attempts(), "{error}: will try again");
            }
            Failure::BadPosition | Failure::Denied | Failure::Damaged | Failure::Failed => {
                self.down(error, backoff.attempts());
            }
        }
        let wait = backoff.next(None);
        tokio::select! {
            () = self.held.lost().cancelled() => {}
            _ = pause(wait, &env.context.stop) => {}
        }
        // Reading sees by itself what it must end for.
        Ok(None)
    }

    fn down(&self, error: &StreamError, attempts: u32) {
        self.env.context.metrics.down();
        warn!(source = %self.env.context.name, shard = %self.shard(), attempts, "{error}: will try again");
        self.env.troubles.are(self.unit.stream.name(), &error.words);
    }

    async fn finish(&mut self, children: Vec<Child>) -> Result<(), Halt> {
        ending::finish(&self.env, &self.unit, &self.held, &self.position, children).await
    }

    /// Writes the position, for as long as it takes and the lease is held.
    async fn move_to(&mut self, position: Position) -> Result<(), Halt> {
        // Records that were done with before may come once more; the position never goes back.
        if position <= self.position && self.position != Position::Latest {
            return Ok(());
        }
        let held = Arc::clone(&self.held);
        insist(&self.env, || held.checkpoint(&position)).await?;
        self.position = position;
        self.written = Instant::now();
        Ok(())
    }
}

/// Writes under a lease until it is written or the lease is lost. Told to stop, it tries on: its lease
/// expires soon, and what is done would be read once more.
pub async fn insist<F>(env: &Env, mut write: impl FnMut() -> F) -> Result<(), Halt>
where
    F: Future<Output = Result<(), HeldError>>,
{
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    loop {
        match write().await {
            Ok(()) => return Ok(()),
            Err(HeldError::Lost) => return Err(Halt(Ended::Lost)),
            Err(HeldError::Table(error)) => {
                env.metrics.failed(error.reason());
                warn!(source = %env.context.name, attempts = backoff.attempts(), "{error}: will try again");
            }
        }
        tokio::time::sleep(backoff.next(None)).await;
    }
}

/// Where reading goes on.
fn start_of(position: &Position) -> Start {
    match position {
        Position::AtTimestamp(at) => Start::At(*at),
        // The end is not read; a name of now was made a time before.
        Position::TrimHorizon | Position::Latest | Position::ShardEnd => Start::TrimHorizon,
        Position::Record(sequence, Within::All) => Start::After(sequence.clone()),
        // It may hold more than what was done.
        Position::Record(sequence, Within::Place(_)) => Start::With(sequence.clone()),
    }
}
