//! A selection that stands alone, outside of a rule file.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ast::Rule;
use super::reading::{ReadOptions, SourceFile, read};

/// A rule of this title with this selection and nothing else: a mapping of fields and values, or a list
/// of such.
///
/// # Errors
/// Each error and warning that such a rule has, without a place, since the selection has none.
pub fn selection(title: &str, selection: &Value) -> Result<Rule, Vec<String>> {
    let rule = json!({
        "title": title,
        "logsource": {"product": "aws"},
        "detection": {"match": selection, "condition": "match"},
    });
    // JSON is YAML.
    let file = SourceFile { path: Arc::from(title), text: Cow::Owned(rule.to_string()) };
    let mut reading = read(&[file], &ReadOptions::default());
    let messages: Vec<String> = reading.problems.into_iter().map(|it| it.message).collect();
    reading.rules.pop().filter(|_| messages.is_empty()).ok_or(messages)
}
