//! Random correlations of every kind and entries for them.

use askance_stages::model::{Entry, SharedTexts, Summary, Who};
use jiff::Timestamp;
use proptest::prelude::*;

/// The window of all of these, in seconds.
pub(crate) const TIMESPAN: i64 = 10;

/// How late an entry is at most, in seconds.
pub(crate) const LATENESS: i64 = 20;

/// A correlation that is tried.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its lines below `correlation:`, but for group and time span.
    pub(crate) body: &'static str,
    /// More entries can only make it hold.
    pub(crate) is_monotone: bool,
}

const fn kind(body: &'static str, is_monotone: bool) -> Kind {
    Kind { body, is_monotone }
}

pub(crate) const KINDS: [Kind; 20] = [
    kind("type: event_count\n  rules: [a, b]\n  condition: {gte: 3}", true),
    kind("type: event_count\n  rules: [a]\n  condition: {gt: 2.5}", true),
    kind("type: event_count\n  rules: [a, b]\n  condition: {eq: 2}", false),
    kind("type: event_count\n  rules: [a, b]\n  condition: {gte: 2, lt: 4}", false),
    kind("type: value_count\n  rules: [a, b]\n  condition: {field: v, gte: 3}", true),
    kind("type: value_count\n  rules: [a, b]\n  condition: {field: v, lte: 1}", false),
    kind("type: value_sum\n  rules: [a, b]\n  condition: {field: v, gt: 7.5}", false),
    kind("type: value_sum\n  rules: [a, b]\n  condition: {field: v, lt: -1}", false),
    kind("type: value_avg\n  rules: [a, b]\n  condition: {field: v, gte: 2.5}", false),
    kind(
        "type: value_percentile\n  rules: [a, b]\n  condition: {field: v, gte: 4, percentile: 90}",
        false,
    ),
    kind("type: value_median\n  rules: [a, b]\n  condition: {field: v, eq: 2}", false),
    kind("type: temporal\n  rules: [a, b]", true),
    kind("type: temporal\n  rules: [a, b, c]\n  condition: {gte: 2}", true),
    kind("type: temporal\n  rules: [a, b, c]\n  condition: {lt: 2}", false),
    kind("type: temporal\n  rules: [a, b, c]\n  condition: a and (b or c)", true),
    kind("type: temporal_extended\n  rules: [a, b, c]\n  condition: a and not b", false),
    kind("type: temporal_ordered\n  rules: [a, b, c]", true),
    kind("type: temporal_ordered\n  rules: [a, b, a]", true),
    kind(
        "type: temporal_ordered_extended\n  rules: [a, b, c]\n  condition: a and b and not c",
        false,
    ),
    kind("type: temporal_extended\n  rules: [a, b, c]\n  condition: 2 of them", true),
];

/// A random case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Place in [`KINDS`].
    pub(crate) kind: usize,
    pub(crate) entries: Vec<Entry>,
    /// For each entry: by how many seconds it is late, and in which batch it comes.
    pub(crate) ways: Vec<(i64, usize)>,
}

impl Case {
    /// The entries in batches, in no order of time.
    pub(crate) fn batches(&self) -> Vec<Vec<Entry>> {
        let mut batches = vec![Vec::new(); 6];
        for (entry, (_, batch)) in self.entries.iter().zip(&self.ways) {
            batches[*batch].push(entry.clone());
        }
        batches
    }
}

/// Rules and a correlation of a kind.
pub(crate) fn document(kind: usize, emit: Option<&str>) -> String {
    let mut text = format!(
        "title: It\nid: it\ncorrelation:\n  timespan: {TIMESPAN}s\n  group-by: [u]\n  {}\n",
        KINDS[kind].body
    );
    if let Some(emit) = emit {
        text.push_str(&format!("askance: {{emit: {emit}}}\n"));
    }
    for rule in ["a", "b", "c"] {
        text.push_str(&format!(
            "---\ntitle: Title of {rule}\nid: {rule}\nlogsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{s: {{eventName: {rule}}}, condition: s}}\n"
        ));
    }
    text
}

/// Times come in bursts with pauses around the length of the window.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    (0..KINDS.len()).prop_flat_map(|kind| {
        let sources: usize = if KINDS[kind].body.contains("[a]") { 1 } else { 2 };
        let sources = if KINDS[kind].body.contains(", c]") { 3 } else { sources };
        let one = (0..100_i64, 0..sources, -2..6_i64, 0..2_usize, 0..=LATENESS, 0..6_usize);
        prop::collection::vec(one, 0..40).prop_map(move |parts| {
            let mut entries = Vec::new();
            let mut ways = Vec::new();
            for (number, (time, source, value, group, late, batch)) in parts.into_iter().enumerate()
            {
                entries.push(entry(number, time, source, value, group));
                ways.push((late, batch));
            }
            Case { kind, entries, ways }
        })
    })
}

/// An entry of a source, by place, at a second; of no group or of one.
pub(crate) fn entry(number: usize, time: i64, source: usize, value: i64, group: usize) -> Entry {
    let source_at = source;
    let account = format!("{:012}", number % 3 / 2);
    let name = format!("name {}", number % 5 / 4);
    let source = format!("203.0.113.{}", number % 7 / 6);
    let who = [Some(account.as_str()), Some("ap-northeast-1"), None, Some(&name), None, None, None];
    let who = who.into_iter().chain([Some(source.as_str()), None]);
    let values: &[&str] = match value {
        // Some events have no number, or none at all.
        5 => &[],
        4 => &["4", "x"],
        _ => &[&value.to_string()],
    };
    let group = (group > 0).then(|| format!("user {group}"));
    Entry {
        correlation: "it".into(),
        group: std::iter::once(group.as_deref()).collect(),
        time: Timestamp::from_second(1_800_000_000 + time).unwrap(),
        identity: (number * 7919 % 101) as u128,
        rule: ["a", "b", "c"][source_at].into(),
        values: values.iter().copied().map(Some).collect(),
        summary: Summary {
            who: Who(who.collect()),
            resource: SharedTexts::default(),
            path: Some(format!("file {}", number % 4).into()),
            index: number as u64,
            event_id: Some(format!("event {number}").into()),
        },
    }
}
