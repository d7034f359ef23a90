//! The slow and obvious way: every window by itself, from the words of the specification.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::events::Event;
use crate::rules::{Correlation, Expr, Source};

/// A group of a correlation.
pub(crate) type Group = (&'static str, Vec<Option<String>>);

/// An event of a rule, or an episode of another correlation.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) time: i64,
    pub(crate) source: Source,
    pub(crate) group: Vec<Option<String>>,
    pub(crate) values: Vec<String>,
    /// Of an episode: its group and beginning. All its marks are of one thing that happened.
    pub(crate) episode: Option<(Vec<Option<String>>, i64)>,
}

/// Windows of a group in which the condition holds, by the time at which they end, and what is
/// measured in them.
pub(crate) type Windows = Vec<(i64, f64)>;

/// What there is to tell of a correlation.
#[derive(Debug)]
pub(crate) struct Found {
    /// All that feeds it, by time.
    pub(crate) entries: Vec<Entry>,
    /// By group; groups without a window that holds are not there.
    pub(crate) windows: BTreeMap<Group, Windows>,
}

/// A run of windows that overlap.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Episode {
    /// Time of the first window that holds.
    pub(crate) first: i64,
    /// Time of the last one.
    pub(crate) last: i64,
    /// How many events.
    pub(crate) count: usize,
    /// What was measured in the first window.
    pub(crate) measured: f64,
}

/// Looks at all correlations, those first that feed others.
pub(crate) fn find(correlations: &[Correlation], events: &[Event]) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for it in correlations {
        let mut entries = of_rules(it, events);
        if let (Some(inner), Some(found)) = (correlations.first(), all.first())
            && it.distinct().contains(&Source::Inner)
        {
            entries.extend(of_inner(it, inner, found));
        }
        entries.sort_by_key(|entry| entry.time);
        let windows = windows(it, &entries);
        all.push(Found { entries, windows });
    }
    all
}

/// The episodes of a group.
pub(crate) fn episodes(it: &Correlation, found: &Found, group: &Group) -> Vec<Episode> {
    let Some(windows) = found.windows.get(group) else { return Vec::new() };
    let runs = windows.chunk_by(|(left, _), (right, _)| right - it.timespan <= *left);
    let episode = |run: &[(i64, f64)]| {
        let ((first, measured), (last, _)) = (run[0], run[run.len() - 1]);
        let within = |entry: &&Entry| {
            entry.group == group.1 && first - it.timespan <= entry.time && entry.time <= last
        };
        let entries = || found.entries.iter().filter(within);
        let inner: BTreeSet<_> = entries().filter_map(|entry| entry.episode.as_ref()).collect();
        let count = entries().filter(|it| it.episode.is_none()).count() + inner.len();
        Episode { first, last, count, measured }
    };
    runs.map(episode).collect()
}

fn of_rules(it: &Correlation, events: &[Event]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for event in events {
        for source in it.distinct() {
            let Source::Rule(letter) = source else { continue };
            if !event.name.contains(letter) {
                continue;
            }
            let group = it.group_by.iter().map(|field| single(event.get(it.path(field, letter))));
            entries.push(Entry {
                time: event.time,
                source,
                group: group.collect(),
                values: values(it, event),
                episode: None,
            });
        }
    }
    entries
}

/// Its beginning, and then each window that holds a part of a time span after the mark before.
fn marks(inner: &Correlation, windows: &Windows, episode: &Episode) -> Vec<i64> {
    let mut marks = vec![episode.first];
    for (time, _) in windows.iter().filter(|(time, _)| *time <= episode.last) {
        if 8 * (time - marks[marks.len() - 1]) >= inner.timespan {
            marks.push(*time);
        }
    }
    marks
}

/// An entry for each episode, or each of its marks, with the fields that it groups by.
fn of_inner(it: &Correlation, inner: &Correlation, found: &Found) -> Vec<Entry> {
    let mut entries = Vec::new();
    for group in found.windows.keys() {
        let value = |field: &&str| {
            let at = inner.group_by.iter().position(|name| name == field)?;
            group.1[at].clone()
        };
        let joined: Option<Vec<String>> = it.fields.iter().map(value).collect();
        let joined = joined.filter(|values| !values.is_empty()).map(|it| it.join("\u{1f}"));
        let episodes = episodes(inner, found, group).into_iter();
        let marks = |one: Episode| {
            let all = marks(inner, &found.windows[group], &one);
            let count = if it.kind.starts_with("temporal") { all.len() } else { 1 };
            all.into_iter().take(count).map(move |mark| (one.first, mark))
        };
        for (first, time) in episodes.flat_map(marks) {
            entries.push(Entry {
                time,
                source: Source::Inner,
                group: it.group_by.iter().map(value).collect(),
                values: joined.iter().cloned().collect(),
                episode: Some((group.1.clone(), first)),
            });
        }
    }
    entries
}

/// All scalars of a value, as JSON writes them.
fn scalars(value: Option<&Value>) -> Vec<String> {
    match value {
        None | Some(Value::Object(_)) => Vec::new(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(values)) => values.iter().flat_map(|it| scalars(Some(it))).collect(),
        Some(other) => vec![other.to_string()],
    }
}

/// The one value; null is none.
fn single(value: Option<&Value>) -> Option<String> {
    let all: BTreeSet<String> =
        scalars(value.filter(|value| !value.is_null())).into_iter().collect();
    all.first().filter(|_| all.len() == 1).cloned()
}

/// Every combination of the values of the fields.
fn values(it: &Correlation, event: &Event) -> Vec<String> {
    let Some((first, rest)) = it.fields.split_first() else { return Vec::new() };
    let mut all = scalars(event.get(first));
    for field in rest {
        let next = scalars(event.get(field));
        let pairs =
            all.iter().flat_map(|left| next.iter().map(move |it| format!("{left}\u{1f}{it}")));
        all = pairs.collect();
    }
    all
}

fn windows(it: &Correlation, entries: &[Entry]) -> BTreeMap<Group, Windows> {
    let groups: BTreeSet<_> = entries.iter().map(|entry| entry.group.clone()).collect();
    let mut all = BTreeMap::new();
    for group in groups {
        let of: Vec<&Entry> = entries.iter().filter(|entry| entry.group == group).collect();
        let times: BTreeSet<i64> = of.iter().map(|entry| entry.time).collect();
        let mut held = Vec::new();
        for time in times {
            let is_in = |entry: &&&Entry| time - it.timespan <= entry.time && entry.time <= time;
            let window: Vec<&Entry> = of.iter().filter(is_in).copied().collect();
            held.extend(measured(it, &window).map(|measured| (time, measured)));
        }
        if !held.is_empty() {
            all.insert((it.id, group), held);
        }
    }
    all
}

/// What is measured in a window, if the condition holds in it.
fn measured(it: &Correlation, window: &[&Entry]) -> Option<f64> {
    let values = || window.iter().flat_map(|entry| &entry.values);
    let mut numbers: Vec<f64> = values().filter_map(|value| value.parse().ok()).collect();
    numbers.sort_by(f64::total_cmp);
    let sources: BTreeSet<Source> = window.iter().map(|entry| entry.source).collect();
    let some = |number: f64| (!numbers.is_empty()).then_some(number);
    let sum: f64 = numbers.iter().sum();
    let measured = match it.kind {
        "event_count" => window.len() as f64,
        "value_count" => values().collect::<BTreeSet<_>>().len() as f64,
        "value_sum" => some(sum)?,
        "value_avg" => some(sum / numbers.len() as f64)?,
        "value_percentile" => at_rank(&numbers, it.percentile.unwrap_or(50))?,
        "value_median" => at_rank(&numbers, 50)?,
        _ => sources.len() as f64,
    };
    let is_met = match &it.expression {
        Some(expression) => is_true(it, expression, &sources),
        // All of them, where nothing is written.
        None if it.is_temporal() && it.bounds.is_empty() => sources.len() == it.distinct().len(),
        None => true,
    };
    let wanted: Vec<Source> = match &it.expression {
        None => it.sources.iter().map(|(source, _)| *source).collect(),
        Some(expression) => {
            let places: BTreeSet<Source> =
                wanted(expression).into_iter().map(|place| it.sources[place].0).collect();
            let listed = it.sources.iter().map(|(source, _)| *source);
            listed.filter(|source| places.contains(source)).collect()
        }
    };
    let is_in_order = it.kind != "temporal_ordered" || in_order(window, &wanted, i64::MIN);
    (is_within(it, measured) && is_met && is_in_order).then_some(measured)
}

/// What is measured is within all bounds.
pub(crate) fn is_within(it: &Correlation, measured: f64) -> bool {
    it.bounds.iter().all(|(how, bound)| match *how {
        "lt" => measured < *bound as f64,
        "lte" => measured <= *bound as f64,
        "gt" => measured > *bound as f64,
        "gte" => measured >= *bound as f64,
        _ => measured == *bound as f64,
    })
}

fn is_true(it: &Correlation, expr: &Expr, sources: &BTreeSet<Source>) -> bool {
    match expr {
        Expr::One(place) => sources.contains(&it.sources[*place].0),
        Expr::Not(place) => !sources.contains(&it.sources[*place].0),
        Expr::And(parts) => parts.iter().all(|part| is_true(it, part, sources)),
        Expr::Or(parts) => parts.iter().any(|part| is_true(it, part, sources)),
    }
}

/// Places that stand without a `not` before them.
fn wanted(expr: &Expr) -> Vec<usize> {
    match expr {
        Expr::One(place) => vec![*place],
        Expr::Not(_) => Vec::new(),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().flat_map(wanted).collect(),
    }
}

/// Every choice of one entry for each place is tried.
fn in_order(window: &[&Entry], sources: &[Source], since: i64) -> bool {
    let Some((source, rest)) = sources.split_first() else { return true };
    let mut of = window.iter().filter(|it| it.source == *source && it.time >= since);
    of.any(|entry| in_order(window, rest, entry.time))
}

/// Between two numbers a straight line is drawn.
fn at_rank(sorted: &[f64], rank: i64) -> Option<f64> {
    let place = rank as f64 / 100.0 * (sorted.len().checked_sub(1)?) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + place.fract() * (above - below))
}
