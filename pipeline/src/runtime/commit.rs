//! The one task that owns what was raised: decides about alerts, writes everything an object gave in
//! one transaction, and only then acknowledges the object.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use askance_stages::model::{Alert, rfc3339};
use askance_stages::raise::{Known, Outcome};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::clock::Clock;
use super::plan::{Current, Plan};
use super::retry::Backoff;
use super::workers::{Delivery, End};
use crate::store::{Commit, ObjectDone, RejectRow, Store, StoreError};
use crate::telemetry::{Counter, Families, Health, Part, point};

/// Deliveries that wait to be committed.
pub const WAITING: usize = 64;

/// Most deliveries of one transaction.
const TOGETHER: usize = 64;

/// Transactions begin at least so far apart while there is less than a full one to write: under load
/// several objects share the price of one. The first after a pause waits for nothing.
const APART: Duration = Duration::from_millis(10);

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
        let mut backoff = Backoff::usual();
        let (outcome, now) = loop {
            match self.attempt(&alerts, &objects, &rejects).await {
                Ok(done) => break done,
                Err(error) => {
                    self.failed(&error, backoff.attempts());
                    if !backoff.wait(&self.end_now).await {
                        return false;
                    }
                }
            }
        };
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
    /// failed may have been written all the same.
    async fn attempt(
        &self,
        alerts: &[Alert],
        objects: &[ObjectDone],
        rejects: &[RejectRow],
    ) -> Result<(Outcome, jiff::Timestamp), StoreError> {
        let plan = Arc::clone(&self.current.borrow());
        let known = if alerts.is_empty() {
            Known::default()
        } else {
            self.store.known(&plan.raise.asks(alerts)).await?
        };
        let now = self.clock.now();
        let outcome = plan.raise.run(alerts.to_vec(), known, now);
        let at = rfc3339(now);
        let rejects =
            rejects.iter().map(|row| RejectRow { at: at.clone(), ..row.clone() }).collect();
        let commit = Commit {
            objects: objects.to_vec(),
            words: words(&plan, &outcome),
            outcome: outcome.clone(),
            rejects,
            now: Some(now),
        };
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
