//! `askance baseline` over files and over a bucket, and a service that makes its own.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::corpus::objects;
use crate::place::{ALERTS, Place};
use crate::program::{Home, Program, get, json_lines, wait};
use crate::replay_on_moto::Past;

/// The span of the corpus.
const DAYS: [&str; 4] = ["--from", "2026-01-01", "--to", "2027-01-01"];

/// A bucket, and a copy of it in the folder `copy` of a home.
fn bucket(count: usize) -> (Place, Home) {
    let (objects, _) = objects(count);
    let place = Place::new();
    let home = place.home("");
    for object in &objects {
        place.put_one(&object.key, &object.bytes);
        let path = home.path("copy").join(&object.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &object.bytes).unwrap();
    }
    (place, home)
}

/// Builds; answers the exit code, what was said, and the bytes of what was made.
fn build(home: &Home, input: &[&str], output: &str) -> (i32, String, Option<Vec<u8>>) {
    let args = [&["baseline", "build"], input, &["-o", output]].concat();
    let (code, out, err) = home.run(&args);
    (code, format!("{out}{err}"), fs::read(home.path(output)).ok())
}

#[test]
fn a_bucket_gives_the_baseline_that_its_files_give() {
    let (place, home) = bucket(40);
    let s3 = ["s3://trail/AWSLogs", "--config", "askance.yaml"];
    let (code, said, of_files) = build(&home, &[&["copy"], &DAYS[..]].concat(), "files.bin");
    assert_eq!(code, 0, "{said}");
    let (code, said, of_bucket) = build(&home, &[&s3[..], &DAYS].concat(), "bucket.bin");
    assert_eq!(code, 0, "{said}");
    assert!(of_files.is_some() && of_files == of_bucket, "{said}");
    assert_eq!(place.stats()["requests"]["GetObject"], 40);

    let (_, said, other) =
        build(&home, &[&["copy"], &DAYS[..], &["--region", "us-east-1"]].concat(), "one.bin");
    let (_, _, same) =
        build(&home, &[&s3[..], &DAYS, &["--region", "us-east-1"]].concat(), "other.bin");
    assert!(other == same && other != of_files, "{said}");
}

#[test]
fn what_cannot_be_read_of_a_bucket_is_told_and_a_whole_file_stays() {
    let (place, home) = bucket(4);
    let s3 = ["s3://trail/AWSLogs", "--config", "askance.yaml"];
    let (code, said, _) = build(&home, &s3, "made.bin");
    assert!(code == 2 && said.contains("--from is missing"), "{said}");
    let (code, said, _) = build(&home, &["s3://trail", "copy", "--from", "30d"], "made.bin");
    assert!(code == 2 && said.contains("nothing beside it"), "{said}");

    let (code, said, whole) = build(&home, &[&s3[..], &DAYS].concat(), "made.bin");
    assert_eq!(code, 0, "{said}");
    let years_ago = ["--from", "2016-01-01", "--to", "2016-02-01"];
    let (code, said, left) = build(&home, &[&s3[..], &years_ago].concat(), "made.bin");
    assert_eq!(code, 2, "{said}");
    assert_eq!(left, whole, "{said}");

    let day = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02";
    let key = format!("{day}/123456789012_CloudTrail_us-east-1_20260302T0000Z_damaged.json.gz");
    place.put_one(&key, b"\x1f\x8b no gzip");
    let (code, said, made) = build(&home, &[&s3[..], &DAYS].concat(), "made.bin");
    assert!(code == 3 && said.contains("damaged.json.gz"), "{said}");
    assert_eq!(made, whole, "the rest is in it: {said}");
}

/// A rule on what was never seen before, and one that runs without a baseline.
fn rules(home: &Home) {
    let rule = |id: &str, detection: &str| {
        format!(
            "id: 00000000-0000-4000-8000-00000000000{id}\ntitle: rule {id}\nlevel: high\n\
             logsource: {{product: aws, service: cloudtrail}}\n\
             detection: {{s: {{{detection}}}, condition: s}}\n"
        )
    };
    fs::create_dir(home.path("rules")).unwrap();
    fs::write(home.path("rules/a.yml"), rule("a", "askance.first_seen.actor: true")).unwrap();
    fs::write(home.path("rules/b.yml"), rule("b", "eventName: StopLogging")).unwrap();
}

/// An object of one call by a user.
fn call(number: u32, user: &str) -> (String, Vec<u8>) {
    let record = json!({
        "eventVersion": "1.08", "eventTime": "2026-03-02T10:00:00Z", "eventName": "GetRole",
        "eventSource": "iam.amazonaws.com", "awsRegion": "us-east-1",
        "recipientAccountId": "123456789012",
        "eventID": format!("00000000-0000-4000-9000-{number:012}"),
        "userIdentity": {"type": "IAMUser", "accountId": "123456789012", "userName": user,
            "arn": format!("arn:aws:iam::123456789012:user/{user}")},
    });
    let name = format!("123456789012_CloudTrail_us-east-1_20260302T1000Z_c{number:015}.json");
    let key = format!("AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02/{name}");
    (key, serde_json::to_vec(&json!({ "Records": [record] })).unwrap())
}

/// The version in a line that says that one was made.
#[track_caller]
fn made(program: &mut Program) -> String {
    let line = program.until("that a baseline is made", |line| {
        !line["version"].is_null() && line["records"].is_number()
    });
    line["version"].as_str().unwrap().to_owned()
}

#[test]
fn a_service_makes_its_baseline_anew_and_takes_it_over() {
    let (place, home) = bucket(12);
    rules(&home);
    let (key, bytes) = call(1, "known");
    place.put_one(&key, &bytes);
    let more = "rules: {paths: [rules], builtin: false}\nmetrics: {listen: \"127.0.0.1:0\"}\n\
                enrich: {baseline: {path: seen.bin, rebuild: 1h, keep: 9999d, versions: 2}}\n";
    home.configure(&format!("{}{more}", home.config()));
    let taken = |line: &Value| line["message"] == "took over the changed configuration";
    let rules = |line: &Value| line["rules"].as_u64();

    let mut program = home.start();
    let first = made(&mut program);
    let line = program.until("that it is taken over", taken);
    assert_eq!(rules(&line), Some(2), "the rule on what is new runs now");
    place.until_done(&home);
    let before = home.alerts(ALERTS).len();
    for (number, user) in [(2, "known"), (3, "stranger")] {
        let (key, bytes) = call(number, user);
        place.put_one(&key, &bytes);
    }
    wait("the stranger's alert", || home.alerts(ALERTS).len() > before);
    place.until_done(&home);
    let alerts = home.alerts(ALERTS).split_off(before);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["actor"]["name"], "stranger");
    let version = json!({"selection": "s", "field": "askance.first_seen.baseline", "value": first});
    assert!(alerts[0]["matched"].as_array().unwrap().contains(&version), "{alerts:?}");
    assert!(metric(&program, "askance_baseline_rebuilds_total{outcome=\"ok\"} 1"));
    program.stop();

    // What the command makes of the same events is the same.
    let s3 = ["s3://trail", "--config", "askance.yaml", "--from", "2000-01-01"];
    let (code, said, second) = build(&home, &s3, "second.bin");
    assert_eq!(code, 0, "{said}");
    let age = Duration::from_secs(2 * 3600);
    let old = fs::File::open(home.path("seen.bin")).unwrap();
    old.set_modified(SystemTime::now() - age).unwrap();
    let mut program = home.start();
    let version = made(&mut program);
    program.until("that it is taken over", taken);
    assert_eq!(fs::read(home.path("seen.bin")).ok(), second);
    assert!(said.contains(&version) && version != first, "{said}");
    assert!(home.path(&format!("seen.bin.{first}")).exists(), "the old one is kept");
    let before = home.alerts(ALERTS).len();
    for (number, user) in [(4, "stranger"), (5, "another")] {
        let (key, bytes) = call(number, user);
        place.put_one(&key, &bytes);
    }
    wait("the other's alert", || home.alerts(ALERTS).len() > before);
    place.until_done(&home);
    let names: Vec<Value> = home
        .alerts(ALERTS)
        .split_off(before)
        .iter()
        .map(|it| it["actor"]["name"].clone())
        .collect();
    assert_eq!(names, ["another"]);
    program.stop();
}

#[test]
fn a_baseline_that_cannot_be_made_leaves_the_old_one_and_says_so() {
    let (place, home) = bucket(4);
    let s3 = ["s3://trail", "--config", "askance.yaml", "--from", "2000-01-01"];
    let (code, said, old) = build(&home, &s3, "seen.bin");
    assert_eq!(code, 0, "{said}");
    let file = fs::File::open(home.path("seen.bin")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(2 * 3600)).unwrap();
    let config = home.config().replace("buckets: [trail]", "buckets: [trail, gone]");
    let more = "metrics: {listen: \"127.0.0.1:0\"}\n\
                enrich: {baseline: {path: seen.bin, rebuild: 1h, keep: 9999d}}\n";
    home.configure(&format!("{config}{more}"));
    let mut program = home.start();
    let line = program.until("that it failed", |line| {
        line["message"].as_str().is_some_and(|text| text.contains("baseline cannot be made anew"))
    });
    assert!(line["error"].as_str().unwrap().contains("bucket gone"), "{line}");
    assert!(metric(&program, "askance_baseline_rebuilds_total{outcome=\"failed\"} 1"));
    let (status, ready) = get(&format!("{}/readyz", program.pages()));
    assert!(status == 200 && ready.contains("warning: baseline: cannot be made anew"), "{ready}");
    assert_eq!(fs::read(home.path("seen.bin")).ok(), old);
    place.until_done(&home);
    program.stop();
}

/// Who raised these alerts.
fn names(alerts: &[Value]) -> Vec<&str> {
    alerts.iter().map(|alert| alert["actor"]["name"].as_str().unwrap()).collect()
}

#[test]
fn commands_write_read_and_use_a_baseline_in_a_bucket() {
    let past = Past::new();
    let home = &past.home;
    rules(home);
    for (number, folder, user) in [(1, "old", "known"), (2, "new", "known"), (3, "new", "stranger")]
    {
        let (key, bytes) = call(number, user);
        past.put(&key, &bytes, None);
        fs::create_dir_all(home.path(folder)).unwrap();
        fs::write(home.path(folder).join(format!("{number}.json")), bytes).unwrap();
    }
    let object = format!("s3://{}/seen/first.bin", past.bucket);
    let with = ["--config", "askance.yaml"];
    let (code, built, err) =
        home.run(&[&["baseline", "build", "old", "-o", &object], &with[..]].concat());
    assert_eq!(code, 0, "{err}");
    let (code, shown, err) = home.run(&[&["baseline", "show", &object], &with[..]].concat());
    assert!(code == 0 && shown == built && shown.contains(&object), "{built}{shown}{err}");

    let plain = home.config();
    let using = |object: &str| {
        let rules = "rules: {paths: [rules], builtin: false}";
        home.configure(&format!("{plain}{rules}\nenrich: {{baseline: \"{object}\"}}\n"));
    };
    using(&object);
    let scan = [&["scan", "new", "--format", "jsonl"], &with[..]].concat();
    let (code, out, err) = home.run(&scan);
    assert_eq!(code, 0, "{err}");
    assert_eq!(names(&json_lines(&out)), ["stranger"]);
    assert_eq!(names(&past.found("AWSLogs/", &[])), ["stranger"]);
    for (number, is_hit) in [(2, false), (3, true)] {
        let (file, event) =
            (format!("new/{number}.json"), format!("00000000-0000-4000-9000-{number:012}"));
        let explain = ["explain", &file, "--event", &event, "--rule", "rule a"];
        let (code, out, err) = home.run(&[&explain[..], &with].concat());
        assert_eq!(code, 0, "{err}");
        assert_eq!(out.contains("): matches\n"), is_hit, "{out}");
    }
    using(&object.replace("first", "gone"));
    let (code, _, err) = home.run(&scan);
    assert!(code == 2 && err.contains("gone.bin is not there"), "{err}");
}

fn metric(program: &Program, line: &str) -> bool {
    let (status, page) = get(&format!("{}/metrics", program.pages()));
    assert_eq!(status, 200);
    page.lines().any(|found| found == line)
}
