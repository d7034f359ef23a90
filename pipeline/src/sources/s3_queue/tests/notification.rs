//! Every shape of notification, and every way to be none.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::notification::{MAX_BODY, MAX_OBJECTS, Notification, read};
use crate::sources::s3::Announced;

fn s3_record(event: &str, key: &str) -> Value {
    json!({
        "eventVersion": "2.5", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-03-02T07:05:00.000Z", "eventName": event,
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "trail",
            "bucket": {"name": "trail", "arn": "arn:aws:s3:::trail"},
            "object": {"key": key, "size": 1234, "eTag": "abc", "versionId": "v1", "sequencer": "0055"}
        }
    })
}

fn full() -> Announced {
    Announced {
        asked: None,
        bucket: "trail".into(),
        key: "a b/ü+.gz".into(),
        version: Some("v1".into()),
        etag: Some("abc".into()),
        size: Some(1234),
        sequencer: Some("0055".into()),
    }
}

fn bare(key: &str) -> Announced {
    Announced { bucket: "trail".into(), key: key.into(), ..Announced::default() }
}

#[track_caller]
fn check(body: &str, expected: &[Announced]) {
    let found = read(body).unwrap();
    assert_eq!(found, Notification { objects: expected.to_vec(), others: Vec::new() });
}

#[track_caller]
fn check_other(body: &str, expected: &str) {
    let found = read(body).unwrap();
    assert_eq!(found, Notification { objects: Vec::new(), others: vec![expected.into()] });
}

#[track_caller]
fn check_misread(body: &str, message: &str) {
    assert_eq!(read(body).unwrap_err().to_string(), message);
}

fn wrapped(message: &str) -> String {
    json!({
        "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:1:t",
        "Subject": "Amazon S3 Notification", "Message": message
    })
    .to_string()
}

fn direct() -> String {
    json!({"Records": [s3_record("ObjectCreated:Put", "a+b/%C3%BC%2B.gz")]}).to_string()
}

fn bridged() -> String {
    json!({
        "version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3",
        "detail": {
            "version": "0", "bucket": {"name": "trail"},
            "object": {"key": "a b/ü+.gz", "size": 1234, "etag": "abc", "version-id": "v1", "sequencer": "0055"},
            "reason": "PutObject"
        }
    })
    .to_string()
}

#[test]
fn a_notification_of_s3_is_read_and_its_key_decoded() {
    check(&direct(), &[full()]);
    check(&direct().replace("ObjectCreated:Put", "s3:ObjectCreated:Copy"), &[full()]);
    check(&direct().replace("ObjectCreated:Put", "ObjectRestore:Completed"), &[full()]);
    check(&format!("\u{feff}{}", direct()), &[full()]);
}

#[test]
fn a_notification_that_came_by_sns_is_read() {
    check(&wrapped(&direct()), &[full()]);
    check(&wrapped(&wrapped(&bridged())), &[full()]);
}

#[test]
fn an_event_of_eventbridge_is_read_and_its_key_is_not_decoded() {
    check(&bridged(), &[full()]);
    let percent = bridged().replace("a b/ü+.gz", "a%20b+c");
    assert_eq!(read(&percent).unwrap().objects[0].key, "a%20b+c");
}

#[test]
fn a_notification_of_cloudtrail_announces_several_keys() {
    let body = json!({"s3Bucket": "trail", "s3ObjectKey": ["a+b", "c%20d"]}).to_string();
    check(&body, &[bare("a+b"), bare("c%20d")]);
    check(&wrapped(&body), &[bare("a+b"), bare("c%20d")]);
    check(&json!({"s3Bucket": "trail", "s3ObjectKey": "a"}).to_string(), &[bare("a")]);
}

#[test]
fn several_records_are_read_and_other_events_dropped_by_name() {
    let body = json!({"Records": [
        s3_record("ObjectCreated:Put", "a"),
        s3_record("ObjectRemoved:Delete", "b"),
        s3_record("ObjectCreated:CompleteMultipartUpload", "c"),
    ]});
    let found = read(&body.to_string()).unwrap();
    let keys: Vec<&str> = found.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!((keys, found.others), (vec!["a", "c"], vec!["ObjectRemoved:Delete".to_owned()]));
}

#[test]
fn what_announces_nothing_is_named() {
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"});
    check_other(&test.to_string(), "s3:TestEvent");
    check_other(&wrapped(&test.to_string()), "s3:TestEvent");
    check_other(&bridged().replace("Object Created", "Object Deleted"), "Object Deleted");
    check_other("CloudTrail validation message.", "CloudTrail validation message");
    check_other(&wrapped("CloudTrail validation message."), "CloudTrail validation message");
    let removed = json!({"Records": [s3_record("ObjectRemoved:\u{1b}[2J", "a")]});
    check_other(&removed.to_string(), "ObjectRemoved:\\u{1b}[2J");
}

#[test]
fn missing_details_are_no_reason_to_refuse() {
    let body = json!({"Records": [{
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail"}, "object": {"key": "a", "versionId": "null", "eTag": "\"\"", "size": "12"}}
    }]});
    check(&body.to_string(), &[bare("a")]);
}

#[test]
fn what_is_no_notification_is_refused_by_name() {
    check_misread("", "the message is no JSON: EOF while parsing a value at line 1 column 0");
    check_misread("hello", "the message is no JSON: expected value at line 1 column 1");
    check_misread("[1]", "the message is JSON, but no object");
    check_misread(
        "{}",
        "the message is no notification of S3, EventBridge or CloudTrail: it has nothing in it",
    );
    check_misread(
        r#"{"a\nb": 1}"#,
        "the message is no notification of S3, EventBridge or CloudTrail: it has `a\\nb`",
    );
    check_misread(
        r#"{"Type": "SubscriptionConfirmation", "Message": "m"}"#,
        "the message is an SNS SubscriptionConfirmation: confirm the subscription of the queue in SNS",
    );
    check_misread(
        &wrapped(&wrapped(&wrapped(&wrapped(&direct())))),
        "the message is wrapped more than 3 times",
    );
    check_misread(
        r#"{"Records": 1}"#,
        "the message is a notification of S3, but `Records` is no list",
    );
    check_misread(
        r#"{"Records": []}"#,
        "the message is a notification of S3, but `Records` is empty",
    );
    check_misread(
        r#"{"Records": [{}]}"#,
        "the message is a notification of S3, but record 0 has no `eventName`",
    );
    check_misread(
        r#"{"Records": [{"eventName": "ObjectCreated:Put"}]}"#,
        "the message is a notification of S3, but record 0 names no bucket",
    );
    check_misread(
        r#"{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}}}]}"#,
        "the message is a notification of S3, but record 0 names no key",
    );
    check_misread(
        &direct().replace("a+b", "%FF"),
        "the message is a notification of S3, but record 0 has a key that is no text",
    );
    check_misread(
        &direct().replace("a+b/%C3%BC%2B.gz", ""),
        "the message is a notification of S3, but a key is empty or longer than 1,024 bytes",
    );
    check_misread(
        &direct().replace("\"name\":\"trail\"", "\"name\":\"\""),
        "the message is a notification of S3, but the bucket's name is empty or too long",
    );
    check_misread(
        r#"{"detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2", "detail": {}}"#,
        "the message is an event of EventBridge, but of aws.ec2, not aws.s3: AWS API Call via CloudTrail",
    );
    check_misread(
        r#"{"detail-type": "Object Created", "source": "aws.s3", "detail": {"bucket": {}}}"#,
        "the message is an event of EventBridge, but it names no bucket",
    );
    check_misread(
        r#"{"s3ObjectKey": ["a"]}"#,
        "the message is a notification of CloudTrail, but it names no bucket",
    );
    check_misread(
        r#"{"s3Bucket": "b", "s3ObjectKey": []}"#,
        "the message is a notification of CloudTrail, but it names no key",
    );
    check_misread(
        r#"{"s3Bucket": "b", "s3ObjectKey": [1]}"#,
        "the message is a notification of CloudTrail, but a key is no text",
    );
}

#[test]
fn size_depth_and_number_are_bounded() {
    let long = format!("\"{}\"", "a".repeat(MAX_BODY));
    check_misread(&long, "the message has 1048578 bytes, more than 1048576");
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    assert!(read(&deep).unwrap_err().to_string().contains("recursion limit"), "depth");
    let keys = vec!["a"; MAX_OBJECTS + 1];
    let many = json!({"s3Bucket": "b", "s3ObjectKey": keys}).to_string();
    check_misread(&many, "the message announces 1001 objects, more than 1000");
}

/// JSON of the names that notifications have, put together at random.
fn notification_like() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "Records",
        "eventName",
        "s3",
        "bucket",
        "object",
        "name",
        "key",
        "Type",
        "Message",
        "s3Bucket",
        "s3ObjectKey",
        "detail",
        "detail-type",
        "source",
        "size",
        "eTag",
        "Event",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![
            "ObjectCreated:Put",
            "Notification",
            "aws.s3",
            "Object Created",
            "%",
            "%F",
            "+",
            "",
            "{}"
        ])
        .prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(body in ".{0,200}", value in notification_like(), cut in 0usize..2000) {
        // Any answer is good, as long as there is one.
        let _ = read(&body);
        let text = value.to_string();
        let _ = read(&text);
        let _ = read(&wrapped(&text));
        let _ = read(&json!({"Records": [value]}).to_string());
        let whole = wrapped(&direct());
        let cut = whole.floor_char_boundary(cut.min(whole.len()));
        prop_assert!(cut == whole.len() || read(&whole[..cut]).is_err());
    }

    #[test]
    fn every_key_comes_back_as_it_was(key in "[^\u{0}]{1,60}") {
        let encoded: String = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%20", "+");
        let body = json!({"Records": [s3_record("ObjectCreated:Put", &encoded)]}).to_string();
        prop_assert_eq!(&read(&body).unwrap().objects[0].key, &key);
    }
}
