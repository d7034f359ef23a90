//! What is fuzzed: ordinary functions that take any bytes and fail by panicking.
//!
//! Shared by the fuzz targets and by `tests/fuzz_replay.rs`. Bodies that need rules and a record take
//! both from one input: rules, a line of `###`, the file.

// Each fuzz target calls one of them.
#![allow(dead_code)]

use std::sync::Arc;

use askance_stages::decode::{Body, DecodeLimits, Decoder, Input};
use askance_stages::flow::{Detect, DetectConfig, Output, Worker};
use askance_stages::matcher::RuleSet;
use askance_stages::model::Reason;
use askance_stages::parse::{Parser, Piece, Splitter, Step, Structure};
use askance_stages::sigma::{ReadOptions, SourceFile, read};

/// Small enough that a mutated length cannot make a run slow.
const LIMITS: DecodeLimits = DecodeLimits { max_object_bytes: 1 << 20, max_ratio: 500 };

/// Unpacking whole gives what unpacking in parts does, and every window cuts the same pieces.
pub fn decode(input: &[u8]) {
    let whole = unpacked(input, None);
    for cut in [0, 1, input.len() / 2, input.len()] {
        // The packing is told by the first four bytes, so they come together.
        let cut = cut.max(4).min(input.len());
        let parts = unpacked(input, Some(cut));
        // Two things pass whole that parts refuse, both of a text whose checksum fits: codes that
        // zlib calls invalid, and garbage whose last four bytes are the text's length.
        let refused = [Reason::CorruptCompression, Reason::TrailingGarbage].map(Some);
        if whole.1.is_none() && refused.contains(&parts.1) {
            assert!(whole.0.starts_with(&parts.0), "the text, cut at {cut}");
            continue;
        }
        assert_eq!(kind(whole.1), kind(parts.1), "the damage, cut at {cut}");
        // How much comes out before a limit, or before damage of zstd, hangs on the size of a read.
        let is_exact = whole.1.is_none() || input.starts_with(&[0x1f, 0x8b]);
        if is_exact && whole.1 != Some(Reason::Bomb) {
            assert!(whole.0 == parts.0, "the text, cut at {cut}");
        } else {
            assert!(whole.0.starts_with(&parts.0) || parts.0.starts_with(&whole.0));
        }
    }
    let expected = pieces(&whole.0, usize::MAX);
    for size in [1, 7, 64, 65, 1000] {
        let found = pieces(&whole.0, size);
        assert_eq!(found, expected, "in windows of {size}");
    }
}

/// What follows a member is garbage or a damaged member, as far as a read lets it be seen.
fn kind(damage: Option<Reason>) -> Option<Reason> {
    damage.map(|reason| match reason {
        Reason::TrailingGarbage => Reason::CorruptCompression,
        other => other,
    })
}

fn unpacked(input: &[u8], cut: Option<usize>) -> (Vec<u8>, Option<Reason>) {
    let mut decoder = Decoder::new(LIMITS);
    let mut rest;
    let opened = match cut {
        None => decoder.open(Input::Whole(input)),
        Some(cut) => {
            rest = &input[cut..];
            decoder.open(Input::Parts(&input[..cut], &mut rest))
        }
    };
    let mut text = Vec::new();
    match opened {
        Err(damage) => (text, Some(damage.reason)),
        Ok(Body::Whole(bytes)) => (bytes.to_vec(), None),
        Ok(Body::Stream(mut stream)) => {
            let mut buffer = vec![0; 997];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => return (text, None),
                    Ok(count) => text.extend_from_slice(&buffer[..count]),
                    Err(damage) => return (text, Some(damage.reason)),
                }
            }
        }
    }
}

/// What is cut from a text given in windows that grow by `size` bytes.
///
/// Of what is rejected only the reason: how much of it a window held is no matter.
fn pieces(text: &[u8], size: usize) -> Vec<String> {
    let mut splitter = Splitter::new(Structure::new());
    let (mut window, mut given, mut found) = (Vec::new(), 0, Vec::new());
    loop {
        let is_last = given == text.len();
        match splitter.next(&window, is_last) {
            Step::End => return found,
            Step::More => {
                assert!(!is_last, "it asks for more at the end");
                window.drain(..splitter.keep_from());
                splitter.rebase();
                let upto = given.saturating_add(size).min(text.len());
                window.extend_from_slice(&text[given..upto]);
                given = upto;
            }
            Step::Piece(Piece::Record { range, has_unicode_escape, .. }) => {
                let record = &window[range];
                assert!(has_unicode_escape || !has_unicode(record), "an escape is not told");
                found.push(String::from_utf8_lossy(record).into_owned());
            }
            Step::Piece(Piece::Quoted(range)) => {
                found.push(format!("quoted {}", String::from_utf8_lossy(&window[range])));
            }
            Step::Piece(Piece::Rejected(reason, _)) => found.push(format!("rejected {reason}")),
            Step::Piece(other) => found.push(format!("{other:?}")),
        }
    }
}

/// It holds `\u` as an escape: inside of a string, behind no other backslash.
fn has_unicode(record: &[u8]) -> bool {
    let (mut is_string, mut is_escaped) = (false, false);
    record.iter().any(|byte| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match byte {
            b'"' if !was_escaped => is_string = !is_string,
            b'\\' if !was_escaped && is_string => is_escaped = true,
            b'u' => return was_escaped,
            _ => {}
        }
        false
    })
}

/// Parsing never panics, and the lenient parser makes of strict JSON what the strict one does.
pub fn parse(input: &[u8]) {
    let mut parser = Parser::default();
    let json = |record: askance_stages::model::Record<'_>| {
        let mut json = String::new();
        record.write_json(0, &mut json);
        (json, record.is_strict)
    };
    let Ok((strict, true)) = parser.parse(input, |record, _| json(record)) else { return };
    // A superfluous comma is what only the lenient parser takes.
    let Some(end) = input.iter().rposition(|byte| *byte == b'}') else { return };
    let loose = [&input[..end], b",", &input[end..]].concat();
    match parser.parse(&loose, |record, _| json(record)) {
        Ok((lenient, is_strict)) => {
            assert!(!is_strict, "strict JSON has no such comma");
            assert_eq!(lenient, strict);
        }
        // It bounds its recursion; the splitter lets nothing deeper through.
        Err(why) => assert!(why.contains("nests deeper"), "{why}"),
    }
}

/// Matching never panics, whatever the rules and the file.
pub fn matching(input: &[u8]) {
    let (rules, file) = rules_and_file(input);
    run(&rules, false, file);
}

/// The prefilter changes nothing about what comes out.
pub fn prefilter(input: &[u8]) {
    let (rules, file) = rules_and_file(input);
    assert_eq!(run(&rules, true, file), run(&rules, false, file));
}

/// The reader never panics, and what it takes can be compiled.
pub fn rules(input: &[u8]) {
    compile(&String::from_utf8_lossy(input));
}

fn compile(yaml: &str) -> RuleSet {
    let file = SourceFile { path: Arc::from("fuzz.yml"), text: yaml.into() };
    let reading = read(&[file], &ReadOptions::default());
    // To YAML a carriage return ends a line too.
    let lines = yaml.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 2;
    for problem in &reading.problems {
        assert!(problem.place.line <= lines, "{problem:?}");
    }
    RuleSet::compile(reading.rules.into_iter().map(Arc::new)).expect("what was read compiles")
}

/// Rules for inputs that bring none.
const RULES: &str = "title: a\nlogsource: {product: aws}\ndetection:\n  s: {eventName: [StopLogging, '5', 'P*t'], a.b|contains: x}\n  t: {eventName|startswith: Del}\n  u: {requestParameters.x: [1, y, true]}\n  v: [key]\n  condition: s or t or u or v\n";

fn rules_and_file(input: &[u8]) -> (String, &[u8]) {
    let mark = b"\n###\n";
    match input.windows(mark.len()).position(|window| window == mark) {
        Some(at) => (String::from_utf8_lossy(&input[..at]).into_owned(), &input[at + mark.len()..]),
        None => (RULES.to_owned(), input),
    }
}

/// Alerts and unknowns, in order.
fn run(yaml: &str, without_prefilter: bool, file: &[u8]) -> Vec<String> {
    let config = DetectConfig { without_prefilter, limits: LIMITS, ..DetectConfig::default() };
    let detect = Detect::new(compile(yaml), config);
    let mut found = Vec::new();
    let mut sink = |output: Output| match output {
        Output::Alert(alert) => {
            found.push(serde_json::to_string(&alert).expect("an alert is JSON"));
        }
        Output::Unknown(unknown) => found.push(format!("{unknown:?}")),
        Output::Entry(_) | Output::Given(_) | Output::Reject(_) => {}
    };
    let tally = Worker::new(&detect).run(Input::Whole(file), "a", &mut sink, &|| false);
    assert!(tally.is_balanced(), "{tally:?}");
    found
}
