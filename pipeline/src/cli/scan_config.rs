//! What a scan takes from a configuration: which rules, which records, and what an input may unpack
//! to. The other sections are the service's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use askance_stages::decode::DecodeLimits;
use askance_stages::model::Level;

use super::scan_args::RuleArgs;
use crate::config::{self, Config};
use crate::context::Context;
use crate::rulebook::RuleChoice;

/// What a configuration file says to a scan.
#[derive(Debug, Clone, Default)]
pub struct ScanConfig {
    /// `rules.paths`.
    pub rule_paths: Vec<PathBuf>,
    /// `rules.builtin`; `None` if it is not written.
    pub builtin: Option<bool>,
    /// `rules.placeholders`.
    pub placeholders: Vec<PathBuf>,
    /// `rules.disable`: rule ids.
    pub disable: Vec<String>,
    /// `rules.levels`: by rule id.
    pub levels: BTreeMap<String, Level>,
    /// `filter.accounts`.
    pub accounts: Vec<String>,
    /// `filter.regions`.
    pub regions: Vec<String>,
    /// `filter.min_level`.
    pub min_level: Option<Level>,
    /// `filter.drop`: name and selection.
    pub drop: Vec<config::DropCondition>,
    /// `enrich`, and `alerts.accounts`.
    pub context: Context,
    /// `enrich.sessions`.
    pub with_sessions: bool,
    /// `limits`.
    pub limits: DecodeLimits,
    /// All of it: how AWS is reached, where the baseline stands.
    pub whole: Config,
}

impl ScanConfig {
    /// The rules that it and the command line name: paths of the command line stand in the place of
    /// its own.
    #[must_use]
    pub fn choice(&self, args: &RuleArgs) -> RuleChoice {
        let is_named = !args.rule_paths.is_empty();
        RuleChoice {
            paths: if is_named { args.rule_paths.clone() } else { self.rule_paths.clone() },
            with_builtin: args.builtin || (!is_named && self.builtin == Some(true)),
            // Later files win, so what the command line names does.
            placeholders: [self.placeholders.clone(), args.placeholders.clone()].concat(),
            now: None,
        }
    }
}

/// Reads a configuration file.
///
/// # Errors
/// Everything that is wrong with it, a line each, with file, line and key.
pub fn read(path: &Path) -> anyhow::Result<ScanConfig> {
    let config = config::read(path)?.config;
    let whole = config.clone();
    let levels = config.rules.levels.iter().map(|(id, level)| (id.clone(), level.level()));
    Ok(ScanConfig {
        context: Context::of(&config),
        levels: levels.collect(),
        rule_paths: config.rules.paths,
        builtin: config.rules.builtin,
        placeholders: config.rules.placeholders,
        disable: config.rules.disable,
        accounts: config.filter.accounts,
        drop: config.filter.drop,
        regions: config.filter.regions,
        min_level: config.filter.min_level.map(config::LevelName::level),
        with_sessions: config.enrich.sessions,
        limits: DecodeLimits {
            max_object_bytes: config.limits.max_object.0,
            max_ratio: config.limits.max_ratio,
        },
        whole,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("askance.yaml");
        let text = "rules: {paths: [x], builtin: true, disable: [a], levels: {b: low}}\n\
                    filter: {accounts: [\"111122223333\"], min_level: high}\n\
                    limits: {max_object: 2GiB}\nsources: {a: {type: stdin}}\n";
        std::fs::write(&path, text).unwrap();
        let config = read(&path).unwrap();
        assert!(config.rule_paths[0].ends_with("x") && config.rule_paths[0].is_absolute());
        assert_eq!((config.builtin, config.disable), (Some(true), vec!["a".to_owned()]));
        assert_eq!(config.levels["b"], Level::Low);
        assert_eq!((config.accounts.len(), config.min_level), (1, Some(Level::High)));
        assert_eq!(config.limits.max_object_bytes, 2 << 30);
    }
}
