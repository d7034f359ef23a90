//! Correlations in a scan: what is told, once, in whatever order and however it is cut into files.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::records::{record_with, trail};
use crate::sandbox::{Run, Sandbox};

const MANY: &str = "\
title: Many buckets deleted
id: many
level: high
correlation:
    type: value_count
    rules: [deleted]
    group-by: [recipientAccountId]
    timespan: 10m
    condition: {field: requestParameters.bucketName, gte: 3}
---
title: Bucket deleted
name: deleted
id: deleted-id
logsource: {product: aws, service: cloudtrail}
detection:
    selection: {eventName: DeleteBucket}
    condition: selection
";

/// The deletion of bucket number `number`, `minute` minutes past noon.
fn deletion(number: u32, minute: u32) -> Value {
    let changes = json!({
        "eventTime": format!("2026-03-02T12:{minute:02}:00Z"),
        "requestParameters": {"bucketName": format!("films-{number}")},
    });
    record_with(&format!("e{number}"), changes)
}

fn sandbox(rules: &str, records: &[Value]) -> Sandbox {
    let sandbox = Sandbox::with("in/a.json", trail(records));
    sandbox.write("many.yml", rules);
    sandbox
}

fn scan(sandbox: &Sandbox, more: &[&str]) -> Run {
    sandbox.run(&[&["scan", "in", "--rules", "many.yml", "--format", "jsonl"], more].concat())
}

#[test]
fn an_episode_is_told_once_with_what_its_events_share() {
    let records: Vec<Value> = (0..4).map(|number| deletion(number, number)).collect();
    let run = scan(&sandbox(MANY, &records), &[]);
    let alerts = run.exits(0).is_calm().alerts();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    let alert = &alerts[0];
    assert_eq!(alert["rule"]["id"], "many");
    assert_eq!(alert["level"], "high");
    assert_eq!(alert["account"], "111122223333");
    assert_eq!(alert["actor"]["name"], "mika");
    let told = &alert["correlation"];
    assert_eq!(told["count"], 4);
    assert_eq!(told["distinct"], 4);
    assert_eq!(told["values"], json!(["films-0", "films-1", "films-2", "films-3"]));
    assert_eq!(told["group"], json!([{"field": "recipientAccountId", "value": "111122223333"}]));
    assert_eq!(told["first"], "2026-03-02T12:00:00Z");
    assert_eq!(told["last"], "2026-03-02T12:03:00Z");
    assert_eq!(told["events"][0]["id"], "e0");
    assert!(told["events"][0]["origin"]["path"].as_str().unwrap().ends_with("a.json"));
    run.says("\n0 rules, 1 correlation (with 1 rule of their own)");
}

#[test]
fn neither_order_nor_files_nor_threads_nor_repeats_change_what_is_told() {
    let records: Vec<Value> = (0..9).map(|number| deletion(number, number * 6)).collect();
    let whole = scan(&sandbox(MANY, &records), &[]).exits(0).alerts();
    assert_eq!(whole.len(), 0, "three deletions take 12 minutes: {whole:#?}");
    let records: Vec<Value> = (0..9).map(|number| deletion(number, number * 3)).collect();
    let without_places = |run: &Run| {
        let mut alerts = run.exits(0).alerts();
        for alert in &mut alerts {
            alert["origin"].take();
            for event in alert["correlation"]["events"].as_array_mut().unwrap() {
                event["origin"].take();
            }
        }
        alerts
    };
    let whole = without_places(&scan(&sandbox(MANY, &records), &[]));
    assert_eq!(whole.len(), 1, "{whole:#?}");
    let cut = sandbox(MANY, &[]);
    for (number, record) in records.iter().enumerate() {
        // Backwards by file name, and each record twice.
        cut.write(format!("in/{}.json", 9 - number), trail(std::slice::from_ref(record)));
        cut.write(format!("in/again-{number}.json"), trail(std::slice::from_ref(record)));
    }
    cut.write("in/a.json", trail(&records[..1]));
    for threads in ["1", "2"] {
        assert_eq!(without_places(&scan(&cut, &["--threads", threads])), whole);
    }
}

#[test]
fn what_feeds_is_silent_unless_it_shall_speak() {
    let records: Vec<Value> = (0..3).map(|number| deletion(number, number)).collect();
    let rules = |run: &Run| -> Vec<String> {
        let alerts = run.exits(0).alerts();
        alerts.iter().map(|it| it["rule"]["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules(&scan(&sandbox(MANY, &records), &[])), ["many"]);
    let loud = MANY.replacen("correlation:\n", "generate: true\ncorrelation:\n", 1);
    let sandbox = sandbox(&loud, &records);
    let deleted = "deleted-id";
    assert_eq!(rules(&scan(&sandbox, &[])), [deleted, deleted, deleted, "many"]);
    // Below the level it raises nothing and goes on feeding.
    assert_eq!(rules(&scan(&sandbox, &["--level", "high"])), ["many"]);
    assert_eq!(rules(&scan(&sandbox, &["--level", "critical"])).len(), 0);
}

#[test]
fn a_configuration_disables_and_changes_levels_of_correlations_too() {
    let records: Vec<Value> = (0..3).map(|number| deletion(number, number)).collect();
    let sandbox = sandbox(MANY, &records);
    sandbox.write("c.yaml", "rules: {paths: [many.yml], levels: {many: low}}\n");
    let run = sandbox.run(&["scan", "in", "--config", "c.yaml", "--format", "jsonl"]);
    assert_eq!(run.exits(0).alerts()[0]["level"], "low");
    sandbox.write("c.yaml", "rules: {paths: [many.yml], disable: [deleted-id]}\n");
    let run = sandbox.run(&["scan", "in", "--config", "c.yaml", "--format", "jsonl"]);
    assert_eq!(run.exits(0).alerts().len(), 1, "what is disabled goes on feeding");
    sandbox.write("c.yaml", "rules: {paths: [many.yml], disable: [many]}\n");
    let run = sandbox.run(&["scan", "in", "--config", "c.yaml", "--format", "jsonl"]);
    assert_eq!(run.exits(0).alerts().len(), 0);
}

#[test]
fn events_without_a_time_are_counted_and_in_no_window() {
    let mut records: Vec<Value> = (0..2).map(|number| deletion(number, number)).collect();
    let mut late = deletion(7, 3);
    late["eventTime"] = json!("yesterday");
    records.push(late);
    let run = scan(&sandbox(MANY, &records), &[]);
    assert_eq!(run.exits(0).alerts().len(), 0);
    run.says("events for correlations: 1 without a time that can be read");
}

#[test]
fn a_table_says_how_many_events() {
    let records: Vec<Value> = (0..5).map(|number| deletion(number, number)).collect();
    let sandbox = sandbox(MANY, &records);
    let run = sandbox.run(&["scan", "in", "--rules", "many.yml"]);
    run.exits(0).shows("Many buckets deleted").shows("5 events");
}

#[test]
fn cases_of_correlations_have_events() {
    let sandbox = sandbox(MANY, &[]);
    let event = json!({"eventTime": "2026-03-02T12:00:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": "DeleteBucket", "recipientAccountId": "1", "requestParameters": {}});
    let mut cases = String::from("rule: many\ncases:\n");
    write!(
        cases,
        "    - name: three\n      expect: hit\n      events:\n        - event: {event}\n          \
         times: 3\n          every: 2m\n          vary: {{requestParameters.bucketName: 'b{{n}}'}}\n    \
         - name: slowly\n      expect: miss\n      like: three\n      every: 6m\n"
    )
    .unwrap();
    sandbox.write("many.cases.yml", &cases);
    let run = sandbox.run(&["rules", "test", "many.yml"]);
    run.exits(0).shows("1 rule, 1 correlation, 2 cases: 2 passed, 0 failed");
    sandbox.write("many.cases.yml", cases.replace("every: 6m", "every: 3m"));
    let run = sandbox.run(&["rules", "test", "many.yml"]);
    expect_test::expect![[r#"
        many.cases.yml:10: case "slowly" of "Many buckets deleted"
        - expected miss
        + got      hit
          like "three", changed: every 180 s
          3 events
          3 of them found by "Bucket deleted"
          told: 3 events from 2026-03-02T12:00:00Z to 2026-03-02T12:06:00Z
        1 rule, 1 correlation, 2 cases: 1 passed, 1 failed
    "#]]
    .assert_eq(&run.exits(1).out);
}
