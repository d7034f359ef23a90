//! Episodes of one correlation as entries of others.

use super::compile::{Correlation, Correlations};
use crate::model::Entry;

/// An entry for each correlation that `inner` feeds, of each of its episodes.
///
/// The fields of an episode are those that its correlation groups by.
pub(super) fn entries(these: &Correlations, inner: &Correlation, made: &[Entry]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for episode in made {
        for feed in these.feeds_of(&inner.rule.id) {
            let value = |field: &String| {
                let at = inner.group_by.iter().position(|name| name == field)?;
                episode.group.get(at).cloned().flatten()
            };
            let values: Option<Vec<String>> = feed.fields.iter().map(value).collect();
            let joined = values.filter(|values| !values.is_empty()).map(|it| it.join("\u{1f}"));
            entries.push(Entry {
                correlation: feed.correlation.clone(),
                group: feed.group.iter().map(value).collect(),
                values: joined.into_iter().collect(),
                ..episode.clone()
            });
        }
    }
    entries
}
