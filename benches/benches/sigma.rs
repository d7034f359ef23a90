//! Rules from text to what can be matched: 500 generated ones; elements are rules.

use std::sync::Arc;

use askance_benches::prepared::{compile, generated_files};
use askance_stages::matcher::RuleSet;
use askance_stages::sigma::{ReadOptions, read};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const RULES: usize = 500;

fn sigma(criterion: &mut Criterion) {
    let files = generated_files(RULES);
    let options = ReadOptions::default();
    let reading = read(&files, &options);
    assert_eq!((reading.rules.len(), reading.problems.len()), (RULES, 0));
    assert_eq!(compile(&files).rules.len(), RULES);
    let rules: Vec<_> = reading.rules.into_iter().map(Arc::new).collect();

    let mut group = criterion.benchmark_group("sigma");
    let bytes = files.iter().map(|file| file.text.len() as u64).sum();
    group.throughput(Throughput::ElementsAndBytes { elements: RULES as u64, bytes });
    group.bench_function("read", |bencher| bencher.iter(|| read(&files, &options)));
    group.bench_function("compile", |bencher| {
        let compile = |rules| RuleSet::compile(rules).expect("rules that were read compile");
        bencher.iter_batched(|| rules.clone(), compile, BatchSize::LargeInput);
    });
    group.bench_function("read and compile", |bencher| bencher.iter(|| compile(&files)));
    group.finish();
}

criterion_group!(benches, sigma);
criterion_main!(benches);
