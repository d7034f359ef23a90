//! Fields that are worked out of a record instead of standing in it: their names and what they hold.
//!
//! The list is closed, so that a rule with a name that is not here is refused. What they hold for a
//! record is worked out in `enrich`; who has to know them is `sigma` (names) and `matcher` (values).

use simd_json::StaticNode;

use super::{Lookup, Record};

/// What all names begin with.
pub const PREFIX: &str = "askance.";

macro_rules! fields {
    ($($field:ident = $name:literal: $holds:literal,)+) => {
        /// A field that is worked out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $(#[doc = $holds] $field,)+
        }

        impl Field {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$field),+];

            /// Its name as rules write it. One that ends in `.*` is followed by any key.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)+
                }
            }

            /// What it holds, in words for people who write rules.
            #[must_use]
            pub fn holds(self) -> &'static str {
                match self {
                    $(Self::$field => $holds,)+
                }
            }
        }
    };
}

fields! {
    ActorKind = "askance.actor.kind": "Who acted: `root`, `user`, `role`, `federated`, `identity_center`, \
        `service`, `account` (another account, nothing more is told) or `unknown`.",
}

impl Field {
    /// The field of a path, and what stands for `*` in its name (else nothing).
    #[must_use]
    pub fn find(path: &str) -> Option<(Self, &str)> {
        Self::ALL.iter().find_map(|field| match field.name().strip_suffix('*') {
            Some(stem) => {
                path.strip_prefix(stem).filter(|rest| !rest.is_empty()).map(|rest| (*field, rest))
            }
            None => (field.name() == path).then_some((*field, "")),
        })
    }
}

/// One value that was worked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derived {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Bool(bool),
}

impl Derived {
    /// As a value of a record is seen.
    #[must_use]
    pub fn lookup(&self) -> Lookup<'_> {
        match self {
            Self::Text(text) => Lookup::Text(text),
            Self::Number(number) => Lookup::Static(StaticNode::I64(*number)),
            Self::Bool(value) => Lookup::Static(StaticNode::Bool(*value)),
        }
    }
}

/// What a derived field holds for a record: several values as an array would, none as if it were absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DerivedValues {
    /// The values, in the order of what they were worked out of.
    pub found: Vec<Derived>,
    /// What it is worked out of was cut by CloudTrail, or there is too much of it: there may be more.
    pub is_cut: bool,
}

impl DerivedValues {
    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        self.found.clear();
        self.is_cut = false;
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) {
        self.found.push(Derived::Text(text.to_owned()));
    }

    /// Adds yes or no.
    pub fn bool(&mut self, value: bool) {
        self.found.push(Derived::Bool(value));
    }

    /// Adds a number.
    pub fn number(&mut self, value: i64) {
        self.found.push(Derived::Number(value));
    }
}

/// Works out derived fields. A function of the record and of tables that do not change meanwhile.
pub trait Derive {
    /// Adds the values of `field` for a record; `rest` is what stands for `*` in its name.
    fn derive(&self, field: Field, rest: &str, record: &Record<'_>, into: &mut DerivedValues);
}

/// Where there is no context: every derived field is absent.
impl Derive for () {
    fn derive(&self, _: Field, _: &str, _: &Record<'_>, _: &mut DerivedValues) {}
}

/// A record, and what can be worked out of it.
#[derive(Debug)]
pub struct Enriched<'e, 'r, D> {
    /// The record.
    pub record: &'e Record<'r>,
    /// Works out the rest.
    pub derive: &'e D,
}

impl<D> Clone for Enriched<'_, '_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Enriched<'_, '_, D> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for field in Field::ALL {
            let (path, rest) = match field.name().strip_suffix('*') {
                Some(stem) => (format!("{stem}any.key"), "any.key"),
                None => (field.name().to_owned(), ""),
            };
            assert!(path.starts_with(PREFIX), "{path}");
            assert_eq!(Field::find(&path), Some((*field, rest)), "{path}");
        }
    }

    #[test]
    fn other_names_are_no_fields() {
        for path in ["askance.actor", "askance.actor.kinds", "actor.kind", "askance."] {
            assert_eq!(Field::find(path), None, "{path}");
        }
    }
}
