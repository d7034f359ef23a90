//! Standard input as a source: as much of the contract as applies, and what only it does.

use std::io::{Cursor, PipeWriter, Write as _, pipe};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;

use super::StandardInput;
use super::cutter::{Cut, Cutter, Kind, MOST, kind};
use crate::sources::tests::contract::{self, Place};
use crate::sources::tests::double::{Runtime, bytes_of};
use crate::sources::{Body, Source};

/// A pipe that does not end.
struct Pipe {
    writer: PipeWriter,
    source: Mutex<Option<StandardInput>>,
}

impl Pipe {
    fn new() -> Self {
        let (reader, writer) = pipe().unwrap();
        Self { writer, source: Mutex::new(Some(StandardInput::of(reader))) }
    }
}

#[async_trait]
impl Place for Pipe {
    async fn put(&mut self, _: &str, line: &str) {
        writeln!(self.writer, "{line}").unwrap();
    }

    fn open(&self) -> Box<dyn Source> {
        Box::new(self.source.lock().unwrap().take().expect("standard input is read once"))
    }

    // A pipe is told nothing, and cannot be reached or not.
    async fn is_acknowledged(&mut self) {}
    async fn is_not_acknowledged(&mut self) {}
    async fn break_off(&mut self) {}
    async fn mend(&mut self) {}
}

#[tokio::test]
async fn everything_comes_out_once() {
    contract::everything_comes_out_once(&mut Pipe::new()).await;
}

#[tokio::test]
async fn what_is_given_back_comes_again() {
    contract::what_is_given_back_comes_again(&mut Pipe::new()).await;
}

#[tokio::test]
async fn it_ends_with_the_input() {
    let check = async |input: &[u8], expected: &[&str]| {
        let mut runtime = Runtime::new();
        let source = StandardInput::of(Cursor::new(input.to_vec()));
        let running = runtime.run(Box::new(source));
        for object in expected {
            let (path, bytes) = runtime.commit_next().await;
            assert_eq!((path.as_str(), String::from_utf8_lossy(&bytes).as_ref()), ("-", *object));
        }
        running.ended().await.unwrap();
    };
    check(b"", &[]).await;
    check(b"{\"a\":1}\n{\"a\":2}\n", &["{\"a\":1}\n{\"a\":2}\n"]).await;
    check(b"{\"a\":1}\n{\"a\":2}", &["{\"a\":1}\n{\"a\":2}"]).await;
    check(b"{\n  \"Records\": []\n}", &["{\n  \"Records\": []\n}"]).await;
    check(b"{\"Records\": []}", &["{\"Records\": []}"]).await;
    check(b"no trail", &["no trail"]).await;
}

#[tokio::test]
async fn a_packed_trail_is_one_object_however_it_comes() {
    let mut runtime = Runtime::new();
    let (reader, mut writer) = pipe().unwrap();
    let running = runtime.run(Box::new(StandardInput::of(reader)));
    writer.write_all(b"\x1f\x8b\x08\n").unwrap();
    runtime.nothing_comes(Duration::from_millis(1500)).await;
    writer.write_all(b"more\n").unwrap();
    drop(writer);
    assert_eq!(runtime.commit_next().await.1, b"\x1f\x8b\x08\nmore\n");
    running.ended().await.unwrap();
}

#[tokio::test]
async fn a_large_trail_is_kept_in_a_file() {
    let mut runtime = Runtime::new();
    let input: Vec<u8> = b"[1,\n".iter().copied().cycle().take(20 << 20).collect();
    let running = runtime.run(Box::new(StandardInput::of(Cursor::new(input.clone()))));
    let (object, ack) = runtime.next_object().await;
    assert!(matches!(object.body, Body::File(_)));
    assert!(bytes_of(&object) == input);
    // Given back, it comes again from its beginning.
    drop((object, ack));
    assert!(runtime.commit_next().await.1 == input);
    running.ended().await.unwrap();
}

#[tokio::test]
async fn stop_ends_it_although_the_pipe_does_not() {
    let mut runtime = Runtime::new();
    let (reader, mut writer) = pipe().unwrap();
    let running = runtime.run(Box::new(StandardInput::of(reader)));
    writer.write_all(b"{}\n{}\n{\"cut").unwrap();
    let (object, ack) = runtime.next_object().await;
    assert_eq!(bytes_of(&object), b"{}\n{}\n");
    running.stop();
    drop(object);
    ack.done();
    running.ended().await.unwrap();
    drop(writer);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_and_the_next_one_read() {
    let mut runtime = Runtime::new();
    let input = format!("{{}}\n{{\"a\":\"{}\"}}\n{{\"b\":1}}\n", "x".repeat(MOST + 10));
    let running = runtime.run(Box::new(StandardInput::of(Cursor::new(input.into_bytes()))));
    assert_eq!(runtime.commit_next().await.1, b"{}\n");
    let refused = runtime.next_refused().await;
    assert_eq!(refused.reason, "too_large");
    assert_eq!(refused.evidence.len(), 256);
    assert_eq!(runtime.commit_next().await.1, b"{\"b\":1}\n");
    running.ended().await.unwrap();
}

#[test]
fn the_kind_is_told_by_the_first_line() {
    let check = |begin: &[u8], is_end: bool, expected: Kind| {
        assert_eq!(kind(begin, is_end), expected, "{:?}", String::from_utf8_lossy(begin));
    };
    check(b"", false, Kind::Unknown);
    check(b"", true, Kind::Whole);
    check(b"\n\n", false, Kind::Unknown);
    check(b"{\"a\":1}", false, Kind::Unknown);
    check(b"{\"a\":1}", true, Kind::Whole);
    check(b"{\"a\":1}\n", false, Kind::Lines);
    check(b"\xef\xbb\xbf\n{\"a\":1}\r\n{", false, Kind::Lines);
    check(b"{\n", false, Kind::Whole);
    check(b"[{}]\n", false, Kind::Whole);
    check(b"\x1f\x8b", false, Kind::Whole);
    check(b"\x28\xb5\x2f\xfd", false, Kind::Whole);
}

proptest! {
    #[test]
    fn cutting_loses_nothing(
        lines in prop::collection::vec("[a-z]{0,20}", 0..200),
        sizes in prop::collection::vec(1usize..100, 1..50),
        flush_every in 1usize..5,
    ) {
        let text = lines.join("\n");
        let (mut cutter, mut cuts) = (Cutter::default(), Vec::new());
        let mut rest = text.as_bytes();
        for (index, size) in sizes.iter().cycle().enumerate() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*size).min(rest.len()));
            cutter.push(now, &mut cuts);
            if index % flush_every == 0 {
                cuts.extend(cutter.flush());
            }
            rest = later;
        }
        cuts.extend(cutter.finish());
        let mut out = Vec::new();
        let count = cuts.len();
        for (index, cut) in cuts.into_iter().enumerate() {
            let Cut::Lines(lines) = cut else { panic!("no line is long") };
            prop_assert!(lines.ends_with(b"\n") || index + 1 == count);
            out.extend(lines);
        }
        prop_assert_eq!(out, text.into_bytes());
    }
}
