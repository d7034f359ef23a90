//! Takes messages of one sink out of the outbox and has them sent, for as long as it takes.
//!
//! A sink that is down is tried with one message at a time, after pauses that grow; its messages wait
//! in the store, and no other sink waits with them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use askance_stages::raise::MessageKind;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::clock::Clock;
use super::plan::Current;
use super::retry::{Backoff, pause};
use crate::sinks::{Notice, SendError, Sent, Sink};
use crate::store::{Queued, Settled, Store, StoreError};
use crate::telemetry::{Families, Health, Part, SinkMetrics, point};

/// Longest that a sink may take for one attempt, whatever it waits for.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(120);

/// Longest that nothing is looked at: messages may come due by another program's doing.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Sends the messages of one sink.
pub struct Deliverer {
    /// The sink's name in the configuration.
    pub name: String,
    /// It.
    pub sink: Box<dyn Sink>,
    /// Where messages wait.
    pub store: Arc<dyn Store>,
    /// What is known of accounts.
    pub current: Current,
    /// The time of day.
    pub clock: Clock,
    /// Counters.
    pub metrics: SinkMetrics,
    /// All counters.
    pub families: Families,
    /// Told when the sink fails and when it is well again.
    pub health: Health,
    /// After this age a message is put with the dead letters.
    pub give_up_after: Duration,
    /// Changes after each commit.
    pub committed: watch::Receiver<u64>,
    /// Set when what is due is to be sent once more, and then nothing.
    pub stop: CancellationToken,
    /// Set when the program must end at once.
    pub end_now: CancellationToken,
}

/// How an attempt ended.
enum Attempt {
    /// There was something to send and it went, or was refused for good.
    Went,
    /// Nothing is due.
    Idle,
    /// What is due is fewer than the sink wants at once; wait at most so long.
    Gathering(Duration),
    /// The sink or the store is down; wait at least so long.
    Failed(Option<Duration>),
}

impl Deliverer {
    /// Sends until it is told to stop.
    pub async fn run(mut self) {
        if !self.resume().await {
            return;
        }
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        loop {
            self.committed.mark_unchanged();
            let is_probe = backoff.attempts() > 0;
            let end_now = self.end_now.clone();
            let attempt = tokio::select! {
                attempt = self.attempt(is_probe) => attempt,
                () = end_now.cancelled() => return,
            };
            match attempt {
                Attempt::Went => {
                    if is_probe {
                        info!(sink = %self.name, "the sink is well again");
                    }
                    backoff.reset();
                    self.health.well(&Part::Sink(self.name.clone()));
                }
                Attempt::Idle if self.stop.is_cancelled() => return,
                Attempt::Idle => self.idle().await,
                Attempt::Gathering(wait) => {
                    pause(wait.min(LOOK_EVERY), &self.stop).await;
                }
                // Whoever stops does not wait for a sink that is down: its messages are in the store.
                Attempt::Failed(_) if self.stop.is_cancelled() => return,
                Attempt::Failed(asked) => {
                    let wait = backoff.next(asked);
                    pause(wait, &self.stop).await;
                }
            }
        }
    }

    /// Tells the sink where it was, and keeps where it is; false if the program ended meanwhile.
    async fn resume(&mut self) -> bool {
        let mut backoff = Backoff::usual();
        loop {
            let why = match self.store.position(&self.name).await {
                Ok(position) => match self.sink.resume(position.as_deref()).await {
                    // Kept before the first message: what is behind it later was never noted as sent.
                    Ok(()) if self.sink.position() == position => return true,
                    Ok(()) => return self.keep(Vec::new()).await,
                    Err(error) => error.to_string(),
                },
                Err(error) => error.to_string(),
            };
            warn!(sink = %self.name, %why, "cannot open the sink, will try again");
            self.metrics.failed("down");
            self.health.trouble(Part::Sink(self.name.clone()), why);
            if !backoff.wait(&self.stop).await {
                return false;
            }
        }
    }

    async fn idle(&mut self) {
        let due = match self.store.next_due(&self.name).await {
            Ok(due) => due,
            Err(error) => {
                self.store_failed(&error);
                None
            }
        };
        let until = due.map_or(LOOK_EVERY, |due| {
            let wait = due.duration_since(self.clock.now());
            // At least a moment, so that a clock that stands still makes no hot loop.
            Duration::try_from(wait).unwrap_or_default().clamp(Duration::from_millis(5), LOOK_EVERY)
        });
        tokio::select! {
            () = tokio::time::sleep(until) => {}
            () = self.stop.cancelled() => {}
            changed = self.committed.changed() => {
                // The committer has ended: the stop comes soon.
                if changed.is_err() {
                    pause(until, &self.stop).await;
                }
            }
        }
    }

    /// Sends what is due, once.
    async fn attempt(&mut self, is_probe: bool) -> Attempt {
        // Not more than is settled with the sink's place in one transaction.
        let most = self.sink.max_batch().min(self.store.settles_at_once());
        let limit = if is_probe { 1 } else { most };
        let now = self.clock.now();
        let queued = match self.store.due(&self.name, now, limit).await {
            Ok(queued) if queued.is_empty() => return Attempt::Idle,
            Ok(queued) => queued,
            Err(error) => {
                self.store_failed(&error);
                return Attempt::Failed(None);
            }
        };
        if let Some(wait) = self.gathering(&queued, limit, now) {
            return Attempt::Gathering(wait);
        }
        let mut settled = Vec::new();
        let mut notices = Vec::new();
        let mut pending: Vec<(i64, Timestamp, u32)> = Vec::new();
        let plan = Arc::clone(&self.current.borrow());
        for message in queued {
            let (number, since, attempts) = (message.number, message.queued, message.attempts);
            if message.kind == MessageKind::Update && !self.sink.takes_updates() {
                settled.push(Settled::Sent { number, reference: None });
                continue;
            }
            match self.notice(message, &plan) {
                Some(notice) => {
                    notices.push(notice);
                    pending.push((number, since, attempts));
                }
                None => {
                    error!(sink = %self.name, number, "a stored alert cannot be read, see askance outbox list");
                    let error = "the stored alert cannot be read".to_owned();
                    settled.push(Settled::Dead { number, error });
                    self.metrics.dead();
                }
            }
        }
        let mut failed = None;
        if !notices.is_empty() {
            let began = Instant::now();
            let results =
                match tokio::time::timeout(LONGEST_ATTEMPT, self.sink.send(&notices)).await {
                    Ok(results) => results,
                    Err(_) => {
                        let why = format!("no answer within {} s", LONGEST_ATTEMPT.as_secs());
                        vec![Err(SendError::Down(why)); notices.len()]
                    }
                };
            let results = results.into_iter().chain(std::iter::repeat_with(|| {
                Err(SendError::Down("the sink gave no answer for this message".to_owned()))
            }));
            for ((number, since, attempts), result) in pending.into_iter().zip(results) {
                let (done, wait) = self.settle(number, since, attempts, result, now);
                settled.push(done);
                failed = failed.or(wait);
            }
            self.metrics.attempt(began.elapsed(), failed.is_none());
        }
        if !self.keep(settled).await {
            return Attempt::Failed(None);
        }
        failed.map_or(Attempt::Went, Attempt::Failed)
    }

    /// How long is still waited for more messages; not at the end, and not past a clock that stepped.
    fn gathering(&self, queued: &[Queued], limit: usize, now: Timestamp) -> Option<Duration> {
        let gather = self.sink.gather();
        if gather.is_zero() || queued.len() >= limit || self.stop.is_cancelled() {
            return None;
        }
        let oldest = queued.iter().map(|message| message.queued).min()?;
        let age = Duration::try_from(now.duration_since(oldest)).ok()?;
        gather.checked_sub(age).filter(|wait| !wait.is_zero())
    }

    fn notice(&self, message: Queued, plan: &super::plan::Plan) -> Option<Notice> {
        let mut notice = Notice::of(message, &self.name, None)?;
        let account = notice.alert.account.as_ref();
        notice.account = account.and_then(|id| plan.raise.accounts.get(id)).cloned();
        Some(notice)
    }

    /// What becomes of a message, and the pause if the sink is in trouble.
    fn settle(
        &self,
        number: i64,
        since: Timestamp,
        attempts: u32,
        result: Result<Sent, SendError>,
        now: Timestamp,
    ) -> (Settled, Option<Option<Duration>>) {
        let error = match result {
            Ok(sent) => {
                point("sent", format_args!("{} {number}", self.name));
                self.metrics.sent(1);
                return (Settled::Sent { number, reference: sent.reference }, None);
            }
            Err(error) => error,
        };
        let why = error.to_string();
        let (reason, asked) = match &error {
            SendError::Down(_) => ("down", None),
            SendError::Throttled { retry_after, .. } => ("throttled", *retry_after),
            SendError::Refused(_) => ("refused", None),
        };
        self.metrics.failed(reason);
        let age = now.duration_since(since);
        let is_old =
            age > SignedDuration::try_from(self.give_up_after).unwrap_or(SignedDuration::MAX);
        if reason == "refused" || is_old {
            error!(sink = %self.name, number, attempts, error = %why, "put with the dead letters, see askance outbox list");
            self.metrics.dead();
            let dead = Settled::Dead { number, error: why };
            // A refusal says nothing against the next message.
            let wait = (reason != "refused").then_some(asked);
            return (dead, wait);
        }
        if attempts == 0 {
            warn!(sink = %self.name, number, error = %why, "not sent, will try again");
        } else {
            debug!(sink = %self.name, number, attempts, error = %why, "not sent, will try again");
        }
        self.health.trouble(Part::Sink(self.name.clone()), why.clone());
        // The pause is the sink's, not the message's: whatever is sent now would fail too. The time of
        // day may be wrong now, and must not keep the message once it is right again.
        (Settled::Later { number, due: since.min(now), error: why }, Some(asked))
    }

    /// Notes what became of messages; false if the program ended before that went well.
    async fn keep(&mut self, settled: Vec<Settled>) -> bool {
        let mut backoff = Backoff::usual();
        loop {
            let position = self.sink.position();
            match self.store.settle(&self.name, settled.clone(), position).await {
                Ok(()) => {
                    for done in &settled {
                        if let Settled::Sent { number, .. } = done {
                            point("marked_sent", format_args!("{} {number}", self.name));
                        }
                    }
                    return true;
                }
                Err(error) => self.store_failed(&error),
            }
            if !backoff.wait(&self.end_now).await {
                return false;
            }
        }
    }

    fn store_failed(&self, error: &StoreError) {
        self.families.store_errors.inc();
        warn!(sink = %self.name, %error, "cannot look into the outbox, will try again");
    }
}

/// Shows how many messages wait for each sink, every few seconds.
pub async fn watch_depths(
    store: Arc<dyn Store>,
    sinks: BTreeMap<String, SinkMetrics>,
    families: Families,
    clock: Clock,
    stop: CancellationToken,
) {
    loop {
        match store.depths().await {
            Ok(depths) => {
                for (name, metrics) in &sinks {
                    let depth = depths.iter().find(|depth| depth.sink == *name).cloned();
                    let depth = depth.unwrap_or_default();
                    let oldest =
                        depth.oldest.as_deref().and_then(askance_stages::model::parse_time);
                    let age = oldest.map_or(0.0, |time| {
                        clock.now().duration_since(time).as_secs_f64().max(0.0)
                    });
                    metrics.depth(&depth, age);
                }
            }
            Err(error) => {
                families.store_errors.inc();
                debug!(%error, "cannot count the outbox");
            }
        }
        match store.bytes().await {
            Ok(bytes) => families.store_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX)),
            Err(error) => debug!(%error, "cannot measure the store"),
        }
        if !pause(Duration::from_secs(5), &stop).await {
            return;
        }
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod place_tests;
