//! Holds `docs/rules/`, a page for each built-in rule and an index, against the rules; `UPDATE_EXPECT=1` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use askance_stages::sigma::ast::{Rule, Search};
use serde_json::{Map, Value};

use crate::cases;
use crate::coverage::attack::{self, TACTICS, TECHNIQUES};
use crate::rulebook::{self, RuleChoice, RuleFile};
use crate::subject::{By, Subject};

/// Fields of an example that are shown even where the rule does not look at them.
const SHOWN: [&str; 5] =
    ["eventTime", "eventSource", "eventName", "awsRegion", "requestParameters"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules")
}

/// Where a rule's page stands below `docs/rules`: `iam/access_key.md`.
fn page_of(rule: &Subject<'_>) -> String {
    let path = rule.place().file.trim_start_matches("rules/");
    let path = path.strip_prefix("cloudtrail/").unwrap_or(path);
    format!("{}.md", path.trim_end_matches(".yml"))
}

/// The block of a top key, as it is written.
fn block<'t>(text: &'t str, key: &str) -> &'t str {
    let start = text.find(&format!("\n{key}:")).map_or(text.len(), |at| at + 1);
    let rest = &text[start..];
    let end = rest.match_indices('\n').find(|(at, _)| {
        rest[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic() || next == '-')
    });
    end.map_or(rest, |(at, _)| &rest[..at]).trim_end()
}

/// Top fields of a record that the rule looks at.
fn fields(search: &Search, found: &mut BTreeSet<String>) {
    match search {
        Search::All(parts) | Search::Any(parts) => {
            parts.iter().for_each(|part| fields(part, found));
        }
        Search::Item(item) => {
            let top = item.field.as_deref().and_then(|field| field.split('.').next());
            found.extend(top.map(str::to_owned));
        }
    }
}

/// The first event that the rule hits: what it looks at, who did it, and the request.
fn example(rules: &[&Rule], event: &Value) -> String {
    let mut wanted: BTreeSet<String> = SHOWN.map(str::to_owned).into();
    let selections = rules.iter().flat_map(|rule| &rule.detection.selections);
    selections.for_each(|selection| fields(&selection.search, &mut wanted));
    let mut short = Map::new();
    for (key, value) in event.as_object().into_iter().flatten() {
        if key == "userIdentity" {
            let part = |name: &&str| value.get(name).map(|v| ((*name).to_owned(), v.clone()));
            let parts: Map<String, Value> =
                ["type", "arn", "invokedBy"].iter().filter_map(part).collect();
            short.insert(key.clone(), parts.into());
        } else if wanted.contains(key) && !value.is_null() {
            short.insert(key.clone(), value.clone());
        }
    }
    format!("{:#}", Value::Object(short))
}

fn page(rule: &Subject<'_>, rules: &[&Rule], text: &str, events: &[Value]) -> String {
    let askance = rule.askance.unwrap();
    let say = |text: &Option<String>| text.clone().unwrap_or_default().trim().to_owned();
    let mut out = format!("# {}\n\nLevel: **{}**. ", rule.title, rule.level.name());
    let up = "../".repeat(page_of(rule).matches('/').count() + 2);
    let _ = write!(out, "Rule: [`{0}`]({up}{0}), id `{1}`.", rule.place().file, rule.id);
    let _ = write!(
        out,
        " [All rules]({}README.md)\n\n{}\n",
        &up[6..],
        rule.description.unwrap_or_default().trim()
    );
    for (title, en, ja) in [
        ("Question", &askance.ask_en, &askance.ask_ja),
        ("Why", &askance.why, &askance.why_ja),
        ("What to do", &askance.fix, &askance.fix_ja),
    ] {
        let _ = write!(out, "\n## {title}\n\n{}\n\n{}\n", say(en), say(ja));
    }
    let _ = write!(out, "\nAsked: {}.\n", askance.route.join(", "));
    let blocks = match rule.by {
        By::Rule(_) => block(text, "detection").to_owned(),
        By::Correlation(_) => counted(text),
    };
    let _ = write!(out, "\n## What it looks at\n\n```yaml\n{blocks}\n```\n");
    let _ = write!(out, "\n## When it is no reason to worry\n\n");
    for reason in rule.false_positives() {
        let _ = writeln!(out, "- {reason}");
    }
    let _ = write!(out, "\n## ATT&CK and controls\n\n");
    for id in rule.tags.iter().filter_map(|tag| attack::technique_of(tag)) {
        let name = TECHNIQUES.get(id.as_str()).map_or("", |technique| technique.name);
        let _ = writeln!(out, "- [{id} {name}]({})", attack::link(&id));
    }
    let tactics: Vec<_> = rule.tags.iter().filter_map(|tag| attack::tactic_of(tag)).collect();
    let _ = writeln!(out, "- Tactics: {}", tactics.join(", "));
    if !askance.controls.is_empty() {
        let _ = writeln!(out, "- Controls: {}", askance.controls.join(", "));
    }
    for reference in rule.references {
        let _ = writeln!(out, "- <{reference}>");
    }
    let event = example(rules, &events[0]);
    let title = match rule.by {
        By::Rule(_) => "An event that it finds".to_owned(),
        By::Correlation(_) => format!("The first of {} events that it finds", events.len()),
    };
    let _ = write!(out, "\n## {title}\n\nShortened.\n\n```json\n{event}\n```\n");
    out
}

/// Of a file with a correlation and what feeds it: each document's detection or correlation.
fn counted(text: &str) -> String {
    let documents = text.split("\n---\n").map(|text| format!("\n{text}"));
    let of = |text: &String| {
        let (detection, correlation) = (block(text, "detection"), block(text, "correlation"));
        let name = block(text, "name");
        let parts = [name, detection, correlation].into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("\n")
    };
    documents
        .map(|text| of(&text))
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n---\n")
}

const HEAD: &str = "# The built-in rules

Made from the rules and held against them by a test. How rules are written is in [Rules](../rules.md);
`askance rules coverage` tells what they cover and what they do not.
";

fn index(rules: &[Subject<'_>]) -> String {
    let mut out = format!("{HEAD}\n{} rules.\n\n## By service\n", rules.len());
    let mut services: BTreeMap<String, Vec<&Subject<'_>>> = BTreeMap::new();
    for rule in rules {
        let page = page_of(rule);
        let service = page.split('/').next().unwrap_or_default().to_owned();
        services.entry(service).or_default().push(rule);
    }
    for (service, of) in &services {
        let _ = write!(out, "\n### {service}\n\n| rule | level |\n|---|---|\n");
        for rule in of {
            let page = page_of(rule);
            let _ = writeln!(out, "| [{}]({page}) | {} |", rule.title, rule.level.name());
        }
    }
    out.push_str("\n## By tactic\n");
    for (_, name) in TACTICS {
        let is_of =
            |rule: &&Subject<'_>| rule.tags.iter().any(|tag| attack::tactic_of(tag) == Some(name));
        let of: Vec<_> = rules.iter().filter(is_of).collect();
        if !of.is_empty() {
            let _ = write!(out, "\n### {name}\n\n");
        }
        for rule in of {
            let _ = writeln!(out, "- [{}]({})", rule.title, page_of(rule));
        }
    }
    out
}

/// Every page by its path below `docs/rules`.
fn pages() -> BTreeMap<String, String> {
    let choice = RuleChoice::default();
    let reading = rulebook::read(&choice).unwrap();
    let rules: Vec<Subject<'_>> = Subject::all(&reading).collect();
    let files = rulebook::files(&choice).unwrap();
    let text: BTreeMap<&str, &RuleFile> = files.iter().map(|file| (&*file.path, file)).collect();
    let mut pages = BTreeMap::from([("README.md".to_owned(), index(&rules))]);
    for rule in &rules {
        let name = rule.place().file.replace(".yml", ".cases.yml");
        let cases = cases::read(text[name.as_str()]).unwrap().unwrap();
        let event = cases.cases.iter().find(|case| case.is_hit).unwrap();
        let text = &text[&*rule.place().file].text;
        let page = page(rule, &rule.rules(&reading), text, &event.events);
        assert!(pages.insert(page_of(rule), page).is_none(), "two rules of one page: {name}");
    }
    pages
}

/// Pages that stand below `docs/rules`.
fn written() -> BTreeSet<String> {
    let root = folder();
    let files = walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok);
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(&root).unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn the_page_of_each_rule_is_current() {
    let pages = pages();
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    if is_update {
        for stale in written().iter().filter(|path| !pages.contains_key(*path)) {
            fs::remove_file(folder().join(stale)).unwrap();
        }
    }
    for (path, page) in &pages {
        let place = folder().join(path);
        if is_update {
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, page).unwrap();
        }
        let found = fs::read_to_string(&place).unwrap_or_default();
        assert!(found == *page, "docs/rules/{path} is stale: UPDATE_EXPECT=1 writes it");
    }
    let known: BTreeSet<String> = pages.into_keys().collect();
    assert_eq!(written(), known, "docs/rules has pages of no rule, or lacks some");
}

#[test]
fn a_block_ends_where_the_next_key_begins() {
    let text = "title: a\ndetection:\n    a:\n\n        b: c\n    condition: a\nlevel: low\n";
    assert_eq!(block(text, "detection"), "detection:\n    a:\n\n        b: c\n    condition: a");
    assert_eq!(block(text, "level"), "level: low");
    assert_eq!(block(text, "fields"), "");
}
