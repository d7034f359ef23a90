//! `askance backtest`: two sets of rules over files and over a bucket.

use std::fs;

use serde_json::Value;

use crate::corpus::{objects, trail};
use crate::place::Place;
use crate::program::Home;

const SAME: &str = "00000000-0000-4000-8000-00000000000a";
const CHANGED: &str = "00000000-0000-4000-8000-00000000000b";
const REMOVED: &str = "00000000-0000-4000-8000-00000000000c";
const ADDED: &str = "00000000-0000-4000-8000-00000000000d";

fn rule(id: &str, detection: &str) -> String {
    format!(
        "id: {id}\ntitle: rule {id}\nlogsource: {{product: aws, service: cloudtrail}}\n\
         detection: {{s: {{{detection}}}, condition: s}}\nlevel: high\n\
         askance: {{resource: requestParameters.bucketName}}\n"
    )
}

/// Two folders of rules: one rule the same, one changed, one removed, one added.
fn rules(home: &Home) {
    for (folder, files) in [
        (
            "old",
            [
                (SAME, "eventName: StopLogging"),
                (CHANGED, "eventName|startswith: Put"),
                (REMOVED, "eventName: CreateUser"),
            ],
        ),
        (
            "new",
            [
                (SAME, "eventName: StopLogging"),
                (CHANGED, "eventName|startswith: [PutB, Create]"),
                (ADDED, "eventName: DeleteBucket"),
            ],
        ),
    ] {
        fs::create_dir(home.path(folder)).unwrap();
        for (id, detection) in files {
            fs::write(home.path(&format!("{folder}/{id}.yml")), rule(id, detection)).unwrap();
        }
    }
}

/// Ids that one set alone gives, by `scan`.
fn scanned(home: &Home, folder: &str, rules: &str) -> Vec<(String, String)> {
    let (code, out, err) =
        home.run(&["scan", folder, "--rules", rules, "--format", "jsonl", "--no-event"]);
    assert_eq!(code, 0, "{err}");
    let mut alerts: Vec<(String, String)> = crate::program::json_lines(&out)
        .iter()
        .map(|alert| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&alert["rule"]["id"]), text(&alert["id"]))
        })
        .collect();
    alerts.sort();
    alerts
}

#[track_caller]
fn report(home: &Home, args: &[&str]) -> Value {
    let sets = ["--rules", "new", "--baseline", "old", "--format", "json"];
    let (code, out, err) = home.run(&[&["backtest"], args, &sets].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_backtest_tells_what_two_scans_would() {
    let home = Home::new("", []);
    rules(&home);
    let folder = trail();
    let folder = folder.to_str().unwrap();
    let (old, new) = (scanned(&home, folder, "old"), scanned(&home, folder, "new"));
    let report = report(&home, &[folder]);
    let count = |alerts: &[(String, String)], id: &str, other: &[(String, String)]| {
        let of = alerts.iter().filter(|alert| alert.0 == id);
        of.filter(|alert| !other.contains(alert)).count()
    };
    let mut has_changes = false;
    for id in [SAME, CHANGED, REMOVED, ADDED] {
        let of = report["by_rule"].as_array().unwrap().iter().find(|rule| rule["id"] == id);
        let alerts = of.map_or(Value::Null, |rule| rule["alerts"].clone());
        let number = |name: &str| alerts[name].as_u64().unwrap_or(0) as usize;
        assert_eq!(number("new"), count(&new, id, &old), "{id}: {report}");
        assert_eq!(number("gone"), count(&old, id, &new), "{id}: {report}");
        assert_eq!(number("baseline"), count(&old, id, &[]), "{id}: {report}");
        assert_eq!(number("candidate"), count(&new, id, &[]), "{id}: {report}");
        has_changes |=
            id == CHANGED && number("new") > 0 && number("gone") > 0 && number("kept") > 0;
    }
    assert!(has_changes, "the trail shows nothing of the change: {report}");
    assert_eq!(
        report["rules"],
        serde_json::json!({"same": 1, "changed": 1, "added": 1, "removed": 1})
    );
    assert_eq!(report["alerts"]["candidate"], new.len());
    let changed = report["by_rule"].as_array().unwrap().iter().find(|rule| rule["id"] == CHANGED);
    let changed = changed.unwrap();
    let sum = |places: &Value| -> u64 {
        places.as_object().unwrap().values().map(|one| one["new"].as_u64().unwrap()).sum()
    };
    assert_eq!(sum(&changed["days"]), changed["alerts"]["new"]);
    assert_eq!(sum(&changed["accounts"]), changed["alerts"]["new"]);
    assert!(changed["samples"]["new"][0]["origin"].as_str().unwrap().contains("AWSLogs"));
    assert!(report["questions"]["new"].as_u64().unwrap() > 0);
    assert!(report["people"]["candidate"].as_u64().unwrap() > 0);
}

#[test]
fn the_table_names_what_changed() {
    let home = Home::new("", []);
    rules(&home);
    let folder = trail();
    let args = ["backtest", folder.to_str().unwrap(), "--rules", "new", "--baseline", "old"];
    let (code, out, err) = home.run(&args);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("rules      1 same, 1 changed, 1 added, 1 removed\n"), "{out}");
    for id in [CHANGED, REMOVED, ADDED] {
        assert!(out.contains(&format!("rule {id} ({id})")), "{out}");
    }
    assert!(!out.contains(&format!("({SAME})")), "{out}");
    let (code, out, _) =
        home.run(&["backtest", folder.to_str().unwrap(), "--rules", "new", "--baseline", "new"]);
    assert_eq!(code, 0);
    assert!(out.contains("both sets of rules say the same"), "{out}");
    let (code, _, err) = home.run(&["backtest", folder.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(err.contains("there is nothing to compare"), "{err}");
}

#[test]
fn a_bucket_is_read_once_for_both_sets_and_gives_what_its_files_give() {
    let (objects, _) = objects(40);
    let place = Place::new();
    let home = place.home("");
    rules(&home);
    for object in &objects {
        place.put_one(&object.key, &object.bytes);
        let path = home.path("copy").join(&object.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &object.bytes).unwrap();
    }
    let days = ["--from", "2026-01-01", "--to", "2027-01-01"];
    let from_files = report(&home, &[&["copy"], &days[..]].concat());
    let s3 = ["s3://trail/AWSLogs", "--config", "askance.yaml"];
    let from_bucket = report(&home, &[&s3[..], &days].concat());
    for name in ["files", "records", "alerts", "questions", "people"] {
        assert_eq!(from_bucket[name], from_files[name], "{name}");
    }
    let counted = |report: &Value| -> Vec<Value> {
        let rules = report["by_rule"].as_array().unwrap();
        rules
            .iter()
            .map(|rule| serde_json::json!([rule["id"], rule["alerts"], rule["days"]]))
            .collect()
    };
    assert_eq!(counted(&from_bucket), counted(&from_files));
    assert!(from_files["alerts"]["new"].as_u64().unwrap() > 0, "{from_files}");
    assert_eq!(place.stats()["requests"]["GetObject"], objects.len());
    let (code, _, err) =
        home.run(&["backtest", "s3://trail", "--rules", "new", "--config", "askance.yaml"]);
    assert_eq!(code, 2);
    assert!(err.contains("--from is missing"), "{err}");
}
