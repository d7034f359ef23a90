//! One line of a selection: key and modifiers, and what its values are compared with.

use super::ast::{Item, Test};
use super::modifier::{Kind, Plan};
use super::record_keys;
use super::scope::{MAX_TESTS, Scope};
use super::value;
use crate::model::{Field, PREFIX};
use crate::yaml::{Kind as NodeKind, Node, Position, nearest};

/// What a bare list of keywords is called in messages and results.
const KEYWORDS: &str = "keywords";

/// Reads `key: value`. `None` if there was an error, which is noted.
pub(super) fn read(
    scope: &mut Scope<'_>,
    key: &str,
    position: Position,
    value: &Node,
) -> Option<Item> {
    let mut names = key.split('|');
    let field = names.next().unwrap_or_default();
    let plan = match Plan::read(names) {
        Ok(plan) => plan,
        Err(refusal) => {
            let note = scope.report.error(position, refusal.message).key(key);
            if let Some(hint) = refusal.hint {
                note.hint(hint);
            }
            return None;
        }
    };
    if field.is_empty() {
        if !key.starts_with('|') {
            let note = scope.report.error(position, "a field without a name").key(key);
            note.hint("name the field, or write '|all' for keywords");
            return None;
        }
        if let Kind::Exists | Kind::FieldRef(_) | Kind::Compare(_) | Kind::Time(..) = plan.kind {
            scope.report.error(position, format!("{key:?} needs a field")).key(key);
            return None;
        }
    }
    if field.trim() != field {
        let note = scope.report.error(position, format!("field {field:?} has space around it"));
        note.key(key).hint("remove it");
        return None;
    }
    if !is_known(scope, key, field, position) {
        return None;
    }
    let values = values(scope, key, value)?;
    if plan.needs_all && values.len() == 1 {
        let note = scope.report.warn(position, format!("{key:?} has one value, \"all\" is idle"));
        note.key(key).hint("remove |all, or give a list");
    }
    if plan.kind == Kind::Exists && values.len() > 1 {
        scope.report.error(position, format!("{key:?} takes one value, true or false")).key(key);
        return None;
    }
    let field = (!field.is_empty()).then(|| field.to_owned());
    finish(scope, (field, key, position), &plan, &values)
}

/// A field that is worked out has one of a few names; any other would hold nothing for ever. So would
/// a key of CloudTrail in another letter case, most likely. What is wrong is noted.
fn is_known(scope: &mut Scope<'_>, key: &str, field: &str, position: Position) -> bool {
    if let Some(right) = record_keys::as_written(field) {
        let message =
            format!("field {field:?}: CloudTrail writes {right:?}, and letter case matters");
        scope.report.warn(position, message).key(key);
    }
    if field.contains(['[', '{']) {
        let message = format!("field {field:?}: brackets are read as letters of a key");
        let note = scope.report.warn(position, message).key(key);
        note.hint("lists are gone through by themselves: write a.b, not a[0].b");
    }
    let is_known = !field.starts_with(PREFIX) || Field::find(field).is_some();
    if !is_known {
        let names = Field::ALL.iter().map(|field| field.name());
        let note = scope.report.error(position, format!("unknown field {field:?}"));
        let otherwise = "docs/fields.md lists the fields that askance works out";
        note.key(key).near(nearest(field, names), otherwise);
    }
    is_known
}

/// Reads keywords: plain values without a key.
pub(super) fn keywords(
    scope: &mut Scope<'_>,
    position: Position,
    values: &[&Node],
) -> Option<Item> {
    let plan = Plan::read(std::iter::empty()).ok()?;
    finish(scope, (None, KEYWORDS, position), &plan, values)
}

fn finish(
    scope: &mut Scope<'_>,
    (field, written, position): (Option<String>, &str, Position),
    plan: &Plan,
    values: &[&Node],
) -> Option<Item> {
    let mut tests = Vec::with_capacity(values.len());
    let mut is_whole = true;
    for node in values {
        match value::read(scope, written, field.is_some(), plan, node) {
            Some(Test::FieldRef(other))
                if !is_known(scope, written, &other.field, node.position) =>
            {
                is_whole = false;
            }
            Some(test) => {
                if !scope.spend(count(&test)) {
                    let message = format!("more than {MAX_TESTS} values in one document");
                    scope.report.error(node.position, message).key(written);
                    return None;
                }
                tests.push(test);
            }
            None => is_whole = false,
        }
    }
    is_whole.then(|| Item {
        field,
        written: written.to_owned(),
        is_negated: plan.is_negated,
        needs_all: plan.needs_all,
        tests,
        place: scope.report.place(position),
    })
}

fn count(test: &Test) -> usize {
    match test {
        Test::AnyOf(tests) => tests.iter().map(count).sum(),
        Test::Text(_)
        | Test::Number(_)
        | Test::Bool(_)
        | Test::Null
        | Test::Exists(_)
        | Test::Regex(_)
        | Test::Cidr(_)
        | Test::Compare(..)
        | Test::FieldRef(_)
        | Test::TimePart(..) => 1,
    }
}

/// The values of a key: one, or those of a list.
fn values<'n>(scope: &mut Scope<'_>, key: &str, value: &'n Node) -> Option<Vec<&'n Node>> {
    let items: Vec<&Node> = match &value.kind {
        NodeKind::Scalar(_) => vec![value],
        NodeKind::Sequence(items) => items.iter().collect(),
        NodeKind::Mapping(_) => {
            let message = format!("field {key:?} has a mapping as value");
            let name = key.split('|').next().unwrap_or_default();
            let note = scope.report.error(value.position, message).key(key);
            note.hint(format!("Sigma names inner fields with dots: {name}.inner: value"));
            return None;
        }
    };
    if items.is_empty() {
        let message = format!("field {key:?}: an empty list never matches");
        scope.report.error(value.position, message).key(key);
        return None;
    }
    let nested = items.iter().find(|item| item.as_str().is_none());
    if let Some(nested) = nested {
        let message = format!("field {key:?} has {} among its values", nested.kind_name());
        scope.report.error(nested.position, message).key(key).hint("values are text or numbers");
        return None;
    }
    Some(items)
}
