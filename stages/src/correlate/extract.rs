//! An event that a rule matched to entries of the correlations that the rule feeds.

use jiff::Timestamp;

use super::compile::Correlations;
use crate::model::{
    Derive, DerivedValues, Enriched, Entry, Field, Lookup, Memo, Pack, Summary, Texts, Values,
    bounded, identity_number, static_text,
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
    /// Makes an entry for each correlation that the rule of this id feeds. `pack` is memory to work in.
    pub fn entries(
        &self,
        rule_id: &str,
        event: &Event<'_, '_, impl Derive>,
        summary: Summary,
        pack: &mut Pack,
        mut take: impl FnMut(Entry),
    ) {
        let Some(fed) = self.fed_by(rule_id) else { return };
        // What is worked out together is worked out once for all fields.
        let mut memo = Memo::default();
        let identity = identity_number(event.identity.as_bytes());
        let mut summary = Some(summary);
        for (index, feed) in fed.feeds.iter().enumerate() {
            // Most rules feed one correlation only.
            let is_last = index + 1 == fed.feeds.len();
            let summary = if is_last { summary.take() } else { summary.clone() };
            pack.clear();
            feed.group.iter().for_each(|path| single(event.enriched, path, &mut memo, pack));
            let group = pack.texts();
            take(Entry {
                correlation: feed.correlation.clone(),
                group,
                time: event.time,
                identity,
                rule: fed.rule.clone(),
                values: values(event.enriched, &feed.fields, &mut memo, pack),
                summary: summary.unwrap_or_default(),
            });
        }
    }
}

/// Adds the one value at a path. Where there are several different ones, or none, the event has no value.
fn single(enriched: Enriched<'_, '_, impl Derive>, path: &str, memo: &mut Memo, pack: &mut Pack) {
    let place = pack.place();
    let mut is_one = true;
    each(enriched, path, false, memo, |text| match pack.since(place).next() {
        None => pack.push(Some(text)),
        Some(known) => is_one &= known == Some(text),
    });
    if !is_one {
        pack.forget_since(place);
    }
    if pack.place() == place {
        pack.push(None);
    }
}

/// Hands on the scalars at a path, bounded in number and length. `null` is one only if asked for.
fn each(
    enriched: Enriched<'_, '_, impl Derive>,
    path: &str,
    with_null: bool,
    memo: &mut Memo,
    mut take: impl FnMut(&str),
) {
    let mut left = Entry::MAX_VALUES;
    let mut hand = |lookup: Lookup<'_>| {
        match lookup {
            _ if left == 0 => return,
            Lookup::Text(text) => take(&bounded(text, Entry::MAX_TEXT)),
            Lookup::Static(simd_json::StaticNode::Null) if !with_null => return,
            Lookup::Static(value) => take(&static_text(value)),
            Lookup::Container => return,
        }
        left -= 1;
    };
    let Enriched { record, derive } = enriched;
    if let Some((field, rest)) = Field::find(path) {
        let mut values = DerivedValues::default();
        derive.derive((field, rest), record, memo, &mut values);
        values.found.iter().for_each(|value| hand(value.lookup()));
    } else {
        let mut values = Values::default();
        record.find(path, &mut values);
        values.found.iter().for_each(|at| hand(record.value(*at)));
    }
}

/// The values of the fields, sorted; of several fields, each combination of their values is one.
fn values(
    enriched: Enriched<'_, '_, impl Derive>,
    fields: &[String],
    memo: &mut Memo,
    pack: &mut Pack,
) -> Texts {
    pack.clear();
    let mut count = 0;
    match fields {
        [] => return Texts::default(),
        [field] => each(enriched, field, true, memo, |text| {
            pack.push(Some(text));
            count += 1;
        }),
        [first, rest @ ..] => {
            let mut all = |field: &str| {
                let mut found = Vec::new();
                each(enriched, field, true, memo, |text| found.push(text.to_owned()));
                found
            };
            let mut found = all(first);
            for field in rest {
                let next = all(field);
                let pairs = found
                    .iter()
                    .flat_map(|left| next.iter().map(move |right| format!("{left}\u{1f}{right}")));
                let pairs = pairs.take(Entry::MAX_VALUES);
                found = pairs.map(|it| bounded(&it, Entry::MAX_TEXT).into_owned()).collect();
            }
            found.iter().for_each(|text| pack.push(Some(text)));
            count = found.len();
        }
    }
    if count < 2 {
        return pack.texts();
    }
    let mut sorted: Vec<Option<&str>> = pack.since(0).collect();
    sorted.sort_unstable();
    sorted.into_iter().collect()
}
