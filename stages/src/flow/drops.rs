//! Records that are dropped by a named condition before rules look at them, those aside that a rule
//! must always see.

use std::sync::Arc;

use serde_json::Value;

use crate::enrich::Enrich;
use crate::matcher::{Candidates, RuleSet, Scratch, Tri, Verdict};
use crate::model::Enriched;
use crate::sigma;

/// Conditions under which records are dropped; none by default.
#[derive(Debug, Default)]
pub struct Drops {
    /// Each condition as a rule, whose title is the reason's name.
    rules: Option<RuleSet>,
}

/// Why a condition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct DropError {
    /// The reason's name.
    pub name: String,
    /// What is wrong with its condition.
    pub message: String,
}

impl Drops {
    /// Reads conditions, each with the name of its reason: selections as Sigma writes them, a mapping of
    /// fields and values or a list of such.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn compile<'c>(
        conditions: impl IntoIterator<Item = (&'c str, &'c Value)>,
    ) -> Result<Self, Vec<DropError>> {
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for (name, selection) in conditions {
            let error = |message: String| DropError { name: name.to_owned(), message };
            match sigma::selection(name, selection) {
                Ok(rule) => rules.push(Arc::new(rule)),
                Err(messages) => errors.extend(messages.into_iter().map(error)),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        if rules.is_empty() {
            return Ok(Self::default());
        }
        match RuleSet::compile(rules) {
            Ok(rules) => Ok(Self { rules: Some(rules) }),
            Err(failed) => Err(failed
                .into_iter()
                .map(|error| DropError { name: error.title, message: error.message })
                .collect()),
        }
    }

    /// The name of the first reason to drop a record. Where CloudTrail cut what a condition looks at, it
    /// does not hold: what cannot be told is not dropped.
    #[must_use]
    pub fn reason(
        &self,
        enriched: Enriched<'_, '_, Enrich>,
        scratch: &mut Scratch,
    ) -> Option<&str> {
        let rules = self.rules.as_ref()?;
        let mut first = None;
        rules.run(enriched, Verdict::All, &Candidates::default(), scratch, |index, truth, _| {
            if truth == Tri::True {
                first.get_or_insert(index);
            }
        });
        first.map(|index| rules.rules[index].facts.rule.title.as_str())
    }
}
