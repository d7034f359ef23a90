//! Replays the saved corpus through every fuzz body, then mutates it for a while.
//!
//! `ASKANCE_FUZZ_SECONDS` says how long each body runs (0.3 by default); the seed is fixed, so that
//! a longer run begins with what a shorter one did.

// Helpers of tests fail by panicking, as tests do, and may say on standard error what they skip.
#![allow(clippy::print_stderr)]

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;
mod mutator;

use std::path::Path;
use std::time::{Duration, Instant};

use mutator::Mutator;

/// Seconds for each body where nothing is said.
const SECONDS: f64 = 0.3;

/// The saved inputs of one target, in order of their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .expect("the corpus is beside the tests")
        .map(|entry| entry.expect("the corpus is readable").path())
        .map(|path| (path.display().to_string(), std::fs::read(path).expect("it is a file")))
        .collect();
    found.sort();
    assert!(found.len() >= 3, "{target} has {} seeds", found.len());
    found
}

fn seconds() -> f64 {
    let said = std::env::var("ASKANCE_FUZZ_SECONDS").ok();
    said.map_or(SECONDS, |said| said.parse().expect("ASKANCE_FUZZ_SECONDS is a number"))
}

#[track_caller]
fn replay(target: &str, body: fn(&[u8])) {
    let seeds = corpus(target);
    for (path, input) in &seeds {
        call(path, input, body);
    }
    let end = Instant::now() + Duration::from_secs_f64(seconds());
    let inputs = seeds.into_iter().map(|(_, input)| input).collect();
    let mut mutator = Mutator::new(inputs);
    while Instant::now() < end {
        let input = mutator.next();
        call("mutated", &input, body);
    }
}

/// Shows the input if the body fails.
fn call(name: &str, input: &[u8], body: fn(&[u8])) {
    if let Err(panic) = std::panic::catch_unwind(|| body(input)) {
        eprintln!("{name}: b\"{}\"", input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn decode_holds() {
    replay("decode", bodies::decode);
}

#[test]
fn parse_holds() {
    replay("parse", bodies::parse);
}

#[test]
fn match_holds() {
    replay("match", bodies::matching);
}

#[test]
fn rules_hold() {
    replay("rules", bodies::rules);
}

#[test]
fn prefilter_holds() {
    replay("prefilter", bodies::prefilter);
}
