//! The configuration file, and options about how a scan is run.

use serde_json::json;

use crate::records::{RULE, record, record_with, rule, trail, trail_of};
use crate::sandbox::Sandbox;

#[test]
fn a_configuration_names_rules_by_its_own_folder() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("conf/rules/own.yml", RULE);
    sandbox.write("conf/askance.yaml", "rules: {paths: [rules]}\n");
    let args = ["scan", "in.json", "--format", "jsonl", "--config", "conf/askance.yaml"];
    sandbox.run(&args).exits(0).found(&["a"]).says("\n1 rule");
    // What is said on the command line goes before.
    sandbox.write("other.yml", rule("other", "GetObject"));
    sandbox.run(&[&args[..], &["--rules", "other.yml"]].concat()).exits(0).found(&[]);
}

#[test]
fn a_configuration_may_add_the_built_in_rules() {
    let stop = json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging"});
    let sandbox = Sandbox::with("in.json", trail(&[record("own"), record_with("stop", stop)]));
    // That a bucket is deleted is told too, at a low level.
    let args =
        ["scan", "in.json", "--format", "jsonl", "--config", "askance.yaml", "--level", "high"];
    sandbox.write("askance.yaml", "rules: {paths: [rule.yml], builtin: true}\n");
    sandbox.run(&args).exits(0).found(&["own", "stop"]);
    sandbox.write("askance.yaml", "rules: {paths: [rule.yml]}\n");
    sandbox.run(&args).exits(0).found(&["own"]);
    sandbox.write("askance.yaml", "");
    sandbox.run(&args).exits(0).found(&["stop"]);
}

#[test]
fn a_configuration_disables_rules_and_changes_levels() {
    let other = record_with("b", json!({"eventName": "Two"}));
    let sandbox = Sandbox::with("in.json", trail(&[record("a"), other]));
    sandbox.write("two.yml", rule("two", "Two"));
    sandbox.write("askance.yaml", "rules: {disable: [two], levels: {bucket-deleted: critical}}\n");
    let args = ["in.json", "--rules", "two.yml", "--config", "askance.yaml"];
    let run = sandbox.scan(&args);
    assert_eq!(run.exits(0).found(&["a"]).alerts()[0]["level"], "critical");
    sandbox.scan(&[&args[..], &["--level", "critical"]].concat()).exits(0).found(&["a"]);
    sandbox.write("askance.yaml", "rules: {disable: [tow]}\n");
    sandbox.scan(&args).exits(2).says("tow");
}

#[test]
fn everything_wrong_with_a_configuration_is_told_at_once() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write(
        "askance.yaml",
        "rules:\n    biultin: true\n    levels: {a: hihg}\nlimits:\n    max_object: lots\nlimit: 1\n",
    );
    let run = sandbox.scan(&["in.json", "--config", "askance.yaml"]);
    run.exits(2);
    for part in [
        "askance.yaml:2:",
        "\"builtin\"",
        "askance.yaml:3:",
        "\"high\"",
        "askance.yaml:5:",
        "askance.yaml:6:",
        "\"limits\"",
    ] {
        run.says(part);
    }
    sandbox.write("askance.yaml", "rules: [oops: }");
    sandbox.scan(&["in.json", "--config", "askance.yaml"]).exits(2).says("askance.yaml:");
    sandbox.scan(&["in.json", "--config", "no.yaml"]).exits(2).says("no.yaml");
}

#[test]
fn quiet_leaves_nothing_on_standard_error_but_damage() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("bad.json", "not json");
    for option in ["--quiet", "-q"] {
        assert_eq!(sandbox.scan(&["in.json", option]).exits(0).found(&["a"]).err, "");
    }
    let run = sandbox.scan(&["in.json", "bad.json", "-q"]);
    run.exits(3).found(&["a"]);
    assert_eq!(run.err, "askance: bad.json: is not JSON at byte 0\n");
}

#[test]
fn what_cannot_be_decided_is_counted_and_listed_if_asked_for() {
    let cut = record_with("cut", json!({"requestParameters": {"omitted": true}}));
    let sandbox = Sandbox::with("in.json", trail(&[record("a"), cut]));
    let films = RULE.replace("eventName:", "requestParameters.bucketName: films, eventName:");
    sandbox.write("rule.yml", films);
    let run = sandbox.scan(&["in.json"]);
    run.exits(0).found(&["a"]).says("could not be decided").says("1 by rule bucket-deleted");
    assert!(!run.err.contains("event cut"), "{}", run.err);
    let run = sandbox.scan(&["in.json", "--show-unknown"]);
    run.exits(0).found(&["a"]);
    run.says("could not be decided: rule \"Bucket deleted\" (bucket-deleted) on event cut (record 1 of in.json");
}
