//! The one task that owns what was raised: decides about alerts, writes everything an object gave in
//! one transaction, and only then acknowledges the object.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use askance_stages::correlate::Bundle;
use askance_stages::enrich::Sessions;
use askance_stages::model::{Alert, rfc3339};
use askance_stages::raise::Outcome;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::clock::Clock;
use super::correlating::{self, Came, Groups, Stepped};
use super::plan::{Current, Plan};
use super::retry::Backoff;
use super::work::{Ended, Work};
use super::workers::{Delivery, End};
use crate::sources::Fence;
use crate::store::{Commit, Knowledge, ObjectDone, RejectRow, Store, StoreError};
use crate::telemetry::{Counter, Families, Health, Part, point};

/// Deliveries that wait to be committed.
pub const WAITING: usize = 64;

/// Most deliveries of one transaction.
const TOGETHER: usize = 64;

/// Transactions begin at least so far apart while there is less than a full one to write: under load
/// several objects share the price of one. The first after a pause waits for nothing.
const APART: Duration = Duration::from_millis(10);

/// The same where nobody waits for what is found: it is told at the end.
const APART_IN_JOBS: Duration = Duration::from_millis(200);

/// Groups of correlations that are due are looked for at least so far apart: several are stepped
/// together, and a store that fails is left in peace...
const LOOK_EARLIEST: Duration = Duration::from_secs(2);

/// ...and, while there are any, at most: clocks may be set, and machines sleep.
const LOOK_LATEST: Duration = Duration::from_secs(300);

/// Groups that are due and stepped together.
const DUE_TOGETHER: usize = 64;

/// Conflicts in a row past which it is told: with many replicas some are usual.
const USUAL_CONFLICTS: u32 = 10;

/// Writes deliveries to the store.
pub struct Committer {
    /// Where to.
    pub store: Arc<dyn Store>,
    /// What decides about alerts.
    pub current: Current,
    /// The time of day.
    pub clock: Clock,
    /// Counters.
    pub families: Families,
    /// Counts of what the engine did.
    pub counter: Counter,
    /// Told when the store fails and when it is well again.
    pub health: Health,
    /// Set when the program must end at once; what is not committed is given back.
    pub end_now: CancellationToken,
    /// Raised after each commit, for those who send.
    pub committed: watch::Sender<u64>,
    /// All groups of correlations are told of when nothing comes any more: the input was finite.
    pub settles_at_end: bool,
    /// Set when the input ends before its end.
    pub stop: CancellationToken,
    /// When groups of correlations are looked for next; at the start at once.
    pub look_at: Option<tokio::time::Instant>,
    /// Keys that were given, as far as was read here: it is kept in memory alone.
    pub sessions: Sessions,
}

/// What is written besides alerts.
#[derive(Default)]
struct Written {
    stepped: Stepped,
    objects: Vec<ObjectDone>,
    rejects: Vec<RejectRow>,
    events: Arc<Vec<Bundle>>,
    /// What must hold for it to be written.
    fences: Vec<Fence>,
}

/// Why an attempt came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// Some of it may not be committed any more.
    #[error("a fence is down")]
    Fenced,
    /// The store has failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// How much one transaction takes.
#[derive(Clone, Copy)]
struct Most {
    alerts: usize,
    groups: usize,
}

impl Most {
    fn is_more_than_one(self, work: &Work) -> bool {
        self.alerts.min(work.alerts.len()) > 1 || self.groups.min(work.groups.len()) > 1
    }

    fn halve(&mut self) {
        // What is unbounded is halved from what fits any store.
        self.alerts = (self.alerts.min(64) / 2).max(1);
        self.groups = (self.groups.min(64) / 2).max(1);
    }
}

/// What was written of some work.
struct Piece {
    now: Timestamp,
    is_last: bool,
}

impl Committer {
    /// One that nobody tells to stop, and that has nothing to look for yet.
    #[cfg(test)]
    pub fn for_test(
        store: Arc<dyn Store>,
        current: Current,
        clock: Clock,
        families: &Families,
    ) -> Self {
        Self {
            store,
            current,
            clock,
            families: families.clone(),
            counter: Counter::new(families),
            health: Health::default(),
            end_now: CancellationToken::new(),
            committed: watch::channel(0).0,
            settles_at_end: false,
            stop: CancellationToken::new(),
            look_at: None,
            sessions: Sessions::default(),
        }
    }

    /// Commits until all workers are done, or the program must end at once.
    pub async fn run(mut self, mut deliveries: mpsc::Receiver<Delivery>) {
        let mut batch = Vec::with_capacity(TOGETHER);
        let mut next = tokio::time::Instant::now();
        loop {
            let count = tokio::select! {
                count = deliveries.recv_many(&mut batch, TOGETHER) => count,
                () = self.end_now.cancelled() => return,
                () = until(self.look_at) => {
                    self.look().await;
                    continue;
                }
            };
            while count > 0 && batch.len() < TOGETHER {
                let room = TOGETHER - batch.len();
                let more = deliveries.recv_many(&mut batch, room);
                if !matches!(tokio::time::timeout_at(next, more).await, Ok(1..)) {
                    break;
                }
            }
            let apart = if self.settles_at_end { APART_IN_JOBS } else { APART };
            next = tokio::time::Instant::now() + apart;
            if count == 0 {
                break;
            }
            if !self.batch(&mut batch).await {
                return;
            }
        }
        if self.settles_at_end && !self.stop.is_cancelled() {
            self.tell_all().await;
        }
    }

    /// Looks for groups of correlations no later than so.
    fn look_by(&mut self, due: Option<Timestamp>) {
        // What is finite is settled at its end.
        let Some(due) = due.filter(|_| !self.settles_at_end) else { return };
        let wait = Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default();
        let at = tokio::time::Instant::now() + wait.clamp(LOOK_EARLIEST, LOOK_LATEST);
        self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
    }

    /// Steps the groups of correlations that are due.
    async fn look(&mut self) {
        self.look_at = None;
        self.step_due().await;
        match self.store.windows_next(self.clock.now()).await {
            Ok(next) => self.look_by(next),
            Err(error) => {
                self.failed(&error, 0);
                self.look_by(Some(self.clock.now()));
            }
        }
    }

    async fn step_due(&mut self) {
        loop {
            let due = match self.store.windows_due(self.clock.now(), DUE_TOGETHER).await {
                Ok(due) => due,
                Err(error) => {
                    self.failed(&error, 0);
                    return;
                }
            };
            let is_all = due.len() < DUE_TOGETHER;
            let group = |correlation| Came { correlation, entries: Vec::new(), is_historic: false };
            let groups = due.into_iter().map(|(key, correlation)| (key, group(correlation)));
            let mut work = Work { groups: groups.collect(), ..Work::default() };
            if work.groups.is_empty() || self.finished(&mut work).await.is_none() || is_all {
                return;
            }
        }
    }

    /// Commits deliveries together; false if the program ended before it went well.
    async fn batch(&mut self, batch: &mut Vec<Delivery>) -> bool {
        let mut work = Work { is_finite: self.settles_at_end, ..Work::default() };
        // What is committed together explains each other, in whatever order it came.
        let given = batch.iter_mut().flat_map(|delivery| delivery.given.drain(..));
        given.for_each(|given| self.sessions.note(given));
        for mut delivery in batch.drain(..) {
            delivery.alerts.iter_mut().for_each(|alert| self.sessions.complete(alert));
            self.families.correlate_events.inc_by(delivery.entries.len() as u64);
            if let (Some(key), Some(_)) = (&delivery.key, &delivery.end) {
                point("matched", key);
            }
            work.add(delivery);
        }
        work.bundle();
        let Some(now) = self.finished(&mut work).await else { return false };
        work.objects().iter().for_each(|object| point("committed", &object.key));
        debug!(objects = work.ends.len(), alerts = work.raised(), "committed");
        for Ended { source, end: End { tally, took, ack, .. }, .. } in work.ends {
            if let Some(tally) = tally {
                self.counter.object(&source, &tally, took, now);
            }
            ack.done();
        }
        true
    }

    /// Writes all of it, however often it takes, and counts what came of it; `None` if the program
    /// ended before.
    pub(super) async fn finished(&mut self, work: &mut Work) -> Option<Timestamp> {
        let began = Instant::now();
        let mut backoff = Backoff::usual();
        let mut conflicts = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
        loop {
            let error = match self.attempt(work).await {
                Ok(now) => {
                    let took = began.elapsed();
                    if backoff.attempts() > 0 {
                        info!(attempts = backoff.attempts(), "the store is well again");
                    }
                    self.health.well(&Part::Store);
                    self.families.store_commits.inc();
                    self.families.store_seconds.observe(took.as_secs_f64());
                    self.counter.commit(&work.told, now, took);
                    self.committed.send_modify(|count| *count += 1);
                    return Some(now);
                }
                Err(error) => error,
            };
            let goes_on = if error.is_conflict() {
                self.families.store_conflicts.inc();
                if conflicts.attempts() >= USUAL_CONFLICTS {
                    warn!(attempts = conflicts.attempts(), %error, "will decide anew");
                }
                conflicts.wait(&self.end_now).await
            } else {
                self.failed(&error, backoff.attempts());
                backoff.wait(&self.end_now).await
            };
            if !goes_on {
                return None;
            }
        }
    }

    /// Asks what is known, decides, writes. All of it again after a failure: a transaction that
    /// failed may have been written all the same, and what was known may have changed.
    ///
    /// Where a store takes fewer alerts at once than there are, several transactions follow each
    /// other, objects and rejects in the last one. An end in between is as if the object had been cut
    /// there: it comes again, and the alerts that are there are repeats.
    async fn attempt(&mut self, work: &mut Work) -> Result<Timestamp, StoreError> {
        let mut most =
            Most { alerts: self.store.alerts_at_once(), groups: self.store.windows_at_once() };
        loop {
            match self.piece(work, most).await {
                Ok(Piece { now, is_last: true }) => return Ok(now),
                Ok(Piece { is_last: false, .. }) => {}
                Err(Failed::Fenced) => {
                    let objects = work.drop_fenced();
                    info!(objects, "given back instead of committed: a lease was lost meanwhile");
                }
                Err(Failed::Store(StoreError::TooLarge { .. })) if most.is_more_than_one(work) => {
                    most.halve();
                }
                Err(Failed::Store(error)) => return Err(error),
            }
        }
    }

    /// Some alerts; if there are none left, some groups; and everything else with the last of them.
    async fn piece(&mut self, work: &mut Work, most: Most) -> Result<Piece, Failed> {
        let plan = Arc::clone(&self.current.borrow());
        let now = self.clock.now();
        let count = most.alerts.min(work.alerts.len());
        let has_all_alerts = count == work.alerts.len();
        // Where a store takes few alerts at once, those of groups come in pieces of their own.
        let mixes = most.alerts == usize::MAX || work.alerts.is_empty();
        let groups: Groups = if has_all_alerts && mixes {
            let some = work.groups.iter().take(most.groups);
            some.map(|(key, came)| (key.clone(), came.clone())).collect()
        } else {
            Groups::new()
        };
        let keys: Vec<String> = groups.keys().cloned().collect();
        let mut stepped = if groups.is_empty() {
            Stepped::default()
        } else {
            correlating::step(self.store.as_ref(), &plan, groups, now, plan.lateness).await?
        };
        let changed = stepped.changes.iter_mut().map(|change| &mut change.alert);
        stepped.news.iter_mut().chain(changed).for_each(|alert| self.sessions.complete(alert));
        // Alerts of one step that are too many for one transaction: their ids are the same whenever
        // the step is taken again, so those that come before its state count as repeats then.
        while stepped.news.len() > most.alerts {
            let some = stepped.news.drain(..most.alerts).map(Arc::new).collect();
            let written = Written { fences: work.fences.clone(), ..Written::default() };
            let outcome = self.write(&plan, some, written, now).await?;
            work.told.push(outcome);
        }
        let is_last = has_all_alerts && keys.len() == work.groups.len();
        let mut alerts: Vec<Arc<Alert>> =
            work.alerts[..count].iter().map(|(alert, _)| Arc::clone(alert)).collect();
        alerts.extend(stepped.news.drain(..).map(Arc::new));
        let counts = stepped.counts;
        let fences = work.fences.clone();
        let mut written = Written { stepped, fences, ..Written::default() };
        if is_last {
            let at = rfc3339(self.clock.now());
            let dated = |row: &RejectRow| RejectRow { at: at.clone(), ..row.clone() };
            written.rejects = work.rejects.iter().map(|(row, _)| dated(row)).collect();
            written.objects = work.objects();
            written.events = Arc::clone(&work.events);
        }
        let due = written.stepped.windows.iter().filter_map(|window| window.due).min();
        let outcome = self.write(&plan, alerts, written, now).await?;
        self.look_by(due);
        self.counter.steps(&counts);
        work.told.push(outcome);
        work.alerts.drain(..count);
        keys.iter().for_each(|key| drop(work.groups.remove(key)));
        Ok(Piece { now, is_last })
    }

    /// Decides about alerts and writes one transaction.
    async fn write(
        &self,
        plan: &Plan,
        alerts: Vec<Arc<Alert>>,
        written: Written,
        now: Timestamp,
    ) -> Result<Arc<Outcome>, Failed> {
        let Written { stepped, objects, rejects, events, fences } = written;
        let Knowledge { known, mut basis } = if alerts.is_empty() && stepped.changes.is_empty() {
            Knowledge::default()
        } else {
            let alerts = alerts.iter().map(|alert| &**alert);
            self.store.known(&plan.raise.asks(alerts, &stepped.changes)).await?
        };
        basis.add(stepped.basis);
        let outcome = Arc::new(plan.raise.run_with(alerts, stepped.changes, known, now));
        let commit = Commit {
            words: words(plan, &outcome),
            outcome: Arc::clone(&outcome),
            windows: stepped.windows,
            events,
            basis,
            objects,
            rejects,
            now: Some(now),
        };
        // Asked last: looking up and deciding may have taken long.
        if !fences.iter().all(Fence::holds) {
            return Err(Failed::Fenced);
        }
        self.store.commit(commit).await?;
        Ok(outcome)
    }

    pub(super) fn failed(&self, error: &StoreError, attempts: u32) {
        self.families.store_errors.inc();
        self.families.retries.with_label_values(&["commit"]).inc();
        self.health.trouble(Part::Store, error.to_string());
        // Once loudly, then as a reminder: it is tried every half minute.
        if error.is_transient() && attempts > 0 {
            warn!(attempts, %error, "cannot commit, nothing is acknowledged, will try again");
        } else {
            error!(attempts, %error, "cannot commit, nothing is acknowledged, will try again");
        }
    }
}

/// Waits until then; for ever if there is no such time.
async fn until(time: Option<tokio::time::Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn words(plan: &Plan, outcome: &Outcome) -> Vec<(String, crate::store::Words)> {
    let rules: BTreeSet<&str> =
        outcome.raised.iter().map(|raised| raised.alert.rule.id.as_str()).collect();
    rules
        .into_iter()
        .filter_map(|rule| Some((rule.to_owned(), plan.words.get(rule)?.clone())))
        .collect()
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
