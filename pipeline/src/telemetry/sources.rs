//! The counters of one source.

use std::time::Duration;

use super::Families;

/// Counts for one source; clones share their values.
#[derive(Debug, Clone)]
pub struct SourceMetrics {
    families: Families,
    name: String,
}

impl SourceMetrics {
    /// Of the source of that name in the configuration.
    pub fn new(families: &Families, name: &str) -> Self {
        for outcome in ["done", "known", "passed_by", "refused", "given_back"] {
            families.source_objects.with_label_values(&[name, outcome]);
        }
        families.source_errors.with_label_values(&[name]);
        families.source_messages.with_label_values(&[name]);
        families.source_bytes.with_label_values(&[name]);
        families.source_in_flight.with_label_values(&[name]);
        families.source_lag.with_label_values(&[name]);
        Self { families: families.clone(), name: name.to_owned() }
    }

    /// All families, for what is not the source's own.
    pub fn families(&self) -> &Families {
        &self.families
    }

    /// Messages or files were met.
    pub fn messages(&self, count: u64) {
        self.families.source_messages.with_label_values(&[&self.name]).inc_by(count);
    }

    /// Objects ended: `done`, `known`, `passed_by`, `refused` or `given_back`.
    pub fn objects(&self, outcome: &'static str, count: u64) {
        self.families.source_objects.with_label_values(&[&self.name, outcome]).inc_by(count);
    }

    /// Bytes were fetched.
    pub fn bytes(&self, count: u64) {
        self.families.source_bytes.with_label_values(&[&self.name]).inc_by(count);
    }

    /// An object arrived so long after it was written.
    pub fn lag(&self, age: Duration) {
        self.families.source_lag.with_label_values(&[&self.name]).observe(age.as_secs_f64());
    }

    /// Something was not read; the reason is from a closed set.
    pub fn refused(&self, reason: &'static str) {
        self.families.source_refused.with_label_values(&[&self.name, reason]).inc();
    }

    /// The source was reached.
    pub fn up(&self) {
        self.families.source_up.with_label_values(&[&self.name]).set(1);
    }

    /// The source could not be reached and will be tried again.
    pub fn down(&self) {
        self.families.source_up.with_label_values(&[&self.name]).set(0);
        self.families.source_errors.with_label_values(&[&self.name]).inc();
        self.families.retries.with_label_values(&["source"]).inc();
    }

    /// An object could not be fetched and will be tried again.
    pub fn fetch_again(&self) {
        self.families.retries.with_label_values(&["fetch"]).inc();
    }

    /// So many more (or fewer) objects are in hand.
    pub fn in_flight(&self, change: i64) {
        self.families.source_in_flight.with_label_values(&[&self.name]).add(change);
    }
}
