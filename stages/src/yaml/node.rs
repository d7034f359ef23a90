//! Nodes of a YAML tree, and asking them for what is expected. They say where they stand.

use std::fmt;

use super::nearest;
use super::scalar::{Scalar, Text};

/// A place in a text: line and column (in characters), both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {message}{}", hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())]
pub struct Fault {
    /// Where.
    pub position: Position,
    /// The key that it is about, where there is one.
    pub key: Option<String>,
    /// What: lowercase, without a period.
    pub message: String,
    /// What to do about it, if that is known: `did you mean "contains"?`.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault without key and hint.
    #[must_use]
    pub fn new(position: Position, message: impl Into<String>) -> Self {
        Self { position, key: None, message: message.into(), hint: None }
    }

    /// The same fault, about this key.
    #[must_use]
    pub fn about(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The same fault with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A scalar, list or mapping and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub position: Position,
    /// What it is.
    pub kind: Kind,
}

/// The three kinds of nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text, a number, a boolean or null: see [`Text::scalar`].
    Scalar(Text),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values.
    Mapping(Mapping),
}

/// Keys and values in the order of the text; each key stands once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    /// The pairs, in order.
    pub entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub key_position: Position,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The text of a scalar, whatever its type; `None` for lists and mappings.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text) => Some(&text.text),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// The value of a scalar in the core schema; `None` for lists and mappings.
    #[must_use]
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.kind {
            Kind::Scalar(text) => Some(text.scalar()),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// The mapping, if it is one.
    #[must_use]
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.kind {
            Kind::Mapping(mapping) => Some(mapping),
            Kind::Scalar(_) | Kind::Sequence(_) => None,
        }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            Kind::Scalar(_) | Kind::Mapping(_) => None,
        }
    }

    /// True for plain `null`, `~` and nothing at all.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.scalar() == Some(Scalar::Null)
    }

    /// How many nodes it is made of, itself included.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.kind {
            Kind::Scalar(_) => 1,
            Kind::Sequence(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Kind::Mapping(mapping) => 1 + mapping.size(),
        }
    }

    /// What it is, for messages: `a list`, `a number`.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
            Kind::Scalar(text) => match text.scalar() {
                Scalar::Null => "nothing",
                Scalar::Bool(_) => "a boolean",
                Scalar::Integer(_) | Scalar::Float(_) => "a number",
                Scalar::Text(_) => "text",
            },
        }
    }

    /// The text of a scalar that is not null. Numbers and booleans come as they were written.
    ///
    /// # Errors
    /// It is a list, a mapping or null.
    pub fn text(&self) -> Result<&str, Fault> {
        match self.scalar() {
            Some(Scalar::Null) | None => Err(self.unexpected("text")),
            Some(_) => Ok(self.as_str().unwrap_or_default()),
        }
    }

    /// A plain boolean.
    ///
    /// # Errors
    /// It is something else.
    pub fn boolean(&self) -> Result<bool, Fault> {
        match self.scalar() {
            Some(Scalar::Bool(value)) => Ok(value),
            _ => Err(self.unexpected("true or false")),
        }
    }

    /// A plain whole number.
    ///
    /// # Errors
    /// It is something else.
    pub fn integer(&self) -> Result<i128, Fault> {
        match self.scalar() {
            Some(Scalar::Integer(value)) => Ok(value),
            _ => Err(self.unexpected("a whole number")),
        }
    }

    /// The mapping.
    ///
    /// # Errors
    /// It is something else.
    pub fn mapping(&self) -> Result<&Mapping, Fault> {
        self.as_mapping().ok_or_else(|| self.unexpected("a mapping"))
    }

    /// The items of a list.
    ///
    /// # Errors
    /// It is something else.
    pub fn sequence(&self) -> Result<&[Node], Fault> {
        self.as_sequence().ok_or_else(|| self.unexpected("a list"))
    }

    /// One text, or the texts of a list; null is an empty list.
    ///
    /// # Errors
    /// It is a mapping, or something in the list is no text.
    pub fn texts(&self) -> Result<Vec<String>, Fault> {
        match &self.kind {
            Kind::Sequence(items) => {
                items.iter().map(|item| item.text().map(str::to_owned)).collect()
            }
            Kind::Scalar(_) if self.is_null() => Ok(Vec::new()),
            Kind::Scalar(text) => Ok(vec![text.text.clone()]),
            Kind::Mapping(_) => Err(self.unexpected("text or a list of texts")),
        }
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        Fault::new(self.position, format!("expected {wanted}, found {}", self.kind_name()))
    }
}

impl Mapping {
    /// The value of that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value of that key, unless it is null.
    #[must_use]
    pub fn get_some(&self, key: &str) -> Option<&Node> {
        self.get(key).filter(|node| !node.is_null())
    }

    /// The key and its value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// How many nodes its values are made of.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.iter().map(|entry| entry.value.size()).sum()
    }

    /// True if the key is there, null or not.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// A fault for every key that is none of `known`, with the nearest known key as hint.
    #[must_use]
    pub fn unknown_keys(&self, known: &[&str]) -> Vec<Fault> {
        let unknown = self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
        unknown
            .map(|entry| {
                let fault = Fault::new(entry.key_position, format!("unknown key {:?}", entry.key))
                    .about(&entry.key);
                match nearest(&entry.key, known.iter().copied()) {
                    Some(near) => fault.hint(format!("did you mean {near:?}?")),
                    None => fault.hint(format!("known keys: {}", known.join(", "))),
                }
            })
            .collect()
    }

    /// Keys that are unknown but near to a known key that is absent, with that key: slips of the
    /// pen where unknown keys are otherwise allowed.
    #[must_use]
    pub fn near_misses<'a>(&self, known: &[&'a str]) -> Vec<(&Entry, &'a str)> {
        let unknown = self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
        unknown
            .filter_map(|entry| {
                let near = nearest(&entry.key, known.iter().copied())?;
                (!self.has(near)).then_some((entry, near))
            })
            .collect()
    }
}
