//! The counters of one Kinesis source.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Families;

/// Most shards whose age is shown.
const MAX_SHARDS: usize = 1000;

/// Every reason in `askance_kinesis_failures_total`.
const REASONS: [&str; 18] = [
    "throttled",
    "expired_iterator",
    "not_found",
    "bad_position",
    "in_use",
    "denied",
    "damaged",
    "failed",
    "table_throttled",
    "table_failed",
    "table_unusable",
    "bad_row",
    "foreign_row",
    "clock_skew",
    "hole",
    "inconsistent",
    "silent",
    "made_anew",
];

/// Every change in `askance_kinesis_lease_changes_total`.
const CHANGES: [&str; 8] =
    ["free", "expired", "stolen", "lost", "returned", "finished", "made", "removed"];

/// Counts for one source; clones share their values.
#[derive(Debug, Clone)]
pub struct KinesisMetrics {
    families: Families,
    source: Arc<str>,
    shards: Arc<Mutex<HashSet<String>>>,
}

impl KinesisMetrics {
    /// Of the source of that name; every counter is there with 0.
    pub fn new(families: &Families, source: &Arc<str>) -> Self {
        for reason in REASONS {
            families.kinesis_failures.with_label_values(&[source, reason]);
        }
        for change in CHANGES {
            families.kinesis_lease_changes.with_label_values(&[source, change]);
        }
        families.kinesis_records.with_label_values(&[source]);
        let (families, source) = (families.clone(), Arc::clone(source));
        Self { families, source, shards: Arc::default() }
    }

    /// Something failed; the reason is from a closed set.
    pub fn failed(&self, reason: &'static str) {
        debug_assert!(REASONS.contains(&reason), "{reason}");
        self.families.kinesis_failures.with_label_values(&[&self.source, reason]).inc();
    }

    /// A lease changed; what happened is from a closed set.
    pub fn lease(&self, change: &'static str) {
        debug_assert!(CHANGES.contains(&change), "{change}");
        self.families.kinesis_lease_changes.with_label_values(&[&self.source, change]).inc();
    }

    /// Leases in the table, by state: held, others, free, finished.
    pub fn leases(&self, counts: [(&'static str, usize); 4]) {
        for (state, count) in counts {
            let gauge = self.families.kinesis_leases.with_label_values(&[&self.source, state]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Records were taken.
    pub fn records(&self, count: u64) {
        self.families.kinesis_records.with_label_values(&[&self.source]).inc_by(count);
    }

    /// A shard is read so far behind what was put last.
    pub fn age(&self, shard: &str, behind: Duration) {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if !shards.contains(shard) {
            if shards.len() >= MAX_SHARDS {
                self.families.kinesis_left_out.inc();
                return;
            }
            shards.insert(shard.to_owned());
        }
        let gauge = self.families.kinesis_age.with_label_values(&[&self.source, shard]);
        gauge.set(behind.as_secs_f64());
    }

    /// A shard is no longer read here: whoever reads it tells its age.
    pub fn no_age(&self, shard: &str) {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if shards.remove(shard) {
            // Another one cannot have removed it: the set says that it is there.
            let _ = self.families.kinesis_age.remove_label_values(&[&self.source, shard]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_bounded_and_go_with_their_shard() {
        let families = Families::new();
        let metrics = KinesisMetrics::new(&families, &Arc::from("trail"));
        (0..MAX_SHARDS + 3).for_each(|n| metrics.age(&n.to_string(), Duration::from_secs(2)));
        let shown = |families: &Families| {
            let text = families.text().unwrap();
            text.lines().filter(|line| line.starts_with("askance_kinesis_iterator_age")).count()
        };
        assert_eq!((shown(&families), families.kinesis_left_out.get()), (MAX_SHARDS, 3));
        metrics.no_age("0");
        metrics.no_age("0");
        assert_eq!(shown(&families), MAX_SHARDS - 1);
        metrics.age("new", Duration::ZERO);
        assert_eq!(shown(&families), MAX_SHARDS);
    }
}
