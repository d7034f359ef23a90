//! Holds the reference in `docs/configuration.md` against the types; `UPDATE_EXPECT=1` writes it.

use std::fmt::Write as _;

use expect_test::expect_file;
use serde_json::Value;

use super::schema::schema;

const BEGIN: &str = "<!-- begin: made from the program -->\n";
const END: &str = "<!-- end: made from the program -->\n";

/// Rows of a section: key, what may stand there, what it means.
fn rows(root: &Value, schema: &Value, path: &str, depth: usize, out: &mut String) {
    let schema = resolve(root, schema);
    let empty = serde_json::Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    for (name, property) in properties {
        if name == "type" && property["const"].is_string() {
            continue;
        }
        let key = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let resolved = resolve(root, property);
        let is_needed =
            schema["required"].as_array().is_some_and(|list| list.iter().any(|k| k == name));
        let text = property["description"].as_str().or(resolved["description"].as_str());
        let text = text.unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let needed = if is_needed { " (needed)" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| `{key}` | {}{needed} | {text} |", what(root, property));
        let is_group = resolved["properties"].is_object() && resolved["oneOf"].is_null();
        if is_group && depth < 3 {
            rows(root, property, &key, depth + 1, out);
        }
        let item = resolve(root, &resolved["items"]);
        if item["properties"].is_object() {
            rows(root, item, &format!("{key}[]"), depth + 1, out);
        }
    }
    for alternative in schema["oneOf"].as_array().into_iter().flatten() {
        let Some(tag) = alternative.pointer("/properties/type/const").and_then(Value::as_str)
        else {
            continue;
        };
        let text = alternative["description"].as_str().unwrap_or_default().replace('\n', " ");
        let _ = writeln!(out, "| `{path}: {{type: {tag}}}` | | **{text}** |");
        rows(root, alternative, path, depth + 1, out);
        if alternative["$ref"].is_string() {
            let inner =
                root.pointer(alternative["$ref"].as_str().unwrap_or("").trim_start_matches('#'));
            rows(root, inner.unwrap_or(&Value::Null), path, depth + 1, out);
        }
    }
}

fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut schema = schema;
    for _ in 0..8 {
        let some = schema["anyOf"].as_array().and_then(|list| {
            let mut some = list.iter().filter(|schema| schema["type"] != "null");
            // Of a short form and one with more, the latter.
            some.next_back().filter(|_| list.len() == 2)
        });
        if schema["properties"].is_object() {
            break;
        } else if let Some(name) = schema["$ref"].as_str() {
            schema = root.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null);
        } else if let Some(inner) = some {
            schema = inner;
        } else {
            break;
        }
    }
    schema
}

/// May it be written as one text, too?
fn has_short_form(root: &Value, property: &Value) -> bool {
    let alternatives = |schema: &Value| schema["anyOf"].as_array().cloned().unwrap_or_default();
    let mut all = alternatives(property);
    let named = all.iter().chain([property]).filter_map(|schema| schema["$ref"].as_str());
    let inner: Vec<Value> = named
        .filter_map(|name| root.pointer(name.trim_start_matches('#')))
        .flat_map(alternatives)
        .collect();
    all.extend(inner);
    all.iter().any(|schema| schema["type"] == "string")
}

fn what(root: &Value, property: &Value) -> String {
    let schema = resolve(root, property);
    if let Some(format @ ("span" | "size")) = schema["format"].as_str() {
        return if format == "span" { "time" } else { "size" }.to_owned();
    }
    let names: Vec<&str> = schema["enum"]
        .as_array()
        .or(schema["oneOf"].as_array())
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().or(name["const"].as_str()))
        .collect();
    if !names.is_empty() {
        return names.join(", ");
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => {
            kinds.iter().find_map(|k| k.as_str().filter(|k| *k != "null")).unwrap_or("")
        }
        _ => "",
    };
    match kind {
        "string" => "text".to_owned(),
        "integer" => "number".to_owned(),
        "boolean" => "true, false".to_owned(),
        "array" => "list".to_owned(),
        "object" if has_short_form(root, property) => "text, or keys below".to_owned(),
        "object" if schema["properties"].is_object() => "keys below".to_owned(),
        "object" => "by name".to_owned(),
        _ => String::new(),
    }
}

#[test]
fn the_reference_of_the_configuration_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (head, rest) = page.split_once(BEGIN).expect("the page has a place for the reference");
    let (_, tail) = rest.split_once(END).expect("the place has an end");
    let schema = schema();
    let mut reference = String::new();
    for (section, property) in schema["properties"].as_object().unwrap() {
        let text = property["description"].as_str().unwrap_or_default().replace('\n', " ");
        let _ = writeln!(
            reference,
            "### `{section}`\n\n{text}\n\n| key | value | meaning |\n|---|---|---|"
        );
        let resolved = resolve(&schema, property);
        let (inner, at) = if resolved["additionalProperties"].is_object() {
            (&resolved["additionalProperties"], format!("{section}.NAME"))
        } else if resolved["items"].is_object() {
            (&resolved["items"], format!("{section}[]"))
        } else {
            (resolved, section.clone())
        };
        rows(&schema, inner, &at, 0, &mut reference);
        reference.push('\n');
    }
    expect_file![path].assert_eq(&format!("{head}{BEGIN}\n{reference}{END}{tail}"));
}
