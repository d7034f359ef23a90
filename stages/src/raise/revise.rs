//! Alerts of correlations that were raised and have changed since: kept as they are now, and told
//! anew to whoever was told.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Known, Message, MessageKind, Outcome, Raise, later};
use crate::model::Alert;

/// An alert that was raised before and has changed.
#[derive(Debug, Clone)]
pub struct Change {
    /// As it is now.
    pub alert: Alert,
    /// Whoever was told of it is to be told anew.
    pub is_news: bool,
}

/// An alert that is in the store, as it is to be kept.
#[derive(Debug, Clone)]
pub struct Revised {
    /// The alert.
    pub alert: Alert,
    /// It as one line of JSON.
    pub json: String,
}

impl Raise {
    /// Takes alerts under ids that were raised before; those that the store does not know are passed
    /// by: they were let go of, and nobody could be told what they correct.
    ///
    /// What became of an alert stays: one that was suppressed is told to nobody still.
    pub(super) fn revise(
        &self,
        changes: Vec<Change>,
        known: &Known,
        now: Timestamp,
        outcome: &mut Outcome,
    ) {
        for Change { alert, is_news } in changes {
            let json = serde_json::to_string(&alert).unwrap_or_default();
            // Raised a moment ago: nobody has been told yet.
            if let Some(raised) = outcome.raised.iter_mut().find(|it| it.alert.id == alert.id) {
                (raised.alert, raised.json) = (Arc::new(alert), json);
                continue;
            }
            if !known.seen.contains(&alert.id) {
                outcome.repeats += 1;
                continue;
            }
            let group = known.leading.get(&alert.id).filter(|_| is_news);
            if let Some(group) = group {
                // As it is: what waits for its sinks is kept with it.
                outcome.groups.entry(alert.id.clone()).or_insert_with(|| group.clone());
            }
            for sink in group.map(|group| group.sinks.clone()).unwrap_or_default() {
                outcome.message(Message {
                    sink,
                    alert: alert.id.clone(),
                    kind: MessageKind::Update,
                    due: later(now, self.update_interval),
                });
            }
            outcome.revised.retain(|it| it.alert.id != alert.id);
            outcome.revised.push(Revised { alert, json });
        }
    }
}
