//! Levels: which rules run, in which order levels are told.

use serde_json::json;

use crate::records::{record_with, rule, trail};
use crate::sandbox::Sandbox;

const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];

/// A rule and a record for each level; the event's id is the level.
fn each_level() -> Sandbox {
    let record = |level: &&str| record_with(level, json!({"eventName": format!("Do-{level}")}));
    let sandbox = Sandbox::with("in.json", trail(&LEVELS.iter().map(record).collect::<Vec<_>>()));
    let rules: Vec<String> = LEVELS
        .iter()
        .map(|level| rule(level, &format!("Do-{level}")) + &format!("level: {level}\n"))
        .collect();
    sandbox.write("rule.yml", rules.join("---\n"));
    sandbox
}

#[test]
fn a_level_takes_itself_and_what_is_above() {
    let sandbox = each_level();
    for (index, level) in LEVELS.iter().enumerate() {
        let run = sandbox.scan(&["in.json", "--level", level]);
        run.exits(0).found(&LEVELS[index..]);
    }
    sandbox.scan(&["in.json"]).found(&LEVELS);
    sandbox.scan(&["in.json", "--level", "hihg"]).exits(2).says("high");
}

#[test]
fn the_summary_counts_alerts_by_level_worst_first() {
    let run = each_level().scan(&["in.json"]);
    run.says_line("5 alerts: 1 critical, 1 high, 1 medium, 1 low, 1 informational");
}

#[test]
fn failing_on_a_level_takes_itself_and_what_is_above() {
    let sandbox = each_level();
    for (index, level) in LEVELS.iter().enumerate() {
        for other in &LEVELS[..=index] {
            // Only this level's rule has something to find.
            let name = format!("{level}.json");
            let event = json!({"eventName": format!("Do-{level}")});
            sandbox.write(&name, trail(&[record_with("x", event)]));
            sandbox.scan(&[name.as_str(), "--fail-on", other]).exits(1).found(&["x"]);
        }
        for other in &LEVELS[index + 1..] {
            let name = format!("{level}.json");
            sandbox.scan(&[name.as_str(), "--fail-on", other]).exits(0).found(&["x"]);
        }
    }
}
