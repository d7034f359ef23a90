//! Unpacking: whole gzip, and gzip, zstd and plain text as streams; bytes of text a second.

use std::hint::black_box;
use std::io::Read;

use askance_benches::generate::{Format, memory_corpus};
use askance_benches::prepared::config;
use askance_stages::decode::{Body, DecodeLimits, Decoder, Input};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// What is read from a stream at a time, as the flow does.
const WINDOW: usize = 1 << 20;

/// What a source hands over before the rest is asked for.
const HEAD: usize = 64 << 10;

/// How an object is handed to the decoder.
#[derive(Clone, Copy)]
enum Way {
    Whole,
    Parts,
}

/// Unpacks all objects; answers the length of their text, and how many came as streams.
fn unpack(decoder: &mut Decoder, window: &mut [u8], objects: &[Vec<u8>], way: Way) -> (u64, usize) {
    let (mut length, mut streams) = (0, 0);
    for object in objects {
        let (head, mut rest) = object.split_at(HEAD.min(object.len()));
        let input = match way {
            Way::Whole => Input::Whole(object),
            Way::Parts => Input::Parts(head, &mut rest as &mut dyn Read),
        };
        match decoder.open(input).expect("an undamaged object") {
            Body::Whole(text) => length += black_box(text).len() as u64,
            Body::Stream(mut stream) => {
                streams += 1;
                loop {
                    let count = stream.read(window).expect("an undamaged object");
                    if count == 0 {
                        break;
                    }
                    length += black_box(&window[..count]).len() as u64;
                }
            }
        }
    }
    (length, streams)
}

fn decode(criterion: &mut Criterion) {
    let content = |format| {
        let (files, summary) = memory_corpus(&config(format));
        (files.into_iter().map(|file| file.content).collect::<Vec<_>>(), summary)
    };
    let (gzip, summary) = content(Format::Gz);
    let (plain, _) = content(Format::Plain);
    let pack = |text: &Vec<u8>| zstd::encode_all(text.as_slice(), 3).expect("memory suffices");
    let zstd: Vec<Vec<u8>> = plain.iter().map(pack).collect();

    let mut decoder = Decoder::new(DecodeLimits::default());
    let mut window = vec![0; WINDOW];
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::ElementsAndBytes {
        elements: summary.events,
        bytes: summary.bytes,
    });
    let cases = [
        ("gzip whole", &gzip, Way::Whole, 0),
        ("gzip stream", &gzip, Way::Parts, gzip.len()),
        ("zstd whole", &zstd, Way::Whole, zstd.len()),
        ("zstd stream", &zstd, Way::Parts, zstd.len()),
        ("plain whole", &plain, Way::Whole, 0),
        ("plain stream", &plain, Way::Parts, plain.len()),
    ];
    for (name, objects, way, streams) in cases {
        let found = unpack(&mut decoder, &mut window, objects, way);
        assert_eq!(found, (summary.bytes, streams), "{name}");
        // Handing over a slice costs nothing that could be measured.
        if name == "plain whole" {
            continue;
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| unpack(&mut decoder, &mut window, objects, way));
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
