//! Correlations against a slow and obvious twin, over random sets of entries.

#![allow(clippy::unwrap_used, reason = "a test ends there")]

mod chains;
mod drive;
mod generate;
mod twin;

use askance_stages::correlate::KeeperLimits;
use askance_stages::model::Entry;
use proptest::prelude::*;

use drive::{Final, by_keeper, by_steps, correlations, in_time, keep, keep_within, once};
use generate::{Case, KINDS, case, document, entry};
use twin::episodes;

fn config() -> ProptestConfig {
    ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_finite_input_has_the_episodes_of_the_twin(case in case()) {
        let these = correlations(&document(case.kind, None));
        let expected = episodes(case.kind, &case.entries);
        let (found, counts) = by_keeper(&these, &case.entries);
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(counts.entries, case.entries.len() as u64);
        // Order and repetition change nothing, ids included.
        let mut twice: Vec<_> = case.entries.iter().rev().cloned().collect();
        twice.extend(case.entries.iter().cloned());
        prop_assert_eq!(&by_keeper(&these, &twice).0, &expected);
    }

    #[test]
    fn steps_in_any_order_tell_what_the_twin_does(case in case()) {
        let expected = episodes(case.kind, &case.entries);
        for emit in [None, Some("settled")] {
            let these = correlations(&document(case.kind, emit));
            let (told, _) = by_steps(&these, &case.batches());
            let is_early = emit.is_none() && KINDS[case.kind].is_monotone;
            prop_assert_eq!(Final::of(&told, is_early), expected.clone(), "{:?}", emit);
        }
    }

    #[test]
    fn steps_as_time_goes_by_tell_what_the_twin_does(case in case()) {
        let expected = episodes(case.kind, &case.entries);
        for emit in [None, Some("settled")] {
            let these = correlations(&document(case.kind, emit));
            let (told, counts) = in_time(&these, &case);
            let is_early = emit.is_none() && KINDS[case.kind].is_monotone;
            prop_assert_eq!(Final::of(&told, is_early), expected.clone(), "{:?}", emit);
            prop_assert_eq!(counts.too_late, 0);
        }
    }

    #[test]
    fn what_is_settled_is_told_once_and_to_the_letter_whatever_the_way(
        (case, order) in shuffled_case(),
    ) {
        let these = correlations(&document(case.kind, Some("settled")));
        let (tells, _) = keep(&these, &case.entries);
        let expected = once(&tells);
        prop_assert_eq!(expected.len(), episodes(case.kind, &case.entries).len());
        // Other lateness of each, other files, another order within them.
        let entries = order.iter().map(|at| case.entries[*at].clone()).collect();
        let ways = order.iter().map(|at| case.ways[order[*at]]).collect();
        let other = Case { kind: case.kind, entries, ways };
        for case in [&case, &other] {
            prop_assert_eq!(&once(&by_steps(&these, &case.batches()).0), &expected);
            prop_assert_eq!(&once(&in_time(&these, case).0), &expected);
            prop_assert_eq!(&once(&keep(&these, &case.entries).0), &expected);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    /// What has no room is counted without its values; read in order, counting is all that such a
    /// correlation needs.
    #[test]
    fn events_without_room_still_count(case in counting_case(), room in 4_usize..12) {
        let these = correlations(&document(case.kind, None));
        let limits = KeeperLimits { entries: room, ..KeeperLimits::default() };
        let (tells, counts) = keep_within(&these, &case.entries, limits);
        let is_first = |it: &&Entry| it.group == case.entries[0].group;
        let one = case.entries.iter().filter(is_first).count();
        let is_much = one.max(case.entries.len() - one) > room;
        prop_assert_eq!(counts.steps.given_up > 0, is_much);
        let known = |all: Vec<Final>| -> Vec<_> {
            all.into_iter().map(|it| (it.group, it.time, it.last, it.count)).collect()
        };
        let expected = known(episodes(case.kind, &case.entries));
        prop_assert_eq!(known(Final::of(&tells, false)), expected);
    }
}

/// What was given up together with an episode's end, and lies behind it, was counted in it.
#[test]
fn what_is_behind_an_episode_is_not_counted_in_it() {
    let times = [0, 0, 0, 0, 0, 0, 0, 63, 65, 73, 83, 84, 84, 86];
    let entries = times.iter().enumerate().map(|(number, time)| entry(number, *time, 0, 0, 1));
    let entries: Vec<Entry> = entries.collect();
    let these = correlations(&document(0, None));
    let limits = KeeperLimits { entries: 6, ..KeeperLimits::default() };
    let (tells, _) = keep_within(&these, &entries, limits);
    let counts: Vec<u64> = Final::of(&tells, false).iter().map(|it| it.count).collect();
    assert_eq!(counts, [7, 3, 4]);
}

/// A case of `event_count` in the order of time.
fn counting_case() -> impl Strategy<Value = Case> {
    (case(), 0..4_usize).prop_map(|(mut case, kind)| {
        assert!(KINDS[kind].body.starts_with("type: event_count"));
        case.kind = kind;
        case.entries.iter_mut().for_each(|entry| entry.rule = "a".into());
        case.entries.sort_by_key(twin::seconds);
        case
    })
}

/// A case, and another order of its entries.
fn shuffled_case() -> impl Strategy<Value = (Case, Vec<usize>)> {
    case().prop_flat_map(|case| {
        let order = Just((0..case.entries.len()).collect::<Vec<_>>()).prop_shuffle();
        (Just(case), order)
    })
}

/// Properties of nothing would prove nothing.
#[test]
fn generated_cases_have_episodes_of_every_kind() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config(), seed);
    let mut found = vec![0; KINDS.len()];
    for _ in 0..KINDS.len() * 60 {
        let case = case().new_tree(&mut runner).unwrap().current();
        found[case.kind] += usize::from(!episodes(case.kind, &case.entries).is_empty());
    }
    assert!(found.iter().all(|count| *count > 5), "{found:?}");
}
