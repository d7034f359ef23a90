//! The whole flow on one core: packed objects in memory in, alerts out.

use askance_benches::generate::{CorpusConfig, CorpusFile, Format, Summary, memory_corpus};
use askance_benches::prepared::{builtin_files, compile, config, generated_files};
use askance_stages::decode::Input;
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::RuleSet;
use askance_stages::tally::Tally;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn detect(rules: RuleSet, without_prefilter: bool) -> Detect {
    let config = DetectConfig { without_event: true, without_prefilter, ..DetectConfig::default() };
    Detect::new(rules, config)
}

fn run(worker: &mut Worker<'_>, files: &[CorpusFile], sink: &mut dyn FnMut(Output)) -> Tally {
    let mut tally = Tally::default();
    for CorpusFile { path, content } in files {
        let name = path.to_str().expect("generated names are text");
        tally.add(&worker.run(Input::Whole(content), name, sink, &|| false));
    }
    tally
}

/// Alerts as the rule's id and the event's place, in order; everything must have been read.
fn alerts(detect: &Detect, files: &[CorpusFile], summary: &Summary) -> Vec<(String, String, u64)> {
    let mut alerts = Vec::new();
    let tally = run(&mut Worker::new(detect), files, &mut |output| match output {
        Output::Alert(alert) => {
            alerts.push((alert.rule.id, alert.origin.path, alert.origin.index));
        }
        Output::Entry(_) | Output::Given(_) | Output::Unknown(_) | Output::Reject(_) => {}
    });
    assert_eq!(tally.records, summary.events);
    assert_eq!(tally.passed, summary.events);
    assert_eq!((tally.bytes_text, tally.rejected.total()), (summary.bytes, 0));
    assert_eq!(tally.alerts.iter().sum::<u64>(), alerts.len() as u64);
    alerts
}

fn flow(criterion: &mut Criterion) {
    let corpus = CorpusConfig { incidents_per_million: 2_000, ..config(Format::Gz) };
    let (files, summary) = memory_corpus(&corpus);
    let planted = summary.incidents.len();
    assert!(planted > 5, "{planted}");

    let mut group = criterion.benchmark_group("flow");
    group.throughput(Throughput::ElementsAndBytes {
        elements: summary.events,
        bytes: summary.bytes,
    });
    let sets = [("builtin", builtin_files()), ("3000", generated_files(3_000))];
    for (name, rule_files) in sets {
        let fast = detect(compile(&rule_files), false);
        let slow = detect(compile(&rule_files), true);
        let found = alerts(&fast, &files, &summary);
        assert_eq!(found, alerts(&slow, &files, &summary), "{name}");
        // Every planted incident is of a kind that a built-in rule tells.
        assert!(found.len() >= if name == "builtin" { planted } else { 1 }, "{name}: {found:?}");

        let mut worker = Worker::new(&fast);
        group.bench_function(name, |bencher| {
            bencher.iter(|| run(&mut worker, &files, &mut |_| {}));
        });
        // With thousands of rules this takes seconds, and says no more.
        if name != "builtin" {
            continue;
        }
        let mut worker = Worker::new(&slow);
        group.bench_function(format!("{name} without prefilter"), |bencher| {
            bencher.iter(|| run(&mut worker, &files, &mut |_| {}));
        });
    }
    group.finish();
}

criterion_group!(benches, flow);
criterion_main!(benches);
