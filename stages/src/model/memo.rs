//! What was already worked out of the record at hand, so that fields which come from the same work share it.
//!
//! It does not know how anything is worked out, nor when a record ends: its owner clears it then.

use std::collections::BTreeSet;

use super::{DerivedValues, Field};

/// Values of the fields that were worked out together, for one record.
#[derive(Debug, Default)]
pub struct Memo {
    facts: Facts,
}

/// Values by field.
#[derive(Debug, Default)]
pub struct Facts {
    values: Vec<(Field, DerivedValues)>,
}

impl Memo {
    /// Forgets the last record.
    pub fn clear(&mut self) {
        self.facts.values.clear();
    }

    /// Adds the values of `field` to `into`. Unless `head`, a field that `work_out` always names, is
    /// known already, it is worked out first.
    pub fn give(
        &mut self,
        (head, field): (Field, Field),
        into: &mut DerivedValues,
        work_out: impl FnOnce(&mut Facts),
    ) {
        if self.facts.find(head).is_none() {
            // Named in any case, so that the work is never done twice.
            self.facts.of(head);
            work_out(&mut self.facts);
        }
        if let Some(values) = self.facts.find(field) {
            into.found.extend_from_slice(&values.found);
            into.is_cut |= values.is_cut;
        }
    }
}

impl Facts {
    /// Most values of one field that are kept; what is beyond counts as cut.
    pub const MAX_VALUES: usize = 512;
    /// Longest text that is kept, in bytes; a longer one counts as cut.
    pub const MAX_TEXT: usize = 2048;

    fn find(&self, field: Field) -> Option<&DerivedValues> {
        self.values.iter().find(|(known, _)| *known == field).map(|(_, values)| values)
    }

    /// The values of a field, to be added to.
    pub fn of(&mut self, field: Field) -> &mut DerivedValues {
        let at = self.values.iter().position(|(known, _)| *known == field);
        let at = at.unwrap_or_else(|| {
            self.values.push((field, DerivedValues::default()));
            self.values.len() - 1
        });
        &mut self.values[at].1
    }

    /// Notes yes, no, or, where something is missing and what is there says no, that it can't be told.
    pub fn judge(&mut self, field: Field, holds: bool, is_cut: bool) {
        let values = self.of(field);
        if holds || !is_cut {
            values.bool(holds);
        } else {
            values.is_cut = true;
        }
    }

    /// Notes texts, each once and in the order given.
    pub fn texts(
        &mut self,
        field: Field,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
        is_cut: bool,
    ) {
        let values = self.of(field);
        values.is_cut |= is_cut;
        let mut seen = BTreeSet::new();
        for text in texts {
            let text = text.as_ref();
            if seen.len() >= Self::MAX_VALUES || text.len() > Self::MAX_TEXT {
                values.is_cut = true;
            } else if seen.insert(text.to_owned()) {
                values.text(text);
            }
        }
    }

    /// Notes numbers, in the order given.
    pub fn numbers(
        &mut self,
        field: Field,
        numbers: impl IntoIterator<Item = impl Into<i64>>,
        is_cut: bool,
    ) {
        let values = self.of(field);
        values.is_cut |= is_cut;
        numbers.into_iter().for_each(|number| values.number(number.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Derived;

    #[test]
    fn what_belongs_together_is_worked_out_once() {
        let (mut memo, mut times) = (Memo::default(), 0);
        for _ in 0..3 {
            let mut into = DerivedValues::default();
            memo.give((Field::ActorKind, Field::ActorKind), &mut into, |facts| {
                times += 1;
                facts.texts(Field::ActorKind, ["role", "role"], false);
            });
            assert_eq!(into.found, [Derived::Text("role".to_owned())]);
        }
        assert_eq!(times, 1);
        memo.clear();
        memo.give((Field::ActorKind, Field::ActorKind), &mut DerivedValues::default(), |_| {
            times += 1;
        });
        assert_eq!(times, 2);
    }

    #[test]
    fn too_many_and_too_long_texts_count_as_cut() {
        let mut facts = Facts::default();
        facts.texts(Field::ActorKind, (0..=Facts::MAX_VALUES).map(|n| n.to_string()), false);
        let values = facts.of(Field::ActorKind);
        assert!(values.is_cut && values.found.len() == Facts::MAX_VALUES);
        let mut facts = Facts::default();
        facts.texts(Field::ActorKind, ["x".repeat(Facts::MAX_TEXT + 1)], false);
        assert!(facts.of(Field::ActorKind).is_cut);
    }

    #[test]
    fn a_yes_stands_even_if_something_was_cut() {
        for (holds, is_cut, found, cut) in [
            (true, true, Some(true), false),
            (true, false, Some(true), false),
            (false, false, Some(false), false),
            (false, true, None, true),
        ] {
            let mut facts = Facts::default();
            facts.judge(Field::ActorKind, holds, is_cut);
            let values = facts.of(Field::ActorKind);
            assert_eq!(values.found.first(), found.map(Derived::Bool).as_ref());
            assert_eq!(values.is_cut, cut);
        }
    }
}
