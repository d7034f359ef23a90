//! How a scan ends before its end: a closed pipe, Ctrl-C.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::records::{record, trail};
use crate::sandbox::{PATIENCE, Sandbox, drain, text, wait};

/// Longest that ending may take once it has been asked for.
const SOON: Duration = Duration::from_secs(20);

/// Starts a scan of standard input that is fed records until nobody takes them any more.
fn endless(sandbox: &Sandbox, format: &str) -> Child {
    let args = ["scan", "-", "--rules", "rule.yml", "--no-event", "--format", format];
    let mut child = sandbox.command(&args).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::spawn(move || {
        for number in 0_u64.. {
            let lines: String = (0..100)
                .map(|index| format!("{}\n", record(&format!("{number}-{index}"))))
                .collect();
            if stdin.write_all(lines.as_bytes()).is_err() {
                return;
            }
        }
    });
    child
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn ctrl_c_ends_with_the_summary_so_far() {
    let sandbox = Sandbox::new();
    let mut child = endless(&sandbox, "jsonl");
    let err = drain(child.stderr.take().unwrap());
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    interrupt(&child);
    let rest = drain(out);
    let status = wait(&mut child, SOON);
    let err = text(&err.recv_timeout(PATIENCE).unwrap());
    assert_eq!(status.code(), Some(130), "{err}");
    assert!(err.starts_with("interrupted"), "{err}");
    let alerts = first + &text(&rest.recv_timeout(PATIENCE).unwrap());
    let whole = alerts.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    assert_eq!(whole, alerts.lines().count(), "every line that was written is whole");
    let counted = err.lines().find(|line| line.contains(" alerts: ")).unwrap();
    let count = counted.split(' ').next().unwrap().replace(',', "");
    assert_eq!(count, whole.to_string(), "what is counted is what was written");
}

#[test]
fn ctrl_c_ends_a_scan_that_waits_for_its_input() {
    let sandbox = Sandbox::with("in.json", trail(&[record("a")]));
    let mut child = sandbox.scan_command(&["in.json", "-"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Once more than a pipe holds has been taken, the scan is reading and waits for more.
    stdin.write_all(&vec![b'\n'; 1 << 20]).unwrap();
    let (out, err) = (drain(child.stdout.take().unwrap()), drain(child.stderr.take().unwrap()));
    interrupt(&child);
    let status = wait(&mut child, SOON);
    drop(stdin);
    let err = text(&err.recv_timeout(PATIENCE).unwrap());
    assert_eq!(status.code(), Some(130), "{err}");
    assert!(err.starts_with("interrupted"), "{err}");
    assert_eq!(text(&out.recv_timeout(PATIENCE).unwrap()).lines().count(), 1);
}

#[test]
fn a_json_array_is_closed_when_interrupted() {
    let sandbox = Sandbox::new();
    let mut child = endless(&sandbox, "json");
    let err = drain(child.stderr.take().unwrap());
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    interrupt(&child);
    let rest = drain(out);
    let status = wait(&mut child, SOON);
    assert_eq!(status.code(), Some(130), "{}", text(&err.recv_timeout(PATIENCE).unwrap()));
    let array = first + &text(&rest.recv_timeout(PATIENCE).unwrap());
    let array: Value = serde_json::from_str(&array).expect("the array is whole");
    assert!(!array.as_array().unwrap().is_empty());
}

#[test]
fn a_closed_pipe_ends_a_scan_quietly() {
    for format in ["table", "jsonl", "json", "csv"] {
        let records: Vec<Value> = (0..20_000).map(|index| record(&index.to_string())).collect();
        let sandbox = Sandbox::with("in.json", trail(&records));
        let mut command = sandbox.command(&["scan", "in.json", "--rules", "rule.yml", "--format"]);
        let mut child = command.arg(format).spawn().unwrap();
        let err = drain(child.stderr.take().unwrap());
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let status = wait(&mut child, SOON);
        let err = text(&err.recv_timeout(PATIENCE).unwrap());
        assert!(!first.is_empty(), "{format}");
        assert_eq!(status.code(), Some(0), "{format}: {err}");
        for word in ["panic", "askance:", "pipe", "error"] {
            assert!(!err.contains(word), "{word:?} for {format} in {err}");
        }
    }
}

#[test]
fn a_closed_pipe_ends_other_commands_quietly() {
    let sandbox = Sandbox::with("in.json", trail(&[record("a")]));
    for args in [
        &["rules", "list"][..],
        &["rules", "check"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["explain", "in.json", "--event", "a"],
    ] {
        let mut child = sandbox.command(args).spawn().unwrap();
        drop(child.stdout.take());
        let err = drain(child.stderr.take().unwrap());
        let status = wait(&mut child, SOON);
        let err = text(&err.recv_timeout(PATIENCE).unwrap());
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}
