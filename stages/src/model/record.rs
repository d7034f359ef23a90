//! One CloudTrail event or resource snapshot: a view over a simd-json tape, and paths into it.

use simd_json::{Node, StaticNode};

use super::outermost::{Known, Outermost, behind};

/// A parsed record. Cheap to copy; it borrows the tape and the bytes that it was parsed from.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    nodes: &'a [Node<'a>],
    outermost: Outermost,
    /// The record's text as it stood in its file (for envelopes: after unescaping).
    pub raw: &'a [u8],
    /// Strict JSON: no reader refuses the text.
    pub is_strict: bool,
}

/// What a path leads to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Values {
    /// Positions of scalars and objects; the elements of arrays, not arrays.
    pub found: Vec<usize>,
    /// Something is there: a value, null, or an empty array.
    pub is_present: bool,
    /// CloudTrail cut an object on the way (`"omitted": true`), so more might have been there.
    pub is_cut: bool,
}

impl Values {
    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        self.found.clear();
        self.is_present = false;
        self.is_cut = false;
    }
}

/// One value at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lookup<'a> {
    /// Text.
    Text(&'a str),
    /// A number, a boolean or null.
    Static(StaticNode),
    /// An object or array, by position.
    Container,
}

impl<'a> Record<'a> {
    /// Takes a tape whose first node is the record's object.
    #[must_use]
    pub fn new(nodes: &'a [Node<'a>], raw: &'a [u8]) -> Self {
        Self { nodes, outermost: Outermost::of(nodes), raw, is_strict: false }
    }

    /// The same, of text that strict JSON accepts.
    #[must_use]
    pub fn strict(nodes: &'a [Node<'a>], raw: &'a [u8]) -> Self {
        Self { nodes, outermost: Outermost::of(nodes), raw, is_strict: true }
    }

    /// The value at a position.
    #[must_use]
    pub fn value(&self, position: usize) -> Lookup<'a> {
        match self.nodes.get(position) {
            Some(Node::String(text)) => Lookup::Text(text),
            Some(Node::Static(value)) => Lookup::Static(*value),
            Some(Node::Object { .. } | Node::Array { .. }) => Lookup::Container,
            None => Lookup::Static(StaticNode::Null),
        }
    }

    /// The position behind the value at `position`.
    fn behind(&self, position: usize) -> usize {
        behind(self.nodes, position)
    }

    /// Keys and positions of values of the object at `position`; nothing if it is none.
    pub fn members(&self, position: usize) -> impl Iterator<Item = (&'a str, usize)> + use<'a> {
        let nodes = self.nodes;
        let mut left = match nodes.get(position) {
            Some(Node::Object { len, .. }) => *len,
            _ => 0,
        };
        let mut next = position + 1;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            left -= 1;
            let key = match nodes.get(next) {
                Some(Node::String(key)) => *key,
                _ => return None,
            };
            let value = next + 1;
            next = behind(nodes, value);
            Some((key, value))
        })
    }

    /// Positions of the elements of the array at `position`; nothing if it is none.
    pub fn elements(&self, position: usize) -> impl Iterator<Item = usize> + use<'a> {
        let nodes = self.nodes;
        let mut left = match nodes.get(position) {
            Some(Node::Array { len, .. }) => *len,
            _ => 0,
        };
        let mut next = position + 1;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            left -= 1;
            let here = next;
            next = behind(nodes, here);
            Some(here)
        })
    }

    /// True if the object at `position` says that CloudTrail cut it.
    fn is_cut(&self, position: usize) -> bool {
        self.members(position).any(|(key, value)| {
            key == "omitted" && self.value(value) == Lookup::Static(StaticNode::Bool(true))
        })
    }

    /// True if any object of the record was cut.
    #[must_use]
    pub fn has_cut(&self) -> bool {
        self.is_cut_within(0)
    }

    /// True if the value at `position` is an object that was cut, or holds one.
    #[must_use]
    pub fn is_cut_within(&self, position: usize) -> bool {
        (position..self.behind(position))
            .any(|at| matches!(self.nodes.get(at), Some(Node::Object { .. })) && self.is_cut(at))
    }

    /// Follows a dotted path from the root and adds what it finds to `values`.
    ///
    /// An array on the way stands for its elements. A key may itself hold dots: `a.b.c` is found as
    /// `a` / `b` / `c`, `a.b` / `c`, `a` / `b.c` and `a.b.c`. Of keys that stand twice in an object
    /// each counts.
    pub fn find(&self, path: &str, values: &mut Values) {
        let (first, rest) =
            path.split_once('.').map_or((path, None), |(it, rest)| (it, Some(rest)));
        match (self.outermost.find(first), rest) {
            (Known::At(value), Some(rest)) => self.find_from(value, rest, values),
            (Known::At(value), None) => {
                values.is_present = true;
                self.flatten(value, &mut values.found);
            }
            // The record itself is never cut by CloudTrail, so what is not there is nowhere.
            (Known::Absent, _) => {}
            (Known::Unknown, _) => self.find_from(0, path, values),
        }
    }

    fn find_from(&self, position: usize, path: &str, values: &mut Values) {
        if matches!(self.nodes.get(position), Some(Node::Array { .. })) {
            for element in self.elements(position) {
                self.find_from(element, path, values);
            }
            return;
        }
        let mut is_there = false;
        for (key, value) in self.members(position) {
            // Of nearly all keys the length tells already.
            if !matches!(path.as_bytes().get(key.len()), None | Some(b'.')) {
                continue;
            }
            let Some(rest) = path.strip_prefix(key) else { continue };
            if rest.is_empty() {
                is_there = true;
                values.is_present = true;
                self.flatten(value, &mut values.found);
            } else if let Some(rest) = rest.strip_prefix('.') {
                is_there |= !matches!(self.value(value), Lookup::Static(StaticNode::Null));
                self.find_from(value, rest, values);
            }
        }
        // The record itself is never cut by CloudTrail, only the objects within.
        if !is_there && position > 0 && self.is_cut(position) {
            values.is_cut = true;
        }
    }

    /// Elements of arrays, however nested, or the value itself.
    fn flatten(&self, position: usize, found: &mut Vec<usize>) {
        if matches!(self.nodes.get(position), Some(Node::Array { .. })) {
            for element in self.elements(position) {
                self.flatten(element, found);
            }
        } else {
            found.push(position);
        }
    }

    /// Every scalar of the record, or of the value at `position`, in order; keys are not among them.
    pub fn scalars(&self, position: usize) -> impl Iterator<Item = Lookup<'a>> + use<'a> {
        let record = *self;
        let end = self.behind(position);
        // Keys and string values look alike on a tape, so objects are walked by a stack of the
        // number of nodes that are still to come as keys: see `Keys`.
        let mut keys = Keys::default();
        (position..end).filter_map(move |at| {
            if keys.is_key(record.nodes, at) {
                return None;
            }
            match record.value(at) {
                Lookup::Container => None,
                scalar => Some(scalar),
            }
        })
    }

    /// The text at a path of plain keys, if there is text.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<&'a str> {
        self.text_at(self.at(path)?)
    }

    /// The text at a position, if there is text.
    #[must_use]
    pub fn text_at(&self, position: usize) -> Option<&'a str> {
        match self.value(position) {
            Lookup::Text(text) => Some(text),
            Lookup::Static(_) | Lookup::Container => None,
        }
    }

    /// The position of a member of the object at `position`; the first of equal keys.
    #[must_use]
    pub fn member(&self, position: usize, key: &str) -> Option<usize> {
        self.members(position).find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Positions of members of an object by their keys, of equal ones the first: it is gone through once
    /// for all of them.
    #[must_use]
    pub fn members_named<const N: usize>(
        &self,
        object: Option<usize>,
        keys: [&str; N],
    ) -> [Option<usize>; N] {
        let mut found = [None; N];
        for (key, value) in object.into_iter().flat_map(|at| self.members(at)) {
            if let Some(place) = keys.iter().position(|wanted| *wanted == key) {
                found[place] = found[place].or(Some(value));
            }
        }
        found
    }

    /// The position at a path of plain keys; the first of equal keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let from = match self.outermost.find(first) {
            Known::At(value) => value,
            Known::Absent => return None,
            Known::Unknown => self.member(0, first)?,
        };
        rest.iter().try_fold(from, |position, step| self.member(position, step))
    }

    /// Writes the value at `position` as compact JSON.
    pub fn write_json(&self, position: usize, out: &mut String) {
        match self.nodes.get(position) {
            Some(Node::String(text)) => write_text(text, out),
            Some(Node::Static(value)) => write_static(*value, out),
            Some(Node::Object { .. }) => {
                out.push('{');
                for (index, (key, value)) in self.members(position).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    self.write_json(value, out);
                }
                out.push('}');
            }
            Some(Node::Array { .. }) => {
                out.push('[');
                for (index, element) in self.elements(position).enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.write_json(element, out);
                }
                out.push(']');
            }
            None => out.push_str("null"),
        }
    }
}

/// Tells keys from values while a tape is walked in order.
#[derive(Debug, Default)]
struct Keys {
    /// For each open container: where it ends, and whether it is an object.
    open: Vec<(usize, bool)>,
    /// The next node of the innermost object is a key.
    expects_key: Vec<bool>,
}

impl Keys {
    fn is_key(&mut self, nodes: &[Node<'_>], at: usize) -> bool {
        while self.open.last().is_some_and(|(end, _)| *end <= at) {
            self.open.pop();
            self.expects_key.pop();
        }
        let is_object = self.open.last().is_some_and(|(_, is_object)| *is_object);
        if is_object && let Some(expects) = self.expects_key.last_mut() {
            let is_key = *expects;
            *expects = !is_key;
            if is_key {
                return true;
            }
        }
        match nodes.get(at) {
            Some(Node::Object { count, .. }) => {
                self.open.push((at + 1 + count, true));
                self.expects_key.push(true);
            }
            Some(Node::Array { count, .. }) => {
                self.open.push((at + 1 + count, false));
                self.expects_key.push(false);
            }
            _ => {}
        }
        false
    }
}

/// Writes a number, a boolean or null as JSON does: a float that is whole keeps its point (`22.0`).
pub fn write_static(value: StaticNode, out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = match value {
        StaticNode::F64(number) => write!(out, "{number:?}"),
        StaticNode::I64(_) | StaticNode::U64(_) | StaticNode::Bool(_) | StaticNode::Null => {
            write!(out, "{value}")
        }
    };
}

/// The text of a number, a boolean or null: see [`write_static`].
#[must_use]
pub fn static_text(value: StaticNode) -> String {
    let mut text = String::new();
    write_static(value, &mut text);
    text
}

/// Writes a JSON string.
pub(crate) fn write_text(text: &str, out: &mut String) {
    // Writing a str to a String cannot fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_record(json: &str, look: impl FnOnce(Record<'_>)) {
        let mut bytes = json.as_bytes().to_vec();
        let tape = simd_json::to_tape(&mut bytes).unwrap();
        look(Record::new(&tape.0, json.as_bytes()));
    }

    #[track_caller]
    fn check(json: &str, path: &str, expected: &str) {
        with_record(json, |record| {
            let mut values = Values::default();
            record.find(path, &mut values);
            let mut written = String::new();
            for position in &values.found {
                record.write_json(*position, &mut written);
                written.push(' ');
            }
            if values.is_present {
                written.push('!');
            }
            if values.is_cut {
                written.push('?');
            }
            assert_eq!(written, expected, "{json} at {path}");
        });
    }

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        check(r#"{"a":{"b":1}}"#, "a.b", "1 !");
        check(r#"{"a":[{"b":1},{"b":[2,[3]]},{"c":4}]}"#, "a.b", "1 2 3 !");
        check(r#"{"a":[]}"#, "a", "!");
        check(r#"{"a":{}}"#, "a", "{} !");
        check(r#"{"a":null}"#, "a", "null !");
        check(r#"{"a":null}"#, "a.b", "");
        check(r#"{"a":"b"}"#, "a.b", "");
        check(r#"{"a":1,"a":2}"#, "a", "1 2 !");
    }

    #[test]
    fn members_are_named_once_for_all() {
        with_record(r#"{"o":{"a":1,"b":2,"a":3},"s":"x"}"#, |record| {
            let object = record.at(&["o"]);
            let found = record.members_named(object, ["b", "c", "a"]);
            assert_eq!(found, ["b", "c", "a"].map(|key| record.member(object.unwrap(), key)));
            assert!(found[2].is_some_and(|at| record.value(at) == Lookup::Static(1_i64.into())));
            for no_object in [None, record.at(&["s"])] {
                assert_eq!(record.members_named(no_object, ["a"]), [None]);
            }
        });
    }

    #[test]
    fn keys_may_hold_dots() {
        check(r#"{"a.b":1,"a":{"b":2,"b.c":3}}"#, "a.b", "1 2 !");
        check(r#"{"a.b":{"c":1},"a":{"b.c":3}}"#, "a.b.c", "1 3 !");
        check(r#"{"ab":1}"#, "a", "");
    }

    #[test]
    fn cut_objects_are_noticed_where_the_value_is_missing() {
        check(r#"{"p":{"omitted":true,"x":1}}"#, "p.y", "?");
        check(r#"{"p":{"omitted":true,"x":1}}"#, "p.x", "1 !");
        check(r#"{"p":{"omitted":true}}"#, "p", "{\"omitted\":true} !");
        check(r#"{"p":{"omitted":false}}"#, "p.y", "");
        check(r#"{"p":{"q":{"omitted":true}}}"#, "p.q.r.s", "?");
        check(r#"{"p":{"omitted":true}}"#, "q.y", "");
    }

    /// Objects of a few keys, some of which are well known; keys may stand twice and hold dots.
    fn object() -> impl Strategy<Value = String> {
        let keys =
            ["userIdentity", "eventName", "errorCode", "arn", "a", "userIdentity.arn", "omitted"];
        let leaf = prop::sample::select(vec!["1", "null", "true", "\"x\"", "[]", "{}"]);
        leaf.prop_map(str::to_owned).prop_recursive(3, 24, 5, move |inner| {
            let member = (prop::sample::select(keys.to_vec()), inner.clone());
            let object = prop::collection::vec(member, 0..5).prop_map(|members| {
                let members = members.iter().map(|(key, value)| format!("\"{key}\":{value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            });
            let array =
                prop::collection::vec(inner, 0..3).prop_map(|it| format!("[{}]", it.join(",")));
            prop_oneof![4 => object, 1 => array]
        })
    }

    proptest! {
        /// What is known of the outermost keys changes no answer.
        #[test]
        fn the_short_way_finds_what_the_long_one_does(json in object()) {
            with_record(&json, |record| {
                let slow = Record { outermost: Outermost::NONE, ..record };
                for path in ["eventName", "userIdentity", "userIdentity.arn", "errorCode.a.arn", "a.arn", "b"] {
                    let (mut fast, mut all) = (Values::default(), Values::default());
                    record.find(path, &mut fast);
                    slow.find(path, &mut all);
                    assert_eq!(fast, all, "{path} of {json}");
                    let steps: Vec<&str> = path.split('.').collect();
                    assert_eq!(record.at(&steps), slow.at(&steps), "{path} of {json}");
                }
            });
        }
    }

    #[test]
    fn numbers_are_written_as_in_json() {
        for number in ["22", "-5", "22.0", "0.5", "-1.25", "18446744073709551615", "1e300"] {
            with_record(&format!("[{number}]"), |record| {
                let mut written = String::new();
                record.write_json(1, &mut written);
                assert_eq!(written, number);
            });
        }
    }

    #[test]
    fn scalars_are_values_and_never_keys() {
        with_record(r#"{"a":"x","b":{"c":["y",{"d":"z"},1],"e":{}},"f":"g"}"#, |record| {
            let texts: Vec<_> = record
                .scalars(0)
                .map(|value| match value {
                    Lookup::Text(text) => text.to_owned(),
                    Lookup::Static(value) => value.to_string(),
                    Lookup::Container => "?".to_owned(),
                })
                .collect();
            assert_eq!(texts, ["x", "y", "z", "1", "g"]);
        });
    }
}
