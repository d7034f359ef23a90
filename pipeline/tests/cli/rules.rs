//! Which rules a scan runs, and what it says of those that it does not.

use serde_json::json;

use crate::records::{RULE, record, record_with, rule, trail, trail_of};
use crate::sandbox::{Run, Sandbox};

/// A record that the built-in rule about stopped trails finds, and one that `rule.yml` finds.
fn both() -> Sandbox {
    let stop = json!({"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging",
        "requestParameters": {"name": "main"}});
    Sandbox::with("in.json", trail(&[record("own"), record_with("stop", stop)]))
}

fn jsonl(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(&[&["scan", "in.json", "--format", "jsonl"], args].concat())
}

#[test]
fn built_in_rules_run_unless_others_are_named() {
    let sandbox = both();
    // That a bucket is deleted is told too, at a low level.
    jsonl(&sandbox, &["--level", "high"]).exits(0).found(&["stop"]);
    jsonl(&sandbox, &["--rules", "rule.yml"]).exits(0).found(&["own"]).says("\n1 rule");
    let run = jsonl(&sandbox, &["--rules", "rule.yml", "--builtin", "--level", "high"]);
    run.exits(0).found(&["own", "stop"]);
}

#[test]
fn rules_come_from_files_and_folders_and_the_option_repeats() {
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            record_with("a", json!({"eventName": "One"})),
            record_with("b", json!({"eventName": "Two"})),
            record_with("c", json!({"eventName": "Three"})),
        ]),
    );
    sandbox.write("rules/deep/one.yml", rule("one", "One"));
    sandbox.write("rules/two.yaml", rule("two", "Two"));
    sandbox.write("rules/notes.txt", "not: [a rule");
    sandbox.write("three.rule", rule("three", "Three"));
    let run = jsonl(&sandbox, &["--rules", "rules", "--rules", "three.rule"]);
    run.exits(0).found(&["a", "b", "c"]).says("\n3 rules");
}

#[test]
fn other_logs_case_files_and_other_yaml_are_counted_as_skipped() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("rules/own.yml", RULE);
    sandbox.write("rules/own.cases.yml", "rule: bucket-deleted\ncases: []\n");
    let windows = rule("w", "X").replace("product: aws, service: cloudtrail", "product: windows");
    sandbox.write("rules/windows.yml", windows);
    sandbox.write("rules/flow.yml", rule("f", "X").replace("cloudtrail", "vpcflow"));
    sandbox.write("rules/ci.yml", "on: push\njobs: {}\n");
    let run = jsonl(&sandbox, &["--rules", "rules"]);
    run.exits(0).is_calm().found(&["a"]).says("1 rule, 4 documents skipped");
}

#[test]
fn a_rule_without_a_level_is_medium() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("rule.yml", rule("r", "DeleteBucket"));
    let run = jsonl(&sandbox, &["--rules", "rule.yml"]);
    assert_eq!(run.exits(0).alerts()[0]["level"], "medium");
    run.says("1 alert: 1 medium");
}

#[test]
fn a_rule_without_an_id_goes_by_its_title() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("rule.yml", rule("r", "DeleteBucket").replace("\nid: r\n", "\n"));
    let run = jsonl(&sandbox, &["--rules", "rule.yml"]);
    assert_eq!(run.exits(0).alerts()[0]["rule"]["id"], "Title of r");
}

#[test]
fn two_rules_of_one_id_are_an_error_that_names_both() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("rules/a.yml", rule("same", "One"));
    sandbox.write("rules/b.yml", rule("same", "Two").replace("Title of", "Other"));
    let run = jsonl(&sandbox, &["--rules", "rules"]);
    run.exits(2).says("rules/a.yml:1").says("rules/b.yml:1").says("\"same\"");
    assert_eq!(run.out, "", "nothing is scanned");
}

/// Two broken rules in two files, and a good one.
fn broken() -> Sandbox {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("rules/good.yml", RULE);
    let bad = rule("bad", "x").replace("{eventName: x}", "{eventName|contians: x}");
    sandbox.write("rules/bad.yml", bad.replace("condition: selection", "condition: selectoin"));
    sandbox.write("rules/worse.yml", "title: Worse\nlogsource: {product: aws\n");
    sandbox.write("rules/worst.yml", rule("worst", "x") + "level: hihg\n");
    sandbox
}

#[test]
fn all_errors_of_all_rule_files_are_told_at_once() {
    let run = jsonl(&broken(), &["--rules", "rules"]);
    run.exits(2);
    assert_eq!(run.out, "", "nothing is scanned");
    for part in [
        "rules/bad.yml:5:",
        "contians",
        "did you mean \"contains\"?",
        "rules/bad.yml:6:",
        "selectoin",
        "did you mean \"selection\"?",
        "rules/worse.yml:",
        "rules/worst.yml:7:",
        "hihg",
        "did you mean \"high\"?",
        "--keep-going",
    ] {
        run.says(part);
    }
}

#[test]
fn going_on_without_broken_rules_names_them_in_the_summary() {
    let run = jsonl(&broken(), &["--rules", "rules", "--keep-going"]);
    run.exits(0).found(&["a"]);
    let line = run.err.lines().find(|line| line.starts_with("left out because of errors"));
    let line = line.expect("the summary has the line");
    for part in ["Title of bad", "Title of worst", "worse.yml"] {
        assert!(line.contains(part), "{part} is not in {line:?}");
    }
}

#[test]
fn rules_that_are_not_there_are_wrong_use() {
    let sandbox = both();
    jsonl(&sandbox, &["--rules", "nowhere.yml"]).exits(2).says("nowhere.yml");
    sandbox.write("empty/notes.txt", "");
    let run = jsonl(&sandbox, &["--rules", "empty"]);
    run.says("there is no rule to run");
}

#[test]
fn placeholders_get_their_values_from_files() {
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            record("a"),
            record_with("b", json!({"awsRegion": "us-east-1"})),
            record_with("c", json!({"awsRegion": "sa-east-1"})),
        ]),
    );
    let expanding = RULE.replace("eventName: Del", "'awsRegion|expand': '%home%', eventName: Del");
    sandbox.write("rule.yml", expanding);
    sandbox.write("values.yml", "home: [eu-west-1]\n");
    sandbox.write("more.yml", "other: [x]\n");
    let values =
        ["--rules", "rule.yml", "--placeholders", "values.yml", "--placeholders", "more.yml"];
    jsonl(&sandbox, &values).exits(0).found(&["a"]);
    jsonl(&sandbox, &["--rules", "rule.yml"]).exits(2).says("rule.yml:").says("home");
    sandbox.write("values.yml", "home: {a: b}\n");
    jsonl(&sandbox, &values).exits(2).says("values.yml").says("1:");
    jsonl(&sandbox, &["--placeholders", "nowhere.yml"]).exits(2).says("nowhere.yml");
}

#[test]
fn a_greedy_regex_cannot_hang() {
    let agent = format!("{}!", "a".repeat(200_000));
    let sandbox = Sandbox::with("in.json", trail(&[record_with("a", json!({"userAgent": agent}))]));
    for pattern in ["(a+)+$", "^(a|aa)+$", "(.*)*x"] {
        let written = format!("'userAgent|re': '{pattern}', eventName: Del");
        sandbox.write("rule.yml", RULE.replace("eventName: Del", &written));
        let began = std::time::Instant::now();
        jsonl(&sandbox, &["--rules", "rule.yml"]).exits(0).found(&[]);
        assert!(began.elapsed().as_secs() < 20, "{pattern} took {:?}", began.elapsed());
    }
}
