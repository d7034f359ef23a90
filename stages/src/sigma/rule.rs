//! A rule document to a rule. What others refer to (ids, filters) is not looked at here.

use super::askance;
use super::ast::{Level, LogSource, Rule};
use super::detection;
use super::document::Document;
use super::scope::Scope;
use crate::yaml::{Mapping, nearest};

/// What every kind of document says of itself.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) name: Option<String>,
    pub(super) level: Level,
    pub(super) place: super::ast::Place,
}

/// Reads title, id, name and level.
pub(super) fn head(scope: &mut Scope<'_>, document: &Document) -> Option<Head> {
    let mapping = &document.mapping;
    let level = level(scope, mapping);
    let id = text(scope, mapping, "id").filter(|id| !id.is_empty());
    let name = text(scope, mapping, "name").filter(|name| !name.is_empty());
    let position = mapping.entry("title").map_or(document.position, |entry| entry.key_position);
    let is_text = mapping.get_some("title").is_none_or(|node| node.as_str().is_some());
    let Some(title) = text(scope, mapping, "title").filter(|title| !title.trim().is_empty()) else {
        if is_text {
            scope.report.error(position, "missing \"title\"").key("title");
        }
        return None;
    };
    Some(Head {
        id: id.unwrap_or_else(|| title.clone()),
        title,
        name,
        level: level?,
        place: scope.report.place(position),
    })
}

fn level(scope: &mut Scope<'_>, mapping: &Mapping) -> Option<Level> {
    let Some(node) = mapping.get_some("level") else { return Some(Level::Medium) };
    let name = scope.report.checked("level", node.text())?;
    let level = Level::from_name(&name.to_lowercase());
    if level.is_none() {
        let known = Level::ALL.map(Level::name);
        let note =
            scope.report.error(node.position, format!("unknown level {name:?}")).key("level");
        note.near(nearest(name, known), &known.join(", "));
    }
    level
}

/// Reads a rule; errors are noted.
pub(super) fn read(
    scope: &mut Scope<'_>,
    document: &Document,
    log_source: LogSource,
) -> Option<Rule> {
    let mapping = &document.mapping;
    let head = head(scope, document);
    let status = remarks(scope, mapping, "status").pop();
    let description = remarks(scope, mapping, "description").pop();
    let tags = remarks(scope, mapping, "tags");
    let references = remarks(scope, mapping, "references");
    let false_positives = remarks(scope, mapping, "falsepositives");
    let askance = match mapping.get_some("askance") {
        Some(node) => askance::read(scope, node),
        None => None,
    };
    for key in ["filter", "correlation"].iter().filter(|key| mapping.has(key)) {
        let message = format!("a document cannot hold both \"detection\" and {key:?}");
        scope.report.error(document.position, message).key(key);
    }
    let detection = match mapping.get("detection") {
        Some(node) => {
            let lacks = node.as_mapping().is_some_and(|block| !block.has("condition"));
            if let Some(entry) = mapping.entry("condition").filter(|_| lacks) {
                let message = "\"condition\" stands outside of \"detection\"";
                let note = scope.report.error(entry.key_position, message).key("condition");
                note.hint("indent it as far as the selections");
            }
            detection::read(scope, node, "detection", &[])
        }
        None => None,
    };
    let head = head?;
    Some(Rule {
        id: head.id,
        title: head.title,
        name: head.name,
        level: head.level,
        status,
        description,
        tags,
        references,
        false_positives,
        log_source,
        detection: detection?,
        filters: Vec::new(),
        askance,
        is_silent: false,
        place: head.place,
    })
}

/// The text of a key that may be absent or null.
pub(super) fn text(scope: &mut Scope<'_>, mapping: &Mapping, key: &str) -> Option<String> {
    let node = mapping.get_some(key)?;
    scope.report.checked(key, node.text()).map(str::to_owned)
}

/// One text or a list of texts; nothing where the key is absent or null.
pub(super) fn texts(scope: &mut Scope<'_>, mapping: &Mapping, key: &str) -> Vec<String> {
    let Some(node) = mapping.get_some(key) else { return Vec::new() };
    scope.report.checked(key, node.texts()).unwrap_or_default()
}

/// One text or a list of texts that only people read; nothing where the key is absent or null.
///
/// What is no text is left out and warned of: the rule matches the same without it.
pub(super) fn remarks(scope: &mut Scope<'_>, mapping: &Mapping, key: &str) -> Vec<String> {
    let Some(node) = mapping.get_some(key) else { return Vec::new() };
    let one = std::slice::from_ref(node);
    let mut remarks = Vec::new();
    for item in node.as_sequence().unwrap_or(one) {
        match item.text() {
            Ok(text) => remarks.push(text.to_owned()),
            Err(fault) => {
                let message = format!("{key}: {}", fault.message);
                scope.report.warn(fault.position, message).key(key);
            }
        }
    }
    remarks
}
