//! Which documents run here: rules and filters for CloudTrail, and correlations.

use super::ast::LogSource;
use super::document::Document;
use super::problem::Report;
use crate::yaml::{Entry, Mapping, Node, nearest};

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Rule,
    Filter,
    Correlation,
}

/// Whether a document runs.
#[derive(Debug)]
pub(super) enum Class {
    /// It does, unless errors are found in it.
    Runs(Role, LogSource),
    /// It does not, and nothing about it is told but why.
    Skipped(String),
    /// It would, but for an error, which is noted.
    Wrong,
}

/// Top-level keys of Sigma and askance.
const KEYS: [&str; 24] = [
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "logsource",
    "detection",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "correlation",
    "filter",
    "generate",
    "askance",
    "action",
];

/// Those of them that only people read. A rule means the same without them, and their near misses
/// are many: the specification itself says `reference` and `references`.
const REMARKS: [&str; 13] = [
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "fields",
    "falsepositives",
    "tags",
    "scope",
];

const SOURCE_KEYS: [&str; 4] = ["product", "service", "category", "definition"];

/// The log that is read, as `logsource` names it.
const PRODUCT: &str = "aws";
const SERVICE: &str = "cloudtrail";

/// Decides whether a document runs here. What it notes is to be told unless it says `Skipped`.
pub(super) fn classify(document: &Document, report: &mut Report) -> Class {
    let mapping = &document.mapping;
    if mapping.has("cases") {
        return Class::Skipped("a case file, not a rule".to_owned());
    }
    let misses = mapping.near_misses(&KEYS);
    let Some((role, is_misspelled)) = role(mapping, &misses) else {
        return without_role(document, report);
    };
    let class = match role {
        Role::Correlation => Class::Runs(role, LogSource::default()),
        Role::Rule | Role::Filter => {
            let near = misses.iter().find(|(_, key)| *key == "logsource").map(|(entry, _)| *entry);
            match mapping.entry("logsource").or(near) {
                None if is_misspelled => {
                    return Class::Skipped("no detection, filter or correlation".to_owned());
                }
                None => {
                    let note = report.error(document.position, "missing \"logsource\"");
                    note.key("logsource").hint("without it nobody can tell where the rule runs");
                    Class::Wrong
                }
                Some(entry) => source(&entry.value, report, role),
            }
        }
    };
    if let Class::Skipped(_) = class {
        return class;
    }
    for (entry, key) in misses {
        let message = format!("unknown key {:?}", entry.key);
        let note = match REMARKS.contains(&key) {
            true => report.warn(entry.key_position, message),
            false => report.error(entry.key_position, message),
        };
        note.key(&entry.key).hint(format!("did you mean {key:?}?"));
    }
    class
}

/// The role of a document, and whether the key that tells it is misspelled.
fn role(mapping: &Mapping, misses: &[(&Entry, &str)]) -> Option<(Role, bool)> {
    let roles =
        [("correlation", Role::Correlation), ("filter", Role::Filter), ("detection", Role::Rule)];
    if let Some((_, role)) = roles.iter().find(|(key, _)| mapping.has(key)) {
        return Some((*role, false));
    }
    let named = |key: &str| misses.iter().any(|(_, near)| *near == key);
    let (_, role) = roles.iter().find(|(key, _)| named(key))?;
    if *role == Role::Correlation && !mapping.has("title") {
        return None;
    }
    Some((*role, true))
}

/// A document that is no rule, unless it says that it is about CloudTrail.
fn without_role(document: &Document, report: &mut Report) -> Class {
    let mapping = &document.mapping;
    if let (Some(entry), true) = (mapping.entry("logsource"), mapping.has("title")) {
        let mut found = Report::new(document.file.clone());
        if let Class::Runs(..) = source(&entry.value, &mut found, Role::Rule) {
            report.error(document.position, "missing \"detection\"").key("detection");
            return Class::Wrong;
        }
    }
    Class::Skipped("no detection, filter or correlation".to_owned())
}

/// Reads a log source and tells whether it is read here.
fn source(node: &Node, report: &mut Report, role: Role) -> Class {
    let Some(mapping) = report.checked("logsource", node.mapping()) else { return Class::Wrong };
    let misses = mapping.near_misses(&SOURCE_KEYS);
    let mut is_whole = true;
    let mut text = |key: &str| {
        let near = misses.iter().find(|(_, near)| *near == key).map(|(entry, _)| &entry.value);
        let node = mapping.get_some(key).or(near)?;
        let text = report.checked(key, node.text());
        is_whole &= text.is_some();
        text.map(str::to_owned)
    };
    let source = LogSource {
        product: text("product"),
        service: text("service"),
        category: text("category"),
    };
    if !is_whole {
        return Class::Wrong;
    }
    let class = runs(source, mapping, report, role);
    if let Class::Runs(..) | Class::Wrong = class {
        for (entry, key) in misses {
            let note = report.error(entry.key_position, format!("unknown key {:?}", entry.key));
            note.key(&entry.key).hint(format!("did you mean {key:?}?"));
        }
    }
    class
}

fn runs(source: LogSource, mapping: &Mapping, report: &mut Report, role: Role) -> Class {
    let position = |key: &str| mapping.get(key).map(|node| node.position);
    let product = source.product.as_deref().map(str::to_lowercase);
    let service = source.service.as_deref().map(str::to_lowercase);
    let is_ours = service.as_deref() == Some(SERVICE);
    match product.as_deref() {
        Some(PRODUCT) => {}
        // No other product has a service of that name, so it says enough by itself.
        None if is_ours => {
            return Class::Runs(role, LogSource { product: Some(PRODUCT.to_owned()), ..source });
        }
        None => return Class::Skipped("its logsource names no product".to_owned()),
        Some(product) => {
            if let (Some(near), true, Some(at)) =
                (nearest(product, [PRODUCT]), is_ours, position("product"))
            {
                let note = report.error(at, format!("unknown product {product:?}"));
                note.key("product").hint(format!("did you mean {near:?}?"));
                return Class::Wrong;
            }
            return Class::Skipped(format!("for another log: product {product:?}"));
        }
    }
    match service.as_deref() {
        None | Some(SERVICE) => Class::Runs(role, source),
        Some(service) => {
            if let (Some(near), Some(at)) = (nearest(service, [SERVICE]), position("service")) {
                let note = report.error(at, format!("unknown service {service:?}"));
                note.key("service").hint(format!("did you mean {near:?}?"));
                return Class::Wrong;
            }
            Class::Skipped(format!("for another log: service {service:?} of aws"))
        }
    }
}
