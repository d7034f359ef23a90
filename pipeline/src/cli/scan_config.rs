//! The configuration file of a scan: which rules, and what an input may unpack to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use askance_stages::decode::DecodeLimits;
use askance_stages::model::Level;
use askance_stages::yaml::{self, Fault, Mapping, Node};

/// What a configuration file says; paths are relative to the file.
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
    /// `limits`.
    pub limits: DecodeLimits,
}

/// Collects faults, so that all are told at once.
struct Reader<'f> {
    folder: &'f Path,
    config: ScanConfig,
    faults: Vec<Fault>,
}

/// Reads a configuration file.
///
/// # Errors
/// Everything that is wrong with it, a line each, with file, line and key.
pub fn read(path: &Path) -> anyhow::Result<ScanConfig> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read configuration {}", path.display()))?;
    let mut reader = Reader {
        folder: path.parent().unwrap_or(Path::new("")),
        config: ScanConfig::default(),
        faults: Vec::new(),
    };
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if !text.lines().all(is_blank) {
        match yaml::parse_one(&text) {
            Ok(node) => reader.top(&node),
            Err(faults) => reader.faults = faults,
        }
    }
    if reader.faults.is_empty() {
        return Ok(reader.config);
    }
    let lines: Vec<String> = reader
        .faults
        .iter()
        .map(|fault| {
            let place = fault.position;
            let hint = fault.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
            format!("{}:{}:{}: {}{hint}", path.display(), place.line, place.column, fault.message)
        })
        .collect();
    bail!("cannot use configuration {}:\n{}", path.display(), lines.join("\n"))
}

impl Reader<'_> {
    fn ok<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }

    fn mapping<'n>(&mut self, node: &'n Node, known: &[&str]) -> Option<&'n Mapping> {
        let mapping = self.ok(node.mapping())?;
        self.faults.extend(mapping.unknown_keys(known));
        Some(mapping)
    }

    fn top(&mut self, node: &Node) {
        let Some(top) = self.mapping(node, &["rules", "limits"]) else { return };
        if let Some(rules) = top.get_some("rules") {
            self.rules(rules);
        }
        if let Some(limits) = top.get_some("limits") {
            self.limits(limits);
        }
    }

    fn rules(&mut self, node: &Node) {
        let known = ["paths", "builtin", "placeholders", "disable", "levels"];
        let Some(rules) = self.mapping(node, &known) else { return };
        self.config.rule_paths = self.paths(rules, "paths");
        self.config.placeholders = self.paths(rules, "placeholders");
        if let Some(builtin) = rules.get_some("builtin") {
            self.config.builtin = self.ok(builtin.boolean());
        }
        if let Some(disable) = rules.get_some("disable") {
            self.config.disable = self.ok(disable.texts()).unwrap_or_default();
        }
        let Some(levels) = rules.get_some("levels") else { return };
        let Some(levels) = self.ok(levels.mapping()) else { return };
        for entry in &levels.entries {
            let Some(name) = self.ok(entry.value.text()) else { continue };
            match Level::from_name(name) {
                Some(level) => drop(self.config.levels.insert(entry.key.clone(), level)),
                None => {
                    let nearest = yaml::nearest(name, Level::ALL.map(Level::name));
                    let fault =
                        Fault::new(entry.value.position, format!("unknown level \"{name}\""));
                    self.faults.push(match nearest {
                        Some(nearest) => fault.hint(format!("did you mean \"{nearest}\"?")),
                        None => fault,
                    });
                }
            }
        }
    }

    fn paths(&mut self, mapping: &Mapping, key: &str) -> Vec<PathBuf> {
        let Some(node) = mapping.get_some(key) else { return Vec::new() };
        let texts = self.ok(node.texts()).unwrap_or_default();
        texts.iter().map(|text| self.folder.join(text)).collect()
    }

    fn limits(&mut self, node: &Node) {
        let Some(limits) = self.mapping(node, &["max_object", "max_ratio"]) else { return };
        if let Some(node) = limits.get_some("max_object") {
            match self.ok(node.text()).map(size) {
                Some(Some(bytes)) => self.config.limits.max_object_bytes = bytes,
                Some(None) => self.faults.push(
                    Fault::new(node.position, "limits.max_object is no size")
                        .hint("write it as 500MB or 16GiB"),
                ),
                None => {}
            }
        }
        if let Some(node) = limits.get_some("max_ratio") {
            match self.ok(node.integer()).map(u64::try_from) {
                Some(Ok(ratio)) if ratio > 0 => self.config.limits.max_ratio = ratio,
                Some(_) => self.faults.push(Fault::new(
                    node.position,
                    "limits.max_ratio must be a whole number above 0",
                )),
                None => {}
            }
        }
    }
}

/// `500MB`, `16GiB`, `1000` (bytes).
fn size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<ScanConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("askance.yaml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| {
            format!("{error:#}").replace(&format!("{}/", folder.path().display()), "")
        })
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let text =
            "rules: {biultin: true, levels: {a: hgih}}\nlimits: {max_object: lots, max_ratio: 0}\n";
        let error = read_text(text).unwrap_err();
        for part in [
            "1:",
            "biultin",
            "did you mean \"builtin\"?",
            "did you mean \"high\"?",
            "2:",
            "is no size",
            "above 0",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn what_is_written_counts() {
        let config = read_text(
            "rules: {paths: [x], builtin: true, disable: [a], levels: {b: low}}\nlimits: {max_object: 2GiB}\n",
        )
        .unwrap();
        assert!(config.rule_paths[0].ends_with("x") && config.rule_paths[0].is_absolute());
        assert_eq!((config.builtin, config.disable), (Some(true), vec!["a".to_owned()]));
        assert_eq!(config.levels["b"], Level::Low);
        assert_eq!(config.limits.max_object_bytes, 2 << 30);
        assert!(read_text("").is_ok());
    }
}
