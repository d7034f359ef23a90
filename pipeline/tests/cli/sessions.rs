//! Who is behind a session, told in alerts where the configuration asks for it.

use serde_json::{Value, json};

use crate::records::{RULE, record_with, trail};
use crate::sandbox::{Sandbox, finish};

const ON: &str = "rules: {paths: [rule.yml]}\nenrich: {sessions: true}\n";
const OFF: &str = "rules: {paths: [rule.yml]}\n";

fn role(name: &str, session: &str, key: &str) -> Value {
    json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::111122223333:assumed-role/{name}/{session}"),
        "accountId": "111122223333",
        "accessKeyId": key,
        "sessionContext": {"sessionIssuer": {"userName": name}}
    })
}

/// Somebody gets a key.
fn assume(id: &str, time: &str, by: &Value, key: &str) -> Value {
    let changes = json!({
        "eventTime": time,
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "userIdentity": by,
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/any"},
        "responseElements": {"credentials": {"accessKeyId": key, "sessionToken": "..."}}
    });
    record_with(id, changes)
}

fn two_hops() -> Vec<Value> {
    let taro = json!({
        "type": "IAMUser", "userName": "taro", "arn": "arn:aws:iam::111122223333:user/taro",
        "accountId": "111122223333", "accessKeyId": "AKIAAAAAAAAAAAAAAAAA"
    });
    let ops = role("ops", "taro", "ASIAOPSOPSOPSOPSOPSO");
    let admin = role("admin", "deploy", "ASIAADMINADMINADMINA");
    vec![
        assume("s1", "2026-03-02T10:02:00Z", &taro, "ASIAOPSOPSOPSOPSOPSO"),
        assume("s2", "2026-03-02T10:05:00Z", &ops, "ASIAADMINADMINADMINA"),
        record_with("act", json!({"userIdentity": admin})),
    ]
}

fn scan(records: &[Value], config: &str) -> Value {
    scan_with(records, config, &[])
}

fn scan_with(records: &[Value], config: &str, more: &[&str]) -> Value {
    let sandbox = Sandbox::with("in.json", trail(records));
    sandbox.write("rule.yml", RULE);
    sandbox.write("c.yaml", config);
    let args = ["scan", "in.json", "--config", "c.yaml", "--format", "jsonl"];
    let run = sandbox.run(&[&args, more].concat());
    let alerts = run.exits(0).alerts();
    assert_eq!(alerts.len(), 1, "{}", run.out);
    alerts[0].clone()
}

#[test]
fn the_person_is_told_across_role_hops() {
    let alert = scan(&two_hops(), ON);
    assert_eq!(
        alert["behind"],
        json!({
            "first": {
                "type": "IAMUser", "name": "taro", "arn": "arn:aws:iam::111122223333:user/taro",
                "account": "111122223333", "session": null, "at": "2026-03-02T10:02:00Z"
            },
            "via": [{
                "type": "AssumedRole", "name": "ops",
                "arn": "arn:aws:sts::111122223333:assumed-role/ops/taro",
                "account": "111122223333", "session": "taro", "at": "2026-03-02T10:05:00Z"
            }]
        })
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alert.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap().validate(&alert).unwrap();
}

#[test]
fn every_call_that_gives_a_key_is_read_though_no_rule_needs_it() {
    let check = |name: &str, kind: &str, expected: Value| {
        let mut records = two_hops();
        records[1]["eventName"] = json!(name);
        records[1]["userIdentity"]["type"] = json!(kind);
        for more in [&[][..], &["--no-prefilter"]] {
            let alert = scan_with(&records, ON, more);
            assert_eq!(alert["behind"]["first"]["name"], expected, "{name} {kind} {more:?}");
        }
    };
    for name in [
        "AssumeRole",
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "GetSessionToken",
        "GetFederationToken",
    ] {
        check(name, "AssumedRole", json!("taro"));
    }
    check("AssumeRole", "AWSService", Value::Null);
}

#[test]
fn nothing_else_of_an_alert_depends_on_it() {
    let (mut with, without) = (scan(&two_hops(), ON), scan(&two_hops(), OFF));
    assert!(with.as_object_mut().unwrap().remove("behind").is_some());
    assert_eq!(with, without);
}

#[test]
fn what_is_read_later_or_not_at_all_is_not_told() {
    let mut records = two_hops();
    records.reverse();
    assert_eq!(scan(&records, ON).get("behind"), None);
    assert_eq!(scan(&two_hops()[2..], ON).get("behind"), None);
    // Half of the way is known.
    assert_eq!(scan(&two_hops()[1..], ON)["behind"]["first"]["name"], "ops");
}

#[test]
fn records_that_are_not_asked_for_still_tell_who_took_a_session() {
    let config = format!("{ON}filter: {{regions: [eu-west-1]}}\n");
    let mut records = two_hops();
    records[..2].iter_mut().for_each(|record| record["awsRegion"] = json!("us-east-1"));
    assert_eq!(scan(&records, &config)["behind"]["first"]["name"], "taro");
}

#[test]
fn the_service_tells_it_and_shows_it() {
    let sandbox = Sandbox::new();
    sandbox.write("rule.yml", RULE);
    let more = "sources: {pipe: {type: stdin}}\nsinks: {out: {type: stdout}}\nstore: {type: sqlite, path: askance.db}\n";
    sandbox.write("askance.yaml", format!("{ON}{more}"));
    let records = trail(&two_hops()).replace("taro", "ta\\u001b[2Jro");
    let run = finish(&mut sandbox.command(&["run"]), records.as_bytes());
    assert_eq!(run.exits(0).alerts()[0]["behind"]["first"]["name"], "ta\u{1b}[2Jro");
    let id = run.alerts()[0]["id"].as_str().unwrap().to_owned();
    sandbox
        .run(&["alerts", "show", &id])
        .exits(0)
        .shows("taken by   ops/ta\\u{1b}[2Jro (arn:aws:sts::111122223333:assumed-role/ops/ta")
        .shows("           user ta\\u{1b}[2Jro (arn:aws:iam::111122223333:user/ta\\u{1b}[2Jro), 2026-03-02T10:02:00Z")
        .is_calm();
}

/// A correlation of two acts.
fn twice() -> String {
    format!(
        "{RULE}---\ntitle: Deleted twice\nid: twice\nlevel: high\ncorrelation:\n    type: event_count\n    \
         rules: [bucket-deleted]\n    group-by: [recipientAccountId]\n    timespan: 1h\n    condition: {{gte: 2}}\n"
    )
}

#[test]
fn an_episode_of_one_key_tells_it_and_one_of_several_does_not() {
    let more = "sources: {pipe: {type: stdin}}\nsinks: {out: {type: stdout}}\nstore: {type: sqlite, path: askance.db}\n";
    let check = |other: &Value, expected: Value| {
        let mut records = two_hops();
        let user = records[2]["userIdentity"].clone();
        records.push(record_with("again", json!({ "userIdentity": user })));
        records[3]["userIdentity"]["accessKeyId"] = other.clone();
        let sandbox = Sandbox::with("in.json", trail(&records));
        sandbox.write("rule.yml", twice());
        sandbox.write("askance.yaml", format!("{ON}{more}"));
        let args = ["scan", "in.json", "--config", "askance.yaml", "--format", "jsonl"];
        let scanned = sandbox.run(&args).exits(0).alerts();
        let live = finish(&mut sandbox.command(&["run"]), trail(&records).as_bytes());
        for alerts in [scanned, live.exits(0).alerts()] {
            let alert = alerts.iter().find(|alert| alert["rule"]["id"] == "twice").unwrap();
            assert_eq!(alert["correlation"]["count"], 2);
            assert_eq!(alert["behind"]["first"]["name"], expected, "{alert}");
        }
    };
    check(&json!("ASIAADMINADMINADMINA"), json!("taro"));
    check(&json!("ASIAOTHEROTHEROTHERO"), Value::Null);
}
