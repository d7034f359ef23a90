//! The summary on standard error.

use serde_json::json;

use crate::records::{gzip, record, record_with, trail, trail_of};
use crate::sandbox::{Run, Sandbox};

/// The summary with `#` for whatever the clock has a say in.
fn still(run: &Run) -> String {
    let mut lines: Vec<String> = run.err.lines().map(str::to_owned).collect();
    for line in lines.iter_mut().filter(|line| line.ends_with(" records/s)")) {
        let (before, after) = line.split_once(" in ").unwrap();
        let (took, rates) = after.split_once(" (").unwrap();
        let (_, unit) = took.split_once(' ').unwrap();
        assert!(["ms", "s"].contains(&unit), "{took}");
        let rates: Vec<&str> = rates.split(' ').collect();
        assert!(rates.len() == 4 && rates[1].ends_with("B/s,"), "{rates:?}");
        *line = format!("{before} in # (#/s, # records/s)");
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_summary_tells_what_was_done() {
    let sandbox = Sandbox::with("in/1.json.gz", gzip(trail_of(&["a", "b", "a"])));
    sandbox.write(
        "in/2.json",
        trail(&[
            record_with(
                "c",
                json!({"awsRegion": "us-east-1", "eventTime": "2026-03-03T00:00:00Z"}),
            ),
            record_with("d", json!({"eventName": "GetObject", "sourceIPAddress": "AWS Internal"})),
            record_with("e", json!({"recipientAccountId": "444455556666"})),
        ]),
    );
    sandbox.write("in/3.json", trail_of(&["f"]) + "garbage");
    sandbox.write("in/README.md", "no trail");
    let run = sandbox.scan(&["in", "--stats", "--account", "111122223333"]);
    run.exits(3).found(&["a", "b", "c", "f"]);
    let packed = gzip(trail_of(&["a", "b", "a"])).len();
    assert!(packed < 1000, "shown in bytes below");
    expect_test::expect![[r#"
        askance: in/3.json: is not JSON at byte 556
        3 files, 2.6 kB read (3.8 kB of text), 7 records (7 looked into) in # (#/s, # records/s)
        4 alerts: 4 high (1 repeat left out: the same event was read before)
        1 rule
        passed by: 1 other_account, 1 not_a_trail_by_name
        odd but read: 1 source_is_a_name
        could not be read: 1 not_json
        2026-03-02 eu-west-1: 5 records
        2026-03-03 us-east-1: 1 record
    "#]]
    .assert_eq(&still(&run));
}

#[test]
fn the_summary_of_nothing_is_short() {
    let sandbox = Sandbox::with("in.json", trail(&[record_with("a", json!({"eventName": "X"}))]));
    let run = sandbox.scan(&["in.json"]);
    assert_eq!(still(&run).lines().count(), 3, "{}", run.err);
    run.says("no alerts").says("1 file, ").says("1 record ");
}

#[test]
fn bytes_are_counted_as_they_came_and_unpacked() {
    let text = trail(&(0..500).map(|index| record(&index.to_string())).collect::<Vec<_>>());
    let sandbox = Sandbox::with("in.json.gz", gzip(&text));
    let (packed, plain) = (gzip(&text).len() as f64, text.len() as f64);
    let run = sandbox.scan(&["in.json.gz"]);
    run.says(&format!("{:.1} kB read ({:.1} kB of text)", packed / 1e3, plain / 1e3));
}

#[test]
fn days_and_regions_are_told_only_if_asked_for() {
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[record("a"), record_with("b", json!({"eventTime": null, "awsRegion": null}))]),
    );
    let run = sandbox.scan(&["in.json"]);
    assert!(!run.err.contains("2026-03-02"), "{}", run.err);
    let run = sandbox.scan(&["in.json", "--stats"]);
    run.says_line("2026-03-02 eu-west-1: 1 record").says_line("unknown unknown: 1 record");
}

#[test]
fn the_summary_is_on_standard_error_alone() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    for format in ["table", "jsonl", "json", "csv"] {
        let run = sandbox.run(&["scan", "in.json", "--rules", "rule.yml", "--format", format]);
        run.exits(0).says("1 alert: 1 high");
        assert!(!run.out.contains("1 alert"), "{}", run.out);
    }
}
