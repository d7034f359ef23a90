//! Counts what the engine did with objects and what became of alerts.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use askance_stages::correlate::StepCounts;
use askance_stages::model::{Drop, Level, Odd, Reason, parse_time};
use askance_stages::raise::{Fate, Outcome};
use askance_stages::tally::Tally;
use jiff::Timestamp;

use super::Families;

/// Accounts whose newest event is shown.
const MAX_ACCOUNTS: usize = 10_000;

/// Adds tallies and outcomes to the metrics; clones share them.
#[derive(Debug, Clone)]
pub struct Counter {
    families: Families,
    accounts: Arc<Mutex<HashSet<String>>>,
}

/// The stage at which a reason is found.
fn stage_of_reject(reason: Reason) -> &'static str {
    match reason {
        Reason::Unreadable
        | Reason::Empty
        | Reason::Truncated
        | Reason::BadChecksum
        | Reason::TrailingGarbage
        | Reason::CorruptCompression
        | Reason::Bomb
        | Reason::BadAggregate => "decode",
        Reason::NotJson
        | Reason::CutJson
        | Reason::TooLarge
        | Reason::TooDeep
        | Reason::NotObject
        | Reason::BadRecord => "parse",
        Reason::Internal => "match",
    }
}

fn stage_of_drop(drop: Drop) -> &'static str {
    match drop {
        Drop::Digest | Drop::ControlMessage | Drop::NotCloudTrail => "parse",
        Drop::Time | Drop::NoTime | Drop::Account | Drop::Region => "filter",
    }
}

impl Counter {
    /// Counts from nothing; every reason is there with 0.
    pub fn new(families: &Families) -> Self {
        for reason in Reason::ALL {
            let labels = [stage_of_reject(reason), reason.name()];
            families.stage_rejected.with_label_values(&labels);
        }
        for drop in Drop::ALL {
            families.stage_dropped.with_label_values(&[stage_of_drop(drop), drop.name()]);
        }
        for level in Level::ALL {
            for fate in Fate::ALL {
                families.alerts.with_label_values(&[level.name(), fate.name()]);
            }
        }
        for reason in ["repeated", "given_up", "too_late", "untimed", "unknown", "anew"] {
            families.correlate_odd.with_label_values(&[reason]);
        }
        for what in ["source", "fetch", "commit", "send"] {
            families.retries.with_label_values(&[what]);
        }
        Self { families: families.clone(), accounts: Arc::default() }
    }

    /// Groups of correlations were taken a step on.
    pub fn steps(&self, counts: &StepCounts) {
        for (reason, count) in [
            ("repeated", counts.repeated),
            ("given_up", counts.given_up),
            ("too_late", counts.too_late),
            ("unknown", counts.unknown),
            ("anew", counts.anew),
        ] {
            self.families.correlate_odd.with_label_values(&[reason]).inc_by(count);
        }
    }

    /// An object went through the engine, and is committed now.
    pub fn object(&self, source: &str, tally: &Tally, took: Duration, now: Timestamp) {
        let families = &self.families;
        families.correlate_odd.with_label_values(&["untimed"]).inc_by(tally.untimed);
        let of = |set: &prometheus::IntCounterVec, stage: &str, count: u64| {
            set.with_label_values(&[stage]).inc_by(count);
        };
        let mut rejected = [("decode", 0), ("parse", 0), ("match", 0)];
        for (reason, count) in Reason::ALL.into_iter().zip(tally.rejected.all()) {
            let stage = stage_of_reject(reason);
            families.stage_rejected.with_label_values(&[stage, reason.name()]).inc_by(*count);
            let place = rejected.iter_mut().find(|(name, _)| *name == stage);
            place.into_iter().for_each(|(_, sum)| *sum += count);
        }
        let mut filtered = 0;
        for (drop, count) in Drop::ALL.into_iter().zip(tally.dropped.all()) {
            let stage = stage_of_drop(drop);
            families.stage_dropped.with_label_values(&[stage, drop.name()]).inc_by(*count);
            filtered += if stage == "filter" { *count } else { 0 };
        }
        for (name, count) in &tally.dropped_for {
            families.stage_dropped.with_label_values(&["filter", name]).inc_by(*count);
            filtered += count;
        }
        for (odd, count) in Odd::ALL.into_iter().zip(tally.odd.all()) {
            families.stage_odd.with_label_values(&[odd.name()]).inc_by(*count);
        }
        of(&families.stage_in, "decode", 1);
        of(&families.stage_passed, "decode", u64::from(rejected[0].1 == 0));
        of(&families.stage_in, "parse", tally.records);
        of(&families.stage_passed, "parse", tally.passed + filtered);
        of(&families.stage_in, "filter", tally.passed + filtered);
        of(&families.stage_passed, "filter", tally.passed);
        of(&families.stage_in, "match", tally.passed);
        of(&families.stage_passed, "match", tally.passed);
        of(&families.stage_bytes, "decode", tally.bytes_in);
        of(&families.stage_bytes, "parse", tally.bytes_text);
        families.records_unparsed.inc_by(tally.unparsed);
        families.panics.inc_by(rejected[2].1);
        families.stage_seconds.with_label_values(&["detect"]).inc_by(took.as_secs_f64());
        for (rule, nanoseconds) in &tally.rule_nanoseconds {
            families.rule_seconds.with_label_values(&[rule]).inc_by(*nanoseconds as f64 / 1e9);
        }
        for (account, time) in &tally.newest {
            self.newest(account, *time, now);
        }
        if let Some(newest) = tally.newest.values().max() {
            let age = now.duration_since(*newest).as_secs_f64().max(0.0);
            families.source_event_age.with_label_values(&[source]).observe(age);
        }
        for (rule, count) in &tally.unknown {
            families.rule_unknown.with_label_values(&[rule]).inc_by(*count);
        }
    }

    /// Alerts were committed.
    pub fn commit(&self, outcomes: &[Arc<Outcome>], now: Timestamp, took: Duration) {
        self.families.stage_seconds.with_label_values(&["commit"]).inc_by(took.as_secs_f64());
        outcomes.iter().for_each(|outcome| self.outcome(outcome, now));
    }

    fn outcome(&self, outcome: &Outcome, now: Timestamp) {
        let families = &self.families;
        families.alert_repeats.inc_by(outcome.repeats);
        let raised = outcome.raised.len() as u64;
        families.stage_in.with_label_values(&["raise"]).inc_by(raised + outcome.repeats);
        families.stage_passed.with_label_values(&["raise"]).inc_by(raised);
        families.stage_dropped.with_label_values(&["raise", "repeat"]).inc_by(outcome.repeats);
        for raised in &outcome.raised {
            let alert = &raised.alert;
            families.alerts.with_label_values(&[alert.level.name(), raised.fate.name()]).inc();
            families.rule_hits.with_label_values(&[&alert.rule.id]).inc();
            if let Some(name) = &raised.suppressed_by {
                families.suppressed.with_label_values(&[name]).inc();
            }
            if let Some(time) = alert.time.as_deref().and_then(parse_time) {
                let age = now.duration_since(time).as_secs_f64();
                families.alert_age.observe(age.max(0.0));
            }
        }
    }

    /// An account's event of that time was read; clocks that run ahead are not believed.
    fn newest(&self, account: &str, time: Timestamp, now: Timestamp) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if !accounts.contains(account) {
            if accounts.len() >= MAX_ACCOUNTS {
                self.families.accounts_left_out.inc();
                return;
            }
            accounts.insert(account.to_owned());
        }
        drop(accounts);
        let gauge = self.families.account_newest.with_label_values(&[account]);
        let seconds = time.min(now).as_second() as f64;
        if seconds > gauge.get() {
            gauge.set(seconds);
        }
    }
}
