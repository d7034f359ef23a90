//! Correlations in `askance backtest`: what two scans would tell, over files and over a bucket.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::place::Place;
use crate::program::{Home, json_lines};

/// A rule for names of events.
fn rule(id: &str, names: &str) -> String {
    format!(
        "---\ntitle: Title of {id}\nid: {id}\nname: name-of-{id}\n\
         logsource: {{product: aws, service: cloudtrail}}\n\
         detection: {{s: {{eventName: {names}}}, condition: s}}\nlevel: low\n"
    )
}

/// A correlation of a rule, by user or alias.
fn correlation(id: &str, rest: &str) -> String {
    format!("---\ntitle: Title of {id}\nid: {id}\nlevel: high\ncorrelation: {{{rest}}}\n")
}

/// Two folders with a correlation that is the same, one whose bound changes, one whose rule does, one
/// that is gone, one that is new, and chains of them.
fn rules(home: &Home) {
    const BY_USER: &str = "group-by: [userIdentity.userName], timespan: 10m";
    let count = |id: &str, of: &str, least: u32| {
        let rest = format!(
            "type: event_count, rules: [name-of-{of}], {BY_USER}, condition: {{gte: {least}}}"
        );
        correlation(id, &rest)
    };
    let chain = |id: &str, of: &str| {
        let rest = format!(
            "type: event_count, rules: [{of}], timespan: 2h, condition: {{gte: 2}}, \
             group-by: [who], aliases: {{who: {{{of}: userIdentity.userName}}}}"
        );
        correlation(id, &rest) + "generate: true\n"
    };
    let both = [
        rule("deleted", "DeleteBucket"),
        count("same", "deleted", 3),
        chain("chain-of-same", "same"),
        chain("chain-of-bound", "bound"),
    ]
    .concat();
    let old = [
        rule("put", "PutA"),
        count("bound", "deleted", 3),
        count("fed", "put", 2),
        count("gone", "deleted", 4),
    ];
    let new = [
        rule("put", "[PutA, PutB]"),
        count("bound", "deleted", 5),
        count("fed", "put", 2),
        count("new", "deleted", 2),
    ];
    for (folder, own) in [("old", old), ("new", new)] {
        fs::create_dir(home.path(folder)).unwrap();
        fs::write(home.path(&format!("{folder}/all.yml")), both.clone() + &own.concat()).unwrap();
    }
}

const NAMES: [&str; 5] = ["DeleteBucket", "PutA", "DeleteBucket", "DeleteBucket", "PutB"];

/// Objects of records: five users, each with bursts of calls and pauses between, in no order of time.
fn objects() -> Vec<(String, Vec<u8>)> {
    let mut objects: Vec<Vec<Value>> = vec![Vec::new(); 12];
    for number in 0..360_u64 {
        let (user, step) = (number % 5, number / 5);
        // Calls come in bursts of 4 to 12, half an hour and more apart.
        let size = 4 + 2 * user;
        let second = 3000 * (step / size) + 80 * (step % size) + 7 * user;
        let (day, second) = (2 + second / 86_400, second % 86_400);
        let time = format!(
            "2026-03-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3600,
            second / 60 % 60,
            second % 60
        );
        let name = NAMES[(step * step % 23 % 5) as usize];
        let account = format!("11112222333{}", if user == 4 { step % 2 } else { user });
        let record = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser", "userName": format!("user-{user}"),
                "arn": format!("arn:aws:iam::{account}:user/user-{user}"), "accountId": account,
            },
            "eventTime": time,
            "eventSource": "s3.amazonaws.com",
            "eventName": name,
            "awsRegion": "us-east-1",
            "eventID": format!("00000000-0000-4000-8000-{number:012x}"),
            "recipientAccountId": account,
            "requestParameters": {"bucketName": format!("films-{step}")},
        });
        objects[(number * 7919 % 12) as usize].push(record);
    }
    let key = |index: usize| {
        format!(
            "AWSLogs/111122223330/CloudTrail/us-east-1/2026/03/02/111122223330_CloudTrail_us-east-1_20260302T0000Z_{index:016}.json"
        )
    };
    let text = |records: &Vec<Value>| json!({ "Records": records }).to_string().into_bytes();
    objects.iter().enumerate().map(|(index, records)| (key(index), text(records))).collect()
}

fn home_with_files() -> Home {
    let home = Home::new("", []);
    write(&home);
    home
}

fn write(home: &Home) {
    rules(home);
    for (key, bytes) in objects() {
        let path = home.path("trail").join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// The episodes that a scan tells, by correlation.
fn scanned(home: &Home, rules: &str) -> BTreeMap<String, Vec<Value>> {
    let args = ["scan", "trail", "--rules", rules, "--format", "jsonl", "--no-event"];
    let (code, out, err) = home.run(&args);
    assert_eq!(code, 0, "{err}");
    let mut by_id: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut alert in json_lines(&out) {
        let id = alert["rule"]["id"].as_str().unwrap().to_owned();
        by_id.entry(id).or_default().push(alert["correlation"].take());
    }
    by_id
}

#[track_caller]
fn report(home: &Home, args: &[&str]) -> Value {
    let (code, out, err) = home.run(&[&["backtest"], args].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

const SETS: [&str; 6] = ["--rules", "new", "--baseline", "old", "--format", "json"];

fn of<'r>(report: &'r Value, id: &str) -> &'r Value {
    let rules = report["by_rule"].as_array().unwrap();
    rules.iter().find(|rule| rule["id"] == id).unwrap_or(&Value::Null)
}

/// Of the same group, with a moment in common.
fn is_shared(one: &Value, others: &[Value]) -> bool {
    let text = |episode: &Value, name: &str| episode[name].as_str().unwrap().to_owned();
    others.iter().any(|other| {
        other["group"][0]["value"] == one["group"][0]["value"]
            && text(one, "first") <= text(other, "last")
            && text(other, "first") <= text(one, "last")
    })
}

#[test]
fn a_backtest_tells_the_episodes_that_two_scans_would() {
    let home = home_with_files();
    let (old, new) = (scanned(&home, "old"), scanned(&home, "new"));
    let report = report(&home, &[&["trail"], &SETS[..]].concat());
    let nothing = Vec::new();
    let (mut all, mut kept_of) = (0, BTreeMap::new());
    for (id, change) in [
        ("same", "same"),
        ("bound", "changed"),
        ("fed", "changed"),
        ("gone", "removed"),
        ("new", "added"),
        ("chain-of-same", "same"),
        ("chain-of-bound", "changed"),
    ] {
        let (before, after) = (old.get(id).unwrap_or(&nothing), new.get(id).unwrap_or(&nothing));
        assert!(before.len() + after.len() > 1, "{id}: the trail shows nothing of it");
        let kept = before.iter().filter(|one| is_shared(one, after)).count();
        assert_eq!(kept, after.iter().filter(|one| is_shared(one, before)).count(), "{id}");
        let of = of(&report, id);
        assert_eq!((&of["change"], &of["is_correlation"]), (&json!(change), &json!(true)), "{of}");
        let expected = json!({
            "baseline": before.len(), "candidate": after.len(),
            "kept": kept, "new": after.len() - kept, "gone": before.len() - kept,
        });
        assert_eq!(of["alerts"], expected, "{id}");
        for places in ["days", "accounts"] {
            let counts = of[places].as_object().unwrap().values();
            let sum =
                |name: &str| counts.clone().map(|one| one[name].as_u64().unwrap()).sum::<u64>();
            let sums = ["kept", "new", "gone"].map(|name| json!(sum(name)));
            let expected = ["kept", "new", "gone"].map(|name| expected[name].clone());
            assert_eq!(sums, expected, "{id} by {places}");
        }
        assert!(of["questions"]["is_complete"].as_bool().unwrap());
        all += after.len();
        kept_of.insert(id, (before.len(), kept, after.len()));
    }
    // A higher bound tells the same episodes later, and some not at all.
    let (before, kept, after) = kept_of["bound"];
    assert!(before > kept && kept == after && kept > 0, "{kept_of:?}");
    let (before, kept, after) = kept_of["fed"];
    assert!(after > kept && kept == before && kept > 0, "{kept_of:?}");
    assert_eq!(report["alerts"]["candidate"], all);
    assert_eq!(report["rules"], json!({"same": 0, "changed": 0, "added": 0, "removed": 0}));
    let correlations = json!({"same": 2, "changed": 3, "added": 1, "removed": 1});
    assert_eq!(report["correlations"], correlations);
    assert!(report["correlated"]["events"].as_u64().unwrap() > 100, "{report}");
    let sample = &of(&report, "new")["samples"]["new"][0];
    assert!(sample["events"].as_u64().unwrap() >= 2, "{sample}");
    assert_eq!(sample["group"][0]["field"], "userIdentity.userName", "{sample}");
    // What one user did in two accounts.
    assert!(of(&report, "new")["accounts"]["several"]["new"].as_u64().unwrap() > 0, "{report}");
    assert!(report["people"]["candidate"].as_u64().unwrap() >= 5, "{report}");
}

#[test]
fn neither_threads_nor_a_bucket_change_what_is_told() {
    let place = Place::new();
    let home = place.home("");
    write(&home);
    for (key, bytes) in objects() {
        place.put_one(&key, &bytes);
    }
    let days = ["--from", "2026-01-01", "--to", "2027-01-01"];
    let one = report(&home, &[&["trail", "--threads", "1"], &days[..], &SETS[..]].concat());
    let two = report(&home, &[&["trail", "--threads", "2"], &days[..], &SETS[..]].concat());
    let s3 = ["s3://trail/AWSLogs", "--config", "askance.yaml"];
    let bucket = report(&home, &[&s3[..], &days[..], &SETS[..]].concat());
    for other in [&two, &bucket] {
        for name in ["files", "records", "alerts", "questions", "people", "correlated"] {
            assert_eq!(other[name], one[name], "{name}");
        }
        for id in ["same", "bound", "fed", "gone", "new", "chain-of-same", "chain-of-bound"] {
            for name in ["alerts", "questions", "days", "accounts"] {
                assert_eq!(of(other, id)[name], of(&one, id)[name], "{id}: {name}");
            }
        }
    }
    assert!(one["alerts"]["new"].as_u64().unwrap() > 0, "{one}");
}

#[test]
fn the_table_tells_correlations_and_what_they_could_not_count() {
    let home = home_with_files();
    let untimed = json!({"Records": [{
        "eventVersion": "1.11", "eventName": "DeleteBucket", "eventTime": "yesterday",
        "eventID": "x", "userIdentity": {"userName": "user-0"},
    }]});
    fs::write(home.path("trail/untimed.json"), untimed.to_string()).unwrap();
    let (code, out, err) = home.run(&["backtest", "trail", "--rules", "new", "--baseline", "old"]);
    assert_eq!(code, 0, "{err}");
    for words in [
        "rules      0 same, 0 changed, 0 added, 0 removed\n",
        "correlations 2 same, 3 changed, 1 added, 1 removed\n",
        "changed Title of bound (bound)\n",
        "added Title of new (new)\n",
        " events, userIdentity.userName=user-",
        "events for correlations: 1 without a time that can be read\n",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    let (code, out, _) = home.run(&["backtest", "trail", "--rules", "new", "--baseline", "new"]);
    assert_eq!(code, 0);
    assert!(out.contains("both sets of rules say the same"), "{out}");
}
