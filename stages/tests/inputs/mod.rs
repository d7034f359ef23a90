//! Made-up inputs for the flow: records, the containers they come in, and ways to run them.

// Each test binary takes what it needs of these.
#![allow(dead_code)]

use std::io::Write;
use std::sync::Arc;

use askance_stages::decode::Input;
use askance_stages::filter::FilterConfig;
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::RuleSet;
use askance_stages::model::{Alert, Reason};
use askance_stages::sigma::{ReadOptions, SourceFile, read};
use askance_stages::tally::Tally;

/// The rule that most tests use.
pub const STOPPED: &str = "{eventName: StopLogging}";

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    pub alerts: Vec<Alert>,
    pub unknown: Vec<u64>,
    pub rejects: Vec<Reason>,
    pub tally: Tally,
}

impl Outcome {
    pub fn ids(&self) -> Vec<&str> {
        self.alerts.iter().map(|alert| alert.id.as_str()).collect()
    }

    /// Places of the records that matched.
    pub fn places(&self) -> Vec<u64> {
        self.alerts.iter().map(|alert| alert.origin.index).collect()
    }
}

/// A rule of one selection.
pub fn rules(selection: &str) -> RuleSet {
    rules_of(&format!("{{s: {selection}, condition: s}}"))
}

/// A rule of that detection, in YAML's flow style.
pub fn rules_of(detection: &str) -> RuleSet {
    let text = format!(
        "title: a\nid: a\nlogsource: {{product: aws, service: cloudtrail}}\ndetection: {detection}\n"
    );
    let reading = read(
        &[SourceFile { path: Arc::from("a.yml"), text: text.into() }],
        &ReadOptions::default(),
    );
    assert!(!reading.has_errors(), "{:?}", reading.problems);
    RuleSet::compile(reading.rules.into_iter().map(Arc::new)).expect("the reader checked it")
}

/// Runs a rule set over an input.
#[track_caller]
pub fn run_with(rules: RuleSet, filter: FilterConfig, input: Input<'_>) -> Outcome {
    let detect = Detect::new(rules, DetectConfig { filter, ..DetectConfig::default() });
    let mut outcome = Outcome::default();
    let mut sink = |output: Output| match output {
        Output::Alert(alert) => outcome.alerts.push(*alert),
        Output::Entry(entry) => panic!("nothing is fed: {entry:?}"),
        Output::Given(given) => panic!("nobody asked: {given:?}"),
        Output::Unknown(unknown) => outcome.unknown.push(unknown.index),
        Output::Reject(reject) => outcome.rejects.push(reject.reason),
    };
    let tally = Worker::new(&detect).run(input, "trail.json", &mut sink, &|| false);
    assert!(tally.is_balanced(), "{tally:?}");
    assert_eq!(tally.alerts.iter().sum::<u64>(), outcome.alerts.len() as u64);
    assert_eq!(tally.rejected.total(), outcome.rejects.len() as u64);
    outcome.tally = tally;
    outcome
}

/// Runs [`STOPPED`] over whole bytes.
#[track_caller]
pub fn run(bytes: &[u8]) -> Outcome {
    run_with(rules(STOPPED), FilterConfig::default(), Input::Whole(bytes))
}

/// The same, in parts: `cut` bytes, then a reader that gives at most `step` at a time.
#[track_caller]
pub fn run_parts(bytes: &[u8], cut: usize, step: usize) -> Outcome {
    let (head, rest) = bytes.split_at(cut.min(bytes.len()));
    let mut rest = Steps { rest, step };
    run_with(rules(STOPPED), FilterConfig::default(), Input::Parts(head, &mut rest))
}

/// A reader that gives a few bytes at a time.
struct Steps<'b> {
    rest: &'b [u8],
    step: usize,
}

impl std::io::Read for Steps<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.step.min(out.len());
        self.rest.read(&mut out[..count])
    }
}

/// A record that [`STOPPED`] matches.
pub fn stopped(id: &str) -> String {
    record(id, "StopLogging")
}

/// An event of that name.
pub fn record(id: &str, name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventTime":"2024-05-01T10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"{name}","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userIdentity":{{"type":"IAMUser","userName":"eve","accountId":"111122223333"}},"requestParameters":{{"name":"trail {{\"x\"}}"}},"eventID":"{id}","recipientAccountId":"111122223333"}}"#
    )
}

/// A CloudTrail file of these records.
pub fn trail(records: &[String]) -> String {
    format!("{{\"Records\":[{}]}}", records.join(","))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory takes it")
}

/// Two records, in each container that CloudTrail's records come in.
pub fn containers(records: &[String; 2]) -> Vec<(&'static str, String)> {
    let [first, second] = records;
    let quoted = |record: &str| serde_json::to_string(record).expect("text is JSON");
    let pretty = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
        serde_json::to_string_pretty(&value).expect("it is JSON")
    };
    let events = |key: &str, inside: &str| {
        let one = |record: &String| format!("{{\"id\":\"1\",\"{inside}\":{}}}", quoted(record));
        format!("{{\"{key}\":[{},{}]", one(first), one(second))
    };
    let bridge = |record: &str| {
        format!(
            "{{\"version\":\"0\",\"detail-type\":\"AWS API Call via CloudTrail\",\"source\":\"aws.x\",\"detail\":{record}}}"
        )
    };
    let file = trail(records);
    vec![
        ("a CloudTrail file", file.clone()),
        ("with a byte order mark", format!("\u{feff}{file}")),
        ("behind other members", format!("{{\"v\":[1],\"n\":{{\"Records\":[]}},{}", &file[1..])),
        ("before other members", format!("{},\"next\":[{{}}]}}", &file[..file.len() - 1])),
        ("JSON lines", format!("{first}\n{second}\n")),
        ("JSON lines of Windows", format!("{first}\r\n\r\n{second}\r\n")),
        ("a bare list", format!("[{first},{second}]")),
        ("bare records in a row", format!("{first}{second}")),
        (
            "two files in a row",
            format!(
                "{}\n{}",
                trail(std::slice::from_ref(first)),
                trail(std::slice::from_ref(second))
            ),
        ),
        ("answers of lookup-events", events("Events", "CloudTrailEvent") + ",\"NextToken\":\"x\"}"),
        ("CloudWatch Logs", events("logEvents", "message") + ",\"messageType\":\"DATA_MESSAGE\"}"),
        ("EventBridge", format!("{}\n{}", bridge(first), bridge(second))),
        ("a list of EventBridge", format!("[{},{}]", bridge(first), bridge(second))),
        ("pretty", pretty(&file)),
        ("pretty lines", format!("{}\n{}", pretty(first), pretty(second))),
    ]
}
