//! askance and rsigma tell the same of generated correlations and events, but for a list of departures.
//!
//! rsigma is another engine for the same specification, written by others. It tells at each event in
//! whose window a condition holds, askance tells episodes; so a slow and obvious evaluator of the
//! specification says which windows hold: rsigma must tell at just these, and askance the episodes that
//! they make.

#![allow(clippy::unwrap_used, reason = "a test ends there")]

mod departures;
mod events;
mod list;
mod ours;
mod rules;
mod slow;
mod theirs;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use departures::Look;
use events::{BEGIN, Event};
use list::DEPARTURES;
use rules::{Correlation, Source};
use slow::{Episode, Found, Group};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() }
}

fn yaml(correlations: &[Correlation]) -> String {
    let documents = correlations.iter().map(Correlation::yaml);
    rules::base_rules() + &documents.collect::<String>()
}

fn records(events: &[Event]) -> Vec<Value> {
    events.iter().enumerate().map(|(number, event)| event.record(number)).collect()
}

/// Names group by their fields; those without a value are left out, as rsigma does.
fn named(it: &Correlation, group: &Group) -> BTreeMap<String, String> {
    let fields = it.group_by.iter().zip(&group.1);
    fields.filter_map(|(field, value)| Some(((*field).to_owned(), value.clone()?))).collect()
}

/// Values of an event's fields that a correlation looks at are as wanted.
fn has(it: &Correlation, events: &[Event], is_it: fn(&Value) -> bool) -> bool {
    let grouped =
        it.group_by.iter().flat_map(|field| ['a', 'b', 'c'].map(|letter| it.path(field, letter)));
    let fields: BTreeSet<&str> = grouped.chain(it.fields.iter().copied()).collect();
    let mut values = events.iter().flat_map(|event| fields.iter().filter_map(|it| event.get(it)));
    values.any(is_it)
}

/// Which departure may show in the correlation at a place, or in what feeds it.
fn departure(
    place: usize,
    correlations: &[Correlation],
    events: &[Event],
    found: &[Found],
) -> Option<&'static str> {
    let it = &correlations[place];
    let is_fed = it.distinct().contains(&Source::Inner);
    let look = Look {
        it,
        found: &found[place],
        inner: is_fed.then(|| (&correlations[0], &found[0])),
        has_lists: has(it, events, Value::is_array),
        has_whole_fractions: has(it, events, |value| {
            value.is_f64() && value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }),
    };
    let inner = || is_fed.then(|| departure(0, correlations, events, found)).flatten();
    look.departure().or_else(inner)
}

/// The two differ in which rules are told: see "rules that speak for one of two", "rules that are
/// silent by name".
fn has_odd_silence(correlations: &[Correlation]) -> bool {
    let has_both = correlations.iter().any(|it| it.generates != correlations[0].generates);
    let by_name = |it: &Correlation| it.sources.iter().any(|(_, by_name)| *by_name);
    has_both || correlations.iter().any(by_name)
}

/// Holds all three against each other; answers for each correlation which departure kept rsigma out,
/// and in how many windows it holds.
fn compare(
    correlations: &[Correlation],
    events: &[Event],
) -> Result<Vec<(Option<&'static str>, usize)>, TestCaseError> {
    let (yaml, records) = (yaml(correlations), records(events));
    let found = slow::find(correlations, events);
    let ours = ours::told(&yaml, &records).expect("askance takes it");
    let theirs = theirs::told(&yaml, &records).expect("rsigma takes it");
    let mut compared = Vec::new();
    for (place, it) in correlations.iter().enumerate() {
        let found_of = &found[place];
        let is_silent = place == 0 && correlations.iter().skip(1).any(|outer| !outer.generates);
        let mut told: BTreeMap<Group, Vec<Episode>> = BTreeMap::new();
        for ((_, group), episodes) in ours.episodes.iter().filter(|((id, _), _)| id == it.id) {
            told.insert((it.id, group.clone()), episodes.clone());
        }
        let since = |episode: Episode| Episode {
            first: episode.first - BEGIN,
            last: episode.last - BEGIN,
            ..episode
        };
        told.values_mut().for_each(|all| *all = all.drain(..).map(since).collect());
        let expected: BTreeMap<Group, Vec<Episode>> = found_of
            .windows
            .keys()
            .filter(|_| !is_silent)
            .map(|group| (group.clone(), slow::episodes(it, found_of, group)))
            .collect();
        prop_assert_eq!(told, expected, "(askance, slow) of {}\n{}", it.id, &yaml);
        let departure = departure(place, correlations, events, &found);
        compared.push((departure, found_of.windows.values().map(Vec::len).sum()));
        if departure.is_some() {
            continue;
        }
        let mut told: BTreeMap<_, Vec<(i64, f64)>> = BTreeMap::new();
        for ((_, group), windows) in theirs.windows.iter().filter(|((id, _), _)| id == it.id) {
            let mut windows: Vec<(i64, f64)> =
                windows.iter().map(|(time, measured)| (time - BEGIN, *measured)).collect();
            // See "bounds of percentiles".
            windows.retain(|(_, measured)| {
                it.kind != "value_percentile" || slow::is_within(it, *measured)
            });
            if !windows.is_empty() {
                told.insert(group.clone(), windows);
            }
        }
        let expected: BTreeMap<_, _> = found_of
            .windows
            .iter()
            .map(|(group, windows)| (named(it, group), windows.clone()))
            .collect();
        prop_assert_eq!(told, expected, "(rsigma, slow) of {}\n{}", it.id, &yaml);
    }
    if !has_odd_silence(correlations) {
        prop_assert_eq!(ours.single, theirs.single, "(askance, rsigma)\n{}", &yaml);
    }
    Ok(compared)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_two_engines_tell_of_the_same_windows(
        correlations in rules::correlations(),
        events in events::events(),
    ) {
        compare(&correlations, &events)?;
    }
}

/// The times of an example, in seconds, and of whole ones the rest after the point.
fn example_records(events: &[(&str, &str, &str)]) -> Vec<Value> {
    let record = |(number, (name, time, more)): (usize, &(&str, &str, &str))| {
        let (whole, part) = time.split_once('.').unwrap_or((time, "0"));
        let event = Event {
            time: whole.parse().unwrap(),
            name: ["a", "b", "c", "ab", "d"].iter().find(|known| *known == name).unwrap(),
            fields: serde_json::from_str(&format!("{{{more}}}")).unwrap(),
        };
        let mut record = event.record(number);
        let text = record["eventTime"].as_str().unwrap().replace('Z', &format!(".{part}Z"));
        record["eventTime"] = Value::from(text);
        record
    };
    events.iter().enumerate().map(record).collect()
}

#[test]
fn every_departure_still_departs() {
    for departure in DEPARTURES {
        let (name, reason, example) = (departure.name, departure.reason, &departure.example);
        let yaml = format!("{}---\n{}\n", rules::base_rules(), example.documents);
        let records = example_records(example.events);
        let time_of = |event: &str| {
            let record = records.iter().find(|record| record["eventID"] == event).unwrap();
            let time: jiff::Timestamp = record["eventTime"].as_str().unwrap().parse().unwrap();
            time.as_second()
        };
        let times = |episodes: Vec<i64>, single: &BTreeSet<(String, String)>| {
            let single =
                single.iter().filter(|(_, id)| id == "it").map(|(event, _)| time_of(event));
            let all: BTreeSet<i64> = episodes.into_iter().chain(single).collect();
            all.into_iter().map(|time| time - BEGIN).collect::<Vec<_>>()
        };
        let sorted = |times: &[i64]| times.iter().copied().collect::<BTreeSet<_>>();
        let ours = ours::told(&yaml, &records).map(|told| {
            let of_it = told.episodes.iter().filter(|((id, _), _)| id == "it");
            times(of_it.flat_map(|(_, all)| all).map(|it| it.first).collect(), &told.single)
        });
        let theirs = theirs::told(&yaml, &records).map(|told| {
            let of_it = told.windows.iter().filter(|((id, _), _)| id == "it");
            times(of_it.flat_map(|(_, all)| all.keys()).copied().collect(), &told.single)
        });
        let expected = |times: Option<&[i64]>| times.map(sorted);
        assert_eq!(ours.as_deref().map(sorted), expected(example.askance), "{name}: {reason}");
        assert_eq!(theirs.as_deref().map(sorted), expected(example.rsigma), "{name}: {reason}");
        assert_ne!(expected(example.askance), expected(example.rsigma), "{name}");
    }
}

/// A list of departures that covered everything would prove nothing.
#[test]
fn most_correlations_are_compared_and_many_hold() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config(), rng);
    let cases = (rules::correlations(), events::events());
    // By kind, alone and in a chain: all, compared, in windows that hold.
    let mut counts: BTreeMap<(&str, bool), [usize; 3]> = BTreeMap::new();
    let mut kept_out: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..1500 {
        let (correlations, events) = cases.new_tree(&mut runner).unwrap().current();
        let compared = compare(&correlations, &events).unwrap();
        for (it, (departure, windows)) in correlations.iter().zip(compared) {
            let is_fed = it.distinct().contains(&Source::Inner);
            let count = counts.entry((it.kind, is_fed)).or_default();
            count[0] += 1;
            count[1] += usize::from(departure.is_none());
            count[2] += if departure.is_none() { windows } else { 0 };
            departure.into_iter().for_each(|name| *kept_out.entry(name).or_default() += 1);
        }
    }
    let told = format!("{counts:?}\n{kept_out:?}");
    for ((kind, is_fed), [all, compared, windows]) in &counts {
        let is_enough = match (is_fed, kind.starts_with("value")) {
            (false, _) => compared * 3 > *all && *windows > 20,
            (true, false) => *compared > 10 && *windows > 5,
            // Values of chains are a departure.
            (true, true) => true,
        };
        assert!(is_enough, "{kind}, {is_fed}\n{told}");
    }
    assert_eq!(counts.len(), 16, "{told}");
    let can_show: Vec<&str> = kept_out.keys().copied().collect();
    assert!(can_show.len() >= 10, "{told}");
}
