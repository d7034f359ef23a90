//! Cases of rules: examples that a rule must hit, and examples that it must miss.
//!
//! A case file stands beside its rule, `NAME.cases.yml` beside `NAME.yml`:
//!
//! ```yaml
//! rule: <id of the rule>
//! cases:
//!     - name: a bucket opened to everyone
//!       expect: hit
//!       event: {eventName: PutBucketAcl, ...}
//!     - name: the same but denied
//!       expect: miss
//!       like: a bucket opened to everyone
//!       set: {errorCode: AccessDenied}     # dotted paths; a number indexes a list
//!     - name: the same without the grant
//!       expect: miss
//!       like: a bucket opened to everyone
//!       remove: [requestParameters.acl]
//! ```

use std::collections::BTreeMap;

use askance_stages::sigma::SourceFile;
use askance_stages::yaml::{self, Fault, Kind, Mapping, Node, Scalar};
use serde_json::{Map, Value};

use crate::rulebook;

/// All cases of one file.
#[derive(Debug)]
pub struct CaseFile {
    /// Its path.
    pub path: String,
    /// Id of the rule.
    pub rule: String,
    /// Its cases, in order.
    pub cases: Vec<Case>,
}

/// One example.
#[derive(Debug)]
pub struct Case {
    /// A short fact in words.
    pub name: String,
    /// The rule must match it; else it must not.
    pub is_hit: bool,
    /// The record.
    pub event: Value,
    /// Line in its file.
    pub line: usize,
    /// The name of the case that it is like.
    pub like: Option<String>,
    /// What was changed from that case.
    pub changes: Vec<String>,
}

/// Reads a case file; `None` if the file is none.
///
/// # Errors
/// Everything that is wrong with it, a line each.
pub fn read(file: &SourceFile<'_>) -> Option<Result<CaseFile, Vec<String>>> {
    let is_named_so = rulebook::is_case_file(&file.path);
    let node = match yaml::parse_one(&file.text) {
        Ok(node) => node,
        // Other files are the rule reader's to complain about.
        Err(faults) => return is_named_so.then(|| Err(told(file, &faults))),
    };
    let top = match node.mapping() {
        Ok(top) => top,
        Err(fault) => return is_named_so.then(|| Err(told(file, &[fault]))),
    };
    let mut faults = top.unknown_keys(&["rule", "cases"]);
    let Some(list) = top.get("cases") else {
        faults.push(Fault::new(node.position, "`cases` is missing: a list of examples"));
        return is_named_so.then(|| Err(told(file, &faults)));
    };
    let rule = match top.get("rule").map(Node::text) {
        Some(Ok(rule)) => rule.to_owned(),
        Some(Err(fault)) => {
            faults.push(fault);
            String::new()
        }
        None => {
            faults.push(Fault::new(node.position, "`rule` is missing: the id of the rule"));
            String::new()
        }
    };
    let mut cases: Vec<Case> = Vec::new();
    match list.sequence() {
        Ok(list) => {
            for node in list {
                match case(node, &cases) {
                    Ok(case) => cases.push(case),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        Err(fault) => faults.push(fault),
    }
    if faults.is_empty() {
        return Some(Ok(CaseFile { path: file.path.to_string(), rule, cases }));
    }
    Some(Err(told(file, &faults)))
}

/// Faults, a line each, with their places.
fn told(file: &SourceFile<'_>, faults: &[Fault]) -> Vec<String> {
    faults
        .iter()
        .map(|fault| {
            let hint = fault.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
            let place = fault.position;
            format!("{}:{}:{}: {}{hint}", file.path, place.line, place.column, fault.message)
        })
        .collect()
}

fn case(node: &Node, earlier: &[Case]) -> Result<Case, Fault> {
    let mapping = node.mapping()?;
    let known = ["name", "expect", "event", "like", "set", "remove"];
    if let Some(fault) = mapping.unknown_keys(&known).into_iter().next() {
        return Err(fault);
    }
    let missing = |key: &str| Fault::new(node.position, format!("`{key}` is missing"));
    let name = mapping.get("name").ok_or_else(|| missing("name"))?.text()?.to_owned();
    if earlier.iter().any(|case| case.name == name) {
        return Err(Fault::new(node.position, format!("a second case named \"{name}\"")));
    }
    let expect = mapping.get("expect").ok_or_else(|| missing("expect"))?;
    let is_hit = match expect.text()? {
        "hit" => true,
        "miss" => false,
        _ => return Err(Fault::new(expect.position, "`expect` must be `hit` or `miss`")),
    };
    let mut event = match (mapping.get("event"), mapping.get("like")) {
        (Some(event), None) => json(event)?,
        (None, Some(like)) => {
            let name = like.text()?;
            let case = earlier.iter().find(|case| case.name == name).ok_or_else(|| {
                Fault::new(like.position, format!("there is no earlier case named \"{name}\""))
            })?;
            case.event.clone()
        }
        _ => return Err(Fault::new(node.position, "a case has either `event` or `like`")),
    };
    let like = mapping.get("like").and_then(Node::as_str).map(str::to_owned);
    let mut changes = Vec::new();
    if let Some(set) = mapping.get_some("set") {
        for entry in &set.mapping()?.entries {
            let path = entry.key.as_str();
            let value = json(&entry.value)?;
            changes.push(format!("{path} = {value}"));
            change(&mut event, path, Some(value))
                .map_err(|why| Fault::new(entry.key_position, why))?;
        }
    }
    if let Some(remove) = mapping.get_some("remove") {
        for path in remove.texts()? {
            changes.push(format!("without {path}"));
            change(&mut event, &path, None).map_err(|why| Fault::new(remove.position, why))?;
        }
    }
    Ok(Case { name, is_hit, event, line: node.position.line, like, changes })
}

/// Sets or removes what a dotted path leads to; where an object lacks a step, `set` makes it.
fn change(event: &mut Value, path: &str, value: Option<Value>) -> Result<(), String> {
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
fn json(node: &Node) -> Result<Value, Fault> {
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

    #[test]
    fn a_case_file_is_read_and_faults_have_their_place() {
        let file =
            |text: &'static str| SourceFile { path: "x.cases.yml".into(), text: text.into() };
        let read_one = |text| read(&file(text)).unwrap();
        let cases = read_one(
            "rule: r\ncases:\n- {name: one, expect: hit, event: {a: '1', b: 2}}\n\
             - {name: two, expect: miss, like: one, set: {a: 3}, remove: [b]}\n",
        )
        .unwrap();
        assert_eq!(cases.cases[1].event, json!({"a": 3}));
        assert_eq!(cases.cases[1].changes, ["a = 3", "without b"]);
        let faults =
            read_one("rule: r\ncases:\n- {name: one, expect: perhaps, event: {}}\n").unwrap_err();
        assert_eq!(faults, ["x.cases.yml:3:23: `expect` must be `hit` or `miss`"]);
        let broken = read_one("rule: r\ncases: [\n").unwrap_err();
        assert!(broken[0].starts_with("x.cases.yml:"), "{broken:?}");
        let rule = SourceFile { path: "x.yml".into(), text: "title: a rule".into() };
        assert!(read(&rule).is_none());
    }
}
