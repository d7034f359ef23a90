//! What a record tells of the act itself, for forms that want it: the call, and where it came from.

use askance_stages::model::Alert;
use serde_json::Value;

/// The record of an alert, as far as the alert holds it.
pub(super) struct Act(Value);

impl Act {
    /// Reads it; an alert without its event, or with one that is nested past reading, tells nothing
    /// more than its own fields.
    pub(super) fn of(alert: &Alert) -> Self {
        let event = alert.event.as_ref().map(|event| serde_json::from_str(event.get()));
        Self(event.and_then(Result::ok).unwrap_or(Value::Null))
    }

    /// A text at the top.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }
}
