//! `askance replay` and `backtest` against AWS as moto plays it: layouts, archives, SQS.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, StorageClass};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::client::{REGION, client};
use crate::corpus::{ids, objects, trail, trail_files};
use crate::program::{Home, json_lines, scan, wait};
use crate::support::moto::{Moto, unique};

pub(crate) const MARCH: [&str; 4] = ["--from", "2026-03-01", "--to", "2026-03-31"];

/// A bucket with a past, and a home whose configuration reaches it.
pub(crate) struct Past {
    _moto: Moto,
    runtime: Runtime,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    pub(crate) bucket: String,
    pub(crate) home: Home,
}

impl Past {
    pub(crate) fn new() -> Self {
        let moto = Moto::start();
        let runtime = Runtime::new().unwrap();
        let s3 = client!(aws_sdk_s3, moto.url(), force_path_style(true));
        let sqs = client!(aws_sdk_sqs, moto.url());
        let bucket = unique("past");
        let place = BucketLocationConstraint::from(REGION);
        let place = CreateBucketConfiguration::builder().location_constraint(place).build();
        let create = s3.create_bucket().bucket(&bucket).create_bucket_configuration(place);
        runtime.block_on(create.send()).unwrap();
        let home = Home::new("aws: {s3_path_style: true}\n", moto.environment());
        Self { _moto: moto, runtime, s3, sqs, bucket, home }
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8], class: Option<StorageClass>) {
        let body = ByteStream::from(bytes.to_vec());
        let put = self.s3.put_object().bucket(&self.bucket).key(key).body(body);
        self.runtime.block_on(put.set_storage_class(class).send()).unwrap();
    }

    fn queue(&self, name: &str) -> String {
        let made = self.runtime.block_on(self.sqs.create_queue().queue_name(unique(name)).send());
        made.unwrap().queue_url.unwrap()
    }

    fn replay(&self, prefix: &str, more: &[&str]) -> (i32, String, String) {
        let url = format!("s3://{}/{prefix}", self.bucket);
        let common = ["replay", url.as_str(), "--config", "askance.yaml", "--jobs-dir", "jobs"];
        self.home.run(&[&common, more].concat())
    }

    #[track_caller]
    pub(crate) fn found(&self, prefix: &str, more: &[&str]) -> Vec<Value> {
        let (code, out, err) =
            self.replay(prefix, &[&MARCH[..], &["--format", "jsonl"], more].concat());
        assert_eq!(code, 0, "{err}");
        json_lines(&out)
    }
}

#[test]
fn every_layout_is_read() {
    let past = Past::new();
    // The example trail has an organisation; others have a prefix, or regions of other partitions.
    for (key, bytes) in trail_files() {
        past.put(&key, &bytes, None);
    }
    let (few, expected) = objects(6);
    let named = few[0].key.replace("us-east-1", "us-gov-west-1");
    past.put(&format!("team/a/{}", few[0].key), &few[0].bytes, None);
    past.put(&named, &few[2].bytes, None);
    past.put(&few[4].key.replace("us-east-1", "cn-north-1"), &few[4].bytes, None);
    let digest = "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/03/02/d.json.gz";
    past.put(digest, b"{}", None);

    // The trail began before the account joined the organisation, and both layouts stand in it.
    let in_trail = ids(&scan(&trail()));
    let in_organisation = ids(&scan(&trail().join("AWSLogs/o-exampleorgid")));
    assert!(in_organisation.len() < in_trail.len());
    assert_eq!(ids(&past.found("AWSLogs/o-exampleorgid/", &[])), in_organisation);
    let all = ids(&past.found("", &[]));
    assert!(all.is_superset(&in_trail) && all.len() > in_trail.len());
    let in_prefix = ids(&past.found("team/a", &[]));
    assert!(!in_prefix.is_empty() && in_prefix.is_subset(&expected));
    let in_china = past.found("AWSLogs/123456789012/CloudTrail/cn-north-1/2026/03", &[]);
    assert!(!in_china.is_empty() && ids(&in_china).is_subset(&expected));
    let none = past.found("AWSLogs/o-exampleorgid", &["--account", "111122223333"]);
    assert!(none.iter().all(|alert| alert["account"] == "111122223333"));
    let (code, _, err) = past.replay("team/b", &MARCH);
    assert_eq!(code, 2);
    assert!(err.contains(&format!("in s3://{}/team/ there are: team/a/", past.bucket)), "{err}");
}

#[test]
fn archived_objects_are_told_and_the_others_read() {
    let past = Past::new();
    let (objects, expected) = objects(6);
    for (number, object) in objects.iter().enumerate() {
        past.put(&object.key, &object.bytes, (number == 0).then_some(StorageClass::Glacier));
    }
    let args = [&MARCH[..], &["--format", "jsonl"]].concat();
    let (code, out, err) = past.replay("AWSLogs", &args);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("in an archive: 1 object, to be restored in S3"), "{err}");
    assert!(err.contains("could not be fetched: 1 archived"), "{err}");
    let found = ids(&json_lines(&out));
    assert!(found.is_subset(&expected) && found.len() < expected.len() && !found.is_empty());
    let (code, _, _) = past.replay("AWSLogs", &[&MARCH[..], &["--allow-unreadable"]].concat());
    assert_eq!(code, 0);
}

#[test]
fn a_fleet_reads_the_past_from_a_queue_of_its_own() {
    let past = Past::new();
    let (objects, expected) = objects(6);
    for object in &objects {
        past.put(&object.key, &object.bytes, None);
    }
    let (live, queue) = (past.queue("live"), past.queue("past"));
    let args = [&MARCH[..], &["--enqueue", &queue]].concat();
    let (code, out, err) = past.replay("", &args);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    past.home.configure(&format!(
        "sources: {{trail: {{type: s3_queue, queue_url: \"{live}\", replay_queue_url: \"{queue}\", \
         buckets: [{}]}}}}\nsinks: {{file: {{type: file, path: alerts.jsonl}}}}\n\
         alerts: {{merge_window: 0s}}\nstore: {{type: sqlite, path: askance.db}}\n\
         aws: {{s3_path_style: true}}\n",
        past.bucket
    ));
    let program = past.home.start();
    wait("the fleet has read everything", || past.home.known() == 6);
    wait("everything is told", || past.home.waiting() == 0);
    program.stop();
    let told = past.home.alerts("alerts.jsonl");
    assert_eq!(ids(&told), expected);
    assert!(told.iter().all(|alert| alert["historic"] == true));
}
