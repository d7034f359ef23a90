//! `askance rules`: check, test and list.

use crate::records::{RULE, rule};
use crate::sandbox::Sandbox;

const CASES: &str = "\
rule: bucket-deleted
cases:
    - name: a bucket is deleted
      expect: hit
      event: {eventSource: s3.amazonaws.com, eventName: DeleteBucket}
    - name: a bucket is read
      expect: miss
      like: a bucket is deleted
      set: {eventName: GetBucketAcl}
";

fn own() -> Sandbox {
    let sandbox = Sandbox::with("own/rule.yml", RULE);
    sandbox.write("own/rule.cases.yml", CASES);
    sandbox
}

#[test]
fn the_built_in_rules_pass_their_own_cases() {
    let sandbox = Sandbox::new();
    sandbox.run(&["rules", "check"]).exits(0).shows("0 errors, 0 warnings");
    let run = sandbox.run(&["rules", "test"]);
    run.exits(0).shows(" passed, 0 failed");
    assert!(!run.out.contains("without cases"), "{}", run.out);
}

#[test]
fn checking_tells_every_error_with_file_line_key_and_hint() {
    let sandbox = own();
    let bad = rule("bad", "x").replace("{eventName: x}", "{eventName|contians: x}");
    sandbox.write("own/bad.yml", bad.replace("condition: selection", "condition: selectoin"));
    sandbox.write("own/bad.cases.yml", CASES.replace("expect: hit", "expcet: hit"));
    sandbox.write("own/worse.yml", "title: [\n");
    let run = sandbox.run(&["rules", "check", "own"]);
    run.exits(2);
    for part in [
        "own/bad.yml:5:",
        "contians",
        "did you mean \"contains\"?",
        "own/bad.yml:6:",
        "selectoin",
        "did you mean \"selection\"?",
        "own/bad.cases.yml:4:",
        "expcet",
        "did you mean \"expect\"?",
        "own/worse.yml:",
        " errors",
    ] {
        run.shows(part);
    }
}

#[test]
fn checking_what_is_good_says_so() {
    let run = own().run(&["rules", "check", "own"]);
    expect_test::expect![[r#"
        2 files: 1 rule, 0 correlations, 1 document skipped; 0 errors, 0 warnings
    "#]]
    .assert_eq(&run.exits(0).out);
    own().run(&["rules", "check", "nowhere"]).exits(2).says("nowhere");
}

#[test]
fn a_failing_case_shows_what_was_expected_and_why_it_was_not() {
    let sandbox = own();
    let wrong = CASES.replace("set: {eventName: GetBucketAcl}", "set: {awsRegion: eu-west-1}");
    sandbox.write("own/rule.cases.yml", wrong);
    let run = sandbox.run(&["rules", "test", "own"]);
    expect_test::expect![[r#"
        own/rule.cases.yml:6: case "a bucket is read" of "Bucket deleted"
        - expected miss
        + got      hit
          like "a bucket is deleted", changed: awsRegion = "eu-west-1"
          yes condition: selection
            yes selection
              yes eventSource
                    yes 's3.amazonaws.com'
                    the record has: s3.amazonaws.com
              yes eventName
                    yes 'DeleteBucket'
                    the record has: DeleteBucket
        1 rule, 2 cases: 1 passed, 1 failed
    "#]]
    .assert_eq(&run.exits(1).out);
}

#[test]
fn cases_that_pass_are_counted() {
    let sandbox = own();
    sandbox.run(&["rules", "test", "own"]).exits(0).shows("1 rule, 2 cases: 2 passed, 0 failed\n");
    sandbox.write("own/other.yml", rule("other", "X"));
    let run = sandbox.run(&["rules", "test", "own"]);
    run.exits(0).shows("2 rules, 2 cases: 2 passed, 0 failed; 1 rule without cases\n");
}

#[test]
fn cases_of_no_rule_are_an_error() {
    let sandbox = own();
    sandbox.write("own/lost.cases.yml", CASES.replace("rule: bucket-deleted", "rule: lost"));
    let run = sandbox.run(&["rules", "test", "own"]);
    run.exits(2).shows("own/lost.cases.yml").shows("\"lost\"");
}

#[test]
fn a_case_file_that_is_no_yaml_is_not_passed_over() {
    for command in ["check", "test"] {
        let sandbox = own();
        sandbox.write("own/rule.cases.yml", "rule: bucket-deleted\ncases: [\n");
        let run = sandbox.run(&["rules", command, "own"]);
        run.exits(2).shows("own/rule.cases.yml:");
    }
}

#[test]
fn listing_names_rules_and_what_is_skipped() {
    let sandbox = own();
    let foreign = rule("w", "X").replace("aws, service: cloudtrail", "windows");
    sandbox.write("own/windows.yml", foreign);
    sandbox.write("own/zz.yml", rule("zz", "X"));
    let correlation = "title: Many\nid: many\ncorrelation:\n    type: event_count\n    \
                       rules: [zz]\n    group-by: [awsRegion]\n    timespan: 5m\n    \
                       condition: {gte: 10}\n";
    sandbox.write("own/many.yml", correlation);
    let run = sandbox.run(&["rules", "list", "own"]);
    expect_test::expect![[r#"
        high           bucket-deleted                        Bucket deleted
        medium         zz                                    Title of zz  (only feeds a correlation)
        medium         many                                  Many  (event_count)
        skipped        own/windows.yml:1:1: for another log: product "windows"
        skipped        own/rule.cases.yml:1:1: a case file
    "#]]
    .assert_eq(&run.exits(0).out);
}

#[test]
fn rules_are_named_by_argument_or_option() {
    let sandbox = own();
    for args in [
        &["rules", "list", "own"][..],
        &["rules", "list", "--rules", "own"],
        &["rules", "list", "own/rule.yml"],
    ] {
        let run = sandbox.run(args);
        run.exits(0).shows("Bucket deleted");
        assert!(!run.out.contains("CloudTrail trail stopped"), "{}", run.out);
    }
    let run = sandbox.run(&["rules", "list", "own", "--builtin"]);
    run.exits(0).shows("Bucket deleted").shows("CloudTrail trail stopped");
}

#[test]
fn rules_that_are_not_there_are_told_in_one_sentence() {
    let sandbox = Sandbox::with("in.json", "{}");
    let run = sandbox.run(&["scan", "--rules", "nowhere", "in.json"]);
    run.exits(2).says_line("askance: cannot read rules nowhere: no such file or directory");
}

#[test]
fn a_rule_that_is_named_by_itself_is_tested_with_its_cases() {
    let sandbox = Sandbox::with("r/a.yml", RULE);
    sandbox.write(
        "r/a.cases.yml",
        "rule: bucket-deleted\ncases:\n    - name: it\n      expect: hit\n      event: {eventName: CreateBucket}\n",
    );
    for names in [&["r/a.yml"][..], &["r/a.cases.yml"], &["r/a.yml", "r/a.cases.yml"], &["r"]] {
        let run = sandbox.run(&[&["rules", "test"], names].concat());
        run.exits(1).shows("1 rule, 1 case: 0 passed, 1 failed");
    }
}
