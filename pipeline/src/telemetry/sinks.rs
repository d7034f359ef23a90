//! The counters of one sink.

use std::time::Duration;

use super::Families;
use crate::store::Depth;

/// Counts for one sink; clones share their values.
#[derive(Debug, Clone)]
pub struct SinkMetrics {
    families: Families,
    name: String,
}

impl SinkMetrics {
    /// Of the sink of that name in the configuration.
    pub fn new(families: &Families, name: &str) -> Self {
        families.sink_sent.with_label_values(&[name]);
        families.sink_dead.with_label_values(&[name]);
        for reason in ["down", "throttled", "refused"] {
            families.sink_failed.with_label_values(&[name, reason]);
        }
        let metrics = Self { families: families.clone(), name: name.to_owned() };
        metrics.depth(&Depth::default(), 0.0);
        metrics
    }

    /// Messages were taken.
    pub fn sent(&self, count: u64) {
        self.families.sink_sent.with_label_values(&[&self.name]).inc_by(count);
    }

    /// An attempt took so long; it went well or the sink is down.
    pub fn attempt(&self, took: Duration, is_up: bool) {
        self.families.sink_seconds.with_label_values(&[&self.name]).observe(took.as_secs_f64());
        self.families.sink_up.with_label_values(&[&self.name]).set(i64::from(is_up));
    }

    /// A message was not taken: `down`, `throttled` or `refused`.
    pub fn failed(&self, reason: &'static str) {
        self.families.sink_failed.with_label_values(&[&self.name, reason]).inc();
        if reason != "refused" {
            self.families.retries.with_label_values(&["send"]).inc();
        }
    }

    /// A message was put with the dead letters.
    pub fn dead(&self) {
        self.families.sink_dead.with_label_values(&[&self.name]).inc();
    }

    /// What waits, and how old the oldest of it is, in seconds.
    pub fn depth(&self, depth: &Depth, oldest_seconds: f64) {
        let families = &self.families;
        let as_gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        families.outbox_waiting.with_label_values(&[&self.name]).set(as_gauge(depth.waiting));
        families.outbox_dead.with_label_values(&[&self.name]).set(as_gauge(depth.dead));
        families.outbox_age.with_label_values(&[&self.name]).set(oldest_seconds);
    }
}
