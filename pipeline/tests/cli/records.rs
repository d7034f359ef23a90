//! CloudTrail records, the ways in which they are laid out and packed, and the rule that finds them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// Finds every `DeleteBucket`.
pub(crate) const RULE: &str = "\
title: Bucket deleted
id: bucket-deleted
logsource: {product: aws, service: cloudtrail}
detection:
    selection: {eventSource: s3.amazonaws.com, eventName: DeleteBucket}
    condition: selection
level: high
tags: [attack.impact]
askance: {resource: [requestParameters.bucketName]}
";

/// A rule of this id and title for an event name; without a level.
pub(crate) fn rule(id: &str, event_name: &str) -> String {
    format!(
        "title: Title of {id}\nid: {id}\nlogsource: {{product: aws, service: cloudtrail}}\n\
         detection:\n    selection: {{eventName: {event_name}}}\n    condition: selection\n"
    )
}

/// A record of the kind that the rule finds.
pub(crate) fn record(event_id: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/mika",
            "accountId": "111122223333",
            "userName": "mika"
        },
        "eventTime": "2026-03-02T12:08:17Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "DeleteBucket",
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.24.10",
        "requestParameters": {"bucketName": "films"},
        "responseElements": null,
        "requestID": "R1",
        "eventID": event_id,
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "eventCategory": "Management"
    })
}

/// A record with other values at some of its top-level keys; null takes the key away.
pub(crate) fn record_with(event_id: &str, changes: Value) -> Value {
    let mut record = record(event_id);
    let (Value::Object(map), Value::Object(changes)) = (&mut record, changes) else {
        panic!("both are objects")
    };
    for (key, value) in changes {
        match value {
            Value::Null => drop(map.remove(&key)),
            value => drop(map.insert(key, value)),
        }
    }
    record
}

/// A file as CloudTrail writes it: each record begins with its version.
pub(crate) fn trail(records: &[Value]) -> String {
    let records: Vec<String> = records.iter().map(version_first).collect();
    format!("{{\"Records\":[{}]}}", records.join(","))
}

fn version_first(record: &Value) -> String {
    let mut rest = record.clone();
    let version = rest.as_object_mut().and_then(|map| map.remove("eventVersion"));
    let rest = rest.to_string();
    match version {
        Some(version) => format!("{{\"eventVersion\":{version},{}", &rest[1..]),
        None => rest,
    }
}

/// A file of records of these event ids.
pub(crate) fn trail_of(event_ids: &[&str]) -> String {
    trail(&event_ids.iter().map(|id| record(id)).collect::<Vec<_>>())
}

/// A record's text with a part of it replaced, for what no JSON value can hold.
#[track_caller]
pub(crate) fn spoiled(event_id: &str, part: &str, by: &[u8]) -> Vec<u8> {
    let text = record(event_id).to_string();
    let at = text.find(part).expect("the part is in the record");
    [&text.as_bytes()[..at], by, &text.as_bytes()[at + part.len()..]].concat()
}

pub(crate) fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    gzip_at(Compression::default(), bytes)
}

/// Gzip that stores: each byte stands where it is looked for.
pub(crate) fn gzip_stored(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    gzip_at(Compression::none(), bytes)
}

fn gzip_at(level: Compression, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes.as_ref()).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Gzip of zeros, which never stand in memory.
pub(crate) fn gzip_of_zeros(count: u64, before: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(before.as_bytes()).expect("memory takes everything");
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), count), &mut encoder)
        .expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Zstandard with a checksum.
pub(crate) fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("the level is known");
    encoder.include_checksum(true).expect("the option is known");
    encoder.write_all(bytes.as_ref()).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
