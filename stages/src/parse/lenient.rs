//! A slow reader for records that strict JSON refuses: one odd field must not hide an event.
//!
//! It takes bytes that are not UTF-8, lone surrogates, bare control characters, numbers of any size
//! (as text), unknown escapes and superfluous commas. It does not guess at missing brackets.

use std::ops::Range;

use simd_json::{Node, StaticNode};

use super::structure::MAX_DEPTH;
use crate::model::Odd;

/// Parses `text` into nodes that borrow from `arena`, which is overwritten.
///
/// # Errors
/// Words for people, with the offset in bytes.
pub(super) fn parse<'a>(
    text: &[u8],
    arena: &'a mut String,
) -> Result<(Vec<Node<'a>>, Vec<Odd>), String> {
    arena.clear();
    let text_utf8 = String::from_utf8_lossy(text);
    let mut reader =
        Reader { text: text_utf8.as_bytes(), at: 0, arena, nodes: Vec::new(), odd: Vec::new() };
    if matches!(text_utf8, std::borrow::Cow::Owned(_)) {
        reader.note(Odd::InvalidUtf8);
    }
    reader.value(0)?;
    reader.white();
    if reader.at < reader.text.len() {
        return Err(reader.unexpected("the end"));
    }
    let (nodes, mut odd) = (std::mem::take(&mut reader.nodes), std::mem::take(&mut reader.odd));
    if !matches!(nodes.first(), Some(Loose::Object { .. })) {
        return Err("it is not an object".to_owned());
    }
    if odd.is_empty() {
        // Strict parsing refused it for a reason that has no name of its own here.
        odd.push(Odd::LooseJson);
    }
    let arena: &'a str = arena;
    let nodes = nodes
        .into_iter()
        .map(|node| match node {
            Loose::Text(range) => Node::String(&arena[range]),
            Loose::Static(value) => Node::Static(value),
            Loose::Object { len, count } => Node::Object { len, count },
            Loose::Array { len, count } => Node::Array { len, count },
        })
        .collect();
    Ok((nodes, odd))
}

/// Unescapes a JSON string's inside into `out`, which is overwritten.
pub(super) fn unescape(inside: &[u8], out: &mut String) {
    out.clear();
    let text = String::from_utf8_lossy(inside);
    // With quotes around it the reader takes it as the one string that it is.
    let quoted = format!("\"{text}\"");
    let mut reader =
        Reader { text: quoted.as_bytes(), at: 0, arena: out, nodes: Vec::new(), odd: Vec::new() };
    if reader.string().is_err() {
        // Only a backslash at the very end can do this; the splitter has seen the closing quote.
        out.clear();
    }
}

/// A node whose text is a place in the arena, which still grows.
enum Loose {
    Text(Range<usize>),
    Static(StaticNode),
    Object { len: usize, count: usize },
    Array { len: usize, count: usize },
}

struct Reader<'t, 'a> {
    text: &'t [u8],
    at: usize,
    arena: &'a mut String,
    nodes: Vec<Loose>,
    odd: Vec<Odd>,
}

impl Reader<'_, '_> {
    fn note(&mut self, odd: Odd) {
        if !self.odd.contains(&odd) {
            self.odd.push(odd);
        }
    }

    fn unexpected(&self, wanted: &str) -> String {
        format!("expected {wanted} at byte {}", self.at)
    }

    fn white(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("nests deeper than {MAX_DEPTH}"));
        }
        self.white();
        match self.text.get(self.at) {
            Some(b'{') => self.container(depth, b'}'),
            Some(b'[') => self.container(depth, b']'),
            Some(b'"') => self.string(),
            Some(_) => self.word(),
            None => Err(self.unexpected("a value")),
        }
    }

    fn container(&mut self, depth: usize, close: u8) -> Result<(), String> {
        let is_object = close == b'}';
        let here = self.nodes.len();
        self.nodes.push(Loose::Static(StaticNode::Null));
        self.at += 1;
        let mut len = 0;
        loop {
            self.white();
            match self.text.get(self.at) {
                Some(byte) if *byte == close => break,
                // Between elements a comma is due; any other is superfluous and noted.
                Some(b',') => {
                    self.at += 1;
                    self.white();
                    let is_superfluous = len == 0
                        || self.text.get(self.at).is_some_and(|b| *b == close || *b == b',');
                    if is_superfluous {
                        self.note(Odd::LooseJson);
                    }
                    continue;
                }
                Some(_) => {}
                None => return Err(self.unexpected("a closing bracket")),
            }
            if is_object {
                if self.text.get(self.at) != Some(&b'"') {
                    return Err(self.unexpected("a key"));
                }
                self.string()?;
                self.white();
                if self.text.get(self.at) != Some(&b':') {
                    return Err(self.unexpected("a colon"));
                }
                self.at += 1;
            }
            self.value(depth + 1)?;
            len += 1;
        }
        self.at += 1;
        let count = self.nodes.len() - here - 1;
        self.nodes[here] =
            if is_object { Loose::Object { len, count } } else { Loose::Array { len, count } };
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        let start = self.arena.len();
        self.at += 1;
        let mut plain_from = self.at;
        loop {
            let Some(byte) = self.text.get(self.at).copied() else {
                return Err(self.unexpected("a closing quote"));
            };
            match byte {
                b'"' | b'\\' => {
                    self.take_plain(plain_from);
                    self.at += 1;
                    if byte == b'"' {
                        break;
                    }
                    self.escape()?;
                    plain_from = self.at;
                }
                0..=0x1f => {
                    self.note(Odd::ControlCharacter);
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        self.nodes.push(Loose::Text(start..self.arena.len()));
        Ok(())
    }

    /// Copies what stands between `from` and here. Both are beside ASCII, so it is whole characters.
    fn take_plain(&mut self, from: usize) {
        self.arena.push_str(&String::from_utf8_lossy(&self.text[from..self.at]));
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(byte) = self.text.get(self.at).copied() else {
            return Err(self.unexpected("an escaped character"));
        };
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                self.unicode();
                return Ok(());
            }
            _ => {
                // Not an escape: the backslash stands for itself.
                self.note(Odd::LooseJson);
                self.arena.push('\\');
                return Ok(());
            }
        };
        self.arena.push(character);
        self.at += 1;
        Ok(())
    }

    fn unicode(&mut self) {
        let Some(first) = self.hex() else {
            self.note(Odd::LooseJson);
            self.arena.push_str("\\u");
            return;
        };
        let is_high = (0xd800..0xdc00).contains(&first);
        if is_high && self.text[self.at..].starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            match self.hex() {
                Some(second) if (0xdc00..0xe000).contains(&second) => {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    self.arena.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    return;
                }
                _ => self.at = before,
            }
        }
        match char::from_u32(first) {
            Some(character) => self.arena.push(character),
            None => {
                self.note(Odd::LoneSurrogate);
                self.arena.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
        let digits = std::str::from_utf8(digits).ok()?;
        let code = is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
        self.at += 4;
        Some(code)
    }

    fn word(&mut self) -> Result<(), String> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(|b| !b" \n\r\t,:{}[]\"".contains(b)) {
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        let value = match word {
            "true" => StaticNode::Bool(true),
            "false" => StaticNode::Bool(false),
            "null" => StaticNode::Null,
            _ => match number(word) {
                Some(Some(value)) => value,
                Some(None) => {
                    let from = self.arena.len();
                    self.arena.push_str(word);
                    let range = from..self.arena.len();
                    self.note(Odd::HugeNumber);
                    self.nodes.push(Loose::Text(range));
                    return Ok(());
                }
                None => {
                    self.at = start;
                    return Err(self.unexpected("a value"));
                }
            },
        };
        self.nodes.push(Loose::Static(value));
        Ok(())
    }
}

/// `None` if it is no number; `Some(None)` if it is one that fits no type.
fn number(word: &str) -> Option<Option<StaticNode>> {
    // As some programs write what JSON cannot.
    if matches!(word, "NaN" | "Infinity" | "-Infinity") {
        return Some(None);
    }
    let is_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && word.bytes().any(|b| b.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if !is_number {
        return None;
    }
    if let Ok(value) = word.parse::<i64>() {
        return Some(Some(StaticNode::I64(value)));
    }
    if let Ok(value) = word.parse::<u64>() {
        return Some(Some(StaticNode::U64(value)));
    }
    let is_float = word.bytes().any(|b| b".eE".contains(&b));
    match word.parse::<f64>() {
        Ok(value) if is_float && value.is_finite() => Some(Some(StaticNode::from(value))),
        Ok(_) => Some(None),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Record;

    #[track_caller]
    fn check(text: &[u8], expected: Result<&str, &str>, odd: &[Odd]) {
        let mut arena = String::new();
        match (parse(text, &mut arena), expected) {
            (Ok((nodes, found)), Ok(expected)) => {
                let mut json = String::new();
                Record::new(&nodes, text).write_json(0, &mut json);
                assert_eq!(json, expected);
                assert_eq!(found, odd);
            }
            (Err(found), Err(expected)) => assert_eq!(found, expected),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn odd_fields_do_not_hide_the_others() {
        check(
            br#"{"a":"\ud800x","b":1}"#,
            Ok("{\"a\":\"\u{fffd}x\",\"b\":1}"),
            &[Odd::LoneSurrogate],
        );
        check(br#"{"a":"\ud83d\ude00"}"#, Ok("{\"a\":\"\u{1f600}\"}"), &[Odd::LooseJson]);
        check(b"{\"a\":\"\xff\",\"b\":1}", Ok("{\"a\":\"\u{fffd}\",\"b\":1}"), &[Odd::InvalidUtf8]);
        check(b"{\"a\":\"x\0y\"}", Ok(r#"{"a":"x\u0000y"}"#), &[Odd::ControlCharacter]);
        check(
            br#"{"a":1e400,"b":[123456789012345678901234567890]}"#,
            Ok(r#"{"a":"1e400","b":["123456789012345678901234567890"]}"#),
            &[Odd::HugeNumber],
        );
        check(
            br#"{"a":NaN,"b":[-Infinity,Infinity]}"#,
            Ok(r#"{"a":"NaN","b":["-Infinity","Infinity"]}"#),
            &[Odd::HugeNumber],
        );
        check(br#"{"a":[1,],}"#, Ok(r#"{"a":[1]}"#), &[Odd::LooseJson]);
        check(br#"{"a":"\q\u12"}"#, Ok(r#"{"a":"\\q\\u12"}"#), &[Odd::LooseJson]);
        check(
            br#"{"a":{"b":[{},[],null,true,-1,1.5]}}"#,
            Ok(r#"{"a":{"b":[{},[],null,true,-1,1.5]}}"#),
            &[Odd::LooseJson],
        );
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        check(br#"{"a":hello}"#, Err("expected a value at byte 5"), &[]);
        check(br#"{"a" 1}"#, Err("expected a colon at byte 5"), &[]);
        check(br#"{"a":1"#, Err("expected a closing bracket at byte 6"), &[]);
        check(br"[1]", Err("it is not an object"), &[]);
        check(br#"{"a":1} x"#, Err("expected the end at byte 8"), &[]);
    }
}
