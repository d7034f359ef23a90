//! What departures look for in a rule and a record.

use serde_json::Value;

use super::Case;
use super::record::{ends, within};
use crate::generate::rules::Item;

/// What the item's field leads to.
pub fn found<'c>(item: &Item, case: &Case<'c>) -> Vec<&'c Value> {
    let mut out = Vec::new();
    ends(case.record, item.field, &mut out);
    out
}

/// The elements of lists, or the values themselves; for keywords everything.
pub fn leaves<'c>(item: &Item, case: &Case<'c>) -> Vec<&'c Value> {
    let mut out = Vec::new();
    if item.field.is_empty() {
        within(case.record, &mut out);
        return out;
    }
    let mut open = found(item, case);
    while let Some(value) = open.pop() {
        match value {
            Value::Array(elements) => open.extend(elements),
            other => out.push(other),
        }
    }
    out
}

/// The texts among [`leaves`].
pub fn texts<'c>(item: &Item, case: &Case<'c>) -> Vec<&'c str> {
    leaves(item, case).into_iter().filter_map(Value::as_str).collect()
}

/// A value of the rule has a wildcard, or looks so.
pub fn has_wildcard(item: &Item) -> bool {
    item.values.iter().filter_map(Value::as_str).any(|text| text.contains(['*', '?']))
}

/// A keyword, or a part of it between wildcards, stands in a number or boolean.
pub fn stands_in_scalar(item: &Item, case: &Case<'_>) -> bool {
    let scalars: Vec<String> = leaves(item, case)
        .into_iter()
        .filter(|value| value.is_number() || value.is_boolean())
        .map(Value::to_string)
        .collect();
    let words = item.values.iter().map(|value| value.to_string().to_lowercase());
    words
        .flat_map(|word| word.split(['*', '?', '"']).map(str::to_owned).collect::<Vec<_>>())
        .any(|word| !word.is_empty() && scalars.iter().any(|scalar| scalar.contains(&word)))
}

/// It holds a dash that begins no flag, or a slash.
pub fn has_other_dash(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_inside = |at: usize| bytes[at] == b'-' && at > 0 && bytes[at - 1] != b' ';
    text.contains('/') || (0..bytes.len()).any(is_inside)
}

/// Some key with a dot in it is on the path.
pub fn leads_over_dots(path: &str, case: &Case<'_>) -> bool {
    let mut all = Vec::new();
    ends(case.record, path, &mut all);
    let mut plain = vec![case.record];
    for step in path.split('.') {
        let mut next = Vec::new();
        plain.iter().for_each(|value| ends(value, step, &mut next));
        plain = next;
    }
    all.len() != plain.len()
}

/// Both sides are missing or one text.
pub fn is_between_texts(item: &Item, case: &Case<'_>) -> bool {
    let is_text = |path: &str| {
        let mut out = Vec::new();
        ends(case.record, path, &mut out);
        matches!(out.as_slice(), [] | [Value::String(_)])
    };
    is_text(item.field) && item.values.iter().filter_map(Value::as_str).all(is_text)
}
