//! Techniques of MITRE ATT&CK as a table: names, tactics, and how CloudTrail shows them. It knows no rule.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Version of ATT&CK Enterprise that the table was made from.
pub const VERSION: &str = "18.1";

/// Tactics in the order of the matrix: the name in tags, and the name for people.
pub const TACTICS: [(&str, &str); 13] = [
    ("resource-development", "Resource Development"),
    ("initial-access", "Initial Access"),
    ("execution", "Execution"),
    ("persistence", "Persistence"),
    ("privilege-escalation", "Privilege Escalation"),
    ("defense-evasion", "Defense Evasion"),
    ("credential-access", "Credential Access"),
    ("discovery", "Discovery"),
    ("lateral-movement", "Lateral Movement"),
    ("collection", "Collection"),
    ("command-and-control", "Command and Control"),
    ("exfiltration", "Exfiltration"),
    ("impact", "Impact"),
];

/// How CloudTrail shows a technique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A single record can show it.
    One,
    /// Only many records together do; single ones are ordinary work.
    Many,
    /// It cannot.
    No,
    /// The technique is not in the cloud matrix: known for its name only.
    Other,
}

impl Seen {
    /// As the table and JSON write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Many => "many",
            Self::No => "no",
            Self::Other => "other",
        }
    }
}

/// A technique or sub-technique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technique {
    /// `T1078`, `T1078.004`.
    pub id: &'static str,
    /// Its own name; that of a sub-technique does not repeat its parent's.
    pub name: &'static str,
    /// Names as in tags.
    pub tactics: Vec<&'static str>,
    /// How CloudTrail shows it.
    pub seen: Seen,
    /// Why that is so; empty for `Other`.
    pub why: &'static str,
}

/// All techniques of the table, by number.
pub static TECHNIQUES: LazyLock<BTreeMap<&'static str, Technique>> =
    LazyLock::new(|| read(include_str!("techniques.tsv")));

fn read(text: &'static str) -> BTreeMap<&'static str, Technique> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut cells = line.split('\t');
            let mut cell = || cells.next().unwrap_or_default();
            let (id, name, tactics) = (cell(), cell(), cell().split(',').collect());
            let seen = match cell() {
                "one" => Seen::One,
                "many" => Seen::Many,
                "no" => Seen::No,
                _ => Seen::Other,
            };
            (id, Technique { id, name, tactics, seen, why: cell() })
        })
        .collect()
}

/// The number of a technique in a tag: `T1078.004` of `attack.t1078.004`.
pub fn technique_of(tag: &str) -> Option<String> {
    let number = tag.strip_prefix("attack.")?.strip_prefix(['t', 'T'])?;
    let is_number = number.len() >= 4
        && number.starts_with(|first: char| first.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number.then(|| format!("T{number}"))
}

/// The name of a tactic for people, of a tag: `Initial Access` of `attack.initial-access`.
pub fn tactic_of(tag: &str) -> Option<&'static str> {
    let name = tag.strip_prefix("attack.")?.replace('_', "-");
    TACTICS.iter().find(|(key, _)| *key == name).map(|(_, name)| *name)
}

/// The page of a technique.
pub fn link(id: &str) -> String {
    format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/"))
}

/// `T1078` of `T1078.004`; a technique is its own.
pub fn parent(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_whole() {
        for (id, technique) in TECHNIQUES.iter() {
            assert_eq!(technique_of(&format!("attack.{id}").to_lowercase()).as_deref(), Some(*id));
            assert!(!technique.name.is_empty(), "{id}");
            for tactic in &technique.tactics {
                assert!(TACTICS.iter().any(|(key, _)| key == tactic), "{id}: {tactic}");
            }
            assert_eq!(technique.why.is_empty(), technique.seen == Seen::Other, "{id}");
        }
        let of = |seen| TECHNIQUES.values().filter(|technique| technique.seen == seen).count();
        assert_eq!(of(Seen::One) + of(Seen::Many) + of(Seen::No), 104);
    }

    #[test]
    fn tags_are_techniques_or_tactics() {
        assert_eq!(technique_of("attack.T1078.004").as_deref(), Some("T1078.004"));
        assert_eq!(technique_of("attack.tool"), None);
        assert_eq!(technique_of("cve.2021-44228"), None);
        assert_eq!(tactic_of("attack.initial_access"), Some("Initial Access"));
        assert_eq!(tactic_of("attack.g0016"), None);
    }
}
