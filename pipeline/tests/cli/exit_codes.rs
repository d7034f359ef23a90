//! Exit codes, the first that applies: 2, 3, 1, 0.

use crate::records::{RULE, trail_of};
use crate::sandbox::Sandbox;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with("good.json", trail_of(&["a"]));
    sandbox.write("bad.json", "not json");
    sandbox.write("broken.yml", RULE.replace("eventName", "'eventName|contians'"));
    sandbox
}

#[track_caller]
fn check(args: &[&str], code: i32) {
    sandbox().scan(args).exits(code);
}

#[test]
fn nothing_wrong_is_0_whether_something_was_found_or_not() {
    check(&["good.json"], 0);
    check(&["good.json", "--account", "1"], 0);
}

#[test]
fn something_at_the_level_is_1() {
    check(&["good.json", "--fail-on", "high"], 1);
    check(&["good.json", "--fail-on", "low"], 1);
    check(&["good.json", "--fail-on", "critical"], 0);
    check(&["good.json", "--fail-on", "high", "--account", "1"], 0);
}

#[test]
fn damaged_input_is_3_and_goes_before_what_was_found() {
    check(&["good.json", "bad.json"], 3);
    check(&["good.json", "bad.json", "--fail-on", "high"], 3);
}

#[test]
fn damaged_input_may_be_allowed() {
    check(&["good.json", "bad.json", "--allow-unreadable"], 0);
    check(&["bad.json", "--allow-unreadable"], 0);
    check(&["good.json", "bad.json", "--allow-unreadable", "--fail-on", "high"], 1);
    let run = sandbox().scan(&["good.json", "bad.json", "--allow-unreadable"]);
    run.found(&["a"]).says("askance: bad.json: is not JSON").says("1 not_json");
}

#[test]
fn wrong_use_and_wrong_rules_are_2_and_go_before_all() {
    check(&["good.json", "bad.json", "--fail-on", "high", "--rules", "broken.yml"], 2);
    check(&["good.json", "bad.json", "--rules", "broken.yml", "--allow-unreadable"], 2);
    check(&["good.json", "--unknown"], 2);
    check(&["good.json", "--format", "xml"], 2);
    check(&["good.json", "--threads", "0"], 2);
    check(&["good.json", "--threads", "many"], 2);
    check(&[], 2);
    let nothing: [&str; 0] = [];
    sandbox().run(&nothing).exits(2);
    sandbox().run(&["frobnicate"]).exits(2);
}

#[test]
fn rules_left_out_by_name_are_not_an_error() {
    let sandbox = sandbox();
    sandbox.write(
        "other.yml",
        RULE.replace("bucket-deleted", "other").replace("eventName", "'eventName|contians'"),
    );
    sandbox.scan(&["good.json", "--rules", "other.yml", "--keep-going"]).exits(0).found(&["a"]);
}

#[test]
fn help_and_version_are_0() {
    for args in [&["--help"][..], &["--version"], &["scan", "--help"], &["help", "scan"]] {
        sandbox().run(args).exits(0);
    }
    sandbox().run(&["--version"]).shows("askance ");
}
