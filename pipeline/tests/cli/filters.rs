//! What is looked at: times, accounts, regions, levels.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::records::{RULE, record_with, trail};
use crate::sandbox::Sandbox;

fn at(id: &str, time: &str) -> Value {
    record_with(id, json!({"eventTime": time}))
}

fn days() -> Sandbox {
    Sandbox::with(
        "in.json",
        trail(&[
            at("before", "2026-03-01T23:59:59Z"),
            at("first", "2026-03-02T00:00:00Z"),
            at("middle", "2026-03-02T12:00:00Z"),
            at("last", "2026-03-03T00:00:00Z"),
        ]),
    )
}

#[track_caller]
fn check(args: &[&str], events: &[&str]) {
    days().scan(&[&["in.json"], args].concat()).exits(0).is_calm().found(events);
}

#[test]
fn from_is_inclusive_and_to_is_exclusive() {
    check(&["--from", "2026-03-02T00:00:00Z"], &["first", "middle", "last"]);
    check(&["--to", "2026-03-03T00:00:00Z"], &["before", "first", "middle"]);
    check(&["--from", "2026-03-02", "--to", "2026-03-03"], &["first", "middle"]);
    check(&["--from", "2026-03-02T09:00:00+09:00", "--to", "2026-03-02T12:00"], &["first"]);
}

#[test]
fn a_time_may_be_how_long_ago_it_was() {
    let ago = |hours: u64| {
        let then = SystemTime::now() - Duration::from_secs(hours * 3600);
        jiff::Timestamp::try_from(then).unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let records = [at("old", &ago(49)), at("day", &ago(23)), at("now", &ago(1))];
    let sandbox = Sandbox::with("in.json", trail(&records));
    sandbox.scan(&["in.json", "--from", "24h"]).found(&["day", "now"]);
    sandbox.scan(&["in.json", "--from", "2d"]).found(&["day", "now"]);
    sandbox.scan(&["in.json", "--from", "3d", "--to", "120m"]).found(&["old", "day"]);
}

#[test]
fn what_is_outside_is_counted_as_passed_by() {
    let run = days().scan(&["in.json", "--from", "2026-03-02", "--to", "2026-03-03"]);
    run.says("passed by: 2 outside_time");
}

#[test]
fn without_a_readable_time_a_record_is_not_of_a_time() {
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            at("bad", "yesterday"),
            record_with("none", json!({"eventTime": null})),
            at("good", "2026-03-02T12:00:00Z"),
        ]),
    );
    let run = sandbox.scan(&["in.json", "--from", "2026-03-02"]);
    run.exits(0).found(&["good"]).says("passed by: 2 no_time");
}

#[test]
fn times_that_are_none_are_wrong_use() {
    let sandbox = days();
    for time in ["yesterday", "24", "2026-13-01", "", "-1h"] {
        let run = sandbox.scan(&["in.json", &format!("--from={time}")]);
        run.exits(2).says("--from").says("24h");
    }
    let run = sandbox.scan(&["in.json", "--from", "2026-03-03", "--to", "2026-03-02"]);
    run.exits(2).says("--from").says("--to");
}

fn places() -> Sandbox {
    let of = |id: &str, account: &str, region: &str| {
        record_with(id, json!({"recipientAccountId": account, "awsRegion": region}))
    };
    Sandbox::with(
        "in.json",
        trail(&[
            of("a", "111122223333", "eu-west-1"),
            of("b", "444455556666", "us-east-1"),
            of("c", "123456789012", "eu-west-1"),
        ]),
    )
}

#[test]
fn accounts_and_regions_may_be_repeated_or_listed() {
    let sandbox = places();
    let scan = |args: &[&str]| sandbox.scan(&[&["in.json"], args].concat());
    scan(&["--account", "444455556666"]).found(&["b"]).says("passed by: 2 other_account");
    scan(&["--account", "444455556666", "--account", "111122223333"]).found(&["a", "b"]);
    scan(&["--account", "444455556666,111122223333"]).found(&["a", "b"]);
    scan(&["--region", "eu-west-1"]).found(&["a", "c"]).says("passed by: 1 other_region");
    scan(&["--region", "eu-west-1", "--region", "us-east-1"]).found(&["a", "b", "c"]);
    scan(&["--region", "eu-west-1", "--account", "123456789012"]).found(&["c"]);
}

#[test]
fn an_account_is_the_one_that_it_happened_in() {
    let visitor = json!({"type": "AWSAccount", "accountId": "999999999999"});
    let sandbox = Sandbox::with(
        "in.json",
        trail(&[
            record_with("across", json!({"userIdentity": visitor.clone()})),
            record_with("old", json!({"userIdentity": visitor, "recipientAccountId": null})),
        ]),
    );
    sandbox.scan(&["in.json", "--account", "111122223333"]).found(&["across"]);
    sandbox.scan(&["in.json", "--account", "999999999999"]).found(&["old"]);
}

#[test]
fn a_named_condition_drops_records_and_rules_that_must_see_all_see_them() {
    let records = [
        record_with("a", json!({"userAgent": "nightly-job/1"})),
        record_with("b", json!({"userAgent": "aws-cli"})),
    ];
    let sandbox = Sandbox::with("in.json", trail(&records));
    let config = "rules: {paths: [rule.yml]}\nfilter:\n    drop:\n        \
                  - {name: nightly, match: {userAgent|startswith: nightly}}\n";
    sandbox.write("c.yaml", config);
    let scan = || sandbox.run(&["scan", "in.json", "--config", "c.yaml", "--format", "jsonl"]);
    scan().exits(0).found(&["b"]).says("passed by: 1 nightly");
    sandbox.write("rule.yml", RULE.replace("askance: {", "askance: {always: true, "));
    let run = scan();
    run.exits(0).found(&["a", "b"]);
    assert!(!run.err.contains("nightly"), "{}", run.err);
    let explain = ["explain", "in.json", "--event", "a", "--config", "c.yaml"];
    sandbox.run(&explain).exits(0).shows("dropped by filter.drop \"nightly\"");
    sandbox.write("c.yaml", config.replace("startswith", "startwith"));
    scan().exits(2).says("filter.drop nightly: unknown modifier \"startwith\"");
}
