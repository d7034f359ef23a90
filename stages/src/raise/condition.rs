//! Conditions on alerts: a Sigma selection on the alert's own fields.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use serde_json::Value;

use crate::matcher::{Candidates, RuleSet, Scratch, Tri, Verdict};
use crate::model::{Alert, Enriched};
use crate::parse::Parser;
use crate::sigma;

/// Which alerts; see [`Condition::compile`].
#[derive(Debug)]
pub struct Condition {
    rules: RuleSet,
}

/// Why a selection cannot be used, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", messages.join("; "))]
pub struct ConditionError {
    /// What is wrong with it.
    pub messages: Vec<String>,
}

thread_local! {
    // One of each per thread: conditions are asked for every alert.
    static PARSER: RefCell<(Parser, Scratch)> = RefCell::default();
}

/// What conditions see of an alert, which is `json` as a whole: all but who is behind it. That depends on
/// what happened to be read before, and what becomes of an alert must not.
pub(super) fn seen<'j>(alert: &Alert, json: &'j str) -> Cow<'j, str> {
    if alert.behind.is_none() {
        return Cow::Borrowed(json);
    }
    let bare = Alert { behind: None, ..alert.clone() };
    Cow::Owned(serde_json::to_string(&bare).unwrap_or_default())
}

impl Condition {
    /// Reads a selection as Sigma writes it: a mapping of fields and values, or a list of such.
    ///
    /// # Errors
    /// What a rule with this selection would be refused for.
    pub fn compile(selection: &Value) -> Result<Self, ConditionError> {
        let failed = |messages: Vec<String>| Err(ConditionError { messages });
        let rule = match sigma::selection("condition", selection) {
            Ok(rule) => rule,
            Err(messages) => return failed(messages),
        };
        match RuleSet::compile([Arc::new(rule)]) {
            Ok(rules) => {
                if let Some(name) = rules.derived().next() {
                    let message =
                        format!("field {name:?} is worked out of records, and this is an alert");
                    return failed(vec![message]);
                }
                Ok(Self { rules })
            }
            Err(errors) => failed(errors.into_iter().map(|error| error.message).collect()),
        }
    }

    /// Does it hold for an alert, given as JSON? Where that cannot be told it does not.
    #[must_use]
    pub fn holds(&self, alert: &str) -> bool {
        PARSER.with_borrow_mut(|(parser, scratch)| {
            let mut holds = false;
            let parsed = parser.parse(alert.as_bytes(), |record, _| {
                let found = |_, truth, _: &mut Scratch| holds |= truth == Tri::True;
                let bare = Enriched { record: &record, derive: &() };
                self.rules.run(bare, Verdict::All, &Candidates::default(), scratch, found);
            });
            parsed.is_ok() && holds
        })
    }
}
