//! What the command line promises, each promise through the real binary.
//!
//! Every test writes its own folder, runs `askance` in it and reads what came out. How the stages
//! work inside is left to their own tests.

// Helpers of tests fail by panicking, as tests do, and may say on standard error what they skip.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::needless_pass_by_value)]

mod correlations;
mod coverage;
mod damage;
mod endings;
mod examples;
mod exit_codes;
mod explain;
mod files;
mod filters;
mod generated;
mod help;
mod hostile;
mod inputs;
mod kinesis;
mod levels;
mod limits;
mod odd;
mod options;
mod order;
mod outputs;
mod packed;
mod places;
mod records;
mod rulebook;
mod rules;
mod sandbox;
mod sessions;
mod store;
mod summary;
mod terminal;
