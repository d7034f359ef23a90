//! Cutting files into records, with and without vector instructions, and parsing each record.

use std::hint::black_box;

use askance_benches::generate::{CorpusFile, Format};
use askance_benches::prepared::{Records, config, each_piece};
use askance_stages::parse::{Found, Parser, Piece, Structure, Walk};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn split(structure: Structure, files: &[CorpusFile]) -> u64 {
    let mut records = 0;
    for file in files {
        each_piece(structure, &file.content, |piece| {
            records += u64::from(matches!(black_box(piece), Piece::Record { .. }));
        });
    }
    records
}

/// Answers the length of all records whose end is where they end.
fn find_ends(structure: Structure, records: &Records) -> u64 {
    let mut length = 0;
    for (text, _) in records.texts() {
        if let Found::End(end) = structure.find_end(&mut Walk::default(), text, true) {
            length += end as u64;
        }
    }
    length
}

/// Answers how many records could be parsed, and how many of them strictly.
fn parse(parser: &mut Parser, records: &Records) -> (u64, u64) {
    let (mut parsed, mut strict) = (0, 0);
    for (text, _) in records.texts() {
        let is_strict = parser.parse(text, |record, odd| {
            black_box(&record);
            odd.is_empty()
        });
        parsed += u64::from(is_strict.is_ok());
        strict += u64::from(is_strict == Ok(true));
    }
    (parsed, strict)
}

fn benches_of_parse(criterion: &mut Criterion) {
    let files = Records::new(&config(Format::Plain));
    let lines = Records::new(&config(Format::Jsonl));
    let events = files.summary.events;
    let mut group = criterion.benchmark_group("parse");

    let throughput = |bytes| Throughput::ElementsAndBytes { elements: events, bytes };
    let structures = [("vector", Structure::new()), ("portable", Structure::portable())];
    for (name, structure) in structures {
        for (kind, records) in [("file", &files), ("lines", &lines)] {
            assert_eq!(split(structure, &records.files), records.summary.events, "{name}");
            group.throughput(Throughput::ElementsAndBytes {
                elements: records.summary.events,
                bytes: records.summary.bytes,
            });
            group.bench_function(format!("split {kind} {name}"), |bencher| {
                bencher.iter(|| split(structure, &records.files));
            });
        }
    }

    let text_bytes = files.texts().map(|(text, _)| text.len() as u64).sum();
    group.throughput(throughput(text_bytes));
    for (name, structure) in structures {
        assert_eq!(find_ends(structure, &files), text_bytes, "{name}");
        group.bench_function(format!("find_end {name}"), |bencher| {
            bencher.iter(|| find_ends(structure, &files));
        });
    }

    let mut parser = Parser::default();
    assert_eq!(parse(&mut parser, &files), (events, events));
    group.bench_function("parser strict", |bencher| bencher.iter(|| parse(&mut parser, &files)));
    group.finish();
}

criterion_group!(benches, benches_of_parse);
criterion_main!(benches);
