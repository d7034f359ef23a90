//! What rules cover: techniques and tactics of ATT&CK, services, controls. It reads rules and writes nothing.

pub mod attack;
pub mod navigator;

use std::collections::{BTreeMap, BTreeSet};

use askance_stages::model::Level;
use askance_stages::sigma::Reading;
use askance_stages::sigma::ast::{Item, Rule, Search, Test};
use attack::{Seen, TECHNIQUES, Technique};

use crate::subject::Subject;

/// A rule, as far as coverage tells of it.
#[derive(Debug, Clone)]
pub struct Covering {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its level.
    pub level: Level,
}

/// Rules by what they cover; numbers point into `rules`.
#[derive(Debug, Default)]
pub struct Coverage {
    /// All rules, in their order, and correlations.
    pub rules: Vec<Covering>,
    /// By number of technique (`T1078.004`), as tagged; a parent does not hold its parts' rules.
    pub techniques: BTreeMap<String, BTreeSet<usize>>,
    /// By name of tactic, for people.
    pub tactics: BTreeMap<&'static str, BTreeSet<usize>>,
    /// By service: the event source that the detection names, without `.amazonaws.com`, else the rule's folder.
    pub services: BTreeMap<String, BTreeSet<usize>>,
    /// By control, as written.
    pub controls: BTreeMap<String, BTreeSet<usize>>,
}

impl Coverage {
    /// Sorts rules by what they cover.
    pub fn of(reading: &Reading) -> Self {
        let mut all = Self::default();
        for (index, rule) in Subject::all(reading).enumerate() {
            let (id, title) = (rule.id.to_owned(), rule.title.to_owned());
            all.rules.push(Covering { id, title, level: rule.level });
            for tag in rule.tags {
                if let Some(technique) = attack::technique_of(tag) {
                    all.techniques.entry(technique).or_default().insert(index);
                } else if let Some(tactic) = attack::tactic_of(tag) {
                    all.tactics.entry(tactic).or_default().insert(index);
                }
            }
            for service in rule.rules(reading).into_iter().flat_map(services) {
                all.services.entry(service).or_default().insert(index);
            }
            for control in rule.askance.into_iter().flat_map(|askance| &askance.controls) {
                all.controls.entry(control.clone()).or_default().insert(index);
            }
        }
        all
    }

    /// True if a rule names the technique, or one of its parts.
    pub fn covers(&self, id: &str) -> bool {
        let is_of = |other: &String| other == id || attack::parent(other) == id;
        self.techniques.keys().any(is_of)
    }

    /// Techniques of the cloud matrix that CloudTrail shows so, and that no rule covers.
    ///
    /// A technique is not named beside its own parts: they say it more exactly.
    pub fn missing(&self, seen: Seen) -> Vec<&'static Technique> {
        let has_parts =
            |id: &str| TECHNIQUES.keys().any(|other| *other != id && attack::parent(other) == id);
        let all = TECHNIQUES.values().filter(|technique| technique.seen == seen);
        all.filter(|technique| !self.covers(technique.id))
            .filter(|technique| seen == Seen::No || !has_parts(technique.id))
            .collect()
    }

    /// How many techniques of the cloud matrix CloudTrail can show, and how many of these rules cover.
    pub fn share(&self) -> (usize, usize) {
        let can = |technique: &&Technique| matches!(technique.seen, Seen::One | Seen::Many);
        let shown: Vec<_> = TECHNIQUES.values().filter(can).collect();
        let covered = shown.iter().filter(|technique| self.covers(technique.id)).count();
        (shown.len(), covered)
    }
}

/// Services that a rule looks at.
fn services(rule: &Rule) -> BTreeSet<String> {
    let mut sources = BTreeSet::new();
    for selection in &rule.detection.selections {
        event_sources(&selection.search, &mut sources);
    }
    if sources.is_empty() {
        let folder = rule.place.file.rsplit('/').nth(1).unwrap_or("other");
        sources.insert(folder.to_owned());
    }
    sources
}

fn event_sources(search: &Search, sources: &mut BTreeSet<String>) {
    match search {
        Search::All(parts) | Search::Any(parts) => {
            parts.iter().for_each(|part| event_sources(part, sources));
        }
        Search::Item(Item { field: Some(field), is_negated: false, tests, .. })
            if field == "eventSource" =>
        {
            for test in tests {
                if let Test::Text(pattern) = test
                    && let [askance_stages::sigma::ast::Part::Literal(text)] = &pattern.parts[..]
                    && let Some(service) = text.strip_suffix(".amazonaws.com")
                {
                    sources.insert(service.to_owned());
                }
            }
        }
        Search::Item(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rulebook::{self, RuleChoice};

    #[test]
    fn built_in_rules_name_techniques_of_the_table_alone() {
        let coverage = Coverage::of(&rulebook::read(&RuleChoice::default()).unwrap());
        for (id, of) in &coverage.techniques {
            let rules: Vec<_> = of.iter().map(|index| &coverage.rules[*index].title).collect();
            assert!(TECHNIQUES.contains_key(id.as_str()), "{id} is not in the table: {rules:?}");
        }
    }

    #[test]
    fn what_rules_cover_is_not_missing() {
        let coverage = Coverage::of(&rulebook::read(&RuleChoice::default()).unwrap());
        assert!(coverage.covers("T1562.008"), "trails that are stopped");
        assert!(coverage.covers("T1562"), "by its parts");
        assert!(!coverage.missing(Seen::One).iter().any(|t| coverage.covers(t.id)));
        let none = Coverage::of(&Reading::default());
        let parts = none.missing(Seen::One);
        assert!(parts.iter().any(|t| t.id == "T1562.008"));
        assert!(!parts.iter().any(|t| t.id == "T1562"), "named by its parts");
        assert!(none.missing(Seen::No).iter().all(|t| !t.why.is_empty()));
    }

    #[test]
    fn services_are_those_of_the_detection() {
        let coverage = Coverage::of(&rulebook::read(&RuleChoice::default()).unwrap());
        for service in ["cloudtrail", "iam", "s3", "ec2"] {
            assert!(coverage.services.contains_key(service), "{service}");
        }
    }
}
