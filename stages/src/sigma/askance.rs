//! The `askance:` block: what is asked, of whom, and what else a rule says to people.

use super::ast::Askance;
use super::scope::Scope;
use crate::yaml::{Mapping, Node, nearest};

const KEYS: [&str; 7] = ["resource", "ask", "why", "fix", "verify", "route", "controls"];

/// Who may be asked.
const ROUTES: [&str; 3] = ["owner", "actor", "security"];

/// Reads the block; errors are noted.
pub(super) fn read(scope: &mut Scope<'_>, node: &Node) -> Option<Askance> {
    let mapping = scope.report.checked("askance", node.mapping())?;
    for fault in mapping.unknown_keys(&KEYS) {
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
    };
    if let Some(node) = mapping.get("route") {
        for route in askance.route.iter().filter(|route| !ROUTES.contains(&route.as_str())) {
            let note = scope.report.error(node.position, format!("unknown route {route:?}"));
            note.key("route").near(nearest(route, ROUTES), "owner, actor or security");
        }
    }
    Some(askance)
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
