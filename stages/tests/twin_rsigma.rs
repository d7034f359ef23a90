//! askance and rsigma decide alike about generated rules and records, but for a list of departures.
//!
//! rsigma is another engine for the same specification, written by others. What strict JSON refuses
//! is not compared: the two would not see the same record.

mod departures;
mod generate;

use askance_stages::decode::Input;
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::Tri;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::Value;

use departures::{Case, DEPARTURES};
use generate::records::{Taste, record};
use generate::rules::rule;

/// What askance says of one rule, with or without the prefilter.
fn askance(yaml: &str, record: &str, without_prefilter: bool) -> Tri {
    let config = DetectConfig { without_prefilter, ..DetectConfig::default() };
    let detect = Detect::new(generate::compile(yaml), config);
    let mut truth = Tri::False;
    let mut sink = |output: Output| match output {
        Output::Alert(_) => truth = Tri::True,
        Output::Entry(entry) => panic!("{entry:?} of {record}"),
        Output::Given(given) => panic!("{given:?} of {record}"),
        Output::Unknown(_) => truth = Tri::Unknown,
        Output::Reject(reject) => panic!("{reject:?} of {record}"),
    };
    // In a list of records it is one whatever its keys are.
    let file = format!("{{\"Records\":[{record}]}}");
    Worker::new(&detect).run(Input::Whole(file.as_bytes()), "a", &mut sink, &|| false);
    truth
}

/// What rsigma says; `None` if it refuses the rule.
fn rsigma(yaml: &str, record: &Value) -> Option<bool> {
    let rules = rsigma_parser::parse_sigma_yaml(yaml).ok()?;
    let compiled = rsigma_eval::compile_rule(rules.rules.first()?).ok()?;
    let event = rsigma_eval::JsonEvent::borrow(record);
    Some(rsigma_eval::evaluate_rule(&compiled, &event).is_some())
}

proptest! {
    #![proptest_config(generate::config())]

    #[test]
    fn the_two_engines_agree(
        rule in rule(),
        records in prop::collection::vec(record(Taste::Tame), 1..4),
    ) {
        let yaml = rule.yaml(0);
        for record in &records {
            let value: Value = serde_json::from_str(record).expect("tame records are JSON");
            let truth = askance(&yaml, record, true);
            prop_assert_eq!(askance(&yaml, record, false), truth, "the prefilter, on {}", record);
            if truth == Tri::Unknown || Case::new(&rule, &value).departure().is_some() {
                continue;
            }
            if let Some(other) = rsigma(&yaml, &value) {
                prop_assert_eq!(truth == Tri::True, other, "(askance, rsigma) on {}\n{}", record, yaml);
            }
        }
    }
}

#[test]
fn every_departure_still_departs() {
    for departure in DEPARTURES {
        let example = &departure.example;
        let source = "logsource: {product: aws, service: cloudtrail}";
        let yaml =
            format!("title: a\n{source}\ndetection:\n  s: {}\n  condition: s\n", example.selection);
        let value = serde_json::from_str(example.record).unwrap();
        let (name, reason) = (departure.name, departure.reason);
        assert_eq!(askance(&yaml, example.record, true), example.askance, "{name}: {reason}");
        assert_eq!(rsigma(&yaml, &value), Some(example.rsigma), "{name}: {reason}");
        assert_ne!(example.askance, Tri::from(example.rsigma), "{name}");
    }
}

/// A list of departures that covered everything would prove nothing.
#[test]
fn most_cases_are_compared_and_many_match() {
    let mut runner = generate::seeded_runner();
    let cases = (rule(), record(Taste::Tame));
    let (mut compared, mut matched, mut refused) = (0, 0, 0);
    for _ in 0..600 {
        let (rule, record) = cases.new_tree(&mut runner).unwrap().current();
        let value: Value = serde_json::from_str(&record).unwrap();
        if Case::new(&rule, &value).departure().is_some() {
            continue;
        }
        match rsigma(&rule.yaml(0), &value) {
            Some(is_match) => {
                compared += 1;
                matched += usize::from(is_match);
            }
            None => refused += 1,
        }
    }
    let counts = format!("{compared} compared, {matched} match, {refused} refused of 600");
    assert!(compared > 300 && matched > 40 && refused < 20, "{counts}");
}
