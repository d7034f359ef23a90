//! Makes CloudTrail files and Sigma rules from a seed: the same seed gives the same bytes.
//!
//! Read in this order: `world` (accounts and their things), `actor` (who calls), `catalogue` (what they call),
//! `record` (one event), `corpus` (many files). No clock, no thread randomness, no network.

mod actor;
mod calendar;
mod catalogue;
mod corpus;
mod example;
mod file;
mod incident;
mod plan;
mod pool;
mod random;
mod record;
mod rules;
mod template;
mod world;

pub use corpus::{CorpusConfig, CorpusFile, Format, Summary, memory_corpus, write_corpus};
pub use example::{ExampleFile, example_trail};
pub use rules::{GeneratedRule, generate_rules};
