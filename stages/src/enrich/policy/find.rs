//! Finds policy documents in a request: whatever has statements with an effect, in any depth, as
//! objects, as text with JSON, as text in text, or URL-encoded.
//!
//! It does not read the statements.

use super::value::Value;

/// Most documents of a request.
const MAX_DOCUMENTS: usize = 64;

/// How often a document may be packed in text.
const MAX_PACKED: usize = 4;

/// Most text of a request that is read as JSON, in bytes. CloudTrail keeps 100 KB of a request.
const MAX_TEXT: usize = 512 << 10;

/// Keys under which people write what they like, and templates of which a policy is only a part.
const PASSED_OVER: [&str; 7] =
    ["description", "tags", "tagSet", "tagSpecificationSet", "templateBody", "userData", "comment"];

/// The documents of a request.
#[derive(Debug, Default)]
pub(super) struct Documents {
    pub list: Vec<Value>,
    /// Something looks like a document and cannot be read, or there are too many.
    pub is_cut: bool,
    /// Bytes that were read as JSON.
    read: usize,
}

impl Documents {
    /// Adds the documents in a value.
    pub(super) fn add(&mut self, value: &Value) {
        self.search("", value, 0);
    }

    fn search(&mut self, key: &str, value: &Value, packed: usize) {
        match value {
            Value::Map(members) => {
                if is_document(value) {
                    if self.list.len() < MAX_DOCUMENTS {
                        self.list.push(value.clone());
                    } else {
                        self.is_cut = true;
                    }
                    return;
                }
                for (key, value) in members {
                    if !PASSED_OVER.iter().any(|passed| key.eq_ignore_ascii_case(passed)) {
                        self.search(key, value, packed);
                    }
                }
            }
            Value::List(elements) => {
                elements.iter().for_each(|element| self.search(key, element, packed));
            }
            Value::Text(text) => self.unpack(key, text, packed),
        }
    }

    fn unpack(&mut self, key: &str, text: &str, packed: usize) {
        let text = text.trim_start_matches('\u{feff}').trim();
        let decoded;
        let text = if starts_encoded(text) {
            decoded = percent_decoded(text);
            decoded.trim()
        } else {
            text
        };
        if text.starts_with(['{', '[', '"']) {
            self.read = self.read.saturating_add(text.len());
            let is_within = packed < MAX_PACKED && self.read <= MAX_TEXT;
            match Value::parse(text).filter(|_| is_within) {
                Some(value) => self.search(key, &value, packed + 1),
                None => self.is_cut |= looks_like_document(text),
            }
        } else if !text.is_empty() && key.to_ascii_lowercase().ends_with("policydocument") {
            self.is_cut = true;
        }
    }
}

/// Has it statements?
fn is_document(value: &Value) -> bool {
    value.under("Statement").any(|statements| {
        statements.each().iter().any(|statement| statement.under("Effect").next().is_some())
    })
}

fn looks_like_document(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("statement") || text.contains("effect") || text.contains("\\u00")
}

fn starts_encoded(text: &str) -> bool {
    let start = text.get(..3).unwrap_or_default();
    start.eq_ignore_ascii_case("%7b") || start.eq_ignore_ascii_case("%22") || start == "%0A"
}

/// What is behind `%` in hexadecimal as the byte that it stands for.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: (usize, bool)) {
        let mut found = Documents::default();
        found.add(&Value::Map(vec![("policyDocument".to_owned(), Value::Text(text.to_owned()))]));
        assert_eq!((found.list.len(), found.is_cut), expected, "{text:.60}");
    }

    #[test]
    fn documents_are_found_however_they_are_packed() {
        let document = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        check(document, (1, false));
        check(&format!(" \n{document}\n"), (1, false));
        let mut packed = document.to_owned();
        for depth in 1..8 {
            packed = serde_json::to_string(&packed).unwrap();
            check(&packed, if depth < MAX_PACKED { (1, false) } else { (0, true) });
        }
        check(&document.replace('{', "%7B").replace('"', "%22"), (1, false));
        check(&format!("{{\"policy\":{}}}", serde_json::to_string(document).unwrap()), (1, false));
        check(&document.replace("Statement", "\\u0053tatement"), (1, false));
        check("{}", (0, false));
        check("", (0, false));
    }

    #[test]
    fn what_looks_like_a_document_and_is_none_is_cut() {
        check(r#"{"Statement":[{"Effect":"Allow","#, (0, true));
        check("HIDDEN_DUE_TO_SECURITY_REASONS", (0, true));
        check(&format!("{{\"Statement\":{}", "[".repeat(100_000)), (0, true));
        check(&format!("{{\"Statement\":\"{}\"}}", "x".repeat(MAX_TEXT)), (0, true));
    }
}
