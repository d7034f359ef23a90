//! Reads request parameters whose spelling and nesting vary by service: lists in `items`, single
//! elements where others have lists, and keys in either case.
//!
//! It knows no service: which keys to look at is the caller's to say.

use simd_json::StaticNode;

use crate::model::{Lookup, Record};

/// Keys whose only purpose is to hold the elements of a list.
const WRAPPERS: [&str; 3] = ["items", "item", "member"];

/// The service and the name of a call. Lambda writes the version of its interface behind the name, which
/// is left out.
pub(super) fn call<'r>(record: &Record<'r>) -> Option<(&'r str, &'r str)> {
    let source = record.text(&["eventSource"])?.strip_suffix(".amazonaws.com")?;
    let name = record.text(&["eventName"])?;
    let end = if source == "lambda" { name.find(|c: char| c.is_ascii_digit()) } else { None };
    Some((source, &name[..end.unwrap_or(name.len())]))
}

/// Position of the request's parameters.
pub(super) fn parameters(record: &Record<'_>) -> Option<usize> {
    record.at(&["requestParameters"])
}

/// True if CloudTrail cut anything of the request's parameters.
pub(super) fn is_cut(record: &Record<'_>) -> bool {
    parameters(record).is_some_and(|at| record.is_cut_within(at))
}

/// What stands at a path below `position`, in either case and with every list taken apart.
pub(super) fn each(record: &Record<'_>, position: usize, path: &[&str]) -> Vec<usize> {
    let mut here = open(record, position);
    for step in path {
        let members = here.iter().flat_map(|at| record.members(*at));
        let values = members.filter(|(key, _)| key.eq_ignore_ascii_case(step));
        here = values.flat_map(|(_, value)| open(record, value)).collect();
    }
    here
}

/// The elements if it is a list, else the value itself.
fn open(record: &Record<'_>, position: usize) -> Vec<usize> {
    let mut left = vec![position];
    let mut opened = Vec::new();
    while let Some(at) = left.pop() {
        let mut inside: Vec<usize> = record.elements(at).collect();
        if inside.is_empty() {
            let members = record.members(at);
            inside.extend(
                members.filter(|(key, _)| WRAPPERS.contains(key)).map(|(_, inside)| inside),
            );
        }
        if inside.is_empty() {
            opened.push(at);
        } else {
            left.extend(inside.into_iter().rev());
        }
    }
    opened
}

/// The texts at a path: see [`each`].
pub(super) fn texts<'r>(record: &Record<'r>, position: usize, path: &[&str]) -> Vec<&'r str> {
    each(record, position, path).into_iter().filter_map(|at| record.text_at(at)).collect()
}

/// The first text at a path: see [`each`].
pub(super) fn text<'r>(record: &Record<'r>, position: usize, path: &[&str]) -> Option<&'r str> {
    texts(record, position, path).first().copied()
}

/// The first number at a path, whether or not it stands in quotes: see [`each`].
pub(super) fn number(record: &Record<'_>, position: usize, path: &[&str]) -> Option<i64> {
    each(record, position, path).into_iter().find_map(|at| match record.value(at) {
        Lookup::Text(text) => text.parse().ok(),
        Lookup::Static(StaticNode::I64(number)) => Some(number),
        Lookup::Static(StaticNode::U64(number)) => i64::try_from(number).ok(),
        Lookup::Static(_) | Lookup::Container => None,
    })
}

/// Whether one of the values at a path is yes, as JSON or as text.
pub(super) fn flag(record: &Record<'_>, position: usize, path: &[&str]) -> Option<bool> {
    each(record, position, path).into_iter().find_map(|at| match record.value(at) {
        Lookup::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Lookup::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Lookup::Static(StaticNode::Bool(value)) => Some(value),
        Lookup::Text(_) | Lookup::Static(_) | Lookup::Container => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse::Parser;

    #[track_caller]
    fn check(parameters: &serde_json::Value, path: &[&str], expected: &[&str]) {
        let json = json!({ "requestParameters": parameters }).to_string();
        let parsed = Parser::default().parse(json.as_bytes(), |record, _| {
            let at = super::parameters(&record).unwrap();
            assert_eq!(texts(&record, at, path), expected, "{json} at {path:?}");
        });
        parsed.unwrap();
    }

    #[test]
    fn lists_are_opened_however_they_are_written() {
        for list in [
            json!(["x", "y"]),
            json!({ "items": ["x", "y"] }),
            json!({ "item": [{ "member": "x" }, "y"] }),
            json!([["x"], [["y"]]]),
        ] {
            check(&json!({ "a": list }), &["A"], &["x", "y"]);
        }
        check(&json!({ "a": [{ "b": "x" }, { "B": ["y", 1] }, 7] }), &["a", "b"], &["x", "y"]);
        check(&json!({ "a": { "b": "x" } }), &["a", "b"], &["x"]);
        check(&json!({ "a": {} }), &["a", "b"], &[]);
        check(&json!([]), &["a"], &[]);
    }
}
