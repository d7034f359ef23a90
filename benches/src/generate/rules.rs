//! stub
/// A rule.
#[derive(Clone, Debug)]
pub struct GeneratedRule;
/// The rules.
pub fn generate_rules(_seed: u64, _count: usize) -> Vec<GeneratedRule> { Vec::new() }
