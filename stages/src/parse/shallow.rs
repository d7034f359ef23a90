//! Reads members of a record without parsing it: text of the outermost level, and where a path leads.
//!
//! It answers only where the answer is sure; for anything else the record has to be parsed.

use memchr::memmem;

use super::structure::{Found, Structure, Walk};

/// How often a key is looked at that may stand elsewhere: a record that is full of it must not take time by
/// the square of its length.
const MAX_TRIES: usize = 16;

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
        std::str::from_utf8(self.bytes(structure, text)?).ok()
    }

    /// The same, not yet known to be text.
    #[must_use]
    pub fn bytes<'t>(&self, structure: Structure, text: &'t [u8]) -> Option<&'t [u8]> {
        let behind = key_of(structure, &self.key, text)?;
        let value = colon_behind(text, behind)?.trim_ascii_start();
        let inside = value.strip_prefix(b"\"")?;
        let inside = &inside[..memchr::memchr(b'"', inside)?];
        if memchr::memchr(b'\\', inside).is_some() { None } else { Some(inside) }
    }
}

/// Finds the key at the end of a path.
#[derive(Debug)]
pub struct Steps {
    keys: Vec<memmem::Finder<'static>>,
}

impl Steps {
    /// `path` is plain letters, with dots between its steps.
    #[must_use]
    pub fn new(path: &str) -> Self {
        let quoted = |key: &str| memmem::Finder::new(format!("\"{key}\"").as_bytes()).into_owned();
        Self { keys: path.split('.').map(quoted).collect() }
    }

    /// The offset behind the closing quote of the last key, if it surely stands there, in objects within
    /// objects. Of equal keys it is the first.
    #[must_use]
    pub fn find(&self, structure: Structure, text: &[u8]) -> Option<usize> {
        let (last, before) = self.keys.split_last()?;
        let mut at = 0;
        let mut end = text.len();
        for key in before {
            let behind = at + key_of(structure, key, &text[at..end])?;
            let value = colon_behind(&text[..end], behind)?.trim_ascii_start();
            if !value.starts_with(b"{") {
                return None;
            }
            at = end - value.len();
            let mut walk = Walk::default();
            let Found::End(length) = structure.find_end(&mut walk, value, true) else {
                return None;
            };
            end = at + length;
        }
        Some(at + key_of(structure, last, &text[at..end])?)
    }
}

/// The offset behind the closing quote of a key of the object that `text` is.
fn key_of(structure: Structure, key: &memmem::Finder<'_>, text: &[u8]) -> Option<usize> {
    let length = key.needle().len();
    let at = key.find_iter(text).take(MAX_TRIES).find(|at| {
        // Outside of strings a quoted word is a key, or a value if no colon follows.
        colon_behind(text, at + length).is_some() && is_outermost(structure, text, *at, at + length)
    })?;
    Some(at + length)
}

/// Does what stands in quotes between `start` and `end`, and a colon follows, stand in the object that `text`
/// is, and in none within? The way to its nearer end tells.
fn is_outermost(structure: Structure, text: &[u8], start: usize, end: usize) -> bool {
    if start <= text.len() / 2 {
        let mut walk = Walk::default();
        structure.find_end(&mut walk, &text[..start], true);
        return walk.is_at_depth(1);
    }
    // More than a record closes.
    const MANY: usize = 1 << 20;
    let mut walk = Walk::within(MANY);
    structure.find_end(&mut walk, &text[end..], true);
    // Behind an escaped quote it is the end of a longer key.
    text[start - 1] != b'\\' && walk.is_at_depth(MANY - 1)
}

/// What stands behind a colon at `at`, if there is one.
fn colon_behind(text: &[u8], at: usize) -> Option<&[u8]> {
    text.get(at..)?.trim_ascii_start().strip_prefix(b":")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parse::Parser;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Member::new("eventTime").text(Structure::new(), text.as_bytes()), expected);
    }

    #[test]
    fn a_path_leads_through_objects() {
        let find = |path: &str, text: &str| {
            let end = Steps::new(path).find(Structure::new(), text.as_bytes());
            end.map(|end| text[end..].to_owned())
        };
        let text = r#"{"x":{"b":1},"a":{"c":{"b":2},"d":"b","b" : 3,"s":"\"b\":4"},"b":5}"#;
        assert_eq!(find("a.b", text).unwrap(), r#" : 3,"s":"\"b\":4"},"b":5}"#);
        assert_eq!(find("a.c.b", text).unwrap(), r#":2},"d":"b","b" : 3,"s":"\"b\":4"},"b":5}"#);
        assert_eq!(find("b", text).unwrap(), ":5}");
        for path in ["a.x", "a.s.b", "a.d", "c", "a.b.b", "x.b.c"] {
            assert_eq!(find(path, text).is_some(), path == "a.d", "{path}");
        }
        // What is no object, and what is cut.
        for text in [r#"{"a":[{"b":1}]}"#, r#"{"a":"b","c":{"b":1}}"#, r#"{"a":{"b":1"#, "{}", ""] {
            assert_eq!(find("a.b", text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_there(json in object(), path in prop::sample::select(vec!["a", "b", "a.b", "b.a", "b.a.b"])) {
            let steps = Steps::new(path);
            for structure in [Structure::new(), Structure::portable()] {
                let end = steps.find(structure, json.as_bytes());
                let parsed = Parser::default().parse(json.as_bytes(), |record, _| {
                    let keys: Vec<&str> = path.split('.').collect();
                    let at = record.at(&keys)?;
                    let mut value = String::new();
                    record.write_json(at, &mut value);
                    Some(value)
                });
                let value = parsed.unwrap();
                let found = end.map(|end| json[end..].starts_with(&format!(":{}", value.as_deref().unwrap())));
                // A key that stands in very many places is given up.
                let is_rare = |key: &str| json.matches(&format!("\"{key}\"")).count() <= MAX_TRIES;
                if found.is_none() && !path.split('.').all(is_rare) {
                    continue;
                }
                prop_assert_eq!(found, value.map(|_| true), "{} in {}", path, json);
            }
        }
    }

    /// Objects; one that is a value of one key is never twice there, so that the first of two is the one.
    fn object() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "1",
            "null",
            r#""a""#,
            r#""\"b\":""#,
            r#""\\""#,
            r#""}""#,
            "[]",
        ]);
        let value = leaf.prop_map(str::to_owned).prop_recursive(4, 40, 5, |inner| {
            let keys = prop::sample::subsequence(vec!["a", "b", "c", r#"\"b"#, r#"x\"a"#], 0..5);
            let members = (keys, prop::collection::vec(inner.clone(), 5)).prop_map(|(keys, values)| {
                let member = |(key, value): (&&str, &String)| format!("\"{key}\":{value}");
                let members: Vec<String> = keys.iter().zip(&values).map(member).collect();
                format!("{{{}}}", members.join(","))
            });
            let elements = prop::collection::vec(inner, 0..4);
            prop_oneof![3 => members, 1 => elements.prop_map(|elements| format!("[{}]", elements.join(",")))]
        });
        (value.clone(), value).prop_map(|(a, b)| format!("{{\"c\":{a},\"b\":{b},\"a\":{a}}}"))
    }

    #[test]
    fn a_key_that_stands_everywhere_is_given_up() {
        for (count, is_found) in [(MAX_TRIES - 1, true), (MAX_TRIES, false)] {
            let text = format!(r#"{{"x":[{}1],"a":2}}"#, r#"{"a":1},"#.repeat(count));
            let found = Steps::new("a").find(Structure::new(), text.as_bytes());
            assert_eq!(found.is_some(), is_found, "{count}");
        }
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
