//! What stands in a record, looked up the slow way on `serde_json`'s values.

use serde_json::Value;

/// What a dotted path leads to, lists as they are.
pub fn ends<'v>(value: &'v Value, path: &str, out: &mut Vec<&'v Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| ends(element, path, out)),
        Value::Object(members) => {
            for (key, member) in members {
                match path.strip_prefix(key.as_str()) {
                    Some("") => out.push(member),
                    Some(rest) => {
                        if let Some(rest) = rest.strip_prefix('.') {
                            ends(member, rest, out);
                        }
                    }
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// The value and everything within it.
pub fn within<'v>(value: &'v Value, out: &mut Vec<&'v Value>) {
    out.push(value);
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| within(element, out)),
        Value::Object(members) => members.values().for_each(|member| within(member, out)),
        _ => {}
    }
}
