//! Correlations of correlations: the same is told whatever the way, and episodes that go on are there.

use askance_stages::correlate::Correlations;
use askance_stages::model::Entry;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::config;
use crate::drive::{Final, by_keeper, by_steps, correlations, in_time, keep};
use crate::generate::{Case, LATENESS, case, entry};

/// An inner correlation of `a` and `b`, and an outer one.
fn chain(outer: &str) -> Correlations {
    let mut text = format!(
        "title: Inner\nid: inner\ncorrelation: {{type: event_count, rules: [a, b], group-by: [u], \
         timespan: 8s, condition: {{gte: 2}}}}\n---\n\
         title: Outer\nid: outer\ncorrelation: {{{outer}, group-by: [u], timespan: 4s}}\n"
    );
    for rule in ["a", "b", "c"] {
        text.push_str(&format!(
            "---\ntitle: {rule}\nid: {rule}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{s: {{eventName: {rule}}}, condition: s}}\n"
        ));
    }
    correlations(&text)
}

/// For the inner correlation, or, of rule `c`, for the outer one.
fn of_chain(mut entry: Entry, source: usize) -> Entry {
    entry.rule = ["a", "b", "c"][source].into();
    entry.correlation = if source == 2 { "outer" } else { "inner" }.into();
    entry
}

fn chained() -> impl Strategy<Value = Case> {
    case().prop_map(|mut case| {
        let entries = std::mem::take(&mut case.entries).into_iter().enumerate();
        case.entries = entries.map(|(number, entry)| of_chain(entry, number % 3)).collect();
        case
    })
}

const OUTER: [&str; 4] = [
    "type: temporal, rules: [inner, c]",
    "type: temporal_ordered, rules: [inner, c]",
    "type: temporal_ordered, rules: [c, inner]",
    "type: event_count, rules: [inner, c], condition: {gte: 2}",
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn chains_tell_the_same_whatever_the_way(case in chained(), outer in 0..OUTER.len()) {
        let these = chain(OUTER[outer]);
        let (expected, _) = by_keeper(&these, &case.entries);
        let (steps, _) = by_steps(&these, &case.batches());
        prop_assert_eq!(Final::of(&steps, true), expected.clone());
        let (in_time, counts) = in_time(&these, &case);
        prop_assert_eq!(Final::of(&in_time, true), expected);
        prop_assert_eq!(counts.too_late, 0);
    }
}

/// What goes on for long and then something else: the beginning is out of reach by then.
#[test]
fn an_episode_that_goes_on_is_there_for_what_follows_it() {
    let goes_on = (0..40).map(|number| of_chain(entry(number, number as i64, 0, 0, 1), 0));
    let entries: Vec<Entry> = goes_on.chain([of_chain(entry(40, 42, 2, 0, 1), 2)]).collect();
    for (outer, count) in OUTER.iter().zip([1, 1, 0, 0]) {
        let (tells, _) = keep(&chain(outer), &entries);
        assert_eq!(tells.len(), count, "{outer}");
        // Its marks are of one thing that happened.
        for told in Final::of(&tells, false) {
            assert_eq!((told.count, told.events.len()), (2, 2), "{outer}");
            assert_eq!(told.rules.get("inner"), Some(&1));
        }
    }
}

/// Of two groups that are due at the same moment the outer one may be stepped first, by another program.
#[test]
fn what_waits_for_an_inner_episode_is_there_though_that_is_looked_at_a_little_late() {
    let these = chain(OUTER[2]);
    let lateness = SignedDuration::from_secs(LATENESS);
    let step = |id: &str, state: Option<&[u8]>, new: Vec<Entry>, second: i64| {
        let now = Timestamp::from_second(1_800_000_000 + second).unwrap();
        these.step(id, state, new, now, lateness)
    };
    let outer = step("outer", None, vec![of_chain(entry(0, 94, 2, 0, 1), 2)], 94);
    let inner = step("inner", None, vec![of_chain(entry(1, 91, 0, 0, 1), 0)], 91);
    // As late as may be, so that the episode is known for good at 138.
    let inner =
        step("inner", inner.state.as_deref(), vec![of_chain(entry(2, 98, 0, 0, 1), 0)], 118);
    assert!(inner.entries.is_empty());
    let outer = step("outer", outer.state.as_deref(), Vec::new(), 138);
    let inner = step("inner", inner.state.as_deref(), Vec::new(), 140);
    assert_eq!(inner.entries.len(), 1);
    let outer = step("outer", outer.state.as_deref(), inner.entries, 140);
    assert_eq!(outer.tells.len(), 1);
}
