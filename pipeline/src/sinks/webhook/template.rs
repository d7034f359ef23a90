//! A body with places for what stands in an alert: `{"title": "{{alert.rule.title}}"}`.
//!
//! Within quotes a value is put in as the inside of a JSON text, elsewhere as JSON; so a body that is
//! JSON stays JSON, whatever a log holds.

use serde_json::Value;

/// Names that a path may begin with.
const ROOTS: [&str; 11] = [
    "alert",
    "id",
    "kind",
    "count",
    "first",
    "last",
    "accounts",
    "account_name",
    "heading",
    "question",
    "text",
];

/// A body, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// As it is written.
    Text(String),
    /// The value at a path.
    Value { path: Vec<String>, is_quoted: bool },
}

/// Why a body cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("{{{{ at character {at} has no }}}}")]
    Open {
        /// Where.
        at: usize,
    },
    /// A path that nothing stands at.
    #[error("{{{{{path}}}}} begins with none of {}", ROOTS.join(", "))]
    Unknown {
        /// The path.
        path: String,
    },
    /// With values in it, it is not JSON.
    #[error("it is no JSON: {cause}")]
    NoJson {
        /// Why.
        cause: String,
    },
}

impl Template {
    /// Reads a body.
    ///
    /// # Errors
    /// When a path is unknown, or the body is no JSON.
    pub fn compile(body: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut is_quoted = false;
        let mut rest = body;
        while let Some((before, after)) = rest.split_once("{{") {
            let at = body.len() - after.len() - 2;
            let Some((path, behind)) = after.split_once("}}") else {
                return Err(TemplateError::Open { at: body[..at].chars().count() + 1 });
            };
            is_quoted = ends_quoted(before, is_quoted);
            parts.push(Part::Text(before.to_owned()));
            let path = path.trim();
            let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
            if !ROOTS.contains(&steps[0].as_str()) {
                return Err(TemplateError::Unknown { path: path.to_owned() });
            }
            parts.push(Part::Value { path: steps, is_quoted });
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Self { parts };
        let example = template.filled(&Value::Null);
        match serde_json::from_str::<serde::de::IgnoredAny>(&example) {
            Ok(_) => Ok(template),
            Err(error) => Err(TemplateError::NoJson { cause: error.to_string() }),
        }
    }

    /// The body with values in it.
    pub fn filled(&self, values: &Value) -> String {
        let mut body = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => body.push_str(text),
                Part::Value { path, is_quoted } => {
                    let value = path.iter().try_fold(values, |value, step| match value {
                        Value::Array(list) => list.get(step.parse::<usize>().ok()?),
                        other => other.get(step),
                    });
                    let value = value.unwrap_or(&Value::Null);
                    body.push_str(&if *is_quoted { inside(value) } else { value.to_string() });
                }
            }
        }
        body
    }
}

/// Does a text begun within quotes, or outside, end within them?
fn ends_quoted(text: &str, mut is_quoted: bool) -> bool {
    let mut is_escaped = false;
    for character in text.chars() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
    }
    is_quoted
}

/// The inside of a JSON text; nothing for null, JSON for what is no text.
fn inside(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    };
    let quoted = Value::String(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let values = json!({
            "alert": {"rule": {"title": "a \"b\" \\ {{kind}}\n"}, "list": ["x", {"y": 1}]},
            "count": 3, "kind": "new",
        });
        let filled = Template::compile(body).unwrap().filled(&values);
        assert_eq!(filled, expected);
        serde_json::from_str::<Value>(&filled).unwrap();
    }

    #[test]
    fn values_stand_as_json_where_they_are_put() {
        let title = r#"a \"b\" \\ {{kind}}\n"#;
        check(r#"{"t":"{{alert.rule.title}}"}"#, &format!(r#"{{"t":"{title}"}}"#));
        check(r#"{"t":{{alert.rule.title}}}"#, &format!(r#"{{"t":"{title}"}}"#));
        check(r#"{"t":"x {{ count }} y"}"#, r#"{"t":"x 3 y"}"#);
        check(r#"{"t":{{count}},"u":{{alert.list.1}}}"#, r#"{"t":3,"u":{"y":1}}"#);
        check(r#"{"t":"{{alert.list}}"}"#, r#"{"t":"[\"x\",{\"y\":1}]"}"#);
        check(r#"{"t":"{{alert.none}}","u":{{alert.none.a}}}"#, r#"{"t":"","u":null}"#);
        check(r#"{"\"{{kind}}":1}"#, r#"{"\"new":1}"#);
        check("[]", "[]");
    }

    #[test]
    fn a_body_that_is_no_json_is_refused() {
        let error = |body: &str| Template::compile(body).unwrap_err().to_string();
        assert_eq!(error("{\"a\":\"é{{kind\"}"), "{{ at character 8 has no }}");
        assert!(
            error("{\"a\":\"{{alrt.id}}\"}").starts_with("{{alrt.id}} begins with none of alert")
        );
        assert!(error("title={{kind}}").starts_with("it is no JSON"));
    }
}
