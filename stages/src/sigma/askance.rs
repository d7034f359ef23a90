//! The `askance:` block: what is asked, of whom, and what else a rule says to people.

use super::ast::{Askance, Emit};
use super::scope::Scope;
use crate::yaml::{Mapping, Node, Position, nearest};

const KEYS: [&str; 8] = ["resource", "ask", "why", "fix", "verify", "route", "controls", "always"];

/// Keys of a correlation's block: what it is about is what its events share.
const KEYS_OF_CORRELATION: [&str; 7] = ["ask", "why", "fix", "verify", "route", "controls", "emit"];

/// Who may be asked.
const ROUTES: [&str; 3] = ["owner", "actor", "security"];

/// Reads the block of a rule; errors are noted.
pub(super) fn read(scope: &mut Scope<'_>, node: &Node) -> Option<Askance> {
    let mapping = scope.report.checked("askance", node.mapping())?;
    Some(block(scope, mapping, &KEYS))
}

/// Reads the block of a correlation, and when it shall be told; errors are noted.
pub(super) fn read_of_correlation(
    scope: &mut Scope<'_>,
    node: &Node,
) -> (Option<Askance>, Option<(Emit, Position)>) {
    let Some(mapping) = scope.report.checked("askance", node.mapping()) else {
        return (None, None);
    };
    let askance = block(scope, mapping, &KEYS_OF_CORRELATION);
    (Some(askance), emit(scope, mapping))
}

fn emit(scope: &mut Scope<'_>, mapping: &Mapping) -> Option<(Emit, Position)> {
    let node = mapping.get_some("emit")?;
    match scope.report.checked("emit", node.text())? {
        "early" => Some((Emit::Early, node.position)),
        "settled" => Some((Emit::Settled, node.position)),
        other => {
            let note = scope.report.error(node.position, format!("unknown emit {other:?}"));
            note.key("emit").near(nearest(other, ["early", "settled"]), "early or settled");
            None
        }
    }
}

fn block(scope: &mut Scope<'_>, mapping: &Mapping, keys: &[&str]) -> Askance {
    for fault in mapping.unknown_keys(keys) {
        scope.report.fault(fault);
    }
    let (ask_en, ask_ja) = languages(scope, mapping, "ask");
    let (why, why_ja) = languages(scope, mapping, "why");
    let (fix, fix_ja) = languages(scope, mapping, "fix");
    let askance = Askance {
        resource: texts(scope, mapping, "resource"),
        ask_en,
        ask_ja,
        why,
        why_ja,
        fix,
        fix_ja,
        verify: mapping
            .get_some("verify")
            .and_then(|node| scope.report.checked("verify", node.text()))
            .map(str::to_owned),
        route: texts(scope, mapping, "route"),
        controls: texts(scope, mapping, "controls"),
        always: mapping
            .get_some("always")
            .and_then(|node| scope.report.checked("always", node.boolean()))
            .unwrap_or(false),
    };
    if let Some(node) = mapping.get("route") {
        for route in askance.route.iter().filter(|route| !ROUTES.contains(&route.as_str())) {
            let note = scope.report.error(node.position, format!("unknown route {route:?}"));
            note.key("route").near(nearest(route, ROUTES), "owner, actor or security");
        }
    }
    askance
}

fn texts(scope: &mut Scope<'_>, mapping: &Mapping, key: &str) -> Vec<String> {
    let Some(node) = mapping.get(key) else { return Vec::new() };
    scope.report.checked(key, node.texts()).unwrap_or_default()
}

/// A text in English, or in both languages.
fn languages(
    scope: &mut Scope<'_>,
    mapping: &Mapping,
    key: &str,
) -> (Option<String>, Option<String>) {
    let Some(node) = mapping.get_some(key) else { return (None, None) };
    let Some(inner) = node.as_mapping() else {
        return (scope.report.checked(key, node.text()).map(str::to_owned), None);
    };
    for fault in inner.unknown_keys(&["en", "ja"]) {
        scope.report.fault(fault);
    }
    let mut text = |language: &str| {
        let node = inner.get_some(language)?;
        scope.report.checked(key, node.text()).map(str::to_owned)
    };
    (text("en"), text("ja"))
}
