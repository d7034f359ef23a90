//! An event that a rule matched to entries of the correlations that the rule feeds.

use jiff::Timestamp;

use super::compile::Correlations;
use crate::model::{
    Derive, DerivedValues, Enriched, Entry, Field, Lookup, Memo, Summary, Values, bounded,
    identity_of, static_text,
};

/// An event as far as it is known already.
#[derive(Debug)]
pub struct Event<'e, 'r, D> {
    /// The event.
    pub enriched: Enriched<'e, 'r, D>,
    /// When.
    pub time: Timestamp,
    /// What makes it the same event wherever it is read.
    pub identity: &'e str,
}

impl Correlations {
    /// Makes an entry for each correlation that the rule of this id feeds.
    pub fn entries(
        &self,
        rule_id: &str,
        event: &Event<'_, '_, impl Derive>,
        summary: Summary,
        mut take: impl FnMut(Entry),
    ) {
        // What is worked out together is worked out once for all fields.
        let mut memo = Memo::default();
        let identity = identity_of(event.identity.as_bytes());
        let (feeds, mut summary) = (self.feeds_of(rule_id), Some(summary));
        for (index, feed) in feeds.iter().enumerate() {
            // Most rules feed one correlation only.
            let is_last = index + 1 == feeds.len();
            let summary = if is_last { summary.take() } else { summary.clone() };
            let mut value = |path: &String| single(event.enriched, path, &mut memo);
            take(Entry {
                correlation: feed.correlation.clone(),
                group: feed.group.iter().map(&mut value).collect(),
                time: event.time,
                identity: identity.clone(),
                rule: rule_id.to_owned(),
                values: values(event.enriched, &feed.fields, &mut memo),
                summary: summary.unwrap_or_default(),
            });
        }
    }
}

/// The one value at a path. Where there are several different ones, or none, the event has no value.
fn single(enriched: Enriched<'_, '_, impl Derive>, path: &str, memo: &mut Memo) -> Option<String> {
    let mut found = texts(enriched, path, false, memo);
    found.dedup();
    found.pop().filter(|_| found.is_empty())
}

/// All scalars at a path, bounded in number and length. `null` is one only if asked for.
fn texts(
    enriched: Enriched<'_, '_, impl Derive>,
    path: &str,
    with_null: bool,
    memo: &mut Memo,
) -> Vec<String> {
    let text = |lookup: Lookup<'_>| match lookup {
        Lookup::Text(text) => Some(bounded(text, Entry::MAX_TEXT)),
        Lookup::Static(simd_json::StaticNode::Null) if !with_null => None,
        Lookup::Static(value) => Some(static_text(value)),
        Lookup::Container => None,
    };
    let Enriched { record, derive } = enriched;
    if let Some((field, rest)) = Field::find(path) {
        let mut values = DerivedValues::default();
        derive.derive((field, rest), record, memo, &mut values);
        let scalars = values.found.iter().filter_map(|value| text(value.lookup()));
        return scalars.take(Entry::MAX_VALUES).collect();
    }
    let mut values = Values::default();
    record.find(path, &mut values);
    let scalars = values.found.iter().filter_map(|at| text(record.value(*at)));
    scalars.take(Entry::MAX_VALUES).collect()
}

/// The values of the fields; of several fields, each combination of their values is one.
fn values(
    enriched: Enriched<'_, '_, impl Derive>,
    fields: &[String],
    memo: &mut Memo,
) -> Vec<String> {
    let Some((first, rest)) = fields.split_first() else { return Vec::new() };
    let mut found = texts(enriched, first, true, memo);
    for field in rest {
        let next = texts(enriched, field, true, memo);
        let pairs = found
            .iter()
            .flat_map(|left| next.iter().map(move |right| format!("{left}\u{1f}{right}")));
        found = pairs.take(Entry::MAX_VALUES).map(|it| bounded(&it, Entry::MAX_TEXT)).collect();
    }
    found.sort_unstable();
    found
}
