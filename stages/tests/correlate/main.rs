//! Correlations against a slow and obvious twin, over random sets of entries.

#![allow(clippy::unwrap_used, reason = "a test ends there")]

mod drive;
mod generate;
mod twin;

use proptest::prelude::*;

use drive::{Final, by_keeper, by_steps, correlations, in_time, keep, once};
use generate::{Case, KINDS, case, document};
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
