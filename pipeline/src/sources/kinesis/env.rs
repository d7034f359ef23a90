//! What all readers of one source share: where they read, how fast, and what they tell.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use super::leases::sync::Shard;
use super::leases::{Lease, LeaseTable};
use super::position::Position;
use super::stream::{Stream, StreamError};
use crate::config::KinesisMode;
use crate::runtime::clock::Clock;
use crate::sources::SourceContext;
use crate::sources::troubles::Troubles;
use crate::telemetry::KinesisMetrics;

/// Answers that are on their way at once, of all shards of a source: each may have 10 MiB, and more as
/// JSON, before it is counted.
pub const FETCHES: usize = 8;

/// What all readers share.
pub struct Env {
    /// What the source was given.
    pub context: SourceContext,
    /// The leases.
    pub table: Arc<dyn LeaseTable>,
    /// This worker's name in the table; another one at each start.
    pub me: Arc<str>,
    /// How records come.
    pub mode: KinesisMode,
    /// Most records of one call.
    pub max_records: u32,
    /// Where a shard begins that hangs from no lease.
    pub initial: Position,
    /// Waits and limits.
    pub times: Times,
    /// Its counters.
    pub metrics: KinesisMetrics,
    /// What keeps it from its work.
    pub troubles: Arc<Troubles>,
    /// Bounds answers on their way.
    pub fetches: Semaphore,
    /// The time of day.
    pub clock: Clock,
}

/// How far before now a shard is begun that is read "from now on": the clock of whoever says so may be
/// ahead of Kinesis'.
const BEFORE_NOW: Duration = Duration::from_secs(60);

impl Env {
    /// From about now on, as a time that stays what it is.
    pub fn now_on(&self) -> Position {
        let now = self.clock.now().as_millisecond();
        Position::AtTimestamp(now.saturating_sub(BEFORE_NOW.as_millis() as i64))
    }
}

/// Waits and limits.
#[derive(Debug, Clone)]
pub struct Times {
    /// A lease that was not renewed for so long is taken by others.
    pub failover: Duration,
    /// How often the table is looked at.
    pub look: Duration,
    /// How often leases are compared with the stream's shards.
    pub audit: Duration,
    /// How often a shard is asked that has nothing new.
    pub poll: Duration,
    /// How often a shard is asked that has more.
    pub quick: Duration,
    /// A subscription in which nothing comes for so long is broken.
    pub silence: Duration,
    /// Shortest time between two subscriptions to a shard.
    pub resubscribe: Duration,
}

/// Silence of a subscription that is no longer believed in.
const SILENCE: Duration = Duration::from_secs(60);

impl Times {
    /// By the configuration's `failover` and `poll`.
    pub fn new(failover: Duration, poll: Duration) -> Self {
        let failover = failover.max(Duration::from_secs(1));
        Self {
            failover,
            look: failover,
            audit: failover * 3,
            poll: poll.max(Duration::from_millis(200)),
            // Four of the five calls a second that all who poll a shard share.
            quick: Duration::from_millis(250),
            silence: SILENCE,
            resubscribe: Duration::from_secs(5),
        }
    }

    /// How often leases are renewed.
    pub fn renew(&self) -> Duration {
        self.failover / 3
    }
}

/// One stream of the application.
pub struct Unit {
    /// What its leases are known by where there are several streams; `None` if it is the only one.
    pub id: Option<String>,
    /// The stream.
    pub stream: Arc<dyn Stream>,
    /// When it was made, in seconds since 1970.
    pub epoch: i64,
    /// Something that a reader met lets expect that it is another stream by now.
    is_doubted: AtomicBool,
    listed: Mutex<Option<(Instant, Arc<Vec<Shard>>)>>,
}

impl Unit {
    /// A stream that was made at `epoch`; `id` where the application has several.
    pub fn new(id: Option<String>, stream: Arc<dyn Stream>, epoch: i64) -> Self {
        Self { id, stream, epoch, is_doubted: AtomicBool::new(false), listed: Mutex::default() }
    }

    /// Whether a lease is of this stream, or of one that had its name before or has it since. `None`: of
    /// another one.
    pub fn compare(&self, lease: &Lease) -> Option<Ordering> {
        let epoch = match (&lease.stream, &self.id) {
            (None, None) => lease.epoch.unwrap_or(self.epoch),
            (Some(theirs), Some(mine)) => {
                let (name, epoch) = theirs.rsplit_once(':')?;
                (name == mine.rsplit_once(':')?.0).then(|| epoch.parse().ok())??
            }
            _ => return None,
        };
        Some(epoch.cmp(&self.epoch))
    }

    /// Has it looked at soon whether it is still the same stream.
    pub fn doubt(&self) {
        self.is_doubted.store(true, atomic::Ordering::SeqCst);
    }

    /// Was there a doubt since this was asked last?
    pub fn was_doubted(&self) -> bool {
        self.is_doubted.swap(false, atomic::Ordering::SeqCst)
    }

    /// The key of a shard's lease.
    pub fn key(&self, shard: &str) -> String {
        match &self.id {
            Some(id) => format!("{id}:{shard}"),
            None => shard.to_owned(),
        }
    }

    /// All shards, as they were at most so long ago: many readers ask together.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn shards(&self, age: Duration) -> Result<Arc<Vec<Shard>>, StreamError> {
        let mut listed = self.listed.lock().await;
        if let Some((at, shards)) = &*listed
            && at.elapsed() < age
        {
            return Ok(Arc::clone(shards));
        }
        let at = Instant::now();
        let shards = Arc::new(self.stream.shards(None).await?);
        *listed = Some((at, Arc::clone(&shards)));
        Ok(shards)
    }
}
