//! Events for correlations as bytes, many at once, for whoever keeps them until the end of an input.
//!
//! They are parted by group: all events of a group are in one part, so that at the end one part after
//! the other can be read and evaluated, and only one is held.

use jiff::Timestamp;

use super::packed::{Reader, Writer};
use crate::model::{Entry, Summary, Texts, Who};

/// How many parts there are.
const PARTS: usize = 64;

/// Most events of a bundle.
const MOST: usize = 1000;

/// The first number of a bundle. Another form has another one.
const VERSION: u64 = 3;

/// Events of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Which part.
    pub part: u8,
    /// The events.
    pub bytes: Vec<u8>,
}

/// Makes bundles of events, of each part those that it has.
#[must_use]
pub fn bundle<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Vec<Bundle> {
    let mut parts: Vec<Vec<&Entry>> = vec![Vec::new(); PARTS];
    entries.into_iter().for_each(|entry| parts[part_of(entry)].push(entry));
    let mut bundles = Vec::new();
    for (part, entries) in (0..).zip(&parts) {
        bundles.extend(entries.chunks(MOST).map(|some| Bundle { part, bytes: write(some) }));
    }
    bundles
}

/// The events of a bundle; `None` if it is none.
#[must_use]
pub fn unbundle(bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut from = Reader::new(bytes)?;
    if from.number()? != VERSION {
        return None;
    }
    let mut before = 0;
    let entries = from.list(|from| read_entry(from, &mut before))?;
    from.is_at_end().then_some(entries)
}

/// The part of an event's group, by a hash that stays the same, eight bytes at a step: bundles are kept.
fn part_of(entry: &Entry) -> usize {
    let mut hash = 0_u64;
    let mut add = |word: u64| {
        let mixed = (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash = mixed ^ (mixed >> 32);
    };
    let group: &str = entry.group.packed();
    for text in [&*entry.correlation, group] {
        let (words, rest) = text.as_bytes().as_chunks();
        words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        add(u64::from_le_bytes(last));
        add(text.len() as u64);
    }
    (hash >> 7) as usize % PARTS
}

fn write(entries: &[&Entry]) -> Vec<u8> {
    let mut out = Writer::default();
    out.number(VERSION);
    let mut before = 0;
    out.list(entries, |out, entry| write_entry(out, entry, &mut before));
    out.finish()
}

fn write_entry<'w>(out: &mut Writer<'w>, entry: &'w Entry, before: &mut i64) {
    let time = entry.time.as_microsecond();
    out.signed(time.wrapping_sub(*before));
    *before = time;
    out.text(&entry.correlation);
    out.text(&entry.rule);
    out.wide(entry.identity);
    // Each list as the one text that it is in memory.
    out.text(entry.group.packed());
    out.text(entry.values.packed());
    let Summary { who, resource, path, index, event_id } = &entry.summary;
    out.text(who.0.packed());
    out.text(resource.packed());
    out.optional(path.as_deref());
    out.number(*index);
    out.own_text(event_id.as_deref());
}

fn read_entry(from: &mut Reader<'_>, before: &mut i64) -> Option<Entry> {
    let time = before.wrapping_add(from.signed()?);
    *before = time;
    Some(Entry {
        time: Timestamp::from_microsecond(time).ok()?,
        correlation: from.shared()??,
        rule: from.shared()??,
        identity: from.wide()?,
        group: Texts::of_packed(from.text()?.into()),
        values: Texts::of_packed(from.text()?.into()),
        summary: Summary {
            who: Who(Texts::of_packed(from.shared()??)),
            resource: Texts::of_packed(from.shared()??),
            path: from.shared()?,
            index: from.number()?,
            event_id: from.own_text()?.map(Into::into),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[a-cü\u{0}]{0,3}")
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let summary = (
            prop::collection::vec(text(), Who::TEXTS),
            prop::collection::vec(text(), 0..4),
            prop::option::of("[a-z/]{0,9}"),
            any::<u64>(),
            text(),
        );
        let summary = summary.prop_map(|(who, resource, path, index, event_id)| Summary {
            who: Who(who.iter().map(Option::as_deref).collect()),
            resource: resource.iter().map(Option::as_deref).collect(),
            path: path.map(Into::into),
            index,
            event_id: event_id.map(Into::into),
        });
        let group = prop::collection::vec(text(), 0..3);
        let values = prop::collection::vec("[0-9]{0,4}", 0..3);
        let time = -1_000_000_000_000_000_i64..4_000_000_000_000_000;
        ("[ab]", "[cd]", time, any::<u128>(), group, values, summary).prop_map(
            |(correlation, rule, time, identity, group, values, summary)| Entry {
                correlation: correlation.into(),
                rule: rule.into(),
                time: Timestamp::from_microsecond(time).unwrap(),
                identity,
                group: group.iter().map(Option::as_deref).collect(),
                values: values.iter().map(|value| Some(value.as_str())).collect(),
                summary,
            },
        )
    }

    proptest! {
        #[test]
        fn events_come_out_as_they_went_in(entries in prop::collection::vec(entry(), 0..60)) {
            let mut found: BTreeMap<u8, Vec<Entry>> = BTreeMap::new();
            for Bundle { part, bytes } in bundle(&entries) {
                found.entry(part).or_default().extend(unbundle(&bytes).unwrap());
            }
            // A group is in one part, in the order in which it came.
            for (part, of_part) in &found {
                let expected: Vec<_> =
                    entries.iter().filter(|it| part_of(it) == usize::from(*part)).collect();
                prop_assert_eq!(of_part.iter().collect::<Vec<_>>(), expected);
            }
            prop_assert_eq!(found.values().map(Vec::len).sum::<usize>(), entries.len());
        }

        #[test]
        fn other_bytes_are_no_bundle(entries in prop::collection::vec(entry(), 1..4), at in any::<prop::sample::Index>()) {
            for Bundle { mut bytes, .. } in bundle(&entries) {
                let at = at.index(bytes.len());
                bytes[at] ^= 1;
                prop_assert_eq!(unbundle(&bytes), None);
                bytes.truncate(at);
                prop_assert_eq!(unbundle(&bytes), None);
            }
        }
    }

    #[test]
    fn many_events_are_more_than_one_bundle() {
        let entry = Entry {
            correlation: "many".into(),
            group: std::iter::once(None).collect(),
            time: Timestamp::UNIX_EPOCH,
            identity: 0,
            rule: "one".into(),
            values: Texts::default(),
            summary: Summary::default(),
        };
        let bundles = bundle(&vec![entry; 2 * MOST + 1]);
        let counts: Vec<usize> =
            bundles.iter().map(|it| unbundle(&it.bytes).unwrap().len()).collect();
        assert_eq!(counts, [MOST, MOST, 1]);
    }

    #[test]
    fn groups_are_spread() {
        let user = |number: usize| format!("arn:aws:iam::111122223333:user/{number}");
        let group = |number: usize| Entry {
            correlation: "many".into(),
            group: std::iter::once(Some(user(number).as_str())).collect(),
            time: Timestamp::UNIX_EPOCH,
            identity: 0,
            rule: "one".into(),
            values: Texts::default(),
            summary: Summary::default(),
        };
        let mut counts = vec![0; PARTS];
        (0..64_000).for_each(|number| counts[part_of(&group(number))] += 1);
        assert!(counts.iter().all(|count| (500..2000).contains(count)), "{counts:?}");
    }
}
