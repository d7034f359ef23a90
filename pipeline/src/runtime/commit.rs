//! The one task that owns what was raised: decides about alerts, writes everything an object gave in
//! one transaction, and only then acknowledges the object.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use askance_stages::model::{Alert, rfc3339};
use askance_stages::raise::Outcome;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::clock::Clock;
use super::plan::{Current, Plan};
use super::retry::Backoff;
use super::workers::{Delivery, End};
use crate::store::{Commit, Knowledge, ObjectDone, RejectRow, Store, StoreError};
use crate::telemetry::{Counter, Families, Health, Part, point};

/// Deliveries that wait to be committed.
pub const WAITING: usize = 64;

/// Most deliveries of one transaction.
const TOGETHER: usize = 64;

/// Transactions begin at least so far apart while there is less than a full one to write: under load
/// several objects share the price of one. The first after a pause waits for nothing.
const APART: Duration = Duration::from_millis(10);

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
}

/// What is left to be committed of deliveries.
struct Work {
    /// In their order; those that are committed are taken out.
    alerts: Vec<Alert>,
    objects: Vec<ObjectDone>,
    rejects: Vec<RejectRow>,
    /// What became of those that are committed, for the counters.
    told: Outcome,
}

impl Committer {
    /// Commits until all workers are done, or the program must end at once.
    pub async fn run(self, mut deliveries: mpsc::Receiver<Delivery>) {
        let mut batch = Vec::with_capacity(TOGETHER);
        let mut next = tokio::time::Instant::now();
        loop {
            let count = tokio::select! {
                count = deliveries.recv_many(&mut batch, TOGETHER) => count,
                () = self.end_now.cancelled() => return,
            };
            while count > 0 && batch.len() < TOGETHER {
                let room = TOGETHER - batch.len();
                let more = deliveries.recv_many(&mut batch, room);
                if !matches!(tokio::time::timeout_at(next, more).await, Ok(1..)) {
                    break;
                }
            }
            next = tokio::time::Instant::now() + APART;
            if count == 0 || !self.batch(&mut batch).await {
                return;
            }
        }
    }

    /// Commits deliveries together; false if the program ended before it went well.
    async fn batch(&self, batch: &mut Vec<Delivery>) -> bool {
        let began = Instant::now();
        let mut alerts = Vec::new();
        let mut rejects = Vec::new();
        let mut objects = Vec::new();
        let mut ends = Vec::new();
        for delivery in batch.drain(..) {
            alerts.extend(delivery.alerts);
            rejects.extend(delivery.rejects);
            let Some(end) = delivery.end else { continue };
            if let Some(key) = delivery.key {
                point("matched", &key);
                objects.push(ObjectDone {
                    key,
                    source: delivery.source.to_string(),
                    records: end.tally.as_ref().map_or(0, |tally| tally.records),
                    alerts: end.alerts,
                });
            }
            ends.push((delivery.source, end));
        }
        let mut work = Work { alerts, objects, rejects, told: Outcome::default() };
        let mut backoff = Backoff::usual();
        let mut conflicts = Backoff::new(Duration::from_millis(10), Duration::from_secs(1));
        let now = loop {
            let error = match self.attempt(&mut work).await {
                Ok(now) => break now,
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
                return false;
            }
        };
        let Work { objects, told: outcome, .. } = work;
        objects.iter().for_each(|object| point("committed", &object.key));
        if backoff.attempts() > 0 {
            info!(attempts = backoff.attempts(), "the store is well again");
        }
        self.health.well(&Part::Store);
        self.families.store_commits.inc();
        self.families.store_seconds.observe(began.elapsed().as_secs_f64());
        self.counter.commit(&outcome, now, began.elapsed());
        debug!(objects = objects.len(), alerts = outcome.raised.len(), "committed");
        self.committed.send_modify(|count| *count += 1);
        for (source, End { tally, took, ack, .. }) in ends {
            if let Some(tally) = tally {
                self.counter.object(&source, &tally, took, now);
            }
            ack.done();
        }
        true
    }

    /// Asks what is known, decides, writes. All of it again after a failure: a transaction that
    /// failed may have been written all the same, and what was known may have changed.
    ///
    /// Where a store takes fewer alerts at once than there are, several transactions follow each
    /// other, objects and rejects in the last one. An end in between is as if the object had been cut
    /// there: it comes again, and the alerts that are there are repeats.
    async fn attempt(&self, work: &mut Work) -> Result<jiff::Timestamp, StoreError> {
        let mut most = self.store.alerts_at_once();
        loop {
            let count = most.min(work.alerts.len());
            let is_last = count == work.alerts.len();
            match self.piece(work, count, is_last).await {
                Ok((outcome, now)) => {
                    work.alerts.drain(..count);
                    work.told.raised.extend(outcome.raised);
                    work.told.repeats += outcome.repeats;
                    if is_last {
                        return Ok(now);
                    }
                }
                Err(StoreError::TooLarge { .. }) if count > 1 => most = count / 2,
                Err(error) => return Err(error),
            }
        }
    }

    /// The first `count` alerts, and everything else if they are the last.
    async fn piece(
        &self,
        work: &Work,
        count: usize,
        is_last: bool,
    ) -> Result<(Outcome, jiff::Timestamp), StoreError> {
        let plan = Arc::clone(&self.current.borrow());
        let alerts = &work.alerts[..count];
        let Knowledge { known, basis } = if alerts.is_empty() {
            Knowledge::default()
        } else {
            self.store.known(&plan.raise.asks(alerts)).await?
        };
        let now = self.clock.now();
        let outcome = plan.raise.run(alerts.to_vec(), known, now);
        let mut commit = Commit {
            words: words(&plan, &outcome),
            outcome: outcome.clone(),
            basis,
            now: Some(now),
            ..Commit::default()
        };
        if is_last {
            let at = rfc3339(now);
            let dated = |row: &RejectRow| RejectRow { at: at.clone(), ..row.clone() };
            commit.rejects = work.rejects.iter().map(dated).collect();
            commit.objects.clone_from(&work.objects);
        }
        self.store.commit(commit).await?;
        Ok((outcome, now))
    }

    fn failed(&self, error: &StoreError, attempts: u32) {
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

fn words(plan: &Plan, outcome: &Outcome) -> Vec<(String, crate::store::Words)> {
    let rules: BTreeSet<&str> =
        outcome.raised.iter().map(|raised| raised.alert.rule.id.as_str()).collect();
    rules
        .into_iter()
        .filter_map(|rule| Some((rule.to_owned(), plan.words.get(rule)?.clone())))
        .collect()
}
