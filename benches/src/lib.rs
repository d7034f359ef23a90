//! Seeded inputs for benches, tests and the examples: CloudTrail corpora, Sigma rule sets and a small made-up trail.
//!
//! Everything is made up here: no record is copied from a real trail, and nothing reads a clock.

pub mod generate;
pub mod prepared;
