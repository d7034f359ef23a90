//! What askance tells of rules and events: the whole way, from the bytes of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askance_stages::correlate::{Correlations, Keeper, KeeperLimits};
use askance_stages::decode::Input;
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::RuleSet;
use askance_stages::sigma::{ReadOptions, SourceFile, read};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::slow::Episode;

/// All that it tells. Times are in seconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// By id of a correlation and group.
    pub(crate) episodes: BTreeMap<(String, Vec<Option<String>>), Vec<Episode>>,
    /// Ids of events, and of the rules that it tells of them.
    pub(crate) single: BTreeSet<(String, String)>,
}

/// Scans the events as one file; `None` if the rules are refused.
pub(crate) fn told(yaml: &str, records: &[Value]) -> Option<Told> {
    let file = SourceFile { path: Arc::from("it.yml"), text: yaml.into() };
    let reading = read(&[file], &ReadOptions::default());
    if reading.has_errors() {
        return None;
    }
    let rules = RuleSet::compile(reading.rules.into_iter().map(Arc::new)).unwrap();
    let mut detect = Detect::new(rules, DetectConfig::default());
    detect.correlations = Correlations::new(&reading.correlations);
    let mut told = Told::default();
    let mut keeper = Keeper::new(&detect.correlations, KeeperLimits::default());
    let mut sink = |output: Output| match output {
        Output::Alert(alert) => {
            let event: Value = serde_json::from_str(alert.event.as_ref().unwrap().get()).unwrap();
            told.single.insert((event["eventID"].as_str().unwrap().to_owned(), alert.rule.id));
        }
        Output::Entry(entry) => keeper.take(*entry),
        Output::Given(_) | Output::Unknown(_) | Output::Reject(_) => panic!("{output:?}"),
    };
    let text = json!({ "Records": records }).to_string();
    Worker::new(&detect).run(Input::Whole(text.as_bytes()), "a", &mut sink, &|| false);
    let (tells, counts) = keeper.finish();
    assert_eq!((counts.let_go, counts.steps.given_up, counts.steps.unknown), (0, 0, 0));
    for tell in tells {
        let it = tell.alert.correlation.unwrap();
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let group = it.group.into_iter().map(|group| group.value).collect();
        told.episodes.entry((tell.alert.rule.id, group)).or_default().push(Episode {
            first: second(tell.alert.time.as_deref().unwrap()),
            last: second(&it.last),
            count: usize::try_from(it.count).unwrap(),
            measured: it.measured,
        });
    }
    Some(told)
}
