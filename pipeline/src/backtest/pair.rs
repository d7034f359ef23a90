//! Two sets of rules as one that the engine runs.
//!
//! A rule that is the same in both stands in it once. A rule of the baseline that was changed or
//! taken out stands in it under an id that nobody writes, so that what it finds, and the time that it
//! takes, are told apart from the candidate's.

use std::collections::BTreeMap;

use askance_stages::correlate::Correlations;
use askance_stages::matcher::RuleSet;
use askance_stages::model::Level;
use askance_stages::sigma::ast::Rule;

use crate::rulebook;

/// Before the id of a rule that the baseline alone has in this form. A control character: an id of
/// YAML is a line of text.
const MARK: &str = "\u{1}baseline\u{1}";

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

/// A rule as reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The candidate's title, the baseline's where it is gone.
    pub title: String,
    /// What became of it.
    pub change: Change,
    /// Its level in the baseline, and in the candidate.
    pub levels: (Option<Level>, Option<Level>),
}

/// Two sets of rules.
#[derive(Debug)]
pub struct Pair {
    /// All rules, for the engine.
    pub rules: RuleSet,
    /// All rules by the id that both sets know them by.
    pub named: BTreeMap<String, Named>,
}

impl Pair {
    /// Joins two sets.
    ///
    /// # Errors
    /// Words for people, a line for each rule that cannot be compiled.
    pub fn join(baseline: Vec<Rule>, candidate: Vec<Rule>) -> Result<Self, Vec<String>> {
        let mut named: BTreeMap<String, Named> = BTreeMap::new();
        let mut wordings: BTreeMap<String, String> = BTreeMap::new();
        for rule in candidate.iter().filter(|rule| !rule.is_silent) {
            let of = Named {
                title: rule.title.clone(),
                change: Change::Added,
                levels: (None, Some(rule.level)),
            };
            named.insert(rule.id.clone(), of);
            wordings.insert(rule.id.clone(), rule.wording());
        }
        let mut all = candidate;
        for mut rule in baseline.into_iter().filter(|rule| !rule.is_silent) {
            let same = wordings.get(&rule.id).map(|wording| *wording == rule.wording());
            let of = named.entry(rule.id.clone()).or_insert_with(|| Named {
                title: rule.title.clone(),
                change: Change::Removed,
                levels: (None, None),
            });
            of.levels.0 = Some(rule.level);
            match same {
                Some(true) => {
                    of.change = Change::Same;
                    continue;
                }
                Some(false) => of.change = Change::Changed,
                None => {}
            }
            rule.id = format!("{MARK}{}", rule.id);
            all.push(rule);
        }
        Ok(Self { rules: rulebook::compile(all, Level::ALL[0], &Correlations::default())?, named })
    }

    /// Which set the rule of an alert is of, and the id that both sets know it by.
    pub fn side<'i>(&self, id: &'i str) -> (Side, &'i str) {
        match id.strip_prefix(MARK) {
            Some(id) => (Side::Baseline, id),
            None => match self.named.get(id).map(|of| of.change) {
                Some(Change::Same) => (Side::Both, id),
                Some(Change::Changed | Change::Added | Change::Removed) | None => {
                    (Side::Candidate, id)
                }
            },
        }
    }

    /// How many rules came to this.
    pub fn count(&self, change: Change) -> usize {
        self.named.values().filter(|of| of.change == change).count()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use askance_stages::sigma::{ReadOptions, SourceFile, read};

    use super::*;

    fn rules(text: &str) -> Vec<Rule> {
        let text = Cow::Owned(text.to_owned());
        let reading = read(&[SourceFile { path: "a.yml".into(), text }], &ReadOptions::default());
        assert!(reading.problems.is_empty(), "{:?}", reading.problems);
        reading.rules
    }

    fn rule(id: &str, name: &str) -> String {
        format!(
            "---\nid: {id}\ntitle: {id}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{s: {{eventName: {name}}}, condition: s}}\nlevel: high\n"
        )
    }

    const SAME: &str = "00000000-0000-4000-8000-00000000000a";
    const CHANGED: &str = "00000000-0000-4000-8000-00000000000b";
    const REMOVED: &str = "00000000-0000-4000-8000-00000000000c";
    const ADDED: &str = "00000000-0000-4000-8000-00000000000d";

    #[test]
    fn what_is_the_same_runs_once() {
        let baseline = rules(&[rule(SAME, "A"), rule(CHANGED, "B"), rule(REMOVED, "C")].concat());
        let candidate = rules(&[rule(SAME, "A"), rule(CHANGED, "X"), rule(ADDED, "D")].concat());
        let pair = Pair::join(baseline, candidate).unwrap();
        assert_eq!(pair.rules.rules.len(), 5);
        for change in [Change::Same, Change::Changed, Change::Added, Change::Removed] {
            assert_eq!(pair.count(change), 1, "{change:?}");
        }
        assert_eq!(pair.side(SAME), (Side::Both, SAME));
        assert_eq!(pair.side(CHANGED), (Side::Candidate, CHANGED));
        let gone = format!("{MARK}{REMOVED}");
        assert_eq!(pair.side(&gone), (Side::Baseline, REMOVED));
    }
}
