//! What alerts hold, in JSON lines, JSON and CSV, and where they are written.

use std::fs;

use serde_json::{Value, json};

use crate::records::{gzip, record, record_with, trail, trail_of};
use crate::sandbox::{Run, Sandbox};

fn scan(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(&[&["scan", "--rules", "rule.yml", "in.json"], args].concat())
}

#[test]
fn an_alert_tells_everything_in_a_fixed_order() {
    let sandbox = Sandbox::with("in.json", trail(&[record("zero"), record("a")]));
    let run = scan(&sandbox, &["--format", "jsonl"]);
    let line = run.exits(0).out.lines().nth(1).unwrap();
    let alert: Value = serde_json::from_str(line).unwrap();
    let id = alert["id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let (before, event) = line.split_once(",\"event\":").unwrap();
    expect_test::expect![[r#"
        {"id":"ID","time":"2026-03-02T12:08:17Z","level":"high","rule":{"id":"bucket-deleted","title":"Bucket deleted","tags":["attack.impact"]},"account":"111122223333","region":"eu-west-1","actor":{"type":"IAMUser","name":"mika","arn":"arn:aws:iam::111122223333:user/mika","account":"111122223333","session":null},"resource":[{"type":"AWS::S3::Bucket","id":"films","arn":"arn:aws:s3:::films","name":"films"}],"origin":{"path":"in.json","index":1},"matched":[{"selection":"selection","field":"eventSource","value":"s3.amazonaws.com"},{"selection":"selection","field":"eventName","value":"DeleteBucket"}]
    "#]]
    .assert_eq(&(before.replace(id, "ID") + "\n"));
    let event: Value = serde_json::from_str(event.strip_suffix('}').unwrap()).unwrap();
    assert_eq!(event, record("a"));
}

#[test]
fn the_event_is_left_out_if_not_wanted() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    for format in ["jsonl", "json"] {
        let run = scan(&sandbox, &["--format", format, "--no-event"]);
        assert!(!run.exits(0).out.contains("\"event\""), "{}", run.out);
    }
}

#[test]
fn actors_are_told_as_far_as_the_record_goes() {
    let check = |identity: Value, expected: Value| {
        let sandbox =
            Sandbox::with("in.json", trail(&[record_with("a", json!({"userIdentity": identity}))]));
        let run = scan(&sandbox, &["--format", "jsonl"]);
        assert_eq!(run.exits(0).alerts()[0]["actor"], expected);
    };
    let arn = "arn:aws:sts::111122223333:assumed-role/Admin/mika@example.com";
    check(
        json!({"type": "AssumedRole", "arn": arn, "accountId": "111122223333", "sessionContext":
            {"sessionIssuer": {"userName": "Admin"}}}),
        json!({"type": "AssumedRole", "name": "Admin", "arn": arn, "account": "111122223333",
            "session": "mika@example.com"}),
    );
    check(
        json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"}),
        json!({"type": "Root", "name": "root", "arn": "arn:aws:iam::111122223333:root",
            "account": "111122223333", "session": null}),
    );
    check(
        json!({"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}),
        json!({"type": "AWSService", "name": "cloudformation.amazonaws.com", "arn": null,
            "account": null, "session": null}),
    );
    check(
        json!({}),
        json!({"type": null, "name": null, "arn": null, "account": null,
        "session": null}),
    );
}

#[test]
fn json_is_one_array_even_of_nothing() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a", "b"]));
    let run = scan(&sandbox, &["--format", "json"]);
    let array: Value = serde_json::from_str(&run.exits(0).out).unwrap();
    assert_eq!(array.as_array().unwrap().len(), 2);
    let lines = scan(&sandbox, &["--format", "jsonl"]);
    assert_eq!(array, Value::Array(lines.alerts()));
    let nothing = scan(&sandbox, &["--format", "json", "--account", "1"]);
    assert_eq!(nothing.out, "[]\n");
    assert_eq!(scan(&sandbox, &["--format", "jsonl", "--account", "1"]).out, "");
}

#[test]
fn csv_has_a_header_and_a_row_for_each_alert() {
    let quoted = record_with("b", json!({"requestParameters": {"bucketName": "a,\"b\""}}));
    let sandbox = Sandbox::with("in.json", trail(&[record("a"), quoted]));
    let run = scan(&sandbox, &["--format", "csv"]);
    let ids: Vec<String> = scan(&sandbox, &["--format", "jsonl"])
        .alerts()
        .iter()
        .map(|alert| alert["id"].as_str().unwrap().to_owned())
        .collect();
    expect_test::expect![[r#"
        id,time,level,rule_id,rule_title,rule_tags,account,region,actor_type,actor_name,actor_arn,actor_account,actor_session,resource,path,index,matched
        ID0,2026-03-02T12:08:17Z,high,bucket-deleted,Bucket deleted,attack.impact,111122223333,eu-west-1,IAMUser,mika,arn:aws:iam::111122223333:user/mika,111122223333,,films,in.json,0,eventSource=s3.amazonaws.com; eventName=DeleteBucket
        ID1,2026-03-02T12:08:17Z,high,bucket-deleted,Bucket deleted,attack.impact,111122223333,eu-west-1,IAMUser,mika,arn:aws:iam::111122223333:user/mika,111122223333,,"a,""b""",in.json,1,eventSource=s3.amazonaws.com; eventName=DeleteBucket
    "#]]
    .assert_eq(&run.exits(0).out.replace(&ids[0], "ID0").replace(&ids[1], "ID1"));
    let nothing = scan(&sandbox, &["--format", "csv", "--account", "1"]);
    assert_eq!(nothing.out.lines().count(), 1, "the header alone");
}

#[test]
fn no_cell_of_csv_is_a_formula() {
    for formula in
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "=cmd|' /C calc'!A0"]
    {
        let parameters = json!({ "bucketName": formula });
        let changes = json!({ "requestParameters": parameters, "awsRegion": formula });
        let sandbox = Sandbox::with("in.json", trail(&[record_with("a", changes)]));
        let run = scan(&sandbox, &["--format", "csv"]);
        assert_eq!(run.exits(0).out.lines().count(), 2, "{formula:?} makes no line");
        let row = run.out.lines().nth(1).unwrap();
        let cells = row.split(',').map(|cell| cell.trim_matches('"'));
        for cell in cells.filter(|cell| cell.contains(formula.trim())) {
            assert!(cell.starts_with(['\'', '\\']), "{cell:?} of {formula:?}");
        }
    }
}

#[test]
fn alerts_go_to_a_file_if_one_is_named() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a", "b"]));
    for format in ["table", "jsonl", "json", "csv"] {
        let direct = scan(&sandbox, &["--format", format]);
        let run = scan(&sandbox, &["--format", format, "--output", "out"]);
        assert_eq!(run.exits(0).out, "");
        assert_eq!(sandbox.read("out"), direct.out, "{format}");
        run.says("2 alerts");
    }
}

#[test]
fn an_output_that_cannot_take_it_all_is_told() {
    if !fs::exists("/dev/full").unwrap() {
        eprintln!("skipped: there is no /dev/full here");
        return;
    }
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    let run = scan(&sandbox, &["--output", "/dev/full"]);
    assert_ne!(run.code, 0);
    run.says("cannot write alerts to /dev/full");
}

#[test]
fn alerts_fit_their_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/alert.schema.json");
    let schema = fs::read_to_string(path).expect("docs/alert.schema.json is there");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let sandbox = Sandbox::with(
        "own/in.json",
        trail(&[
            record("a"),
            record_with(
                "b",
                json!({"eventTime": null, "recipientAccountId": null, "awsRegion": null,
            "userIdentity": null, "requestParameters": null}),
            ),
        ]),
    );
    sandbox.write("own/more.gz", gzip(trail_of(&["c"])));
    let keywords = "title: Anywhere\nlogsource: {product: aws}\ndetection:\n    keywords: [films]\n    \
                    absent: {'errorCode|exists': false, userAgent: null}\n    condition: 1 of *\n";
    let correlation = "title: Any\ncorrelation: {type: value_count, rules: [fed], group-by: [awsRegion, none], \
                       timespan: 5m, condition: {field: requestParameters.bucketName, gte: 1}}\n---\n\
                       title: Fed\nname: fed\nlogsource: {product: aws}\n\
                       detection: {all: {eventName: '*'}, condition: all}\n";
    sandbox.write("keywords.yml", [keywords, correlation].join("---\n"));
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/trail");
    let own =
        ["scan", "own", "--rules", "rule.yml", "--rules", "keywords.yml", "--format", "jsonl"];
    let correlated = |alert: &Value| alert.get("correlation").is_some();
    assert!(sandbox.run(&own).exits(0).alerts().iter().any(correlated));
    let mut count = 0;
    for args in [&own[..], &["scan", example, "--format", "jsonl"]] {
        for without in [&[][..], &["--no-event"]] {
            for alert in sandbox.run(&[args, without].concat()).exits(0).alerts() {
                let faults: Vec<String> =
                    validator.iter_errors(&alert).map(|fault| fault.to_string()).collect();
                assert!(faults.is_empty(), "{faults:#?} in {alert:#}");
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count} alerts were looked at");
    for broken in [json!({}), json!({"id": "x"}), json!([])] {
        assert!(!validator.is_valid(&broken), "the schema refuses {broken}");
    }
}

#[test]
fn what_is_read_is_not_written_over() {
    let sandbox = Sandbox::with("in.json", trail_of(&["a"]));
    sandbox.write("in/1.json", trail_of(&["a"]));
    for (input, output) in
        [("in.json", "./in.json"), ("in", "in/1.json"), ("in", "in/new.jsonl"), (".", "new.jsonl")]
    {
        let run = sandbox.scan(&[input, "--output", output]);
        run.exits(2).says(&format!(
            "askance: cannot write alerts to {output}: it is, or is in, {input}, which is to be read"
        ));
    }
    assert_eq!(sandbox.read("in.json"), trail_of(&["a"]));
    assert!(!sandbox.path("new.jsonl").exists());
    sandbox.scan(&["in", "--output", "in.jsonl"]).exits(0);
}
