//! What a crafted input cannot do: fill the memory, hang, or take other records with it.

use std::fs;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::records::{gzip, gzip_of_zeros, record, record_with, trail, trail_of, zstd};
use crate::sandbox::{PATIENCE, Sandbox, drain, text, wait};

#[test]
fn a_gzip_bomb_ends_at_the_limit_of_the_configuration() {
    let before = format!("{}\n", record("a"));
    let sandbox = Sandbox::with("in/bomb.gz", gzip_of_zeros(40 << 20, &before));
    sandbox.write("in/good.json", trail_of(&["b"]));
    sandbox.write("askance.yaml", "limits: {max_object: 1MB}\n");
    let run = sandbox.scan(&["in", "--config", "askance.yaml"]);
    run.exits(3).found(&["a", "b"]);
    run.says("askance: in/bomb.gz: unpacks to more than is allowed at byte ");
    run.says("1000000 bytes (limits.max_object)").says("1 bomb");
}

#[test]
fn the_limit_holds_for_every_way_of_packing() {
    let sandbox = Sandbox::with("askance.yaml", "limits: {max_object: 10kB}\n");
    let text = trail(&vec![record("a"); 100]);
    sandbox.write("small.gz", gzip(&text));
    sandbox.write("small.zst", zstd(&text));
    sandbox.write("members.gz", [gzip(&text[..9_000]), gzip(&text[9_000..])].concat());
    for name in ["small.gz", "small.zst", "members.gz"] {
        let run = sandbox.scan(&[name, "--config", "askance.yaml"]);
        run.exits(3).found(&["a"]).says(&format!("askance: {name}: unpacks to more"));
    }
}

#[test]
fn a_ratio_past_the_limit_is_a_bomb_without_any_configuration() {
    let before = format!("{}\n", record("a"));
    let sandbox = Sandbox::with("in.gz", gzip_of_zeros(200 << 20, &before));
    let run = sandbox.scan(&["in.gz"]);
    run.exits(3).found(&["a"]).says("(limits.max_ratio)").says("1 bomb");
    sandbox.write("askance.yaml", "limits: {max_ratio: 2000}\n");
    let run = sandbox.scan(&["in.gz", "--config", "askance.yaml"]);
    assert!(!run.err.contains("bomb"), "{}", run.err);
}

#[test]
fn a_large_file_in_good_order_is_no_bomb() {
    // Real trails pack 10 to 30 to 1; what differs here keeps it there.
    let noise = |index: u64| format!("{:016x}", index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let line = |index: u64| {
        let agent =
            (0..60).map(|part| noise(index * 60 + part) + "-aaaaaaaaaaaaaaa").collect::<String>();
        let changes = json!({"userAgent": agent, "eventName": "GetObject"});
        format!("{}\n", record_with(&index.to_string(), changes))
    };
    let text: String = (0..30_000).map(line).collect::<String>() + &record("last").to_string();
    assert!(text.len() > 66 << 20, "it is past what any ratio is allowed for");
    for packed in [gzip(&text), zstd(&text)] {
        let sandbox = Sandbox::with("in", packed);
        sandbox.scan(&["in"]).exits(0).is_calm().found(&["last"]);
    }
}

/// Runs a scan and answers the most memory that it had, in bytes.
#[track_caller]
fn peak(sandbox: &Sandbox, args: &[&str]) -> u64 {
    let mut child = sandbox.scan_command(args).spawn().unwrap();
    let (out, err) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    let (began, mut most) = (Instant::now(), 0);
    // The pipe is drained when the run has ended; until then the memory is looked at.
    while out.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Timeout) {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let line = status.iter().flat_map(|text| text.lines()).find(|l| l.starts_with("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) * 1024);
        assert!(began.elapsed() < PATIENCE, "it did not end");
    }
    wait(&mut child, Duration::from_secs(1));
    let err = text(&err.recv_timeout(PATIENCE).unwrap());
    assert!(err.contains("could not be read"), "{err}");
    most
}

#[test]
fn a_bomb_does_not_fill_the_memory() {
    if !fs::exists("/proc/self/status").unwrap() {
        eprintln!("skipped: there is no /proc to read the memory from");
        return;
    }
    // One record that never ends: what is kept of it is bounded by the largest record.
    let sandbox = Sandbox::with("bomb.gz", gzip_of_zeros(300 << 20, "{\"Records\":[{\"x\":\""));
    sandbox.write("askance.yaml", "limits: {max_ratio: 2000}\n");
    let most = peak(&sandbox, &["bomb.gz", "--config", "askance.yaml", "--threads", "2"]);
    assert!(most < 150 << 20, "{} MB were taken", most >> 20);
    assert!(most > 1 << 20, "the memory was looked at");
}

#[track_caller]
fn one_is_too_much(huge: &str, words: &str, counted: &str) {
    let text = format!("{{\"Records\":[{},{huge},{}]}}", record("a"), record("b"));
    let sandbox = Sandbox::with("in.json", &text);
    sandbox.write("in.json.gz", gzip(&text));
    sandbox.write("lines.json", format!("{}\n{huge}\n{}\n", record("a"), record("b")));
    sandbox.write("array.json", format!("[{},{huge},{}]", record("a"), record("b")));
    for name in ["in.json", "in.json.gz", "lines.json", "array.json"] {
        let run = sandbox.scan(&[name]);
        run.exits(3).found(&["a", "b"]).says(" 3 records ");
        let before = record("a").to_string().len();
        let offset = before
            + match name {
                "lines.json" => 1,
                "array.json" => 2,
                _ => "{\"Records\":[,".len(),
            };
        run.says_line(&format!("askance: {name}: {words} at byte {offset}"));
        run.says_line(&format!("could not be read: 1 {counted}"));
    }
}

#[test]
fn a_record_over_the_cap_is_told_and_the_rest_is_read() {
    let agent = "x".repeat(6_000_000);
    let huge = record_with("huge", json!({ "userAgent": agent })).to_string();
    one_is_too_much(&huge, "a record is larger than is allowed", "too_large");
}

#[test]
fn a_record_of_a_hundred_megabytes_is_told_and_the_rest_is_read() {
    let agent = "x".repeat(100_000_000);
    let huge = record_with("huge", json!({ "userAgent": agent })).to_string();
    let text = format!("{{\"Records\":[{},{huge},{}]}}", record("a"), record("b"));
    let sandbox = Sandbox::with("in.json", &text);
    let run = sandbox.scan(&["in.json"]);
    run.exits(3).found(&["a", "b"]).says("1 too_large");
    if fs::exists("/proc/self/status").unwrap() {
        let most = peak(&sandbox, &["in.json"]);
        assert!(most < 100 << 20, "{} MB were taken", most >> 20);
    }
}

#[test]
fn a_record_just_under_the_cap_is_matched() {
    let agent = "x".repeat(4_000_000);
    let large = record_with("large", json!({ "userAgent": agent }));
    let sandbox = Sandbox::with("in.json", trail(&[large]));
    sandbox.scan(&["in.json"]).exits(0).found(&["large"]);
}

#[test]
fn ten_thousand_levels_are_told_and_the_rest_is_read() {
    let lists = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for deep in [lists, objects] {
        let text =
            record("deep").to_string().replace("\"requestID\":\"R1\"", &format!("\"x\":{deep}"));
        one_is_too_much(&text, "a record nests deeper than is allowed", "too_deep");
    }
}

#[test]
fn ten_thousand_open_brackets_end_quietly() {
    for deep in ["[".repeat(10_000), "{\"a\":".repeat(10_000), "{\"Records\":[".repeat(10_000)] {
        let sandbox = Sandbox::with("in/1.json", deep);
        sandbox.write("in/2.json", trail_of(&["a"]));
        sandbox.scan(&["in"]).exits(3).found(&["a"]).says("askance: in/1.json: ");
    }
}
