//! What holds for every built-in rule: its cases pass, each of its selections is needed by one, and it says to people
//! all that they are to be told.

use std::collections::BTreeMap;
use std::sync::Arc;

use askance_stages::enrich::Enrich;
use askance_stages::matcher::{RuleSet, Tri};
use askance_stages::model::Enriched;
use askance_stages::parse::Parser;
use askance_stages::sigma::ast::{Expr, Rule};

use crate::cases::{self, Case, CaseFile};
use crate::coverage::attack;
use crate::rulebook::{self, RuleChoice};

fn rules_and_cases() -> Vec<(Rule, CaseFile)> {
    let choice = RuleChoice::default();
    let reading = rulebook::read(&choice).unwrap();
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let files = rulebook::files(&choice).unwrap();
    let cases = files.iter().filter_map(cases::read).map(Result::unwrap);
    cases
        .map(|file| {
            let rule = reading.rules.iter().find(|rule| rule.id == file.rule);
            (rule.unwrap_or_else(|| panic!("no rule for {}", file.path)).clone(), file)
        })
        .collect()
}

fn passes(rule: &Rule, case: &Case) -> bool {
    let rules = RuleSet::compile([Arc::new(rule.clone())]).unwrap();
    let json = case.event.to_string();
    let enrich = Enrich::default();
    let truth = Parser::default().parse(json.as_bytes(), |record, _| {
        rules.explain(0, Enriched { record: &record, derive: &enrich }).truth
    });
    (truth.unwrap() == Tri::True) == case.is_hit
}

/// The condition with one selection made harmless: always true where it is wanted, never where not.
fn without(expr: &Expr, selection: usize, is_wanted: bool) -> Expr {
    let each =
        |parts: &[Expr]| parts.iter().map(|part| without(part, selection, is_wanted)).collect();
    match expr {
        Expr::And(parts) => Expr::And(each(parts)),
        Expr::Or(parts) => Expr::Or(each(parts)),
        Expr::AtLeast(count, parts) => Expr::AtLeast(*count, each(parts)),
        Expr::Not(part) => Expr::Not(Box::new(without(part, selection, !is_wanted))),
        // An empty AND always holds, an empty OR never does.
        Expr::Selection(index) if *index == selection && is_wanted => Expr::And(Vec::new()),
        Expr::Selection(index) if *index == selection => Expr::Or(Vec::new()),
        Expr::Selection(index) => Expr::Selection(*index),
    }
}

#[test]
fn every_rule_has_cases_and_they_pass() {
    let all = rules_and_cases();
    assert!(all.len() >= 20, "there are {} rules with cases", all.len());
    for (rule, file) in &all {
        for case in &file.cases {
            assert!(passes(rule, case), "{}:{}: {}", file.path, case.line, case.name);
        }
        let count = |is_hit| file.cases.iter().filter(|case| case.is_hit == is_hit).count();
        assert!(count(true) >= 2 && count(false) >= 2, "{}", file.path);
    }
}

#[test]
fn a_miss_differs_from_a_hit_in_one_field() {
    for (_, file) in rules_and_cases() {
        for case in file.cases.iter().filter(|case| !case.is_hit) {
            let base =
                case.like.as_ref().and_then(|name| file.cases.iter().find(|c| c.name == *name));
            let is_near = base.is_some_and(|base| base.is_hit) && case.changes.len() == 1;
            assert!(is_near, "{}:{}: {}", file.path, case.line, case.name);
        }
    }
}

#[test]
fn without_any_one_selection_some_case_fails() {
    for (rule, file) in rules_and_cases() {
        for (index, selection) in rule.detection.selections.iter().enumerate() {
            let mut weaker = rule.clone();
            weaker.detection.condition = without(&rule.detection.condition, index, true);
            let is_needed = file.cases.iter().any(|case| !passes(&weaker, case));
            assert!(is_needed, "{}: no case needs {}", file.path, selection.name);
        }
    }
}

#[test]
fn every_rule_says_all_that_people_are_told() {
    for rule in rulebook::read(&RuleChoice::default()).unwrap().rules {
        let place = &rule.place;
        let askance = rule.askance.as_ref().unwrap_or_else(|| panic!("{place}: no askance block"));
        for (what, text) in [
            ("description", &rule.description),
            ("ask.en", &askance.ask_en),
            ("ask.ja", &askance.ask_ja),
            ("why.en", &askance.why),
            ("why.ja", &askance.why_ja),
            ("fix.en", &askance.fix),
            ("fix.ja", &askance.fix_ja),
        ] {
            let is_said = text.as_ref().is_some_and(|text| !text.trim().is_empty());
            assert!(is_said, "{place}: no {what}");
        }
        assert!(!rule.false_positives.is_empty(), "{place}: no falsepositives");
        assert!(!rule.references.is_empty(), "{place}: no references");
        assert!(!askance.route.is_empty(), "{place}: no route");
        let has = |is: fn(&str) -> bool| rule.tags.iter().any(|tag| is(tag));
        assert!(has(|tag| attack::technique_of(tag).is_some()), "{place}: no technique");
        assert!(has(|tag| attack::tactic_of(tag).is_some()), "{place}: no tactic");
    }
}

#[test]
fn every_rule_writes_its_level() {
    for file in rulebook::files(&RuleChoice::default()).unwrap() {
        let is_rule = !rulebook::is_case_file(&file.path) && file.text.contains("\ndetection:");
        assert!(!is_rule || file.text.contains("\nlevel: "), "{}: no level", file.path);
    }
}

#[test]
fn no_two_rules_ask_the_same() {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for rule in rulebook::read(&RuleChoice::default()).unwrap().rules {
        let askance = rule.askance.as_ref().unwrap();
        for text in [&askance.ask_en, &askance.ask_ja].into_iter().flatten() {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let earlier = first.insert(words, rule.place.to_string());
            assert!(earlier.is_none(), "{} asks what {} asks", rule.place, earlier.unwrap());
        }
    }
}
