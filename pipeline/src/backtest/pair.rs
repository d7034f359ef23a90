//! Two sets of rules as one that the engine runs.
//!
//! A rule that is the same in both stands in it once. A rule of the baseline that was changed or
//! taken out stands in it under an id that nobody writes, so that what it finds, and the time that it
//! takes, are told apart from the candidate's. So it is with correlations; one of them is the same only
//! if what feeds it is.

use std::collections::BTreeMap;

use askance_stages::correlate::Correlations;
use askance_stages::matcher::RuleSet;
use askance_stages::model::Level;
use askance_stages::sigma::Reading;

use super::same::Same;
use crate::rulebook;
use crate::subject::{By, Subject};

/// Before the id of what the baseline alone has in this form. A control character: an id of YAML is a
/// line of text.
pub(super) const MARK: &str = "\u{1}baseline\u{1}";

/// Which set a rule of the pair is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The same in both.
    Both,
    /// Of the baseline alone.
    Baseline,
    /// Of the candidate alone.
    Candidate,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing.
    Same,
    /// It says something else.
    Changed,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
}

impl Change {
    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Changed => "changed",
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

/// A rule or correlation as reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The candidate's title, the baseline's where it is gone.
    pub title: String,
    /// What became of it.
    pub change: Change,
    /// Its level in the baseline, and in the candidate.
    pub levels: (Option<Level>, Option<Level>),
    /// It is a correlation (in the candidate, if it is there).
    pub is_correlation: bool,
}

/// Two sets of rules.
#[derive(Debug)]
pub struct Pair {
    /// All rules, for the engine.
    pub rules: RuleSet,
    /// What the rules feed, for the engine: the same as [`Self::correlations`].
    pub feeds: Correlations,
    /// All correlations, for what the engine hands on.
    pub correlations: Correlations,
    /// All that raises alerts, by the id that both sets know it by.
    pub named: BTreeMap<String, Named>,
    /// Titles of rules that only feed correlations, by that id.
    feeding: BTreeMap<String, String>,
    same: Same,
}

impl Pair {
    /// Joins two sets.
    ///
    /// # Errors
    /// Words for people, a line for each rule that cannot be compiled.
    pub fn join(baseline: Reading, candidate: Reading) -> Result<Self, Vec<String>> {
        let same = Same::of(&baseline, &candidate);
        let named = named(&baseline, &candidate, &same);
        let mut feeding = BTreeMap::new();
        for rule in baseline.rules.iter().chain(&candidate.rules).filter(|rule| rule.is_silent) {
            feeding.insert(rule.id.clone(), rule.title.clone());
        }
        let mut rules = candidate.rules;
        for mut rule in baseline.rules {
            if !same.has_rule(&rule.id) {
                rule.id = format!("{MARK}{}", rule.id);
                rules.push(rule);
            }
        }
        let mut correlations = candidate.correlations;
        for correlation in baseline.correlations {
            if !same.has_correlation(&correlation.id) {
                correlations.push(same.marked(correlation));
            }
        }
        let feeds = Correlations::new(&correlations);
        Ok(Self {
            rules: rulebook::compile(rules, Level::ALL[0], &feeds)?,
            feeds,
            correlations: Correlations::new(&correlations),
            named,
            feeding,
            same,
        })
    }

    /// Which set the rule or correlation of an alert is of, and the id that both sets know it by.
    pub fn side<'i>(&self, id: &'i str) -> (Side, &'i str) {
        match id.strip_prefix(MARK) {
            Some(id) => (Side::Baseline, id),
            None if self.same.has_rule(id) || self.same.has_correlation(id) => (Side::Both, id),
            None => (Side::Candidate, id),
        }
    }

    /// The title of what both sets know by this id.
    pub fn title<'t>(&'t self, id: &'t str) -> &'t str {
        let named = self.named.get(id).map(|named| &named.title);
        named.or_else(|| self.feeding.get(id)).map_or(id, String::as_str)
    }

    /// How many rules came to this, and how many correlations.
    pub fn count(&self, change: Change) -> (usize, usize) {
        let of = self.named.values().filter(|of| of.change == change);
        let (correlations, rules): (Vec<_>, Vec<_>) = of.partition(|of| of.is_correlation);
        (rules.len(), correlations.len())
    }
}

/// All that raises alerts, and what became of it.
fn named(baseline: &Reading, candidate: &Reading, same: &Same) -> BTreeMap<String, Named> {
    let mut named: BTreeMap<String, Named> = BTreeMap::new();
    for subject in Subject::all(candidate) {
        let levels = (None, Some(subject.level));
        named.insert(subject.id.to_owned(), of(&subject, Change::Added, levels));
    }
    for subject in Subject::all(baseline) {
        let gone = || of(&subject, Change::Removed, (None, None));
        let known = named.entry(subject.id.to_owned()).or_insert_with(gone);
        known.levels.0 = Some(subject.level);
        if known.levels.1.is_some() {
            let is_same = match subject.by {
                By::Rule(_) => same.has_rule(subject.id),
                By::Correlation(_) => same.has_correlation(subject.id),
            };
            known.change = if is_same { Change::Same } else { Change::Changed };
        }
    }
    named
}

fn of(subject: &Subject<'_>, change: Change, levels: (Option<Level>, Option<Level>)) -> Named {
    let is_correlation = matches!(subject.by, By::Correlation(_));
    Named { title: subject.title.to_owned(), change, levels, is_correlation }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use askance_stages::sigma::{ReadOptions, SourceFile, read};

    use super::*;

    fn reading(text: &str) -> Reading {
        let text = Cow::Owned(text.to_owned());
        let reading = read(&[SourceFile { path: "a.yml".into(), text }], &ReadOptions::default());
        assert!(reading.problems.is_empty(), "{:?}", reading.problems);
        reading
    }

    fn rule(id: &str, name: &str) -> String {
        format!(
            "---\nid: {id}\ntitle: {id}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{s: {{eventName: {name}}}, condition: s}}\nlevel: high\n"
        )
    }

    fn correlation(id: &str, rules: &str, count: u32) -> String {
        format!(
            "---\nid: {id}\ntitle: {id}\ncorrelation: {{type: event_count, rules: [{rules}], \
             timespan: 5m, condition: {{gte: {count}}}}}\n"
        )
    }

    const SAME: &str = "00000000-0000-4000-8000-00000000000a";
    const CHANGED: &str = "00000000-0000-4000-8000-00000000000b";
    const REMOVED: &str = "00000000-0000-4000-8000-00000000000c";
    const ADDED: &str = "00000000-0000-4000-8000-00000000000d";

    #[test]
    fn what_is_the_same_runs_once() {
        let baseline = reading(&[rule(SAME, "A"), rule(CHANGED, "B"), rule(REMOVED, "C")].concat());
        let candidate = reading(&[rule(SAME, "A"), rule(CHANGED, "X"), rule(ADDED, "D")].concat());
        let pair = Pair::join(baseline, candidate).unwrap();
        assert_eq!(pair.rules.rules.len(), 5);
        for change in [Change::Same, Change::Changed, Change::Added, Change::Removed] {
            assert_eq!(pair.count(change), (1, 0), "{change:?}");
        }
        assert_eq!(pair.side(SAME), (Side::Both, SAME));
        assert_eq!(pair.side(CHANGED), (Side::Candidate, CHANGED));
        let gone = format!("{MARK}{REMOVED}");
        assert_eq!(pair.side(&gone), (Side::Baseline, REMOVED));
    }

    /// Of each correlation of these two sets: what became of it.
    #[track_caller]
    fn check(baseline: &[String], candidate: &[String], expected: &[(&str, Change)], runs: usize) {
        let pair = Pair::join(reading(&baseline.concat()), reading(&candidate.concat())).unwrap();
        let changes: Vec<(&str, Change)> =
            pair.named.iter().map(|(id, named)| (id.as_str(), named.change)).collect();
        assert_eq!(changes, expected);
        assert_eq!(pair.correlations.len(), runs);
    }

    #[test]
    fn a_correlation_is_the_same_only_if_what_feeds_it_is() {
        let same = [rule("r", "A"), correlation("c", "r", 3), correlation("d", "c", 2)];
        check(&same, &same, &[("d", Change::Same)], 2);
        let fed_otherwise = [rule("r", "B"), same[1].clone(), same[2].clone()];
        check(&same, &fed_otherwise, &[("d", Change::Changed)], 4);
        let other = [same[0].clone(), same[1].clone(), correlation("d", "c", 3)];
        check(&same, &other, &[("d", Change::Changed)], 3);
    }

    #[test]
    fn what_feeds_in_one_set_and_speaks_in_the_other_is_told_as_such() {
        let speaks = [rule("r", "A")];
        let feeds = [rule("r", "A"), correlation("c", "r", 3)];
        check(&speaks, &feeds, &[("c", Change::Added), ("r", Change::Removed)], 1);
        check(&feeds, &speaks, &[("c", Change::Removed), ("r", Change::Added)], 1);
    }
}
