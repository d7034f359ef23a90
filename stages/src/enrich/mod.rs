//! Works out what a record means: the fields under `askance.` that rules may name.
//!
//! A function of the record and of [`Tables`], which never change while they are in use: neither the
//! order of records nor what came before changes a value. Each family of fields has a file; their
//! names are in `model::fields`. Fields are worked out when a rule looks at them, once for each record.

mod actor;

use crate::model::{Derive, DerivedValues, Field, Record};

/// What is known besides the record; empty by default.
#[derive(Debug, Default)]
pub struct Tables {}

/// Works out the fields.
#[derive(Debug, Default)]
pub struct Enrich {
    /// What is known.
    pub tables: Tables,
}

impl Derive for Enrich {
    fn derive(&self, field: Field, _rest: &str, record: &Record<'_>, into: &mut DerivedValues) {
        match field {
            Field::ActorKind => actor::kind(record, into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Parser;

    /// A field of a record, without tables.
    pub(super) fn derive(field: Field, record: &serde_json::Value) -> DerivedValues {
        derive_with(&Enrich::default(), field, "", record)
    }

    /// A field of a record, with what is known.
    pub(super) fn derive_with(
        enrich: &Enrich,
        field: Field,
        rest: &str,
        record: &serde_json::Value,
    ) -> DerivedValues {
        let mut values = DerivedValues::default();
        let json = record.to_string();
        let parsed = Parser::default().parse(json.as_bytes(), |record, _| {
            enrich.derive(field, rest, &record, &mut values);
        });
        parsed.unwrap();
        values
    }
}
