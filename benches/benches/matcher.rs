//! Deciding about records: by their bytes, by every rule, and the way the flow takes.

use askance_benches::generate::{CorpusConfig, Format};
use askance_benches::prepared::{Records, builtin_files, compile, config, generated_files};
use askance_stages::matcher::{Candidates, RuleSet, Scratch, Tri, Verdict};
use askance_stages::model::Enriched;
use askance_stages::parse::Parser;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// One worker's buffers, for one set of rules: what they remember is of that set.
#[derive(Default)]
struct Worker {
    parser: Parser,
    candidates: Candidates,
    scratch: Scratch,
}

/// What was decided.
#[derive(Debug, Default, PartialEq, Eq)]
struct Decided {
    records: u64,
    /// Records that some rule could match, by their bytes.
    looked_into: u64,
    hits: u64,
}

impl Worker {
    /// Judges every record and parses none.
    fn judge(&mut self, rules: &RuleSet, records: &Records) -> Decided {
        let mut decided = Decided::default();
        for (text, has_unicode_escape) in records.texts() {
            let verdict = rules.judge(text, has_unicode_escape, &(), &mut self.candidates);
            decided.records += 1;
            decided.looked_into += u64::from(verdict != Verdict::Pass);
        }
        decided
    }

    /// Judges every record, and parses and decides about those that are left.
    fn judge_and_run(&mut self, rules: &RuleSet, records: &Records) -> Decided {
        let mut decided = Decided::default();
        for (text, has_unicode_escape) in records.texts() {
            let verdict = rules.judge(text, has_unicode_escape, &(), &mut self.candidates);
            decided.records += 1;
            if verdict != Verdict::Pass {
                decided.looked_into += 1;
                decided.hits += self.run(rules, verdict, text);
            }
        }
        decided
    }

    /// Parses every record and tries every rule on it.
    fn run_all(&mut self, rules: &RuleSet, records: &Records) -> Decided {
        let mut decided = Decided::default();
        for (text, _) in records.texts() {
            decided.records += 1;
            decided.looked_into += 1;
            decided.hits += self.run(rules, Verdict::All, text);
        }
        decided
    }

    fn run(&mut self, rules: &RuleSet, verdict: Verdict, text: &[u8]) -> u64 {
        let Self { parser, candidates, scratch } = self;
        let mut hits = 0;
        let parsed = parser.parse(text, |record, _| {
            // No derived fields: what is measured is matching.
            let bare = Enriched { record: &record, derive: &() };
            rules.run(bare, verdict, candidates, scratch, |_, truth, _| {
                hits += u64::from(truth == Tri::True);
            });
        });
        parsed.expect("a generated record can be parsed");
        hits
    }
}

fn throughput(records: &Records) -> Throughput {
    Throughput::ElementsAndBytes { elements: records.summary.events, bytes: records.summary.bytes }
}

/// The built-in rules over corpora of which ever more records have a name that rules look for.
fn shares(criterion: &mut Criterion) {
    let rules = compile(&builtin_files());
    let mut worker = Worker::default();
    let mut group = criterion.benchmark_group("matcher/share");
    let mut looked_into = Vec::new();
    for share in [0, 1, 10, 100] {
        let candidates_per_million = Some(share * 10_000);
        let records =
            Records::new(&CorpusConfig { candidates_per_million, ..config(Format::Plain) });
        let judged = worker.judge(&rules, &records);
        assert_eq!(judged.records, records.summary.events);
        let decided = worker.judge_and_run(&rules, &records);
        assert_eq!(decided.looked_into, judged.looked_into);
        assert_eq!(decided.hits, worker.run_all(&rules, &records).hits, "{share} %");
        looked_into.push(judged.looked_into);
        group.throughput(throughput(&records));
        group.bench_function(format!("judge {share} %"), |bencher| {
            bencher.iter(|| worker.judge(&rules, &records));
        });
        group.bench_function(format!("judge and run {share} %"), |bencher| {
            bencher.iter(|| worker.judge_and_run(&rules, &records));
        });
    }
    assert!(looked_into.is_sorted() && looked_into[0] < looked_into[3], "{looked_into:?}");
    group.finish();
}

/// Few and many rules over everyday work with planted incidents.
fn sets(criterion: &mut Criterion) {
    let records =
        Records::new(&CorpusConfig { incidents_per_million: 2_000, ..config(Format::Plain) });
    let mut group = criterion.benchmark_group("matcher/rules");
    group.throughput(throughput(&records));
    let sets = [("builtin", builtin_files()), ("3000", generated_files(3_000))];
    for (name, files) in sets {
        let rules = compile(&files);
        let mut worker = Worker::default();
        let all = worker.run_all(&rules, &records);
        let decided = worker.judge_and_run(&rules, &records);
        assert_eq!(all.records, records.summary.events);
        assert_eq!(decided.hits, all.hits, "{name}");
        assert!(all.hits > 0, "{name}");
        group.bench_function(format!("judge {name}"), |bencher| {
            bencher.iter(|| worker.judge(&rules, &records));
        });
        group.bench_function(format!("judge and run {name}"), |bencher| {
            bencher.iter(|| worker.judge_and_run(&rules, &records));
        });
        // With thousands of rules this takes seconds, and says no more.
        if name != "builtin" {
            continue;
        }
        group.bench_function(format!("run all {name}"), |bencher| {
            bencher.iter(|| worker.run_all(&rules, &records));
        });
    }
    group.finish();
}

criterion_group!(benches, shares, sets);
criterion_main!(benches);
