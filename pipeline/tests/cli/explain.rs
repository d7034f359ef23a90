//! `askance explain`: why a rule did or did not match.

use serde_json::json;

use crate::records::{gzip, record, record_with, rule, trail, trail_of};
use crate::sandbox::{Run, Sandbox, finish};

fn sandbox() -> Sandbox {
    let miss = record_with("miss", json!({"eventName": "GetObject"}));
    Sandbox::with("in.json", trail(&[record("hit"), miss]))
}

#[track_caller]
fn explain(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(&[&["explain", "in.json", "--rules", "rule.yml"], args].concat())
}

#[test]
fn a_hit_is_explained_selection_by_selection() {
    let run = explain(&sandbox(), &["--event", "hit"]);
    expect_test::expect![[r#"
        event hit: s3.amazonaws.com DeleteBucket at 2026-03-02T12:08:17Z (record 0 of in.json)

        rule "Bucket deleted" (bucket-deleted): matches
          yes condition: selection
            yes selection
              yes eventSource
                    yes 's3.amazonaws.com'
                    the record has: s3.amazonaws.com
              yes eventName
                    yes 'DeleteBucket'
                    the record has: DeleteBucket
    "#]]
    .assert_eq(&run.exits(0).out);
}

#[test]
fn a_miss_is_explained_for_the_rule_that_is_named() {
    let sandbox = sandbox();
    let run = explain(&sandbox, &["--event", "miss", "--rule", "bucket-deleted"]);
    expect_test::expect![[r#"
        event miss: s3.amazonaws.com GetObject at 2026-03-02T12:08:17Z (record 1 of in.json)

        rule "Bucket deleted" (bucket-deleted): does not match
          no  condition: selection
            no  selection
              yes eventSource
                    yes 's3.amazonaws.com'
                    the record has: s3.amazonaws.com
              no  eventName
                    no  'DeleteBucket'
                    the record has: GetObject
    "#]]
    .assert_eq(&run.exits(0).out);
    let run = explain(&sandbox, &["--event", "miss"]);
    run.exits(0).shows("1 other rule");
}

#[test]
fn a_rule_is_found_by_its_id_title_or_name() {
    let sandbox = sandbox();
    sandbox.write("rule.yml", sandbox.read("rule.yml") + "name: bucket_gone\n");
    for name in ["bucket-deleted", "Bucket deleted", "bucket_gone"] {
        let run = explain(&sandbox, &["--event", "hit", "--rule", name]);
        run.exits(0).shows("matches");
    }
    let run = explain(&sandbox, &["--event", "hit", "--rule", "Bukcet deleted"]);
    run.exits(2).says("Bukcet deleted").says("did you mean \"Bucket deleted\"?");
}

#[test]
fn built_in_rules_are_explained_without_any_option() {
    let stop = json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"});
    let sandbox = Sandbox::with("in.json", trail(&[record_with("stop", stop)]));
    let run = sandbox.run(&["explain", "in.json", "--event", "stop"]);
    run.exits(0).shows("rule \"CloudTrail trail stopped or deleted\"").shows("matches");
}

#[test]
fn what_cloudtrail_cut_is_told() {
    let cut = record_with("cut", json!({"requestParameters": {"omitted": true}}));
    let sandbox = Sandbox::with("in.json", trail(&[cut]));
    let written = "requestParameters.bucketName: films, eventName:";
    sandbox.write("rule.yml", sandbox.read("rule.yml").replace("eventName:", written));
    let run = explain(&sandbox, &["--event", "cut"]);
    run.exits(0).shows("cannot be decided").shows("cut by CloudTrail");
}

#[test]
fn an_event_that_is_not_there_is_wrong_use() {
    let run = explain(&sandbox(), &["--event", "nowhere"]);
    run.exits(2).says("nowhere").says("in.json");
    assert_eq!(run.out, "");
    sandbox().run(&["explain", "no.json", "--event", "a"]).exits(2).says("no.json");
    sandbox().run(&["explain", "in.json"]).exits(2).says("--event");
}

#[test]
fn every_layout_can_be_looked_into() {
    let lookup = json!({"Events": [{"CloudTrailEvent": record("b").to_string()}]}).to_string();
    for (bytes, event) in [
        (gzip(trail_of(&["a", "b"])), "b"),
        (lookup.into_bytes(), "b"),
        (format!("{}\n{}\n", record("a"), record("b")).into_bytes(), "b"),
    ] {
        let sandbox = Sandbox::with("in.json", &bytes);
        explain(&sandbox, &["--event", event]).exits(0).shows("matches");
        let args = ["explain", "-", "--rules", "rule.yml", "--event", event];
        finish(&mut sandbox.command(&args), &bytes).exits(0).shows("matches");
    }
}

#[test]
fn damage_is_told_beside_the_explanation() {
    let text = trail_of(&["a", "b"]);
    let sandbox = Sandbox::with("in.json", &text[..text.len() - 50]);
    let run = explain(&sandbox, &["--event", "a"]);
    run.exits(0).shows("matches").says("askance: in.json: JSON ends in the middle at byte ");
    let run = explain(&sandbox, &["--event", "b"]);
    run.exits(2).says("JSON ends in the middle");
}

#[test]
fn explanation_and_scan_agree() {
    let sandbox = sandbox();
    sandbox.write(
        "rule.yml",
        [
            rule("one", "DeleteBucket"),
            rule("two", "'*Bucket'"),
            rule("three", "GetObject"),
            rule("four", "Delete"),
        ]
        .join("---\n"),
    );
    let found: Vec<String> = sandbox
        .scan(&["in.json"])
        .alerts()
        .iter()
        .filter(|alert| alert["event"]["eventID"] == "hit")
        .map(|alert| alert["rule"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found, ["one", "two"]);
    for id in ["one", "two", "three", "four"] {
        let run = explain(&sandbox, &["--event", "hit", "--rule", id]);
        let is_hit = run.exits(0).out.contains("): matches\n");
        assert_eq!(is_hit, found.iter().any(|one| one == id), "{id}");
    }
}
