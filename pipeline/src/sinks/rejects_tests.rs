//! Tests of where rejects are written to.

use std::io::Read as _;

use super::*;
use crate::aws::{Aws, Place};
use crate::sinks::contract;
use crate::support::moto::{Moto, unique};

fn row(number: i64, day: u8) -> (i64, RejectRow) {
    let row = RejectRow {
        at: format!("2026-11-{day:02}T00:00:00Z"),
        source: "trail".to_owned(),
        origin: format!("s3://trail/{number}"),
        reason: "not_json".to_owned(),
        offset: 3,
        detail: "expected a value".to_owned(),
        evidence: "\u{1b}[2J\n".to_owned(),
    };
    (number, row)
}

fn numbers(text: &str) -> Vec<i64> {
    let number = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap() };
    text.lines().map(|line| number(line)["number"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_file_of_rejects_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejects.jsonl");
    let config = RejectsConfig::File { path: path.clone(), rotate_at: None, keep: 3 };
    let context = contract::context("http://127.0.0.1:9");
    let mut writer = RejectWriter::open(&config, &context).await;
    assert!(writer.resume(None).await.unwrap(), "its place is new");
    writer.write(&[row(1, 1), row(4, 1)]).await.unwrap();
    let kept = writer.position();
    writer.write(&[row(5, 2)]).await.unwrap();
    // The program ended before the place was kept: number 5 is given again.
    let mut writer = RejectWriter::open(&config, &context).await;
    assert!(!writer.resume(Some(&kept)).await.unwrap());
    assert_eq!(writer.after(), 4);
    writer.write(&[row(5, 2), row(6, 2)]).await.unwrap();
    assert_eq!(writer.after(), 6);
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(numbers(&text), [1, 4, 5, 6]);
    let first = "{\"number\":1,\"at\":\"2026-11-01T00:00:00Z\",\"source\":\"trail\",\
        \"origin\":\"s3://trail/1\",\"reason\":\"not_json\",\"offset\":3,\
        \"detail\":\"expected a value\",\"evidence\":\"\\u001b[2J\\n\"}";
    assert_eq!(text.lines().next(), Some(first));
    let error = writer.resume(Some("nonsense")).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot read the store's place among the rejects: "), "{error}");
}

#[tokio::test]
async fn a_bucket_of_rejects_has_an_object_a_day() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let s3 = Aws::on_loopback(moto.url()).s3(&Place::default()).await;
    let bucket = unique("rejects");
    let place = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1)
        .build();
    s3.create_bucket().bucket(&bucket).create_bucket_configuration(place).send().await.unwrap();
    let config =
        RejectsConfig::S3 { bucket: bucket.clone(), prefix: "bad".to_owned(), region: None };
    let mut writer = RejectWriter::open(&config, &contract::context(moto.url())).await;
    writer.resume(None).await.unwrap();
    for _ in 0..2 {
        writer.write(&[row(7, 1), row(8, 1), row(9, 2)]).await.unwrap();
    }
    let listed = s3.list_objects_v2().bucket(&bucket).send().await.unwrap();
    let keys: Vec<&str> = listed.contents().iter().map(|object| object.key().unwrap()).collect();
    let expected = [
        "bad/date=2026-11-01/000000000007-000000000008.jsonl.gz",
        "bad/date=2026-11-02/000000000009-000000000009.jsonl.gz",
    ];
    assert_eq!(keys, expected);
    let got = s3.get_object().bucket(&bucket).key(expected[0]).send().await.unwrap();
    let packed = got.body.collect().await.unwrap().into_bytes();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    assert_eq!(numbers(&text), [7, 8]);
    let mut writer = RejectWriter::open(&config, &contract::context("http://127.0.0.1:9")).await;
    writer.resume(None).await.unwrap();
    let error = writer.write(&[row(7, 1)]).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot write s3://rejects-"), "{error}");
    assert_eq!(writer.after(), 0);
}
