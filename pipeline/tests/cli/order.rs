//! The same alerts with the same ids in the same order, whatever the threads, layout and packing.

use serde_json::{Value, json};

use crate::records::{gzip, record, record_with, trail, trail_of, zstd};
use crate::sandbox::{Run, Sandbox};

/// Many files of very different sizes and packings, some of them damaged.
fn many() -> Sandbox {
    let sandbox = Sandbox::new();
    for file in 0..80_usize {
        let count = if file % 9 == 0 { 900 } else { file % 7 };
        let records: Vec<Value> = (0..count)
            .map(|index| {
                let name = if index % 3 == 0 { "DeleteBucket" } else { "GetBucketAcl" };
                record_with(&format!("{file}-{index}"), json!({ "eventName": name }))
            })
            .collect();
        let text = trail(&records);
        let bytes = match file % 5 {
            0 => gzip(&text),
            1 => zstd(&text),
            2 => gzip(&text)[..gzip(&text).len() - 3].to_vec(),
            _ => text.into_bytes(),
        };
        sandbox.write(format!("in/{:02}/{file:03}.json", file / 10), bytes);
    }
    sandbox
}

/// Standard error without what the clock says.
fn untimed(run: &Run) -> String {
    let line = |line: &str| match line.split_once(" in ") {
        Some((before, _)) if line.contains(" records/s)") => before.to_owned() + "\n",
        _ => line.to_owned() + "\n",
    };
    run.err.lines().map(line).collect()
}

#[test]
fn threads_change_nothing_about_what_is_written() {
    let sandbox = many();
    for format in ["jsonl", "table", "json", "csv"] {
        let scan = |threads: &str| {
            let args = ["scan", "in", "--rules", "rule.yml", "--format", format, "--stats"];
            sandbox.run(&[&args[..], &["--threads", threads]].concat())
        };
        let one = scan("1");
        one.exits(3);
        assert!(one.out.lines().count() > 2_000, "{format}");
        for threads in ["2", "4", "8"] {
            let other = scan(threads);
            assert!(other.out == one.out, "{format} differs with {threads} threads");
            assert_eq!(untimed(&other), untimed(&one), "{format} with {threads} threads");
        }
    }
}

fn ids(run: &Run) -> Vec<String> {
    let mut ids: Vec<String> =
        run.alerts().iter().map(|alert| alert["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// Two records with ids, and one without, which is known by its contents.
fn three() -> [Value; 3] {
    let awkward = json!({"userAgent": "é \u{1} \" \\ / \u{1f600}", "eventID": null,
        "requestParameters": {"bucketName": "films", "n": [1, 1.5, -0.25, true, null, {}, []]}});
    [record("a"), record("b"), record_with("", awkward)]
}

#[test]
fn ids_are_the_same_in_every_layout() {
    let [a, b, c] = three();
    // Keys stand in the same order everywhere: the record without an id is known by its text.
    let file = json!({"Records": [a, b, c]});
    let expected = {
        let sandbox = Sandbox::with("in.json", file.to_string());
        ids(sandbox.scan(&["in.json"]).exits(0))
    };
    assert_eq!(expected.len(), 3);
    let bridge = |record: &Value| json!({"detail-type": "x", "source": "y", "detail": record});
    let lookup = |record: &Value| json!({"CloudTrailEvent": record.to_string()});
    let log = |record: &Value| json!({"id": "1", "timestamp": 1, "message": record.to_string()});
    for text in [
        json!({"Records": [c, a, b]}).to_string(),
        serde_json::to_string_pretty(&file).unwrap(),
        format!("{a}\n{b}\n{c}\n"),
        json!([a, b, c]).to_string(),
        format!("{}{}{}", bridge(&a), bridge(&b), bridge(&c)),
        json!({"Events": [lookup(&a), lookup(&b), lookup(&c)]}).to_string(),
        json!({"logEvents": [log(&a), log(&b), log(&c)], "messageType": "DATA_MESSAGE"})
            .to_string(),
    ] {
        for bytes in [text.clone().into_bytes(), gzip(&text), zstd(&text)] {
            let sandbox = Sandbox::with("elsewhere/other.json", bytes);
            for extra in [&["--threads", "3"][..], &["--no-event"], &["--from", "2020-01-01"]] {
                let run = sandbox.scan(&[&["elsewhere"], extra].concat());
                assert_eq!(ids(run.exits(0)), expected, "{extra:?} of {text}");
            }
        }
    }
}

#[test]
fn ids_differ_by_rule_event_and_account() {
    let elsewhere = record_with("a", json!({"recipientAccountId": "444455556666"}));
    let sandbox = Sandbox::with("in.json", trail(&[record("a"), record("b"), elsewhere]));
    sandbox.write("two.yml", crate::records::rule("two", "DeleteBucket"));
    let run = sandbox.scan(&["in.json", "--rules", "two.yml"]);
    let mut ids = ids(run.exits(0));
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[test]
fn an_event_read_twice_raises_one_alert_and_repeats_are_counted() {
    let sandbox = Sandbox::with("in/1.json", trail_of(&["a", "b"]));
    sandbox.write("in/2.json.gz", gzip(trail_of(&["b", "c"])));
    let lookup = json!({"Events": [{"CloudTrailEvent": record("a").to_string()}]}).to_string();
    sandbox.write("in/3.json", lookup);
    let run = sandbox.scan(&["in", "in/1.json"]);
    run.exits(0).is_calm().found(&["a", "b", "c"]).says("3 alerts").says("4 repeats left out");
}

#[test]
fn an_event_that_is_only_a_repeat_still_counts_for_failing() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.scan(&["in.json", "in.json", "--fail-on", "high"]).exits(1).found(&["a"]);
}
