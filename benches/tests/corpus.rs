//! What a corpus promises: same seed same bytes, valid JSON, real sizes, repeats, variety.

#![expect(clippy::unwrap_used, reason = "a test may stop at once, its helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use askance_benches::generate::{CorpusConfig, Format, Summary, write_corpus};
use serde_json::Value;

/// A folder that is removed when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("askance-benches-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn config(format: Format) -> CorpusConfig {
    CorpusConfig { files: 12, bytes: 12_000_000, accounts: 3, format, ..CorpusConfig::default() }
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), content);
            }
        }
    }
    found
}

fn written(name: &str, config: &CorpusConfig) -> (Summary, BTreeMap<PathBuf, Vec<u8>>) {
    let scratch = Scratch::new(name);
    let summary = write_corpus(config, &scratch.0).unwrap();
    (summary, files(&scratch.0))
}

fn events(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<Value> {
    let parse = |content: &Vec<u8>| {
        let file: Value = serde_json::from_slice(content).unwrap();
        file["Records"].as_array().unwrap().clone()
    };
    files.values().flat_map(parse).collect()
}

#[test]
fn a_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let one = written("one", &config(Format::Gz)).1;
    let two = written("two", &CorpusConfig { jobs: 3, ..config(Format::Gz) }).1;
    let other = written("other", &CorpusConfig { seed: 2, ..config(Format::Gz) }).1;
    assert!(one == two);
    assert!(one.values().ne(other.values()));
}

#[test]
fn events_are_valid_varied_and_of_real_size() {
    let (summary, files) = written("real", &config(Format::Plain));
    let events = events(&files);
    assert_eq!(events.len() as u64, summary.events);
    let mean = summary.bytes / summary.events;
    assert!((1100..1400).contains(&mean), "{mean}");
    let names: BTreeSet<_> =
        events.iter().filter_map(|event| event["eventName"].as_str()).collect();
    assert!(names.len() >= 150, "{}", names.len());
    let failed = events.iter().filter(|event| event.get("errorCode").is_some()).count();
    assert!((0.02..0.04).contains(&(failed as f64 / events.len() as f64)), "{failed}");
}

#[test]
fn some_events_come_again() {
    let (summary, files) = written("again", &config(Format::Plain));
    let events = events(&files);
    let ids: BTreeSet<_> = events.iter().map(|event| event["eventID"].to_string()).collect();
    assert_eq!((events.len() - ids.len()) as u64, summary.duplicates);
    let in_thousand = summary.duplicates as f64 / summary.events as f64 * 1000.0;
    assert!((1.0..4.0).contains(&in_thousand), "{in_thousand}");
}

#[test]
fn events_of_a_file_are_in_no_order() {
    let (_, files) = written("order", &config(Format::Plain));
    let times: Vec<_> = events(&files).iter().map(|event| event["eventTime"].to_string()).collect();
    assert!(!times.is_sorted());
}

#[track_caller]
fn check_share(percent: u64) {
    let base = config(Format::Jsonl);
    let config = CorpusConfig { candidates_per_million: Some(percent * 10_000), ..base };
    let (summary, _) = written(&format!("share-{percent}"), &config);
    let share = summary.candidates as f64 / (summary.events - summary.duplicates) as f64 * 100.0;
    assert!((share - percent as f64).abs() < 0.5 + percent as f64 / 10.0, "{share}");
}

#[test]
fn the_share_of_candidates_is_met() {
    check_share(0);
    check_share(1);
    check_share(10);
    check_share(100);
}

#[test]
fn incidents_are_planted_and_told() {
    let config = CorpusConfig { incidents_per_million: 30_000, ..config(Format::Plain) };
    let (summary, files) = written("incidents", &config);
    assert_eq!(summary.incident_counts().len(), 15);
    let events = events(&files);
    let (_, name, id) = &summary.incidents[0];
    assert!(events.iter().any(|event| event["eventID"] == id.as_str()), "{name}");
}

#[test]
fn every_line_of_jsonl_is_one_event() {
    let (summary, files) = written("lines", &config(Format::Jsonl));
    let lines = |content: &Vec<u8>| {
        let text = String::from_utf8(content.clone()).unwrap();
        text.lines().filter(|line| serde_json::from_str::<Value>(line).unwrap().is_object()).count()
            as u64
    };
    assert_eq!(files.values().map(lines).sum::<u64>(), summary.events);
}
