//! Every metric that there is: name, help, labels; `docs/metrics.md` is made from this list.
//!
//! Label values come from closed sets: names in the configuration, reasons, levels, rules, and
//! accounts up to a bound. Nothing that a log says becomes a label otherwise.

use askance_stages::enrich::Baseline;
use askance_stages::model::parse_time;
use jiff::Timestamp;
use prometheus::{
    GaugeVec as FloatGaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry,
};

/// One metric, for the documentation.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

/// Seconds within which an alert or an object comes, from a tenth of a second to a day.
const LAG_BUCKETS: [f64; 14] =
    [0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 180.0, 300.0, 600.0, 1800.0, 3600.0, 21_600.0, 86_400.0];

/// Seconds that a request or a transaction takes.
const TIME_BUCKETS: [f64; 11] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

/// Digits of a baseline's version that its metric tells: more than 53 bits would be rounded on their way.
const VERSION_DIGITS: usize = 12;

macro_rules! families {
    ($( $field:ident : $type:ident = $kind:literal $name:literal $labels:tt $help:literal $(buckets $buckets:ident)? ; )*) => {
        /// All metrics; clones share their values.
        #[derive(Debug, Clone)]
        pub struct Families {
            $(#[doc = $help] pub $field: $type,)*
            registry: Registry,
        }

        impl Families {
            /// Every metric, in the order of the documentation.
            #[cfg(test)]
            pub const ALL: &'static [Family] = &[
                $(Family { name: $name, kind: $kind, labels: &$labels, help: $help },)*
            ];

            /// Makes and registers all of them.
            ///
            /// # Panics
            /// When a name is used twice or is no name, which a test would see.
            pub fn new() -> Self {
                let registry = Registry::new();
                $(
                    let $field = {
                        let labels: &[&str] = &$labels;
                        let metric = families!(@make $type $name $help labels $($buckets)?);
                        registry
                            .register(Box::new(metric.clone()))
                            .expect("names are valid and each is used once");
                        metric
                    };
                )*
                Self { $($field,)* registry }
            }
        }
    };
    (@make IntCounter $name:literal $help:literal $labels:ident) => {
        { assert!($labels.is_empty()); IntCounter::new($name, $help).expect("the name is valid") }
    };
    (@make IntGauge $name:literal $help:literal $labels:ident) => {
        { assert!($labels.is_empty()); IntGauge::new($name, $help).expect("the name is valid") }
    };
    (@make Histogram $name:literal $help:literal $labels:ident $buckets:ident) => {
        {
            assert!($labels.is_empty());
            Histogram::with_opts(HistogramOpts::new($name, $help).buckets($buckets.to_vec()))
                .expect("the name is valid")
        }
    };
    (@make HistogramVec $name:literal $help:literal $labels:ident $buckets:ident) => {
        HistogramVec::new(HistogramOpts::new($name, $help).buckets($buckets.to_vec()), $labels)
            .expect("the name is valid")
    };
    (@make $type:ident $name:literal $help:literal $labels:ident) => {
        $type::new(Opts::new($name, $help), $labels).expect("the name is valid")
    };
}

families! {
    // Sources.
    source_messages: IntCounterVec = "counter" "askance_source_messages_total" ["source"]
        "Messages taken from a queue, or files met in a folder.";
    source_objects: IntCounterVec = "counter" "askance_source_objects_total" ["source", "outcome"]
        "Objects by what became of them: done, known (read before), passed_by (digest files, folder markers, other events), refused (kept among the rejects), given_back.";
    source_bytes: IntCounterVec = "counter" "askance_source_bytes_total" ["source"]
        "Bytes fetched, as they came.";
    source_refused: IntCounterVec = "counter" "askance_source_refused_total" ["source", "reason"]
        "Objects and messages that were not read, by reason.";
    source_errors: IntCounterVec = "counter" "askance_source_errors_total" ["source"]
        "Failed attempts to reach the source; each is tried again after a pause.";
    source_up: IntGaugeVec = "gauge" "askance_source_up" ["source"]
        "1 if the last attempt to reach the source went well.";
    source_in_flight: IntGaugeVec = "gauge" "askance_source_in_flight" ["source"]
        "Objects that were taken and are not committed yet.";
    source_lag: HistogramVec = "histogram" "askance_source_lag_seconds" ["source"]
        "From the writing of an object to its arrival here." buckets LAG_BUCKETS;
    source_event_age: HistogramVec = "histogram" "askance_source_event_age_seconds" ["source"]
        "From the newest event of an object to the commit of what it gave." buckets LAG_BUCKETS;
    kinesis_age: FloatGaugeVec = "gauge" "askance_kinesis_iterator_age_seconds" ["source", "shard"]
        "How far the reading of a shard is behind what was put last; up to 1,000 shards of a process.";
    kinesis_left_out: IntCounter = "counter" "askance_kinesis_age_left_out_total" []
        "Readings of shards past the bound, whose age is not shown.";
    kinesis_leases: IntGaugeVec = "gauge" "askance_kinesis_leases" ["source", "state"]
        "Leases in the table: held (by this process), others (held by other processes), free, finished (shards read to their end).";
    kinesis_lease_changes: IntCounterVec = "counter" "askance_kinesis_lease_changes_total" ["source", "change"]
        "Leases that this process took, gave up or made: free, expired, stolen (taken from others), lost (to others, or not renewed in time), returned, finished, made, removed.";
    kinesis_failures: IntCounterVec = "counter" "askance_kinesis_failures_total" ["source", "reason"]
        "Attempts that failed: throttled, expired_iterator, not_found, bad_position, in_use, denied, damaged, failed; table_throttled, table_failed, table_unusable, bad_row, foreign_row, clock_skew, hole, inconsistent, silent, made_anew.";
    kinesis_records: IntCounterVec = "counter" "askance_kinesis_records_total" ["source"]
        "Records of streams that were taken, aggregates as one.";
    // The engine.
    stage_in: IntCounterVec = "counter" "askance_stage_in_total" ["stage"]
        "What went into a stage: objects for decode, records for parse, filter and match, alerts for raise.";
    stage_passed: IntCounterVec = "counter" "askance_stage_passed_total" ["stage"]
        "What went through a stage.";
    stage_dropped: IntCounterVec = "counter" "askance_stage_dropped_total" ["stage", "reason"]
        "What was passed by on purpose, by reason.";
    stage_rejected: IntCounterVec = "counter" "askance_stage_rejected_total" ["stage", "reason"]
        "What could not be read, by reason; each is kept among the rejects, with evidence.";
    stage_odd: IntCounterVec = "counter" "askance_parse_odd_total" ["reason"]
        "Odd things about records that were read all the same.";
    stage_bytes: IntCounterVec = "counter" "askance_stage_bytes_total" ["stage"]
        "Bytes that went into decode (packed) and parse (unpacked).";
    stage_seconds: FloatCounterVec = "counter" "askance_stage_seconds_total" ["stage"]
        "Time spent: detect (decode, parse, filter and match, which are one pass) and commit.";
    records_unparsed: IntCounter = "counter" "askance_match_unparsed_total" []
        "Records whose bytes showed that no rule could match, so they were not parsed.";
    rule_hits: IntCounterVec = "counter" "askance_match_hits_total" ["rule"]
        "Matches by rule, before repeats are left out.";
    rule_unknown: IntCounterVec = "counter" "askance_match_unknown_total" ["rule"]
        "Records about which a rule could not be decided, since CloudTrail cut them.";
    rule_seconds: FloatCounterVec = "counter" "askance_match_rule_seconds_total" ["rule"]
        "Time spent on a rule, estimated from one parsed record in 64.";
    rules: IntGauge = "gauge" "askance_match_rules" []
        "Rules that run.";
    correlations: IntGauge = "gauge" "askance_correlate_rules" []
        "Correlations that run.";
    correlate_events: IntCounter = "counter" "askance_correlate_events_total" []
        "Events that rules handed to correlations, those read before included.";
    correlate_odd: IntCounterVec = "counter" "askance_correlate_odd_total" ["reason"]
        "Events of correlations by what was odd: repeated (read before), given_up (the group keeps no more; counted without their values), too_late (the episode that they belong to was settled), untimed (they belong to no window), unknown (the correlation is no more); anew: groups that began anew since their definition changed or they could not be read.";
    // Alerts.
    alerts: IntCounterVec = "counter" "askance_raise_alerts_total" ["level", "fate"]
        "New alerts by level and fate: told, merged, suppressed, capped.";
    alert_repeats: IntCounter = "counter" "askance_raise_repeats_total" []
        "Alerts that were in the store already.";
    suppressed: IntCounterVec = "counter" "askance_raise_suppressed_total" ["suppression"]
        "Alerts that a suppression named.";
    alert_age: Histogram = "histogram" "askance_raise_alert_age_seconds" []
        "From an event to the commit of its alert." buckets LAG_BUCKETS;
    account_newest: FloatGaugeVec = "gauge" "askance_account_newest_event_timestamp_seconds" ["account"]
        "Time of an account's newest event; up to 10,000 accounts.";
    accounts_left_out: IntCounter = "counter" "askance_account_left_out_total" []
        "Events of accounts past the bound, whose newest event is not shown.";
    // Bounds.
    queue_bytes: IntGauge = "gauge" "askance_queue_bytes" []
        "Bytes of objects that are in memory.";
    queue_capacity: IntGauge = "gauge" "askance_queue_capacity_bytes" []
        "Bytes of objects that may be in memory; at this bound the sources wait.";
    queue_objects: IntGauge = "gauge" "askance_queue_objects" []
        "Objects that wait for a worker or are worked on.";
    workers: IntGauge = "gauge" "askance_workers" []
        "Threads that match.";
    panics: IntCounter = "counter" "askance_worker_panics_total" []
        "Objects on which a worker failed: a defect of askance.";
    retries: IntCounterVec = "counter" "askance_retries_total" ["what"]
        "Attempts after a failed one: source, fetch, commit, send.";
    // Store.
    store_errors: IntCounter = "counter" "askance_store_errors_total" []
        "Failed attempts to read or write the store.";
    store_conflicts: IntCounter = "counter" "askance_store_conflicts_total" []
        "Commits that were decided anew, since another replica was faster; nothing is lost by it.";
    store_throttled: IntCounterVec = "counter" "askance_store_throttled_total" ["action"]
        "Calls of a DynamoDB store that were asked to pause, or met a row in another replica's transaction, by action; each is tried again.";
    store_capacity: FloatCounterVec = "counter" "askance_store_capacity_units_total" ["kind"]
        "Capacity units that a DynamoDB store consumed: read, write.";
    store_commits: IntCounter = "counter" "askance_store_commits_total" []
        "Transactions.";
    store_seconds: Histogram = "histogram" "askance_store_commit_seconds" []
        "Time that a commit takes." buckets TIME_BUCKETS;
    store_bytes: IntGauge = "gauge" "askance_store_bytes" []
        "Size of the store on disk.";
    // Sinks.
    sink_sent: IntCounterVec = "counter" "askance_sink_sent_total" ["sink"]
        "Messages that a sink took.";
    sink_failed: IntCounterVec = "counter" "askance_sink_failed_total" ["sink", "reason"]
        "Attempts that failed: down, throttled, refused.";
    sink_dead: IntCounterVec = "counter" "askance_sink_dead_total" ["sink"]
        "Messages put with the dead letters.";
    sink_seconds: HistogramVec = "histogram" "askance_sink_send_seconds" ["sink"]
        "Time that sending takes." buckets TIME_BUCKETS;
    sink_up: IntGaugeVec = "gauge" "askance_sink_up" ["sink"]
        "1 if the last attempt to send went well.";
    outbox_waiting: IntGaugeVec = "gauge" "askance_outbox_waiting" ["sink"]
        "Messages that wait for a sink.";
    outbox_dead: IntGaugeVec = "gauge" "askance_outbox_dead" ["sink"]
        "Dead letters of a sink: see askance outbox list.";
    outbox_age: FloatGaugeVec = "gauge" "askance_outbox_oldest_seconds" ["sink"]
        "Age of the oldest message that waits for a sink.";
    // The world around.
    aws_requests: IntCounterVec = "counter" "askance_aws_requests_total" ["service", "outcome"]
        "Requests to AWS, each attempt: ok, throttled, denied, failed.";
    config_reloads: IntCounterVec = "counter" "askance_config_reloads_total" ["outcome"]
        "Attempts to take over a changed configuration or rules: ok, failed (the old one stays).";
    config_is_current: IntGauge = "gauge" "askance_config_is_current" []
        "0 if the file on disk cannot be used and an older one is.";
    baseline_rebuilds: IntCounterVec = "counter" "askance_baseline_rebuilds_total" ["outcome"]
        "Attempts of the service to make its baseline anew: ok, failed (the old one stays), lost (another replica was faster).";
    baseline_made: IntGauge = "gauge" "askance_baseline_made_timestamp_seconds" []
        "When this process made the baseline last; 0 if it has not since it started.";
    baseline_rebuild_every: IntGauge = "gauge" "askance_baseline_rebuild_interval_seconds" []
        "How often the service is to make its baseline anew; 0: never.";
    baseline_until: IntGauge = "gauge" "askance_baseline_last_event_timestamp_seconds" []
        "The last event in the baseline that rules use; 0 without one.";
    baseline_version: IntGauge = "gauge" "askance_baseline_version" []
        "The first 12 digits of the version of the baseline that rules use, as a number: replicas with the same number have the same one; 0 without one.";
    baseline_looks: IntCounterVec = "counter" "askance_baseline_looks_total" ["outcome"]
        "Looks for another baseline in its bucket: new, same, missing, refused (it is no baseline; the old one stays), failed.";
    accounts_refreshes: IntCounterVec = "counter" "askance_accounts_refreshes_total" ["outcome"]
        "Attempts to have AWS Organizations list the accounts: ok, failed (those of the last answer still hold).";
    accounts_listed: IntGauge = "gauge" "askance_accounts_listed" []
        "Accounts that AWS Organizations listed last; 0 if it has listed none since the service started.";
    accounts_listed_at: IntGauge = "gauge" "askance_accounts_listed_timestamp_seconds" []
        "When AWS Organizations listed the accounts last; 0 if it has not since the service started.";
    ready: IntGauge = "gauge" "askance_ready" []
        "1 if it does its work, as /readyz says.";
    build_info: IntGaugeVec = "gauge" "askance_build_info" ["version"]
        "1, with the version.";
}

type FloatCounterVec = prometheus::CounterVec;

impl Default for Families {
    fn default() -> Self {
        Self::new()
    }
}

impl Families {
    /// These rules run: their counters begin at 0, so that the first match is seen as a rise.
    pub fn rules_run<'r>(
        &self,
        rules: usize,
        correlations: usize,
        ids: impl Iterator<Item = &'r str>,
    ) {
        self.rules.set(i64::try_from(rules).unwrap_or(i64::MAX));
        self.correlations.set(i64::try_from(correlations).unwrap_or(i64::MAX));
        for id in ids {
            self.rule_hits.with_label_values(&[id]);
            self.rule_unknown.with_label_values(&[id]);
        }
    }

    /// Rules use this baseline.
    pub fn baseline_used(&self, baseline: Option<&Baseline>) {
        let last =
            baseline.and_then(|used| used.made_of().1).and_then(|(_, last)| parse_time(&last));
        self.baseline_until.set(last.map_or(0, Timestamp::as_second));
        let digits = baseline.and_then(|used| used.version().get(..VERSION_DIGITS));
        let number = digits.and_then(|digits| i64::from_str_radix(digits, 16).ok());
        self.baseline_version.set(number.unwrap_or(0));
    }

    /// Everything in Prometheus' text form, with those of the process.
    ///
    /// # Errors
    /// When a metric cannot be written, which would be a defect.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut gathered = self.registry.gather();
        gathered.extend(process_metrics());
        gathered.sort_by(|a, b| a.name().cmp(b.name()));
        prometheus::TextEncoder::new().encode_to_string(&gathered)
    }
}

/// Memory, processor time, open files; nothing where the system does not tell.
fn process_metrics() -> Vec<prometheus::proto::MetricFamily> {
    use prometheus::core::Collector;
    prometheus::process_collector::ProcessCollector::for_self().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for family in Families::ALL {
            assert!(family.name.starts_with("askance_"), "{}", family.name);
            assert_eq!(
                family.kind == "counter",
                family.name.ends_with("_total"),
                "{}",
                family.name
            );
            assert!(family.help.ends_with('.'), "{}", family.name);
        }
    }

    #[test]
    fn every_metric_is_registered_once_and_written() {
        let families = Families::new();
        families.build_info.with_label_values(&["1"]).set(1);
        let text = families.text().unwrap();
        assert!(text.contains("askance_build_info{version=\"1\"} 1"), "{text}");
        assert!(text.contains("askance_queue_bytes 0"));
    }
}
