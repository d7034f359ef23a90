//! Seeded inputs for benches, tests and the examples (CloudTrail corpora, Sigma rule sets, a small made-up trail), and a
//! stand-in for the services that `askance run` talks to.
//!
//! Everything is made up here: no record is copied from a real trail. What is generated reads no clock.

pub mod generate;
pub mod mmdb;
pub mod prepared;
pub mod standin;
