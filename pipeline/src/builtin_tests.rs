//! What holds for every built-in rule: its cases pass, and each of its selections is needed by one.

use std::sync::Arc;

use askance_stages::matcher::{RuleSet, Tri};
use askance_stages::parse::Parser;
use askance_stages::sigma::ast::{Expr, Rule};

use crate::cases::{self, Case, CaseFile};
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
    let truth =
        Parser::default().parse(json.as_bytes(), |record, _| rules.explain(0, &record).truth);
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
        assert!(count(true) >= 1 && count(false) >= 1, "{}", file.path);
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
