//! Every layout of CloudTrail that is read, and the ways to name inputs.

use serde_json::json;

use crate::records::{record, record_with, trail, trail_of};
use crate::sandbox::Sandbox;

/// A file of this text holds exactly these events, and nothing about it is odd.
#[track_caller]
fn check(text: impl AsRef<[u8]>, events: &[&str]) {
    let sandbox = Sandbox::with("in.json", text.as_ref());
    let run = sandbox.scan(&["in.json"]);
    run.exits(0).is_calm().found(events);
    assert!(!run.err.contains("odd but read"), "{}", run.err);
    let piped = sandbox.scan_stdin(&["-"], text.as_ref());
    piped.exits(0).is_calm().found(events);
}

#[test]
fn a_records_file_is_read() {
    check(trail_of(&["a", "b"]), &["a", "b"]);
}

#[test]
fn a_records_key_need_not_be_first() {
    let file = json!({"A": {"Records": 1}, "Z": [1, "]"], "version": "1.0"}).to_string();
    let records = format!(",\"Records\":[{}]}}", record("a"));
    check(file.replace("\"1.0\"}", "\"1.0\"") + &records, &["a"]);
    let behind = trail_of(&["a"]).replace("]}", "],\"next\":{\"x\":[1]}}");
    check(behind, &["a"]);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    check(format!("\u{feff}{}", trail_of(&["a"])), &["a"]);
    check(format!("\u{feff}{}\n{}\n", record("a"), record("b")), &["a", "b"]);
}

#[test]
fn pretty_printed_json_is_read() {
    let file = json!({"Records": [record("a"), record("b")]});
    check(serde_json::to_string_pretty(&file).unwrap(), &["a", "b"]);
    check(serde_json::to_string_pretty(&file).unwrap().replace('\n', "\r\n"), &["a", "b"]);
    check(serde_json::to_string_pretty(&record("a")).unwrap(), &["a"]);
}

#[test]
fn json_lines_are_read() {
    check(format!("{}\n{}\n", record("a"), record("b")), &["a", "b"]);
    check(format!("{}\r\n\r\n{}", record("a"), record("b")), &["a", "b"]);
    check(format!("{}\n{}\n", trail_of(&["a"]), trail_of(&["b", "c"])), &["a", "b", "c"]);
}

#[test]
fn a_bare_array_is_read() {
    check(json!([record("a"), record("b")]).to_string(), &["a", "b"]);
}

#[test]
fn one_bare_event_is_read() {
    check(record("a").to_string(), &["a"]);
    let reordered = record("a").to_string().replace("{\"awsRegion\"", "{\"zz\":1,\"awsRegion\"");
    check(reordered, &["a"]);
}

#[test]
fn answers_of_lookup_events_are_read() {
    let event = |id: &str| {
        json!({
            "EventId": id, "EventName": "DeleteBucket", "ReadOnly": "false",
            "EventTime": "2026-03-02T12:08:17+00:00", "Username": "mika",
            "Resources": [{"ResourceType": "AWS::S3::Bucket", "ResourceName": "films"}],
            "CloudTrailEvent": record_with(id, json!({"userAgent": "é \"quoted\" \\ /"})).to_string()
        })
    };
    let answer = json!({"Events": [event("a"), event("b")], "NextToken": "x"});
    check(answer.to_string(), &["a", "b"]);
    check(serde_json::to_string_pretty(&answer).unwrap(), &["a", "b"]);
    check(format!("{answer}\n{}\n", json!({"Events": [event("c")]})), &["a", "b", "c"]);
}

#[test]
fn envelopes_of_cloudwatch_logs_are_read() {
    let envelope = |id: &str| {
        json!({
            "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "trail",
            "logStream": "111122223333_CloudTrail_eu-west-1", "subscriptionFilters": ["all"],
            "logEvents": [
                {"id": "1", "timestamp": 1_772_453_297_000_u64, "message": record(id).to_string()},
            ]
        })
        .to_string()
    };
    // Firehose puts envelopes one behind the other without anything between them.
    check(format!("{}{}", envelope("a"), envelope("b")), &["a", "b"]);
    check(format!("{}\n{}\n", envelope("a"), envelope("b")), &["a", "b"]);
}

#[test]
fn control_messages_and_other_log_lines_are_passed_by() {
    let control = r#"{"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "",
        "logStream": "", "subscriptionFilters": [], "logEvents": [{"id": "", "timestamp": 1,
        "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
    let other = json!({
        "messageType": "DATA_MESSAGE",
        "logEvents": [{"id": "1", "timestamp": 1, "message": "START RequestId: 1"}]
    });
    let sandbox = Sandbox::with("in.json", format!("{control}{other}{}", record("a")));
    let run = sandbox.scan(&["in.json"]);
    run.exits(0).is_calm().found(&["a"]);
    run.says("passed by: 1 control_message, 1 not_cloudtrail");
}

#[test]
fn elements_of_lookup_events_are_read_by_themselves() {
    // What `--query Events` and `jq '.Events[]'` leave of the answer.
    let element = |id: &str| json!({"EventId": id, "CloudTrailEvent": record(id).to_string()});
    check(json!([element("a"), element("b")]).to_string(), &["a", "b"]);
    check(format!("{}\n{}", element("a"), element("b")), &["a", "b"]);
}

#[test]
fn json_that_is_no_trail_is_named_as_that() {
    for text in [
        json!({"name": "package", "version": "1.0.0"}).to_string(),
        json!({"records": [record("a")]}).to_string(),
        json!([{"awslogs": {"data": "H4sIAAAA"}}]).to_string(),
        "{}".to_owned(),
    ] {
        let sandbox = Sandbox::with("in.json", &text);
        let run = sandbox.scan(&["in.json"]);
        run.exits(0).is_calm().found(&[]).says_line("passed by: 1 not_cloudtrail");
    }
    // One key of an event is enough, and so is one that may be any.
    let sandbox = Sandbox::with("in.json", r#"{"eventName":"DeleteBucket"}{"event\u004eame":1}"#);
    assert!(!sandbox.scan(&["in.json"]).exits(0).err.contains("not_cloudtrail"));
}

#[test]
fn envelopes_of_eventbridge_are_read() {
    let envelope = json!({
        "version": "0", "id": "e", "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3", "account": "111122223333", "time": "2026-03-02T12:08:17Z",
        "region": "eu-west-1", "resources": [], "detail": record("a")
    });
    check(envelope.to_string(), &["a"]);
    check(json!([envelope, envelope]).to_string(), &["a"]);
}

#[test]
fn digest_files_are_recognised_counted_and_passed_by() {
    let digest = json!({
        "awsAccountId": "111122223333", "digestStartTime": "2026-03-02T11:00:00Z",
        "digestEndTime": "2026-03-02T12:00:00Z", "digestS3Bucket": "trail",
        "digestS3Object": "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/x.json.gz",
        "previousDigestHashValue": null, "digestSignatureAlgorithm": "SHA256withRSA",
        "logFiles": [{"s3Bucket": "trail", "s3Object": "x", "hashValue": "0"}]
    });
    let sandbox = Sandbox::with("trail/digest.json", digest.to_string());
    sandbox.write("trail/log.json", trail_of(&["a"]));
    let run = sandbox.scan(&["trail"]);
    run.exits(0).is_calm().found(&["a"]).says("passed by: 1 digest").says("2 files, ");
}

#[test]
fn insight_network_and_aggregated_events_are_read() {
    let insight = json!({
        "eventVersion": "1.08", "eventTime": "2026-03-02T12:08:00Z", "awsRegion": "eu-west-1",
        "eventID": "i", "eventType": "AwsCloudTrailInsight", "recipientAccountId": "111122223333",
        "sharedEventID": "s", "eventCategory": "Insight",
        "insightDetails": {"state": "Start", "eventSource": "s3.amazonaws.com",
            "eventName": "DeleteBucket", "insightType": "ApiCallRateInsight"}
    });
    let network = record_with(
        "n",
        json!({
            "eventType": "AwsVpceEvent", "eventCategory": "NetworkActivity",
            "vpcEndpointId": "vpce-1", "errorCode": "VpceAccessDenied"
        }),
    );
    let aggregated = json!({
        "eventVersion": "1.0", "eventID": "g", "accountId": "111122223333",
        "awsRegion": "eu-west-1", "eventCategory": "Aggregated", "eventType": "AwsAggregatedEvent",
        "timeWindow": {"windowStart": "2026-03-02T12:05:00Z", "windowEnd": "2026-03-02T12:10:00Z"},
        "summary": {"primaryDimension": {"dimension": "eventName"}}
    });
    let sandbox = Sandbox::with("in.json", trail(&[insight, network, aggregated]));
    sandbox.write(
        "rule.yml",
        "title: Others\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n    \
         s: {eventCategory: [Insight, NetworkActivity, Aggregated]}\n    condition: s\n",
    );
    let run = sandbox.scan(&["in.json"]);
    run.exits(0).is_calm().found(&["i", "n", "g"]);
    let aggregated = &run.alerts()[2];
    assert_eq!(aggregated["time"], "2026-03-02T12:05:00Z");
    assert_eq!(aggregated["account"], "111122223333");
    run.says("3 records");
}

#[test]
fn files_folders_and_standard_input_go_together_in_order() {
    let sandbox = Sandbox::with("one.json", trail_of(&["a"]));
    sandbox.write("deep/2026/03/02/x.json", trail_of(&["c"]));
    sandbox.write("deep/2026/03/01/y.json", trail_of(&["b"]));
    sandbox.write("deep/z.json", trail_of(&["d"]));
    let run = sandbox.scan_stdin(&["one.json", "deep", "-"], trail_of(&["e"]).as_bytes());
    run.exits(0).found(&["a", "b", "c", "d", "e"]).says("5 files, ");
    assert_eq!(run.alerts()[4]["origin"]["path"], "-");
    assert_eq!(run.alerts()[1]["origin"]["path"], "deep/2026/03/01/y.json");
}
