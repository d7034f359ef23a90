//! What two sets of rules have in common: rules that say the same, and correlations of such rules.

use std::collections::{BTreeMap, BTreeSet};

use askance_stages::sigma::Reading;
use askance_stages::sigma::ast::Correlation;

use super::pair::MARK;

/// Ids of what is the same in both sets.
#[derive(Debug, Default)]
pub(super) struct Same {
    rules: BTreeSet<String>,
    correlations: BTreeSet<String>,
}

impl Same {
    /// Holds two sets against each other.
    pub(super) fn of(baseline: &Reading, candidate: &Reading) -> Self {
        let wordings: BTreeMap<&str, String> =
            candidate.rules.iter().map(|rule| (rule.id.as_str(), rule.wording())).collect();
        let rules = baseline.rules.iter().filter(|rule| {
            wordings.get(rule.id.as_str()).is_some_and(|wording| *wording == rule.wording())
        });
        let mut same = Self {
            rules: rules.map(|rule| rule.id.clone()).collect(),
            correlations: BTreeSet::new(),
        };
        let others: BTreeMap<&str, String> =
            candidate.correlations.iter().map(|it| (it.id.as_str(), it.wording())).collect();
        let says_the_same = |it: &&Correlation| {
            others.get(it.id.as_str()).is_some_and(|wording| *wording == it.wording())
        };
        let mut open: Vec<&Correlation> =
            baseline.correlations.iter().filter(says_the_same).collect();
        // A chain has its first link settled before its second; each round settles one more.
        loop {
            let (settled, waiting): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|it| same.feeds(it));
            if settled.is_empty() {
                return same;
            }
            same.correlations.extend(settled.into_iter().map(|it| it.id.clone()));
            open = waiting;
        }
    }

    /// The rule of this id says the same in both.
    pub(super) fn has_rule(&self, id: &str) -> bool {
        self.rules.contains(id)
    }

    /// The correlation of this id says the same in both, and is fed by the same.
    pub(super) fn has_correlation(&self, id: &str) -> bool {
        self.correlations.contains(id)
    }

    /// A correlation of the baseline under an id of its own, fed by the baseline's rules.
    pub(super) fn marked(&self, mut it: Correlation) -> Correlation {
        it.id = format!("{MARK}{}", it.id);
        for feeder in &mut it.feeders {
            let is_same = if feeder.is_correlation {
                self.has_correlation(&feeder.id)
            } else {
                self.has_rule(&feeder.id)
            };
            if is_same {
                continue;
            }
            let marked = format!("{MARK}{}", feeder.id);
            for (rule, _) in it.aliases.iter_mut().flat_map(|alias| &mut alias.fields) {
                if *rule == feeder.id {
                    rule.clone_from(&marked);
                }
            }
            feeder.id = marked;
        }
        it
    }

    /// All that feeds it is the same.
    fn feeds(&self, it: &Correlation) -> bool {
        it.feeders.iter().all(|feeder| match feeder.is_correlation {
            true => self.has_correlation(&feeder.id),
            false => self.has_rule(&feeder.id),
        })
    }
}
