//! Episodes of one correlation as entries of others.

use super::compile::{Correlation, Correlations};
use super::look::Mark;
use crate::model::Entry;

/// An entry for each correlation that `inner` feeds, of each of its episodes; for those that ask whether an
/// episode goes on, of each mark.
///
/// The fields of an episode are those that its correlation groups by.
pub(super) fn entries(these: &Correlations, inner: &Correlation, made: &[Mark]) -> Vec<Entry> {
    let Some(fed) = these.fed_by(&inner.rule.id) else { return Vec::new() };
    let mut entries = Vec::new();
    for Mark { entry: episode, is_first } in made {
        for feed in fed.feeds.iter().filter(|feed| *is_first || feed.takes_marks) {
            let value = |field: &String| {
                let at = inner.group_by.iter().position(|name| name == field)?;
                episode.group.get(at)
            };
            let values: Option<Vec<&str>> = feed.fields.iter().map(value).collect();
            let joined = values.filter(|values| !values.is_empty()).map(|it| it.join("\u{1f}"));
            entries.push(Entry {
                correlation: feed.correlation.clone(),
                rule: fed.rule.clone(),
                group: feed.group.iter().map(value).collect(),
                values: joined.iter().map(|text| Some(text.as_str())).collect(),
                ..episode.clone()
            });
        }
    }
    entries
}
