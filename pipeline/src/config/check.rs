//! Holds a YAML tree against a JSON schema and tells everything that does not fit, with its place.
//!
//! It knows the part of JSON Schema that types make: objects, lists, enums, tagged alternatives,
//! patterns, bounds. The schema is ours, so what it does not know is a defect and a test fails.

use std::collections::BTreeSet;

use askance_stages::yaml::{Fault, Kind, Mapping, Node, nearest};
use serde_json::{Map, Value};

/// Everything of `node` that does not fit `schema`.
pub(super) fn faults(schema: &Value, node: &Node) -> Vec<Fault> {
    let mut checker = Checker { root: schema, faults: Vec::new() };
    checker.node(schema, node, "");
    checker.faults
}

/// The tree as JSON, by what each scalar is in the schema: `"5"` where text is wanted stays text.
pub(super) fn to_json(schema: &Value, node: &Node) -> Value {
    let checker = Checker { root: schema, faults: Vec::new() };
    checker.json(schema, node)
}

struct Checker<'s> {
    root: &'s Value,
    faults: Vec<Fault>,
}

impl<'s> Checker<'s> {
    /// Follows references and leaves out the alternative "null".
    fn resolve(&self, schema: &'s Value) -> &'s Value {
        let mut schema = schema;
        for _ in 0..8 {
            if let Some(name) = schema["$ref"].as_str() {
                let pointer = name.trim_start_matches('#');
                schema = self.root.pointer(pointer).unwrap_or(&Value::Null);
                continue;
            }
            let some = schema["anyOf"].as_array().and_then(|alternatives| {
                let mut some = alternatives.iter().filter(|schema| schema["type"] != "null");
                some.next().filter(|_| some.next().is_none() && alternatives.len() > 1)
            });
            match some {
                Some(inner) => schema = inner,
                None => break,
            }
        }
        schema
    }

    /// Of alternatives, the one that the node means: by its tag, else by its kind.
    fn alternative(&self, schema: &'s Value, node: &Node) -> Option<&'s Value> {
        let alternatives = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array())?;
        let tag = node.as_mapping().and_then(|mapping| mapping.get("type")).and_then(Node::as_str);
        let tagged = alternatives.iter().find(|schema| {
            let constant = self.tag(schema);
            constant.is_some() && constant == tag
        });
        tagged.or_else(|| {
            alternatives.iter().find(|schema| {
                let wanted = self.resolve(schema);
                self.tag(schema).is_none()
                    && match &node.kind {
                        Kind::Mapping(_) => wanted["type"] == "object",
                        Kind::Sequence(_) => wanted["type"] == "array",
                        Kind::Scalar(_) => wanted["type"] != "object" && wanted["type"] != "array",
                    }
            })
        })
    }

    fn tag(&self, schema: &'s Value) -> Option<&'s str> {
        schema.pointer("/properties/type/const").and_then(Value::as_str)
    }

    /// Properties of an object, with those of the reference beside a tag.
    fn properties(&self, schema: &'s Value) -> (Map<String, Value>, BTreeSet<String>, bool) {
        let mut properties = Map::new();
        let mut required = BTreeSet::new();
        let mut is_closed = false;
        let mut parts = vec![schema];
        if schema["$ref"].is_string() {
            parts.push(self.resolve(schema));
        }
        for part in parts {
            if let Some(found) = part["properties"].as_object() {
                properties.extend(found.clone());
            }
            required.extend(strings(&part["required"]).map(str::to_owned));
            is_closed |= part["additionalProperties"] == false;
        }
        (properties, required, is_closed)
    }

    fn node(&mut self, schema: &'s Value, node: &Node, path: &str) {
        if schema.is_boolean() || schema.as_object().is_some_and(Map::is_empty) {
            return;
        }
        let whole = schema;
        let schema = self.resolve(schema);
        if is_optional(whole) && node.is_null() {
            return;
        }
        if schema["oneOf"].is_array() || schema["anyOf"].is_array() {
            if let Some(names) = constants(schema) {
                self.one_of(&names, node, path);
                return;
            }
            match self.alternative(schema, node) {
                Some(alternative) => self.node(alternative, node, path),
                None => self.no_alternative(schema, node, path),
            }
            return;
        }
        if whole["properties"].is_object() || schema["type"] == "object" {
            let source = if whole["properties"].is_object() { whole } else { schema };
            self.object(source, node, path);
            return;
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(name) => vec![name.as_str()],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if types.contains(&"null") && node.is_null() {
            return;
        }
        if let Some(names) = constants(schema) {
            self.one_of(&names, node, path);
        } else if types.contains(&"array") {
            self.list(schema, node, path);
        } else if types.contains(&"object") {
            self.object(schema, node, path);
        } else if types.contains(&"string") {
            self.text(schema, node, path);
        } else if types.contains(&"boolean") {
            self.take(node.boolean(), path);
        } else if types.contains(&"integer") {
            self.integer(schema, node, path);
        }
    }

    fn take<T>(&mut self, result: Result<T, Fault>, path: &str) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault.about(path))).ok()
    }

    fn fault(&mut self, node: &Node, path: &str, message: String) -> &mut Fault {
        self.faults.push(Fault::new(node.position, message).about(path));
        let last = self.faults.len() - 1;
        &mut self.faults[last]
    }

    fn object(&mut self, schema: &'s Value, node: &Node, path: &str) {
        let Some(mapping) = self.take(node.mapping(), path) else { return };
        let (properties, required, is_closed) = self.properties(schema);
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        if is_closed || !properties.is_empty() {
            for fault in mapping.unknown_keys(&known) {
                self.faults.push(fault);
            }
        }
        for name in required.iter().filter(|name| mapping.get_some(name).is_none()) {
            let message =
                match properties.get(name).and_then(|schema| schema["description"].as_str()) {
                    Some(description) => {
                        format!("\"{name}\" is missing: {}", first_sentence(description))
                    }
                    None => format!("\"{name}\" is missing"),
                };
            self.fault(node, &join(path, name), message);
        }
        let pointers = [schema, self.resolve(schema)];
        for entry in &mapping.entries {
            let at = join(path, &entry.key);
            let inner = pointers.iter().find_map(|schema| schema["properties"].get(&entry.key));
            if let Some(inner) = inner {
                // A key that may be left out may also be left empty.
                if entry.value.is_null() && !required.contains(&entry.key) {
                    continue;
                }
                self.node(inner, &entry.value, &at);
            } else if let Some(any) = schema.get("additionalProperties").filter(|s| s.is_object()) {
                self.node(any, &entry.value, &at);
            }
        }
    }

    fn list(&mut self, schema: &'s Value, node: &Node, path: &str) {
        // One item may stand without its list, as elsewhere in YAML tools.
        if let Kind::Scalar(_) = node.kind
            && !node.is_null()
        {
            self.node(&schema["items"], node, path);
            return;
        }
        let Some(items) = self.take(node.sequence(), path) else { return };
        if (items.len() as u64) < schema["minItems"].as_u64().unwrap_or(0) {
            self.fault(node, path, "the list must not be empty".to_owned());
        }
        for (index, item) in items.iter().enumerate() {
            self.node(&schema["items"], item, &format!("{path}[{index}]"));
        }
    }

    fn text(&mut self, schema: &Value, node: &Node, path: &str) {
        let Some(text) = self.take(node.text(), path) else { return };
        let is_fit = match schema["format"].as_str() {
            Some("span") => super::Span::parse(text).is_some(),
            Some("size") => super::ByteSize::parse(text).is_some(),
            _ => schema["pattern"].as_str().is_none_or(|pattern| matches(pattern, text)),
        };
        if !is_fit {
            let hint = match schema["format"].as_str() {
                Some("span") => "write it as 500ms, 30s, 5m, 12h or 7d".to_owned(),
                Some("size") => "write it as 500MB or 16GiB".to_owned(),
                _ => match schema["description"].as_str() {
                    Some(description) => description.to_owned(),
                    None => format!("it must be of the form {}", schema["pattern"]),
                },
            };
            let what = match schema["format"].as_str() {
                Some("span") => "is no length of time",
                Some("size") => "is no size",
                _ => "is not of the right form",
            };
            self.fault(node, path, format!("{path}: {text:?} {what}")).hint = Some(hint);
        } else if text.is_empty() && schema["minLength"].as_u64().is_some_and(|least| least > 0) {
            self.fault(node, path, format!("{path} must not be empty"));
        }
    }

    fn integer(&mut self, schema: &Value, node: &Node, path: &str) {
        let Some(number) = self.take(node.integer(), path) else { return };
        let bound = |name: &str| schema[name].as_f64().map(|bound| bound as i128);
        let (least, most) = (bound("minimum").unwrap_or(0), bound("maximum"));
        if number < least || most.is_some_and(|most| number > most) {
            let message = match most {
                Some(most) => format!("{path} must be from {least} to {most}, not {number}"),
                None => format!("{path} must be {least} or more, not {number}"),
            };
            self.fault(node, path, message);
        }
    }

    fn one_of(&mut self, names: &[&str], node: &Node, path: &str) {
        let Some(text) = self.take(node.text(), path) else { return };
        if names.contains(&text) {
            return;
        }
        let hint = match nearest(text, names.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("one of {}", names.join(", ")),
        };
        self.fault(node, path, format!("{path}: unknown \"{text}\"")).hint = Some(hint);
    }

    fn no_alternative(&mut self, schema: &'s Value, node: &Node, path: &str) {
        let alternatives = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
        let tags: Vec<&str> =
            alternatives.into_iter().flatten().filter_map(|schema| self.tag(schema)).collect();
        if tags.is_empty() {
            let found = node.kind_name();
            self.fault(node, path, format!("{path} cannot be {found}"));
            return;
        }
        let Some(mapping) = self.take(node.mapping(), path) else { return };
        match mapping.get("type") {
            Some(tag) => self.one_of(&tags, tag, &join(path, "type")),
            None => {
                let hint = format!("one of {}", tags.join(", "));
                self.fault(node, path, format!("{path} has no \"type\"")).hint = Some(hint);
            }
        }
    }

    fn json(&self, schema: &'s Value, node: &Node) -> Value {
        let whole = schema;
        let schema = self.resolve(schema);
        if schema["oneOf"].is_array() || schema["anyOf"].is_array() {
            return match self.alternative(schema, node) {
                Some(alternative) => self.json(alternative, node),
                None => self.json(&Value::Null, node),
            };
        }
        match &node.kind {
            Kind::Mapping(mapping) => self.json_object(whole, schema, mapping),
            Kind::Sequence(items) => {
                items.iter().map(|item| self.json(&schema["items"], item)).collect()
            }
            Kind::Scalar(_) if node.is_null() => Value::Null,
            Kind::Scalar(text) => {
                let wants = |name: &str| {
                    schema["type"] == name
                        || schema["type"]
                            .as_array()
                            .is_some_and(|types| types.iter().any(|found| found == name))
                };
                if wants("array") {
                    return Value::Array(vec![self.json(&schema["items"], node)]);
                }
                let is_text = wants("string") || constants(schema).is_some();
                match node.scalar() {
                    Some(askance_stages::yaml::Scalar::Bool(value)) if !is_text => value.into(),
                    Some(askance_stages::yaml::Scalar::Integer(value)) if !is_text => {
                        i64::try_from(value).map_or_else(|_| text.text.clone().into(), Into::into)
                    }
                    _ => text.text.clone().into(),
                }
            }
        }
    }

    fn json_object(&self, whole: &'s Value, schema: &'s Value, mapping: &Mapping) -> Value {
        let mut object = Map::new();
        for entry in &mapping.entries {
            let inner = [whole, schema]
                .iter()
                .find_map(|schema| schema["properties"].get(&entry.key))
                .or_else(|| schema.get("additionalProperties"))
                .unwrap_or(&Value::Null);
            // What is left empty is as if it were not there.
            if !entry.value.is_null() || inner.is_null() {
                object.insert(entry.key.clone(), self.json(inner, &entry.value));
            }
        }
        Value::Object(object)
    }
}

/// The names of an enum, however the schema writes it.
fn constants(schema: &Value) -> Option<Vec<&str>> {
    if let Some(names) = schema["enum"].as_array() {
        return Some(names.iter().filter_map(Value::as_str).collect());
    }
    if let Some(name) = schema["const"].as_str() {
        return Some(vec![name]);
    }
    let alternatives = schema["oneOf"].as_array()?;
    alternatives.iter().map(|schema| schema["const"].as_str()).collect()
}

fn is_optional(schema: &Value) -> bool {
    schema["anyOf"]
        .as_array()
        .is_some_and(|alternatives| alternatives.iter().any(|schema| schema["type"] == "null"))
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn first_sentence(description: &str) -> String {
    let text = description.replace('\n', " ");
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

/// Patterns are ours and few.
fn matches(pattern: &str, text: &str) -> bool {
    regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}
