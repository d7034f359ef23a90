//! `detection` and `filter` blocks: named selections and their condition.

use super::ast::{Detection, Expr, Search, Selection};
use super::condition;
use super::item;
use super::scope::Scope;
use crate::yaml::{Entry, Kind, Mapping, Node, Position};

/// Most selections of one block.
const MAX_SELECTIONS: usize = 1000;

/// Reads the selections and condition of a block, without the keys in `aside`.
///
/// `None` if there was an error, which is noted.
pub(super) fn read(
    scope: &mut Scope<'_>,
    block: &Node,
    block_name: &str,
    aside: &[&str],
) -> Option<Detection> {
    let Some(mapping) = block.as_mapping() else {
        let message = format!("expected a mapping, found {}", block.kind_name());
        scope.report.error(block.position, format!("{block_name}: {message}")).key(block_name);
        return None;
    };
    let mut selections = Vec::new();
    let mut names = Vec::new();
    let mut is_whole = true;
    for entry in &mapping.entries {
        match entry.key.as_str() {
            "condition" => continue,
            "timeframe" if entry.value.as_str().is_some() => {
                // A condition that counts is not read at all; any other means the same without it.
                let message = "\"timeframe\" is not looked at: the condition counts nothing";
                let note = scope.report.warn(entry.key_position, message).key("timeframe");
                note.hint("to count events, use a correlation document");
                continue;
            }
            key if aside.contains(&key) => continue,
            _ => {}
        }
        names.push(entry.key.as_str());
        match selection(scope, entry) {
            Some(selection) => selections.push(selection),
            None => is_whole = false,
        }
    }
    if names.len() > MAX_SELECTIONS {
        let message = format!("more than {MAX_SELECTIONS} selections");
        scope.report.error(block.position, message).key(block_name);
        return None;
    }
    let mut used = vec![false; names.len()];
    let (condition, condition_text) = conditions(scope, mapping, block, &names, &mut used)?;
    if !is_whole {
        return None;
    }
    for (selection, _) in selections.iter().zip(&used).filter(|(_, used)| !**used) {
        let message = format!("selection {:?} is not used by the condition", selection.name);
        let position = Position { line: selection.place.line, column: selection.place.column };
        scope.report.warn(position, message).key(&selection.name);
    }
    Some(Detection { selections, condition, condition_text })
}

fn selection(scope: &mut Scope<'_>, entry: &Entry) -> Option<Selection> {
    if !condition::is_name(&entry.key) {
        let message = format!("selection name {:?} cannot be used in a condition", entry.key);
        let note = scope.report.error(entry.key_position, message).key(&entry.key);
        note.hint("names are made of letters, digits, _, - and .");
        return None;
    }
    Some(Selection {
        name: entry.key.clone(),
        search: search(scope, &entry.key, &entry.value)?,
        place: scope.report.place(entry.key_position),
    })
}

/// Reads what a selection is made of. It recurses no deeper than the YAML is nested.
fn search(scope: &mut Scope<'_>, name: &str, node: &Node) -> Option<Search> {
    match &node.kind {
        Kind::Scalar(_) if node.is_null() => {
            scope.report.error(node.position, format!("selection {name:?} is empty")).key(name);
            None
        }
        Kind::Scalar(_) => item::keywords(scope, node.position, &[node]).map(Search::Item),
        Kind::Mapping(mapping) => map(scope, name, node, mapping),
        Kind::Sequence(items) => list(scope, name, node, items),
    }
}

fn map(scope: &mut Scope<'_>, name: &str, node: &Node, mapping: &Mapping) -> Option<Search> {
    if mapping.entries.is_empty() {
        let note = scope.report.error(node.position, format!("selection {name:?} is empty"));
        note.key(name).hint("an empty map would match everything");
        return None;
    }
    let mut parts = Vec::with_capacity(mapping.entries.len());
    let mut is_whole = true;
    for entry in &mapping.entries {
        match item::read(scope, &entry.key, entry.key_position, &entry.value) {
            Some(item) => parts.push(Search::Item(item)),
            None => is_whole = false,
        }
    }
    is_whole.then_some(Search::All(parts))
}

fn list(scope: &mut Scope<'_>, name: &str, node: &Node, items: &[Node]) -> Option<Search> {
    if items.is_empty() {
        let message = format!("selection {name:?}: an empty list never matches");
        scope.report.error(node.position, message).key(name);
        return None;
    }
    let keywords: Vec<&Node> = items.iter().filter(|item| item.as_str().is_some()).collect();
    let mut parts = Vec::new();
    let mut is_whole = true;
    if let Some(first) = keywords.first() {
        match item::keywords(scope, first.position, &keywords) {
            Some(item) if keywords.len() == items.len() => return Some(Search::Item(item)),
            Some(item) => parts.push(Search::Item(item)),
            None => is_whole = false,
        }
    }
    for item in items.iter().filter(|item| item.as_str().is_none()) {
        match search(scope, name, item) {
            Some(part) => parts.push(part),
            None => is_whole = false,
        }
    }
    is_whole.then_some(Search::Any(parts))
}

/// Reads the condition, or the list of them, joined by OR.
fn conditions(
    scope: &mut Scope<'_>,
    mapping: &Mapping,
    block: &Node,
    names: &[&str],
    used: &mut [bool],
) -> Option<(Expr, String)> {
    let Some(entry) = mapping.entry("condition") else {
        let near = mapping.near_misses(&["condition"]);
        let position = near.first().map_or(block.position, |(entry, _)| entry.key_position);
        let note = scope.report.error(position, "missing \"condition\"").key("condition");
        if let Some((entry, _)) = near.first() {
            note.hint(format!("{:?} is read as a selection", entry.key));
        }
        return None;
    };
    let written: Vec<&Node> = match &entry.value.kind {
        Kind::Sequence(items) => items.iter().collect(),
        Kind::Scalar(_) | Kind::Mapping(_) => vec![&entry.value],
    };
    if written.is_empty() {
        scope.report.error(entry.value.position, "the condition is empty").key("condition");
        return None;
    }
    let mut parts = Vec::with_capacity(written.len());
    let mut texts = Vec::with_capacity(written.len());
    let mut is_whole = true;
    for node in written {
        let text = scope.report.checked("condition", node.text());
        let Some(text) = text else {
            is_whole = false;
            continue;
        };
        texts.push(text.trim());
        match condition::parse(text, names, used) {
            Ok(expr) => parts.push(expr),
            Err(refusal) => {
                is_whole = false;
                let note = scope.report.error(node.position, refusal.message).key("condition");
                if let Some(hint) = refusal.hint {
                    note.hint(hint);
                }
            }
        }
    }
    if !is_whole {
        return None;
    }
    let text = texts.join(" or ");
    let expr = match parts.len() {
        1 => parts.swap_remove(0),
        _ => Expr::Or(parts),
    };
    Some((expr, text))
}
