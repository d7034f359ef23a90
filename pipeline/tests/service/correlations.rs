//! Correlations in the service: what several objects, processes and replicas hold together is told as
//! a scan of all of it tells it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::corpus::Object;
use crate::fleet::Fleet;
use crate::place::Place;
use crate::program::{Home, get, json_lines, wait};

/// Three different buckets of an account within ten minutes; and two accounts' worth of that from one
/// address, which is a correlation of correlations.
const RULES: &str = "\
title: Many buckets deleted
id: many
name: many
level: high
correlation:
    type: value_count
    generate: true
    rules: [deleted]
    group-by: [recipientAccountId, sourceIPAddress]
    timespan: 10m
    condition: {field: requestParameters.bucketName, gte: 3}
---
title: Many buckets deleted in several accounts
id: wide
level: critical
correlation:
    type: event_count
    generate: true
    rules: [many]
    group-by: [sourceIPAddress]
    timespan: 2h
    condition: {gte: 2}
---
title: Bucket deleted
name: deleted
id: deleted-id
logsource: {product: aws, service: cloudtrail}
detection:
    selection: {eventName: DeleteBucket}
    condition: selection
";

/// Many episodes of both correlations, whose events are spread over the objects.
fn objects(count: usize) -> Vec<Object> {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut number = 0;
    let mut record = || {
        number += 1;
        // Four bursts of some minutes a day.
        let minute = random(4) * 240 + random(12);
        json!({
            "eventVersion": "1.11",
            "eventID": format!("00000000-0000-4000-8000-{number:012x}"),
            "eventTime": format!("2026-03-02T{:02}:{:02}:{:02}Z", minute / 60, minute % 60, random(60)),
            "eventSource": "s3.amazonaws.com",
            "eventName": if random(3) == 0 { "CreateBucket" } else { "DeleteBucket" },
            "awsRegion": "eu-west-1",
            "sourceIPAddress": format!("198.51.100.{}", random(2)),
            "userIdentity": {"type": "IAMUser", "userName": "mika"},
            "requestParameters": {"bucketName": format!("films-{}", random(9))},
            "recipientAccountId": format!("11112222333{}", random(3)),
            "eventCategory": "Management",
        })
    };
    let object = |index: usize| {
        let records: Vec<Value> = (0..5).map(|_| record()).collect();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json!({"Records": records}).to_string().as_bytes()).unwrap();
        Object {
            key: format!(
                "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02/123456789012_CloudTrail_us-east-1_20260302T0000Z_{index:016}.json.gz"
            ),
            bytes: encoder.finish().unwrap(),
            copies: 1 + index % 3,
        }
    };
    (0..count).map(object).collect()
}

/// What an episode is, whenever and under whatever id it was told.
fn episode(alert: &Value) -> String {
    let told = &alert["correlation"];
    let events = told["events"].as_array().unwrap().iter().map(|event| &event["time"]);
    json!([
        alert["rule"]["id"],
        told["group"],
        told["first"],
        told["last"],
        told["count"],
        told["distinct"],
        told["values"],
        events.collect::<Vec<_>>(),
    ])
    .to_string()
}

/// What a scan of all objects tells.
fn scanned(objects: &[Object]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    for object in objects {
        let path = folder.path().join(&object.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &object.bytes).unwrap();
    }
    let home = Home::new("", []);
    fs::write(home.path("many.yml"), RULES).unwrap();
    let trail = folder.path().to_str().unwrap();
    let (code, out, error) =
        home.run(&["scan", trail, "--rules", "many.yml", "--format", "jsonl", "--no-event"]);
    assert_eq!(code, 0, "{error}");
    let correlated = |alert: &Value| alert.get("correlation").is_some();
    let alerts: Vec<Value> = json_lines(&out).into_iter().filter(correlated).collect();
    let of = |rule: &str| alerts.iter().filter(|alert| alert["rule"]["id"] == rule).count();
    assert!(of("many") > 10 && of("wide") > 2, "{alerts:#?}");
    alerts
}

fn configure(home: &Home, rules: &str, lateness: &str) {
    fs::write(home.path("many.yml"), rules).unwrap();
    // What has grown is told anew at once.
    let config = home.config().replace("merge_window: 0s", "merge_window: 0s, update_interval: 1s");
    home.configure(&format!(
        "{config}rules: {{paths: [many.yml]}}\ncorrelate: {{lateness: {lateness}}}\n"
    ));
}

/// The correlated alerts that a store holds, those that were merged into others aside.
fn kept(home: &Home) -> Vec<Value> {
    let stored = home.ask(&["alerts", "list", "--limit", "10000"]);
    let alerts = stored.into_iter().map(|stored| stored["alert"].clone());
    alerts
        .filter(|alert| {
            alert.get("correlation").is_some_and(|told| told.get("merged_into").is_none())
        })
        .collect()
}

fn episodes(alerts: &[Value]) -> BTreeSet<String> {
    let all: BTreeSet<String> = alerts.iter().map(episode).collect();
    assert_eq!(all.len(), alerts.len(), "an episode stands there twice: {alerts:#?}");
    all
}

/// The store comes to hold what a scan tells. Chains wait for the lateness of what feeds them.
#[track_caller]
fn comes_to(home: &Home, expected: &BTreeSet<String>) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while std::time::Instant::now() < deadline && episodes(&kept(home)) != *expected {
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let found = episodes(&kept(home));
    let lost: Vec<_> = expected.difference(&found).collect();
    let more: Vec<_> = found.difference(expected).collect();
    assert!(lost.is_empty() && more.is_empty(), "not told: {lost:#?}\ntold: {more:#?}");
}

#[test]
fn what_a_killed_service_tells_in_the_end_is_what_a_scan_tells() {
    let objects = objects(120);
    let expected = episodes(&scanned(&objects));
    let place = Place::new();
    let home = place.home("visibility: 2s, concurrency: 6");
    configure(&home, RULES, "25s");
    // Each portion finds another one that was killed in the middle of its work.
    for (number, portion) in objects.chunks(20).enumerate() {
        place.put(portion);
        let mut program = home.start();
        let point = if number % 2 == 0 { "committed" } else { "matched" };
        for _ in 0..=number {
            program.until(point, |line| line["point"] == point);
        }
        program.kill();
    }
    let program = home.start();
    place.until_done(&home);
    comes_to(&home, &expected);
    // With the lateness everything is settled, and nothing is kept of groups that are over.
    wait("the groups are over", || home.ask(&["store", "stats"])[0]["windows"] == 0);
    assert!(kept(&home).iter().all(|alert| alert["correlation"]["ongoing"] == false));
    assert_eq!(episodes(&kept(&home)), expected);
    program.stop();
    // Nobody was told an id that is not in the store.
    let ids: BTreeSet<String> = home
        .ask(&["alerts", "list", "--limit", "10000"])
        .iter()
        .map(|stored| stored["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(place.published(), ids);
}

#[test]
fn what_comes_due_is_counted_as_what_comes_with_objects_is() {
    let objects = objects(30);
    let place = Place::new();
    let home = place.home("");
    configure(&home, RULES, "2s");
    let config = home.config();
    home.configure(&format!("{config}metrics: {{listen: \"127.0.0.1:0\"}}\n"));
    let program = home.start();
    let pages = program.pages();
    place.put(&objects);
    place.until_done(&home);
    let of_wide = |alert: &Value| alert["rule"]["id"] == "wide";
    // It is fed by what was settled, so it comes when nothing comes any more.
    wait("what comes due is told", || kept(&home).iter().any(of_wide));
    wait("the groups are over", || home.ask(&["store", "stats"])[0]["windows"] == 0);
    let told = home.ask(&["alerts", "list", "--limit", "10000"]);
    let (_, text) = get(&format!("{pages}/metrics"));
    let count = |family: &str| -> f64 {
        let lines = text.lines().filter(|line| line.starts_with(family));
        lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    };
    assert_eq!(count("askance_raise_alerts_total"), told.len() as f64, "{text}");
    assert_eq!(count("askance_store_commit_seconds_count"), count("askance_store_commits_total"));
    let wide = told.iter().filter(|stored| of_wide(&stored["alert"])).count();
    assert_eq!(count("askance_match_hits_total{rule=\"wide\"}"), wide as f64, "{text}");
    program.stop();
}

#[test]
fn replicas_share_the_groups() {
    let objects = objects(60);
    // Neither what waits for the lateness of others nor an alert for each event: that would make this
    // a test of how fast the stand-in of the table is.
    let is_told_early = |alert: &Value| alert["rule"]["id"] == "many";
    let silent = RULES.replace("    generate: true\n", "");
    let parts: Vec<&str> =
        silent.split("---\n").filter(|part| !part.contains("id: wide")).collect();
    let rules = parts.join("---\n");
    let told: Vec<Value> = scanned(&objects).into_iter().filter(is_told_early).collect();
    let expected = episodes(&told);
    let fleet = Fleet::new();
    let replicas = ["one", "two", "three"].map(|name| fleet.replica(name));
    for replica in &replicas {
        configure(&replica.home, &rules, "1h");
    }
    let mut programs: Vec<_> = replicas.iter().map(|replica| replica.home.start()).collect();
    fleet.place.put(&objects[..30]);
    programs[0].until("matched", |line| line["point"] == "matched");
    programs.remove(0).kill();
    fleet.place.put(&objects[30..]);
    fleet.place.until_done(&replicas[1].home);
    comes_to(&replicas[1].home, &expected);
    programs.into_iter().for_each(|program| drop(program.stop()));
}

#[test]
fn a_replay_tells_what_a_scan_tells_under_the_same_ids() {
    let objects = objects(60);
    let scanned = scanned(&objects);
    let place = Place::new();
    for object in &objects {
        place.put_one(&object.key, &object.bytes);
    }
    let home = place.home("");
    configure(&home, RULES, "30m");
    let report = home.path("report.jsonl");
    let to = Path::new(&report).to_str().unwrap();
    let args = ["replay", "s3://trail/", "--from", "2026-03-01", "--to", "2026-03-04", "--config"];
    let more = ["askance.yaml", "--format", "jsonl", "--output", to, "--jobs-dir", "jobs"];
    let args = [&args[..], &more].concat();
    // What was read before it is killed is not read again, and counts all the same.
    place.faults(&["GetObject@31-60=hang:600"]);
    let mut program = home.launch(&[&args[..], &["--quiet"]].concat());
    for _ in 0..20 {
        program.until("committed", |line| line["point"] == "committed");
    }
    program.kill();
    place.faults(&[]);
    let (code, _, error) = home.run(&args);
    assert_eq!(code, 0, "{error}");
    let told = home.alerts("report.jsonl");
    let ids = |alerts: &[Value]| -> BTreeSet<(String, String)> {
        let correlated = alerts.iter().filter(|alert| alert.get("correlation").is_some());
        correlated.map(|alert| (alert["id"].to_string(), episode(alert))).collect()
    };
    // Begun anew and not interrupted it tells the same.
    let (code, _, error) = home.run(&args);
    assert_eq!(code, 0, "{error}");
    assert_eq!(ids(&home.alerts("report.jsonl")), ids(&told));
    let (told, scanned) = (ids(&told), ids(&scanned));
    let different: Vec<_> = told.symmetric_difference(&scanned).take(3).collect();
    assert!(different.is_empty(), "{different:#?}");
}
