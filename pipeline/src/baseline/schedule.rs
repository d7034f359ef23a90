//! When the service makes its baseline anew, and which of several does.
//!
//! All replicas look when the one that is there was written. When it is old, one of them takes the turn
//! that is kept in the store, and makes a new one; the others look again from time to time. A replica
//! that lost its turn meanwhile, or finds that somebody else has put one, throws away what it made. What
//! was put is taken over by the reloader between two objects. Until then, and whenever something fails,
//! the old one holds.

use std::sync::Arc;
use std::time::Duration;

use askance_stages::enrich::Baseline;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::making::{MakeError, Maker};
use super::object::{Looked, ObjectError};
use super::place::{Place, PlaceError};
use crate::aws::Aws;
use crate::config::{Config, StoreConfig};
use crate::host;
use crate::runtime::clock::Clock;
use crate::runtime::retry::{Backoff, delay, pause};
use crate::store::{Store, StoreError, TurnKeeper};
use crate::telemetry::{Families, Health, Part};

/// Between two attempts of which the first failed.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// The name of the turn in the store.
const TURN: &str = "baseline";

/// After so long without a word another replica takes over. It is renewed three times as often, which
/// costs a fleet nothing beside what reading the past does.
const TURN_LASTS: Duration = Duration::from_secs(60);

/// Called when one was put.
pub type OnPut = Arc<dyn Fn() + Send + Sync>;

/// Makes baselines.
pub struct Rebuilder {
    pub(super) place: Place,
    every: Duration,
    versions: usize,
    maker: Maker,
    clock: Clock,
    pub(super) store: Arc<dyn Store>,
    pub(super) turn: TurnKeeper,
    on_put: OnPut,
    families: Families,
    health: Health,
}

/// What a look came to.
#[derive(Debug)]
pub(super) enum Step {
    /// There is nothing to do for so long.
    Wait(Duration),
    /// Another replica is at it.
    Others,
    /// It was made and put.
    Made(Baseline),
}

/// Why none could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum RebuildError {
    #[error(transparent)]
    Make(#[from] MakeError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was made is thrown away.
    #[error("another replica has taken over the turn")]
    Lost,
}

impl RebuildError {
    /// Was somebody else faster, so that nothing is wrong?
    fn is_lost(&self) -> bool {
        let superseded = |error: &PlaceError| {
            matches!(error, PlaceError::Object(ObjectError::Superseded { .. }))
        };
        matches!(self, Self::Lost) || matches!(self, Self::Place(error) if superseded(error))
    }
}

impl Rebuilder {
    /// Of a configuration; `None` if it asks for none. `on_put` is called when a new one was put.
    pub async fn of(
        config: &Config,
        aws: &Aws,
        (store, clock): (&Arc<dyn Store>, &Clock),
        on_put: OnPut,
        (families, health): (&Families, &Health),
    ) -> Option<Self> {
        let baseline = config.enrich.baseline.as_ref()?;
        let every = baseline.rebuild?;
        for outcome in ["ok", "failed", "lost"] {
            families.baseline_rebuilds.with_label_values(&[outcome]);
        }
        let seconds = i64::try_from(every.0.as_secs()).unwrap_or(i64::MAX);
        families.baseline_rebuild_every.set(seconds);
        Some(Self {
            place: Place::of(baseline, aws).await,
            every: every.0,
            versions: baseline.versions,
            maker: Maker::of(config, baseline.keep.0, aws),
            clock: clock.clone(),
            store: Arc::clone(store),
            turn: TurnKeeper::new(TURN, &replica(config), TURN_LASTS),
            on_put,
            families: families.clone(),
            health: health.clone(),
        })
    }

    /// Makes one whenever it is due, until `stop` is set.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::new(AGAIN.0, AGAIN.1);
        let mut last = None;
        loop {
            let step = self.step(last.map(|at: Instant| at.elapsed()), &stop).await;
            if stop.is_cancelled() {
                return;
            }
            let wait = match step {
                Ok(Step::Wait(wait)) => {
                    // There is a new one, whoever has made it.
                    backoff.reset();
                    self.health.well(&Part::Baseline);
                    wait
                }
                Ok(Step::Others) => self.look_again(),
                Ok(Step::Made(made)) => {
                    last = Some(Instant::now());
                    backoff.reset();
                    self.tell(&made);
                    Duration::ZERO
                }
                Err(why) if why.is_lost() => {
                    self.families.baseline_rebuilds.with_label_values(&["lost"]).inc();
                    warn!(%why, "threw away the baseline that was being made");
                    self.look_again()
                }
                Err(why) => self.failed(&why, &mut backoff),
            };
            if !pause(wait, &stop).await {
                return;
            }
        }
    }

    /// Looks whether one is due, and makes it if it is this replica's turn.
    pub(super) async fn step(
        &mut self,
        since_last: Option<Duration>,
        stop: &CancellationToken,
    ) -> Result<Step, RebuildError> {
        let wait = self.due_in(self.place.look().await?.as_ref(), since_last);
        if !wait.is_zero() {
            return Ok(Step::Wait(wait));
        }
        let store = Arc::clone(&self.store);
        if !self.turn.take(store.as_ref(), Instant::now()).await? {
            return Ok(Step::Others);
        }
        let done = self.in_turn(since_last, stop).await;
        if let Err(error) = self.turn.give_back(store.as_ref()).await {
            warn!(%error, "cannot give the turn back; others take it when its time is over");
        }
        done
    }

    async fn in_turn(
        &mut self,
        since_last: Option<Duration>,
        stop: &CancellationToken,
    ) -> Result<Step, RebuildError> {
        // Whoever had the turn a moment ago may have put one since.
        let looked = self.place.look().await?;
        let wait = self.due_in(looked.as_ref(), since_last);
        if !wait.is_zero() {
            return Ok(Step::Wait(wait));
        }
        let made = self.make(stop).await?;
        self.publish(&made, looked.as_ref()).await?;
        Ok(Step::Made(made))
    }

    /// Makes one, and keeps the turn meanwhile; gives up when that is lost.
    pub(super) async fn make(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<Baseline, RebuildError> {
        let stop = stop.child_token();
        // However this ends, what reads for it ends too.
        let _over = stop.clone().drop_guard();
        let making = self.maker.make(self.clock.now(), &stop);
        tokio::pin!(making);
        loop {
            tokio::select! {
                made = &mut making => return Ok(made?),
                is_on = pause(self.turn.lasts() / 3, &stop) => if !is_on {
                    return Ok(making.await?);
                }
            }
            let now = Instant::now();
            match self.turn.keep(self.store.as_ref(), now).await {
                Ok(true) => {}
                Ok(false) => return Err(RebuildError::Lost),
                Err(error) if self.turn.is_over(now) => {
                    warn!(%error, "cannot keep the turn");
                    return Err(RebuildError::Lost);
                }
                Err(error) => warn!(%error, "cannot keep the turn, will try again"),
            }
        }
    }

    /// Puts what was made where `looked` was seen before, if it is still this replica's turn.
    pub(super) async fn publish(
        &mut self,
        made: &Baseline,
        looked: Option<&Looked>,
    ) -> Result<(), RebuildError> {
        self.place.keep_version(made.version(), self.versions).await?;
        // The last thing before: of an object the bucket itself sees to the moment between.
        if !self.turn.keep(self.store.as_ref(), Instant::now()).await? {
            return Err(RebuildError::Lost);
        }
        self.place.replace(made, looked).await?;
        (self.on_put)();
        Ok(())
    }

    /// How long until the next one: by the time of what is there, so that a restart changes nothing,
    /// and never sooner after the last one than asked, whatever clock the disk or the bucket has.
    fn due_in(&self, looked: Option<&Looked>, since_last: Option<Duration>) -> Duration {
        let age = looked.map(|looked| self.clock.now().duration_since(looked.at));
        // One of the future is as good as new.
        let age = age.map(|age| Duration::try_from(age).unwrap_or_default());
        let left = |age: Duration| self.every.saturating_sub(age);
        left(age.unwrap_or(self.every)).max(since_last.map_or(Duration::ZERO, left))
    }

    /// Replicas do not look all at the same moment.
    fn look_again(&self) -> Duration {
        let most = self.turn.lasts() / 3;
        delay(most, most, 0)
    }

    fn failed(&self, why: &RebuildError, backoff: &mut Backoff) -> Duration {
        self.families.baseline_rebuilds.with_label_values(&["failed"]).inc();
        let told = format!("cannot be made anew, the old one still holds: {why}");
        self.health.trouble(Part::Baseline, told);
        let attempts = backoff.attempts();
        error!(error = %why, attempts, "the baseline cannot be made anew, the old one still holds; will try again");
        backoff.next(None)
    }

    fn tell(&self, made: &Baseline) {
        self.families.baseline_rebuilds.with_label_values(&["ok"]).inc();
        self.families.baseline_made.set(self.clock.now().as_second());
        self.health.well(&Part::Baseline);
        let (records, things, version) = (made.made_of().0, made.len(), made.version());
        info!(%version, records, things, "made the baseline anew");
    }
}

/// What people know this replica by.
fn replica(config: &Config) -> String {
    let written = match &config.store {
        StoreConfig::Dynamodb(store) => store.replica.clone(),
        StoreConfig::Sqlite { .. } => None,
    };
    written.or_else(host::name).unwrap_or_else(|| format!("process {}", std::process::id()))
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
