//! The JSON schema of a configuration, made from its types.

use serde_json::Value;

use super::Config;

/// The schema, JSON Schema 2020-12.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(top) = schema.as_object_mut() {
        top.insert("$id".to_owned(), "urn:askance:config".into());
        top.insert("title".to_owned(), "askance.yaml".into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_one() {
        let schema = schema();
        jsonschema::meta::validate(&schema).unwrap();
        for section in [
            "sources", "rules", "filter", "alerts", "sinks", "routes", "store", "metrics", "limits",
        ] {
            assert!(schema["properties"][section].is_object(), "{section}");
        }
    }
}
