//! Changes of an example: what a dotted path leads to, set or removed.

use std::collections::BTreeMap;

use askance_stages::yaml::{Fault, Kind, Mapping, Node, Position, Scalar};
use serde_json::{Map, Value};

/// Something that is set or removed.
pub(super) struct Change {
    /// A dotted path.
    pub(super) path: String,
    /// What is set; `None`: it is removed.
    value: Option<Value>,
    /// Where it is written.
    pub(super) position: Position,
}

impl Change {
    /// Makes it in an event, at this path.
    pub(super) fn make(&self, event: &mut Value, path: &str) -> Result<(), Fault> {
        change(event, path, self.value.clone()).map_err(|why| Fault::new(self.position, why))
    }

    /// It in words.
    pub(super) fn words(&self) -> String {
        match &self.value {
            Some(value) => format!("{} = {value}", self.path),
            None => format!("without {}", self.path),
        }
    }
}

/// The changes of a mapping's `set` and `remove`, in their order.
pub(super) fn written(mapping: &Mapping) -> Result<Vec<Change>, Fault> {
    let mut changes = Vec::new();
    if let Some(set) = mapping.get_some("set") {
        for entry in &set.mapping()?.entries {
            changes.push(Change {
                path: entry.key.clone(),
                value: Some(json(&entry.value)?),
                position: entry.key_position,
            });
        }
    }
    if let Some(remove) = mapping.get_some("remove") {
        let position = remove.position;
        let removed = |path| Change { path, value: None, position };
        changes.extend(remove.texts()?.into_iter().map(removed));
    }
    Ok(changes)
}

/// Sets or removes what a dotted path leads to; where an object lacks a step, `set` makes it.
pub(super) fn change(event: &mut Value, path: &str, value: Option<Value>) -> Result<(), String> {
    let missing = || format!("there is nothing at \"{path}\" to remove");
    let (parents, last) =
        path.rsplit_once('.').map_or(("", path), |(parents, last)| (parents, last));
    let mut here = event;
    for step in parents.split('.').filter(|step| !step.is_empty()) {
        here = match here {
            Value::Array(list) => {
                let index: usize =
                    step.parse().map_err(|_| format!("\"{step}\" in \"{path}\" is no index"))?;
                list.get_mut(index).ok_or_else(|| format!("\"{path}\" is past the list's end"))?
            }
            Value::Object(map) => {
                let is_new = !map.contains_key(step);
                if is_new && step.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(format!("\"{path}\" counts in a list that is not there"));
                }
                if value.is_some() {
                    map.entry(step.to_owned()).or_insert_with(|| Value::Object(Map::new()))
                } else {
                    map.get_mut(step).ok_or_else(missing)?
                }
            }
            _ => return Err(missing()),
        };
    }
    match (here, value) {
        (Value::Object(map), Some(value)) => {
            map.insert(last.to_owned(), value);
            Ok(())
        }
        (Value::Object(map), None) => map.remove(last).map(drop).ok_or_else(missing),
        (Value::Array(list), value) => {
            let index: usize = last.parse().map_err(|_| format!("\"{last}\" is no index"))?;
            match value {
                Some(value) if index < list.len() => list[index] = value,
                Some(value) if index == list.len() => list.push(value),
                None if index < list.len() => drop(list.remove(index)),
                _ => return Err(format!("\"{path}\" is past the list's end")),
            }
            Ok(())
        }
        _ => Err(format!("\"{path}\" leads through something that is no object")),
    }
}

/// A YAML node as the JSON that it stands for.
pub(super) fn json(node: &Node) -> Result<Value, Fault> {
    Ok(match &node.kind {
        Kind::Mapping(Mapping { entries, .. }) => {
            let pairs = entries
                .iter()
                .map(|entry| Ok((entry.key.clone(), json(&entry.value)?)))
                .collect::<Result<BTreeMap<_, _>, Fault>>()?;
            Value::Object(pairs.into_iter().collect())
        }
        Kind::Sequence(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Kind::Scalar(text) => match text.scalar() {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Integer(value) => {
                let number = i64::try_from(value).map(Value::from);
                number.or_else(|_| u64::try_from(value).map(Value::from)).map_err(|_| {
                    Fault::new(node.position, "the number is too large").hint("quote it")
                })?
            }
            Scalar::Float(value) => Value::from(value),
            Scalar::Text(text) => Value::String(text.to_owned()),
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(path: &str, value: Option<Value>, expected: &Result<Value, &str>) {
        let mut event = json!({"a": {"b": 1}, "l": [{"x": 1}, 2]});
        let result = change(&mut event, path, value).map(|()| event);
        assert_eq!(result.as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e));
    }

    #[test]
    fn paths_are_set_and_removed() {
        check("a.b", Some(json!(2)), &Ok(json!({"a": {"b": 2}, "l": [{"x": 1}, 2]})));
        check(
            "a.c.d",
            Some(json!(2)),
            &Ok(json!({"a": {"b": 1, "c": {"d": 2}}, "l": [{"x": 1}, 2]})),
        );
        check("l.0.x", Some(json!(2)), &Ok(json!({"a": {"b": 1}, "l": [{"x": 2}, 2]})));
        check("l.0", None, &Ok(json!({"a": {"b": 1}, "l": [2]})));
        check("a", None, &Ok(json!({"l": [{"x": 1}, 2]})));
        check("a.z", None, &Err("there is nothing at \"a.z\" to remove"));
        check("l.9", None, &Err("\"l.9\" is past the list's end"));
    }
}
