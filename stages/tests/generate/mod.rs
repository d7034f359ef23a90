//! Generators of Sigma rules and of CloudTrail files, made from the same few words so that they meet.
//!
//! What they make is for comparing two ways of deciding; whether the decision is right is not
//! known here.

// Each test binary takes what it needs of these.
#![allow(dead_code)]

pub mod records;
pub mod rules;
pub mod words;

use std::sync::Arc;

use askance_stages::matcher::RuleSet;
use askance_stages::sigma::{ReadOptions, SourceFile, read};
use proptest::test_runner::{Config, TestRng, TestRunner};

/// Settings of every property: a failure is printed whole, so that it becomes a test by hand.
pub fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

/// A runner that makes the same cases each time.
pub fn seeded_runner() -> TestRunner {
    let algorithm = proptest::test_runner::RngAlgorithm::ChaCha;
    TestRunner::new_with_rng(config(), TestRng::deterministic_rng(algorithm))
}

/// Reads and compiles rules; every generated rule must be accepted.
pub fn compile(yaml: &str) -> RuleSet {
    let file = SourceFile { path: Arc::from("generated.yml"), text: yaml.into() };
    let reading = read(&[file], &ReadOptions::default());
    assert!(!reading.has_errors(), "{:#?}\n{yaml}", reading.problems);
    RuleSet::compile(reading.rules.into_iter().map(Arc::new)).expect("the reader checked them")
}
