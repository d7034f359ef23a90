//! Reads text members of a record's outermost level without parsing it.
//!
//! It answers only where the answer is sure; for anything else the record has to be parsed.

use memchr::memmem;

use super::structure::{Structure, Walk};

/// Finds one member, by its key.
#[derive(Debug)]
pub struct Member {
    key: memmem::Finder<'static>,
}

impl Member {
    /// `key` is plain letters.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { key: memmem::Finder::new(format!("\"{key}\"").as_bytes()).into_owned() }
    }

    /// The member's text; `None` if it is not there, is no text, or can't be told at a glance.
    ///
    /// Of members of one key it is the first, as for a parsed record. The caller sees to it that the
    /// record holds no escapes that could hide a key.
    #[must_use]
    pub fn text<'t>(&self, structure: Structure, text: &'t [u8]) -> Option<&'t str> {
        let at = self.key.find_iter(text).find(|at| {
            // At depth 1 and outside of strings a quoted word is a key, or a value if no colon
            // follows.
            let mut walk = Walk::default();
            structure.find_end(&mut walk, &text[..*at], true);
            walk.is_at_depth(1) && colon_behind(text, at + self.key.needle().len()).is_some()
        })?;
        let value = colon_behind(text, at + self.key.needle().len())?.trim_ascii_start();
        let inside = value.strip_prefix(b"\"")?;
        let inside = &inside[..memchr::memchr(b'"', inside)?];
        if inside.contains(&b'\\') { None } else { std::str::from_utf8(inside).ok() }
    }
}

/// What stands behind a colon at `at`, if there is one.
fn colon_behind(text: &[u8], at: usize) -> Option<&[u8]> {
    text.get(at..)?.trim_ascii_start().strip_prefix(b":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Member::new("eventTime").text(Structure::new(), text.as_bytes()), expected);
    }

    #[test]
    fn only_the_outermost_level_counts() {
        check(r#"{"eventTime":"a"}"#, Some("a"));
        check(r#"{"x":{"eventTime":"b"},"eventTime" : "a"}"#, Some("a"));
        check(r#"{"x":"eventTime","eventTime":"a","eventTime":"b"}"#, Some("a"));
        check(r#"{"x":"\"eventTime\":","y":[{"eventTime":"b"}]}"#, None);
        check(r#"{"eventTime":1}"#, None);
        check(r#"{"eventTime":"a\u0041"}"#, None);
        check(r#"{}"#, None);
    }
}
