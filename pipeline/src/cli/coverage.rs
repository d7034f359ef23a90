//! `askance rules coverage`: what the rules cover, as a table, as JSON, as Markdown, as a layer of the Navigator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::code;
use super::rules::Choice;
use super::summary::plural;
use crate::coverage::attack::{self, Seen, TACTICS, TECHNIQUES, VERSION};
use crate::coverage::{Coverage, navigator};
use crate::output::clean::{clean, fit, pad};
use crate::rulebook;

/// Columns of the table, so that it stands on a wide terminal.
const COLUMNS: usize = 120;

/// What can be said to `askance rules coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    #[command(flatten)]
    choice: Choice,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write a layer for the ATT&CK Navigator to this file, too
    #[arg(long, value_name = "FILE")]
    navigator: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One object, for programs
    Json,
    /// A page
    Markdown,
}

/// Does it; answers the exit code.
pub fn coverage(args: &CoverageArgs) -> anyhow::Result<u8> {
    let reading = rulebook::read(&args.choice.rules())?;
    let coverage = Coverage::of(&reading);
    if let Some(path) = &args.navigator {
        let layer = serde_json::to_string_pretty(&navigator::layer(&coverage))?;
        std::fs::write(path, layer + "\n")
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    match args.format {
        Format::Table => super::print(&table(&coverage))?,
        Format::Markdown => super::print(&markdown(&coverage))?,
        Format::Json => super::print(&format!("{:#}\n", object(&coverage)))?,
    }
    if reading.left_out.is_empty() {
        return Ok(code::OK);
    }
    super::eprintln_line(&format!(
        "askance: {} left out: `askance rules check` says why",
        plural(reading.left_out.len() as u64, "document with errors")
    ));
    Ok(code::USE)
}

/// Titles of rules, in their order.
fn titles(coverage: &Coverage, rules: &BTreeSet<usize>) -> Vec<String> {
    rules.iter().map(|index| clean(&coverage.rules[*index].title)).collect()
}

/// Covered techniques by tactic: below a tactic that their rules name, else below their first.
fn by_tactic(coverage: &Coverage) -> Vec<(&'static str, Vec<&str>)> {
    let nothing = BTreeSet::new();
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, rules) in &coverage.techniques {
        let known = TECHNIQUES.get(id.as_str());
        let possible = known.map_or(&[][..], |technique| &technique.tactics);
        let is_named = |tactic: &&str| {
            let name = attack::tactic_of(&format!("attack.{tactic}")).unwrap_or_default();
            !coverage.tactics.get(name).unwrap_or(&nothing).is_disjoint(rules)
        };
        let named: Vec<&str> = possible.iter().copied().filter(is_named).collect();
        let first = possible.first().copied().into_iter().collect();
        for tactic in if named.is_empty() { first } else { named } {
            all.entry(tactic).or_default().push(id);
        }
        if known.is_none() {
            all.entry("").or_default().push(id);
        }
    }
    let order = TACTICS.iter().copied().chain([("", "Not in the table of techniques")]);
    order.filter_map(|(key, name)| all.remove(key).map(|ids| (name, ids))).collect()
}

/// A technique's name, with its parent's.
fn name_of(id: &str) -> String {
    let name = |id: &str| TECHNIQUES.get(id).map_or("", |technique| technique.name);
    match attack::parent(id) {
        parent if parent == id || name(parent).is_empty() => name(id).to_owned(),
        parent => format!("{}: {}", name(parent), name(id)),
    }
}

/// What is said of techniques without a rule.
const GAPS: [(Seen, &str); 3] = [
    (Seen::One, "No rule, though a single record can show it"),
    (Seen::Many, "No rule; only many records together can show it"),
    (Seen::No, "CloudTrail cannot show it"),
];

/// The first lines: how many of what.
fn counts(coverage: &Coverage) -> Vec<String> {
    let (shown, covered) = coverage.share();
    vec![
        format!(
            "{}: {}, {}, {}, {}",
            plural(coverage.rules.len() as u64, "rule"),
            plural(coverage.techniques.len() as u64, "technique"),
            plural(coverage.tactics.len() as u64, "tactic"),
            plural(coverage.services.len() as u64, "service"),
            plural(coverage.controls.len() as u64, "control"),
        ),
        format!(
            "ATT&CK Enterprise {VERSION}, cloud matrix (IaaS): CloudTrail can show {shown} techniques; rules cover {covered}"
        ),
    ]
}

fn table(coverage: &Coverage) -> String {
    let mut lines = counts(coverage);
    for (tactic, ids) in by_tactic(coverage) {
        lines.extend([String::new(), tactic.to_owned()]);
        for id in ids {
            let rules = &coverage.techniques[id];
            let (name, titles) = (pad(&name_of(id), 52), titles(coverage, rules).join("; "));
            let line = format!("  {}  {name} {:>3}  {titles}", pad(&clean(id), 9), rules.len());
            lines.push(fit(&line, COLUMNS));
        }
    }
    for (title, of) in [("Services", &coverage.services), ("Controls", &coverage.controls)] {
        lines.extend([String::new(), title.to_owned()]);
        for (name, rules) in of {
            let titles = titles(coverage, rules).join("; ");
            let line = format!("  {} {:>3}  {titles}", pad(&clean(name), 24), rules.len());
            lines.push(fit(&line, COLUMNS));
        }
    }
    for (seen, title) in GAPS {
        lines.extend([String::new(), title.to_owned()]);
        for technique in coverage.missing(seen) {
            let name = pad(&name_of(technique.id), 52);
            // The reason is what this part is for: it is not cut.
            lines.push(format!("  {}  {name} {}", pad(technique.id, 9), technique.why));
        }
    }
    lines.join("\n") + "\n"
}

fn markdown(coverage: &Coverage) -> String {
    let cell = |text: &str| clean(text).replace('|', "\\|");
    let mut out = String::from("# What the rules cover\n\n");
    out.push_str(&counts(coverage).join(".\n"));
    out.push_str(".\n");
    for (tactic, ids) in by_tactic(coverage) {
        let _ = write!(out, "\n## {tactic}\n\n| technique | name | rules |\n|---|---|---|\n");
        for id in ids {
            let titles = titles(coverage, &coverage.techniques[id]).join("<br>");
            let link = format!("[{}]({})", cell(id), attack::link(&cell(id)));
            let _ = writeln!(out, "| {link} | {} | {} |", name_of(id), cell(&titles));
        }
    }
    for (title, of) in [("Services", &coverage.services), ("Controls", &coverage.controls)] {
        let _ = write!(out, "\n## {title}\n\n| | rules |\n|---|---|\n");
        for (name, rules) in of {
            let titles = titles(coverage, rules).join("<br>");
            let _ = writeln!(out, "| {} | {} |", cell(name), cell(&titles));
        }
    }
    for (seen, title) in GAPS {
        let _ = write!(out, "\n## {title}\n\n| technique | name | why |\n|---|---|---|\n");
        for technique in coverage.missing(seen) {
            let link = format!("[{}]({})", technique.id, attack::link(technique.id));
            let _ = writeln!(out, "| {link} | {} | {} |", name_of(technique.id), technique.why);
        }
    }
    out
}

fn object(coverage: &Coverage) -> Value {
    let rules = |of: &BTreeSet<usize>| -> Vec<Value> {
        let rule = |index: &usize| &coverage.rules[*index];
        let told = of.iter().map(rule);
        told.map(|r| json!({"id": r.id, "title": r.title, "level": r.level.name()})).collect()
    };
    let by_name = |of: &BTreeMap<String, BTreeSet<usize>>| -> Value {
        of.iter().map(|(name, of)| (name.clone(), Value::from(rules(of)))).collect()
    };
    let techniques: Vec<Value> = coverage
        .techniques
        .iter()
        .map(|(id, of)| {
            let tactics = TECHNIQUES.get(id.as_str()).map(|technique| &technique.tactics);
            json!({"id": id, "name": name_of(id), "tactics": tactics, "rules": rules(of)})
        })
        .collect();
    let tactics: serde_json::Map<String, Value> = coverage
        .tactics
        .iter()
        .map(|(name, of)| ((*name).to_owned(), Value::from(rules(of))))
        .collect();
    let missing: Vec<Value> = GAPS
        .iter()
        .flat_map(|(seen, _)| coverage.missing(*seen))
        .map(|technique| {
            json!({
                "id": technique.id, "name": name_of(technique.id), "tactics": technique.tactics,
                "seen": technique.seen.name(), "why": technique.why,
            })
        })
        .collect();
    let (shown, covered) = coverage.share();
    json!({
        "attack": VERSION, "rules": coverage.rules.len(),
        "cloud": {"can_be_shown": shown, "covered": covered},
        "techniques": techniques, "tactics": tactics,
        "services": by_name(&coverage.services), "controls": by_name(&coverage.controls),
        "missing": missing,
    })
}
