//! What holds for every built-in rule: its cases pass, each of its selections is needed by one, and it says to people
//! all that they are to be told.

use std::collections::{BTreeMap, BTreeSet};

use askance_stages::sigma::Reading;
use askance_stages::sigma::ast::Expr;

use crate::cases::{self, Case, CaseFile, Trial};
use crate::coverage::attack;
use crate::rulebook::{self, RuleChoice};
use crate::subject::{By, Subject};

/// A rule or correlation, by itself with what feeds it, and its cases.
struct Tested {
    id: String,
    reading: Reading,
    cases: CaseFile,
}

impl Tested {
    fn passes(&self, case: &Case) -> bool {
        Trial::new(&self.reading).unwrap().run(&self.id, case).is_none()
    }
}

fn read() -> Reading {
    let reading = rulebook::read(&RuleChoice::default()).unwrap();
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    reading
}

fn tested() -> Vec<Tested> {
    let all = read();
    let files = rulebook::files(&RuleChoice::default()).unwrap();
    let cases = files.iter().filter_map(cases::read).map(Result::unwrap);
    cases
        .map(|cases| {
            let known = |id: &str| Subject::all(&all).find(|subject| subject.id == id);
            let subject =
                known(&cases.rule).unwrap_or_else(|| panic!("no rule for {}", cases.path));
            let rules = subject.rules(&all).into_iter().cloned().collect();
            let correlations = match subject.by {
                By::Rule(_) => Vec::new(),
                // Those that feed others are few, and need no choosing.
                By::Correlation(_) => all.correlations.clone(),
            };
            let id = subject.id.to_owned();
            Tested { id, reading: Reading { rules, correlations, ..Reading::default() }, cases }
        })
        .collect()
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
    let all = tested();
    let reading = read();
    let known: BTreeSet<&str> = all.iter().map(|it| it.id.as_str()).collect();
    for subject in Subject::all(&reading) {
        assert!(known.contains(subject.id), "{}: no cases", subject.place());
    }
    for it in &all {
        let cases = &it.cases;
        for case in &cases.cases {
            assert!(it.passes(case), "{}:{}: {}", cases.path, case.line, case.name);
        }
        let count = |is_hit| cases.cases.iter().filter(|case| case.is_hit == is_hit).count();
        assert!(count(true) >= 2 && count(false) >= 2, "{}", cases.path);
    }
}

#[test]
fn a_miss_differs_from_a_hit_in_one_field() {
    for Tested { cases, .. } in tested() {
        for case in cases.cases.iter().filter(|case| !case.is_hit) {
            let base =
                case.like.as_ref().and_then(|name| cases.cases.iter().find(|c| c.name == *name));
            let is_near = base.is_some_and(|base| base.is_hit) && case.changes.len() == 1;
            assert!(is_near, "{}:{}: {}", cases.path, case.line, case.name);
        }
    }
}

#[test]
fn without_any_one_selection_some_case_fails() {
    for it in tested() {
        for (number, rule) in it.reading.rules.iter().enumerate() {
            for (index, selection) in rule.detection.selections.iter().enumerate() {
                let mut reading = it.reading.clone();
                let weaker = &mut reading.rules[number].detection;
                weaker.condition = without(&rule.detection.condition, index, true);
                let weaker = Trial::new(&reading).unwrap();
                let is_needed =
                    it.cases.cases.iter().any(|case| weaker.run(&it.id, case).is_some());
                let place = &selection.place;
                if selection.name.starts_with("hint_") {
                    // It is there for the engine to pass over records by their bytes.
                    assert!(!is_needed, "{place}: a hint changes what is found");
                    continue;
                }
                assert!(is_needed, "{place}: no case of {} needs it", it.cases.path);
            }
        }
    }
}

#[test]
fn every_rule_says_all_that_people_are_told() {
    for rule in Subject::all(&read()) {
        let place = rule.place();
        let askance = rule.askance.unwrap_or_else(|| panic!("{place}: no askance block"));
        let description = rule.description.map(str::to_owned);
        for (what, text) in [
            ("description", &description),
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
        assert!(!rule.false_positives().is_empty(), "{place}: no falsepositives");
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
    for rule in Subject::all(&read()) {
        let askance = rule.askance.unwrap();
        for text in [&askance.ask_en, &askance.ask_ja].into_iter().flatten() {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
            let earlier = first.insert(words, rule.place().to_string());
            assert!(earlier.is_none(), "{} asks what {} asks", rule.place(), earlier.unwrap());
        }
    }
}
