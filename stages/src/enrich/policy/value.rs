//! A JSON value that no longer says whether it stood in the record or in a text of it.
//!
//! Keys that stand twice are both kept, since it is not known which of them a service takes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use simd_json::StaticNode;

use crate::model::{Lookup, Record, static_text};

/// A JSON value. Numbers and booleans are text, as policies do not tell them apart; null is an empty list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

/// Deepest nesting that is copied out of a record; a policy has 6 levels.
const MAX_DEPTH: usize = 64;

impl Value {
    /// Reads JSON; `None` if it is none. Nesting is bounded by the reader, 128 levels.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Copies a value of a record; what is nested too deeply is an empty list.
    pub(super) fn of(record: &Record<'_>, at: usize) -> Self {
        Self::copy(record, at, 0)
    }

    fn copy(record: &Record<'_>, at: usize, depth: usize) -> Self {
        match record.value(at) {
            Lookup::Text(text) => Self::Text(text.to_owned()),
            Lookup::Static(StaticNode::Null) => Self::List(Vec::new()),
            Lookup::Static(value) => Self::Text(static_text(value)),
            Lookup::Container if depth >= MAX_DEPTH => Self::List(Vec::new()),
            Lookup::Container => {
                let members = record.members(at);
                let members: Vec<_> = members
                    .map(|(key, value)| (key.to_owned(), Self::copy(record, value, depth + 1)))
                    .collect();
                if members.is_empty() {
                    let elements = record.elements(at);
                    Self::List(elements.map(|at| Self::copy(record, at, depth + 1)).collect())
                } else {
                    Self::Map(members)
                }
            }
        }
    }

    /// The values under a key, in either case.
    pub(super) fn under(&self, key: &str) -> impl Iterator<Item = &Self> {
        self.members()
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    }

    pub(super) fn members(&self) -> &[(String, Self)] {
        match self {
            Self::Map(members) => members,
            Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// The elements of a list, or the value itself.
    pub(super) fn each(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            Self::Text(_) | Self::Map(_) => std::slice::from_ref(self),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Text(static_text(StaticNode::from(value))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::List(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        // As a record's: what is empty is one thing.
        Ok(if members.is_empty() { Value::List(Vec::new()) } else { Value::Map(members) })
    }
}
