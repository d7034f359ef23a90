//! What was done with the input: in, out, dropped by reason, rejected by reason.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Drop, Level, Odd, Reason};

/// Most pairs of day and region that are counted apart: a year of 30 regions fits.
pub const MAX_DAYS: usize = 20_000;

/// Most accounts of an object whose newest event is noted.
pub const MAX_ACCOUNTS: usize = 1000;

/// Counts of one object or of many; added up by [`Tally::add`].
///
/// `records == passed + dropped records + rejected records` holds, and is tested.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Bytes as they came.
    pub bytes_in: u64,
    /// Bytes of unpacked text.
    pub bytes_text: u64,
    /// Records met, whatever became of them; elements that are no objects included.
    pub records: u64,
    /// Records that went through, matched or not.
    pub passed: u64,
    /// Records whose bytes were enough: no rule could match, so they were not parsed.
    pub unparsed: u64,
    /// Alerts by level, least first.
    pub alerts: [u64; Level::ALL.len()],
    /// Records and files passed by on purpose.
    pub dropped: Counts<{ Drop::ALL.len() }>,
    /// By name: records that a condition of the configuration dropped.
    pub dropped_for: BTreeMap<String, u64>,
    /// What could not be read.
    pub rejected: Counts<{ Reason::ALL.len() }>,
    /// What looked odd, of the records that were parsed.
    pub odd: Counts<{ Odd::ALL.len() }>,
    /// Matches that feed a correlation and have no time, so that they belong to none of its windows.
    pub untimed: u64,
    /// By rule id: records about which it could not be told.
    pub unknown: BTreeMap<String, u64>,
    /// By day and region, if asked for: records.
    pub days: BTreeMap<(String, String), u64>,
    /// By account, if asked for: the newest event that was noted.
    pub newest: BTreeMap<String, Timestamp>,
    /// By rule id, if asked for: nanoseconds, estimated from a sample.
    pub rule_nanoseconds: BTreeMap<String, u64>,
}

/// A counter for each member of a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts<const N: usize>([u64; N]);

impl<const N: usize> Default for Counts<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Counts<N> {
    /// The counts, in the order of the set.
    #[must_use]
    pub fn all(&self) -> &[u64; N] {
        &self.0
    }

    /// The sum.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}

impl Tally {
    /// Counts something passed by.
    pub fn drop(&mut self, drop: Drop) {
        self.dropped.0[drop as usize] += 1;
    }

    /// Counts a record that a named condition dropped.
    pub fn drop_for(&mut self, name: &str) {
        if let Some(count) = self.dropped_for.get_mut(name) {
            *count += 1;
        } else {
            self.dropped_for.insert(name.to_owned(), 1);
        }
    }

    /// Counts something that could not be read.
    pub fn reject(&mut self, reason: Reason) {
        self.rejected.0[reason as usize] += 1;
    }

    /// Counts something odd.
    pub fn odd(&mut self, odd: Odd) {
        self.odd.0[odd as usize] += 1;
    }

    /// Counts a record of a day and region.
    ///
    /// Both are text from records: past [`MAX_DAYS`] pairs the rest is counted together.
    pub fn count_day(&mut self, day: String, region: String) {
        self.add_day((day, region), 1);
    }

    fn add_day(&mut self, key: (String, String), count: u64) {
        let is_full = self.days.len() >= MAX_DAYS && !self.days.contains_key(&key);
        let key = if is_full { ("others".to_owned(), "any".to_owned()) } else { key };
        *self.days.entry(key).or_default() += count;
    }

    /// Notes an event of an account; past [`MAX_ACCOUNTS`] accounts of an object no others.
    pub fn newest(&mut self, account: &str, time: Timestamp) {
        if let Some(known) = self.newest.get_mut(account) {
            *known = time.max(*known);
        } else if self.newest.len() < MAX_ACCOUNTS {
            self.newest.insert(account.to_owned(), time);
        }
    }

    /// Adds time spent on a rule.
    pub fn spent(&mut self, rule: &str, nanoseconds: u64) {
        if let Some(sum) = self.rule_nanoseconds.get_mut(rule) {
            *sum += nanoseconds;
        } else {
            self.rule_nanoseconds.insert(rule.to_owned(), nanoseconds);
        }
    }

    /// True if every record is accounted for.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let dropped: u64 =
            [Drop::NotCloudTrail, Drop::Time, Drop::NoTime, Drop::Account, Drop::Region]
                .into_iter()
                .map(|drop| self.dropped.0[drop as usize])
                .sum();
        let rejected: u64 =
            [Reason::NotObject, Reason::TooLarge, Reason::TooDeep, Reason::BadRecord]
                .into_iter()
                .map(|reason| self.rejected.0[reason as usize])
                .sum();
        let dropped_for: u64 = self.dropped_for.values().sum();
        self.records == self.passed + dropped + dropped_for + rejected
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.bytes_in += other.bytes_in;
        self.bytes_text += other.bytes_text;
        self.records += other.records;
        self.passed += other.passed;
        self.unparsed += other.unparsed;
        for (mine, theirs) in self.alerts.iter_mut().zip(other.alerts) {
            *mine += theirs;
        }
        self.dropped.add(&other.dropped);
        self.rejected.add(&other.rejected);
        self.odd.add(&other.odd);
        self.untimed += other.untimed;
        for (name, count) in &other.dropped_for {
            *self.dropped_for.entry(name.clone()).or_default() += count;
        }
        for (rule, count) in &other.unknown {
            *self.unknown.entry(rule.clone()).or_default() += count;
        }
        for (key, count) in &other.days {
            self.add_day(key.clone(), *count);
        }
        for (account, time) in &other.newest {
            self.newest(account, *time);
        }
        for (rule, nanoseconds) in &other.rule_nanoseconds {
            self.spent(rule, *nanoseconds);
        }
    }
}
