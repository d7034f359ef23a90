//! The slow and obvious way: every window by itself, from its definition.

use std::collections::BTreeSet;

use askance_stages::model::Entry;

use crate::drive::Final;
use crate::generate::TIMESPAN;

/// The episodes of all groups, by time and group.
pub(crate) fn episodes(kind: usize, entries: &[Entry]) -> Vec<Final> {
    let groups: BTreeSet<_> = entries.iter().map(|entry| entry.group.clone()).collect();
    let mut found = Vec::new();
    for group in groups {
        let mut of_group: Vec<&Entry> = entries.iter().filter(|it| it.group == group).collect();
        of_group.sort_by_key(|entry| (seconds(entry), entry.identity, entry.rule.clone()));
        of_group.dedup_by_key(|entry| (seconds(entry), entry.identity, entry.rule.clone()));
        let times: BTreeSet<i64> = of_group.iter().map(|entry| seconds(entry)).collect();
        let holding: Vec<i64> = times
            .into_iter()
            .filter(|time| {
                let window: Vec<&Entry> = of_group
                    .iter()
                    .filter(|entry| time - TIMESPAN <= seconds(entry) && seconds(entry) <= *time)
                    .copied()
                    .collect();
                holds(kind, &window)
            })
            .collect();
        for run in holding.chunk_by(|left, right| right - TIMESPAN <= *left) {
            let (first, last) = (run[0], run[run.len() - 1]);
            let members = of_group
                .iter()
                .filter(|entry| first - TIMESPAN <= seconds(entry) && seconds(entry) <= last);
            found.push(Final::new(&group, first, last, members.copied()));
        }
    }
    found.sort();
    found
}

pub(crate) fn seconds(entry: &Entry) -> i64 {
    entry.time.as_second()
}

pub(crate) fn values(entry: &Entry) -> impl Iterator<Item = &str> {
    entry.values.iter().flatten()
}

fn holds(kind: usize, window: &[&Entry]) -> bool {
    let count = window.len();
    let distinct = window.iter().flat_map(|entry| values(entry)).collect::<BTreeSet<_>>().len();
    let mut numbers: Vec<f64> =
        window.iter().flat_map(|entry| values(entry)).filter_map(|it| it.parse().ok()).collect();
    numbers.sort_by(f64::total_cmp);
    let sum: f64 = numbers.iter().sum();
    let has = |rule: &str| window.iter().any(|entry| *entry.rule == *rule);
    let (a, b, c) = (has("a"), has("b"), has("c"));
    let rules = usize::from(a) + usize::from(b) + usize::from(c);
    let is_some = !numbers.is_empty();
    match kind {
        0 => count >= 3,
        1 => count as f64 > 2.5,
        2 => count == 2,
        3 => (2..4).contains(&count),
        4 => distinct >= 3,
        5 => distinct <= 1,
        6 => is_some && sum > 7.5,
        7 => is_some && sum < -1.0,
        8 => is_some && sum / numbers.len() as f64 >= 2.5,
        9 => is_some && at_rank(&numbers, 0.9) >= 4.0,
        10 => is_some && at_rank(&numbers, 0.5) == 2.0,
        11 => a && b,
        12 => rules >= 2,
        13 => rules < 2,
        14 => a && (b || c),
        15 => a && !b,
        16 => in_order(window, &["a", "b", "c"]),
        17 => in_order(window, &["a", "b", "a"]),
        18 => in_order(window, &["a", "b"]) && !c,
        19 => rules >= 2,
        _ => unreachable!("kinds are counted"),
    }
}

/// Every choice of one entry for each place is tried.
fn in_order(window: &[&Entry], rules: &[&str]) -> bool {
    fn from(window: &[&Entry], rules: &[&str], since: i64) -> bool {
        let Some((rule, rest)) = rules.split_first() else { return true };
        window
            .iter()
            .filter(|entry| *entry.rule == **rule && seconds(entry) >= since)
            .any(|entry| from(window, rest, seconds(entry)))
    }
    from(window, rules, i64::MIN)
}

fn at_rank(sorted: &[f64], rank: f64) -> f64 {
    let place = rank * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}
