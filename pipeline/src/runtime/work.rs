//! What is left to be committed of deliveries that are committed together.
//!
//! What a fence no longer lets through is taken out again, however many transactions have been tried
//! before. It decides nothing about alerts and writes nothing.

use std::sync::Arc;

use askance_stages::correlate::{Bundle, bundle};
use askance_stages::model::{Alert, Entry};
use askance_stages::raise::Outcome;

use super::correlating::{self, Groups};
use super::workers::{Delivery, End};
use crate::sources::Fence;
use crate::store::{ObjectDone, RejectRow};

/// What is left to be committed of deliveries.
#[derive(Default)]
pub struct Work {
    /// In their order; those that are committed are taken out.
    pub alerts: Vec<(Arc<Alert>, Option<Fence>)>,
    /// Groups of correlations and what came for them; those that are committed are taken out.
    pub groups: Groups,
    /// The input has an end: events are kept until then, and no group is taken on before.
    pub is_finite: bool,
    /// Events that are kept, until they are in bundles; of each delivery.
    pub entries: Vec<Vec<Entry>>,
    /// Events that are kept.
    pub events: Arc<Vec<Bundle>>,
    /// What could not be read.
    pub rejects: Vec<(RejectRow, Option<Fence>)>,
    /// Objects of which the last part is among the deliveries.
    pub ends: Vec<Ended>,
    /// What must hold for all of it to be committed.
    pub fences: Vec<Fence>,
    /// What became of those that are committed, for the counters.
    pub told: Vec<Arc<Outcome>>,
}

/// An object that is at its end.
pub struct Ended {
    /// Its source's name.
    pub source: Arc<str>,
    /// Its row in the ledger; `None` if it has no name to be known by again.
    pub object: Option<ObjectDone>,
    /// How its source is told, and what was done.
    pub end: End,
}

impl Work {
    /// Takes a delivery in.
    pub fn add(&mut self, delivery: Delivery) {
        let Delivery { source, key, alerts, entries, is_historic, rejects, fence, end, given: _ } =
            delivery;
        self.fences.extend(fence.clone());
        self.alerts.extend(alerts.into_iter().map(|alert| (Arc::new(alert), fence.clone())));
        self.rejects.extend(rejects.into_iter().map(|reject| (reject, fence.clone())));
        if self.is_finite {
            self.entries.push(entries);
        } else {
            for entry in entries {
                correlating::came(&mut self.groups, entry, fence.clone(), is_historic);
            }
        }
        let Some(end) = end else { return };
        let object = key.map(|key| ObjectDone {
            key,
            source: source.to_string(),
            records: end.tally.as_ref().map_or(0, |tally| tally.records),
            alerts: end.alerts,
        });
        self.ends.push(Ended { source, object, end });
    }

    /// Puts what is kept into bundles, once all deliveries are in.
    pub fn bundle(&mut self) {
        self.events = Arc::new(bundle(std::mem::take(&mut self.entries).iter().flatten()));
    }

    /// Rows in the ledger, of objects that have one.
    pub fn objects(&self) -> Vec<ObjectDone> {
        self.ends.iter().filter_map(|ended| ended.object.clone()).collect()
    }

    /// How many alerts were raised by what is committed.
    pub fn raised(&self) -> usize {
        self.told.iter().map(|outcome| outcome.raised.len()).sum()
    }

    /// Takes out what may not be committed any more: it is given back. Answers how many objects.
    pub fn drop_fenced(&mut self) -> usize {
        // In this order: what falls in between is still among the fences, and found by the next look.
        self.fences.retain(Fence::holds);
        self.alerts.retain(|(_, fence)| holds(fence.as_ref()));
        self.rejects.retain(|(_, fence)| holds(fence.as_ref()));
        self.groups.retain(|_, came| {
            came.entries.retain(|(_, fence)| holds(fence.as_ref()));
            !came.entries.is_empty()
        });
        let before = self.ends.len();
        self.ends.retain(|ended| holds(ended.end.ack.fence()));
        before - self.ends.len()
    }
}

fn holds(fence: Option<&Fence>) -> bool {
    fence.is_none_or(Fence::holds)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use askance_stages::model::{Summary, Texts};
    use jiff::Timestamp;

    use super::*;

    fn delivery(group: &str, fence: Option<Fence>) -> Delivery {
        let entry = Entry {
            correlation: "many".into(),
            group: std::iter::once(Some(group)).collect(),
            time: Timestamp::UNIX_EPOCH,
            identity: 0,
            rule: "one".into(),
            values: Texts::default(),
            summary: Summary::default(),
        };
        Delivery {
            source: Arc::from("trail"),
            key: None,
            alerts: Vec::new(),
            entries: vec![entry],
            given: Vec::new(),
            is_historic: false,
            rejects: Vec::new(),
            fence,
            end: None,
        }
    }

    #[test]
    fn events_of_groups_are_taken_out_and_groups_that_had_no_others() {
        let is_held = Arc::new(AtomicBool::new(true));
        let held = Arc::clone(&is_held);
        let fence = Some(Fence::new(move || held.load(Ordering::SeqCst)));
        let mut work = Work::default();
        work.add(delivery("both", None));
        work.add(delivery("both", fence.clone()));
        work.add(delivery("fenced", fence));
        let counts = |work: &Work| -> Vec<usize> {
            let mut counts: Vec<usize> =
                work.groups.values().map(|came| came.entries.len()).collect();
            counts.sort_unstable();
            counts
        };
        assert_eq!(work.drop_fenced(), 0);
        assert_eq!((counts(&work), work.fences.len()), (vec![1, 2], 2));
        is_held.store(false, Ordering::SeqCst);
        assert_eq!(work.drop_fenced(), 0);
        assert_eq!((counts(&work), work.fences.len()), (vec![1], 0));
    }
}
