//! What a scan says at its end, for people.

use std::collections::BTreeMap;
use std::time::Duration;

use askance_stages::correlate::KeeperCounts;
use askance_stages::model::{Drop, Level, Odd, Reason};
use askance_stages::tally::Tally;

use crate::output::clean::clean;

/// Counts of a whole scan.
#[derive(Debug, Default)]
pub struct Totals {
    /// Files begun, those that could not be read included.
    pub files: u64,
    /// Files passed by for their names.
    pub skipped_files: u64,
    /// Everything that objects counted.
    pub tally: Tally,
    /// Alerts told, by level, least first.
    pub alerts: [u64; Level::ALL.len()],
    /// Alerts left out since the same event was read before.
    pub repeats: u64,
    /// The memory of earlier alerts was full, so that repeats far apart may have been told twice.
    pub forgot: bool,
    /// Titles of rules that were left out because of errors.
    pub rules_left_out: Vec<String>,
    /// Rules that ran and raise alerts.
    pub rules: usize,
    /// Rules that did not run for want of a baseline.
    pub rules_of_baseline: usize,
    /// Rules that ask for lists which are not given.
    pub rules_of_lists: usize,
    /// Rules that ran and only feed correlations.
    pub feeding_rules: usize,
    /// Documents of rule files that don't run here, by reason.
    pub rules_skipped: BTreeMap<String, u64>,
    /// Correlations that ran and raise alerts.
    pub correlations: usize,
    /// Rules in the old form that counts in its condition, which did not.
    pub old_correlations: usize,
    /// What was done for correlations.
    pub kept: KeeperCounts,
}

impl Totals {
    /// Something was told at this level or above.
    pub fn has_at_least(&self, level: Level) -> bool {
        self.alerts[level as usize..].iter().any(|count| *count > 0)
    }

    /// Writes the summary, a line for each kind of thing that there is something to say of.
    pub fn write(&self, took: Duration, is_interrupted: bool) -> String {
        let tally = &self.tally;
        let seconds = took.as_secs_f64().max(0.001);
        let mut lines = Vec::new();
        if is_interrupted {
            lines.push("interrupted: what follows is what was done until then".to_owned());
        }
        lines.push(format!(
            "{}, {} read ({} of text), {} ({} looked into) in {} ({}/s, {} records/s)",
            plural(self.files, "file"),
            bytes(tally.bytes_in),
            bytes(tally.bytes_text),
            plural(tally.records, "record"),
            number(tally.records - tally.unparsed),
            duration(took),
            bytes((tally.bytes_text as f64 / seconds) as u64),
            number((tally.records as f64 / seconds) as u64),
        ));
        lines.push(self.alerts_line());
        self.rule_lines(&mut lines);
        let mut list = |label: &str, entries: Vec<String>| {
            if !entries.is_empty() {
                lines.push(format!("{label}: {}", entries.join(", ")));
            }
        };
        let mut passed_by = named(tally.dropped.all(), Drop::ALL.map(Drop::name));
        for (name, count) in &tally.dropped_for {
            passed_by.push(format!("{} {}", number(*count), clean(name)));
        }
        if self.skipped_files > 0 {
            passed_by.push(format!("{} not_a_trail_by_name", number(self.skipped_files)));
        }
        list("passed by", passed_by);
        list("odd but read", named(tally.odd.all(), Odd::ALL.map(Odd::name)));
        list("could not be read", named(tally.rejected.all(), Reason::ALL.map(Reason::name)));
        let unknown = tally.unknown.iter();
        list(
            "could not be decided (CloudTrail cut the record; --show-unknown lists them)",
            unknown
                .map(|(rule, count)| format!("{} by rule {}", number(*count), clean(rule)))
                .collect(),
        );
        for ((day, region), count) in &tally.days {
            lines.push(format!("{day} {}: {}", clean(region), plural(*count, "record")));
        }
        lines.join("\n")
    }

    fn alerts_line(&self) -> String {
        let total: u64 = self.alerts.iter().sum();
        if total == 0 && self.repeats == 0 {
            return "no alerts".to_owned();
        }
        let mut by_level: Vec<String> = named(&self.alerts, Level::ALL.map(Level::name));
        by_level.reverse();
        let mut line = format!("{}: {}", plural(total, "alert"), by_level.join(", "));
        if self.repeats > 0 {
            line.push_str(&format!(
                " ({} left out: the same event was read before)",
                plural(self.repeats, "repeat")
            ));
        }
        if self.forgot {
            line.push_str(" (more alerts than are remembered: repeats far apart are told again)");
        }
        line
    }

    fn rule_lines(&self, lines: &mut Vec<String>) {
        let mut line = plural(self.rules as u64, "rule");
        if self.correlations > 0 {
            line.push_str(&format!(", {}", plural(self.correlations as u64, "correlation")));
            if self.feeding_rules > 0 {
                let rules = plural(self.feeding_rules as u64, "rule");
                line.push_str(&format!(" (with {rules} of their own)"));
            }
        }
        if self.rules_of_baseline > 0 {
            let rules = plural(self.rules_of_baseline as u64, "rule");
            line.push_str(&format!(", {rules} not run (no --baseline)"));
        }
        if self.rules_of_lists > 0 {
            let rules = plural(self.rules_of_lists as u64, "rule");
            line.push_str(&format!(", {rules} not run (no list of that name)"));
        }
        if self.old_correlations > 0 {
            line.push_str(&format!(
                ", {} not run (it counts in its condition)",
                plural(self.old_correlations as u64, "rule")
            ));
        }
        let skipped: u64 = self.rules_skipped.values().sum();
        if skipped > 0 {
            line.push_str(&format!(", {} skipped", plural(skipped, "document")));
        }
        lines.push(line);
        lines.extend(not_counted(self.tally.untimed, &self.kept));
        if !self.rules_left_out.is_empty() {
            lines.push(format!(
                "left out because of errors: {}",
                clean(&self.rules_left_out.join(", "))
            ));
        }
    }
}

/// What correlations could not take into account, if anything.
pub fn not_counted(untimed: u64, kept: &KeeperCounts) -> Option<String> {
    let mut parts = Vec::new();
    let mut part = |count: u64, words: &str| {
        if count > 0 {
            parts.push(format!("{} {words}", number(count)));
        }
    };
    part(untimed, "without a time that can be read");
    part(kept.steps.given_up, "more than a group keeps: counted, their values not");
    part(kept.let_go, "groups evaluated before the end for want of room");
    (!parts.is_empty()).then(|| format!("events for correlations: {}", parts.join(", ")))
}

/// `3 critical, 1 high` without those that are zero.
fn named<const N: usize>(counts: &[u64; N], names: [&str; N]) -> Vec<String> {
    let pairs = counts.iter().zip(names).filter(|(count, _)| **count > 0);
    pairs.map(|(count, name)| format!("{} {name}", number(*count))).collect()
}

/// `1 file`, `2,000 files`.
pub fn plural(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {what}{ending}", number(count))
}

/// A number in groups of three.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the unit that suits them, decimal as disks and networks count.
pub fn bytes(value: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let value_float = value as f64;
    for (unit, factor) in units {
        if value_float >= factor {
            return format!("{:.1} {unit}", value_float / factor);
        }
    }
    format!("{value} B")
}

/// A time in the unit that suits it.
pub fn duration(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", took.as_secs() / 60, took.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1234567), "1,234,567");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_500_000), "1.5 MB");
        assert_eq!(plural(1, "file"), "1 file");
    }

    #[test]
    fn what_correlations_gave_up_is_told() {
        assert_eq!(
            not_counted(0, &KeeperCounts { entries: 9, groups: 3, ..KeeperCounts::default() }),
            None
        );
        let mut kept = KeeperCounts { let_go: 2000, ..KeeperCounts::default() };
        kept.steps.given_up = 7;
        let words = "events for correlations: 1 without a time that can be read, 7 more than a group \
                     keeps: counted, their values not, 2,000 groups evaluated before the end for want of room";
        assert_eq!(not_counted(1, &kept).as_deref(), Some(words));
    }

    #[test]
    fn the_summary_of_nothing_is_short() {
        let totals = Totals { rules: 2, ..Totals::default() };
        let text = totals.write(Duration::from_millis(5), false);
        assert_eq!(
            text,
            "0 files, 0 B read (0 B of text), 0 records (0 looked into) in 5 ms (0 B/s, 0 records/s)\n\
             no alerts\n2 rules"
        );
    }
}
