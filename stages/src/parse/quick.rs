//! Parses records as CloudTrail writes most of them: no white space between tokens, no escapes, whole numbers.
//!
//! Whatever is otherwise is left to the parsers behind it. What it takes they would take too, and make the same
//! of it; it is faster because texts need neither be copied nor be looked through.

use simd_json::{Node, StaticNode};

use super::structure::{MAX_DEPTH, Structure};

/// Most digits of a number: it fits any type of integer.
const MAX_DIGITS: usize = 18;

/// Memory that is used again.
#[derive(Debug, Default)]
pub(super) struct Quick {
    structure: Structure,
    /// Where the quotes are.
    quotes: Vec<u32>,
    open: Vec<Open>,
}

/// A container that is not closed yet.
#[derive(Debug)]
struct Open {
    /// Place of its node.
    node: usize,
    /// Members or elements so far.
    count: usize,
    is_object: bool,
}

/// A text on its way.
struct Reader<'t, 'q> {
    text: &'t str,
    at: usize,
    /// Those that are still to come.
    quotes: std::slice::Iter<'q, u32>,
}

impl Quick {
    /// Parses `text` into `nodes`, which must be empty; false if it is left to others. Then what is in
    /// `nodes` means nothing.
    pub(super) fn parse<'t>(&mut self, text: &'t [u8], nodes: &mut Vec<Node<'t>>) -> bool {
        self.quotes.clear();
        self.open.clear();
        if u32::try_from(text.len()).is_err()
            || !self.structure.plain_quotes(text, &mut self.quotes)
        {
            return false;
        }
        let Ok(text) = std::str::from_utf8(text) else { return false };
        let reader = Reader { text, at: 0, quotes: self.quotes.iter() };
        reader.run(&mut self.open, nodes).is_some()
    }
}

impl<'t> Reader<'t, '_> {
    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Everything; `None` where something is otherwise.
    fn run(mut self, open: &mut Vec<Open>, nodes: &mut Vec<Node<'t>>) -> Option<()> {
        if self.byte() != Some(b'{') {
            return None;
        }
        loop {
            // A value.
            match self.byte()? {
                b'"' => nodes.push(Node::String(self.string()?)),
                byte @ (b'{' | b'[') => {
                    let is_object = byte == b'{';
                    self.at += 1;
                    if open.len() >= MAX_DEPTH {
                        return None;
                    }
                    open.push(Open { node: nodes.len(), count: 0, is_object });
                    nodes.push(Node::Static(StaticNode::Null));
                    let is_empty = self.byte()? == if is_object { b'}' } else { b']' };
                    if !is_empty {
                        if is_object {
                            nodes.push(Node::String(self.key()?));
                        }
                        continue;
                    }
                    self.close(open, nodes);
                }
                b't' => self.word("true", StaticNode::Bool(true), nodes)?,
                b'f' => self.word("false", StaticNode::Bool(false), nodes)?,
                b'n' => self.word("null", StaticNode::Null, nodes)?,
                _ => nodes.push(Node::Static(self.number()?)),
            }
            // What follows it: another one, or ends.
            loop {
                let Some(within) = open.last_mut() else {
                    return (self.at == self.text.len()).then_some(());
                };
                within.count += 1;
                match (self.byte()?, within.is_object) {
                    (b',', is_object) => {
                        self.at += 1;
                        if is_object {
                            nodes.push(Node::String(self.key()?));
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => self.close(open, nodes),
                    _ => return None,
                }
            }
        }
    }

    fn close(&mut self, open: &mut Vec<Open>, nodes: &mut [Node<'t>]) {
        self.at += 1;
        if let Some(Open { node, count: len, is_object }) = open.pop() {
            let count = nodes.len() - node - 1;
            nodes[node] =
                if is_object { Node::Object { len, count } } else { Node::Array { len, count } };
        }
    }

    /// The string that begins here. Without escapes each begins at one quote and ends at the next.
    #[inline]
    fn string(&mut self) -> Option<&'t str> {
        let start = *self.quotes.next()? as usize;
        let end = *self.quotes.next()? as usize;
        if start != self.at {
            return None;
        }
        self.at = end + 1;
        self.text.get(start + 1..end)
    }

    #[inline]
    fn key(&mut self) -> Option<&'t str> {
        let key = self.string()?;
        if self.byte()? != b':' {
            return None;
        }
        self.at += 1;
        Some(key)
    }

    fn word(&mut self, word: &str, value: StaticNode, nodes: &mut Vec<Node<'t>>) -> Option<()> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return None;
        }
        self.at += word.len();
        nodes.push(Node::Static(value));
        Some(())
    }

    /// A whole number; what stands behind it shows whether there is more to it.
    fn number(&mut self) -> Option<StaticNode> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let is_negative = rest.first() == Some(&b'-');
        let digits = &rest[usize::from(is_negative)..];
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_odd = digits.first() == Some(&b'0') && (length > 1 || is_negative);
        if is_odd || !(1..=MAX_DIGITS).contains(&length) {
            return None;
        }
        self.at += usize::from(is_negative) + length;
        let value =
            digits[..length].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
        Some(match i64::try_from(value) {
            Ok(value) if is_negative => StaticNode::I64(-value),
            _ => StaticNode::U64(value),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What simd-json makes of it; `None` if it refuses it, or it is no object.
    fn others(text: &str) -> Option<Vec<Node<'static>>> {
        let bytes: &'static mut [u8] = text.as_bytes().to_vec().leak();
        let tape = simd_json::to_tape(bytes).ok()?;
        matches!(tape.0.first(), Some(Node::Object { .. })).then_some(tape.0)
    }

    /// It makes the same of it as others do, or nothing. True if it made something.
    #[track_caller]
    fn check(text: &str) -> bool {
        let expected = others(text);
        let portable = Quick { structure: Structure::portable(), ..Quick::default() };
        [Quick::default(), portable].into_iter().all(|mut quick| {
            let mut nodes = Vec::new();
            let is_taken = quick.parse(text.as_bytes(), &mut nodes);
            if is_taken {
                assert_eq!(Some(&nodes), expected.as_ref(), "{text}");
            }
            is_taken
        })
    }

    #[test]
    fn what_cloudtrail_writes_is_taken() {
        for text in [
            "{}",
            r#"{"a":"b"}"#,
            r#"{"a":{"b":[1,-2,{"c":null},[],{}],"d":true,"e":false},"f":""}"#,
            r#"{"a":123456789012345678,"a":0,"ä":"日本語"}"#,
        ] {
            assert!(check(text), "{text}");
        }
        let long = format!(r#"{{"{}":["{}"]}}"#, "k".repeat(100), "v".repeat(1000));
        assert!(check(&long));
    }

    #[test]
    fn everything_else_is_left() {
        for text in [
            "",
            "[]",
            "1",
            "\"a\"",
            "{",
            "{}}",
            "{} ",
            " {}",
            r#"{"a" :1}"#,
            r#"{"a":1.5}"#,
            r#"{"a":1e3}"#,
            r#"{"a":-0}"#,
            r#"{"a":01}"#,
            r#"{"a":-}"#,
            r#"{"a":1234567890123456789}"#,
            r#"{"a":"\n"}"#,
            "{\"a\":\"\t\"}",
            r#"{"a":tru}"#,
            r#"{"a":nullx}"#,
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[1}"#,
            r#"{"a":1"b":2}"#,
            r#"{"a":"b""c":1}"#,
            r#"{a:1}"#,
            r#"{"a":"b}"#,
            r#"{"a"::1}"#,
            r#"{"a":}"#,
            r#"{1:1}"#,
        ] {
            assert!(!check(text), "{text}");
        }
        assert!(!Quick::default().parse(b"{\"a\":\"\xff\"}", &mut Vec::new()));
        let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(check(&deep(MAX_DEPTH)));
        let too_deep = deep(MAX_DEPTH + 1);
        assert!(!Quick::default().parse(too_deep.as_bytes(), &mut Vec::new()));
    }

    proptest! {
        #[test]
        fn the_same_is_made_of_it_as_by_others(
            text in r#"\{("[ab]{0,70}":?|"ä"|"\\n"|[\{\}\[\],: ]|-?[0-9]{1,20}|true|null|false|1\.5){0,24}\}"#,
        ) {
            check(&text);
        }

        #[test]
        fn what_is_in_good_order_is_taken(json in object()) {
            prop_assert!(check(&json), "{}", json);
        }
    }

    fn object() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            prop::sample::select(vec!["null", "true", "false", "[]", "{}", r#""""#])
                .prop_map(str::to_owned),
            "\"[a-z{}:,\\[é]{0,90}\"",
            (-1_000_000..1_000_000_i64).prop_map(|number| number.to_string()),
        ];
        let value = leaf.prop_recursive(5, 60, 6, |inner| {
            let member = ("[a-z.]{0,9}", inner.clone())
                .prop_map(|(key, value)| format!("\"{key}\":{value}"));
            let members = prop::collection::vec(member, 0..6);
            let elements = prop::collection::vec(inner, 0..6);
            prop_oneof![
                members.prop_map(|members| format!("{{{}}}", members.join(","))),
                elements.prop_map(|elements| format!("[{}]", elements.join(","))),
            ]
        });
        value.prop_map(|value| format!("{{\"a\":{value}}}"))
    }
}
