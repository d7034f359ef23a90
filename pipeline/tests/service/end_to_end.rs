//! Bucket, notification, SQS, `askance run`, SNS, SQS: the way as AWS plays it, by moto.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Event, NotificationConfiguration,
    QueueConfiguration,
};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::client::{REGION, client};
use crate::corpus::{ids, trail, trail_files};
use crate::program::{Home, get, scan, wait};
use crate::support::moto::{Moto, unique};

const ACCOUNT: &str = "123456789012";

fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")
}

/// A bucket that tells a queue, and a topic that tells another one.
struct Trail {
    moto: Moto,
    runtime: Runtime,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    /// Name of the bucket, its queue and the topic.
    name: String,
    queue_url: String,
    alerts_url: String,
    topic_arn: String,
}

impl Trail {
    fn new() -> Self {
        let moto = Moto::start();
        let runtime = Runtime::new().unwrap();
        let s3 = client!(aws_sdk_s3, moto.url(), force_path_style(true));
        let sqs = client!(aws_sdk_sqs, moto.url());
        let sns = client!(aws_sdk_sns, moto.url());
        let name = unique("trail");
        let alerts = format!("{name}-alerts");
        let (queue_url, alerts_url, topic_arn) = runtime.block_on(async {
            let create = |name: &str| sqs.create_queue().queue_name(name).send();
            let queue_url = create(&name).await.unwrap().queue_url.unwrap();
            let alerts_url = create(&alerts).await.unwrap().queue_url.unwrap();
            let topic = sns.create_topic().name(&name).send().await.unwrap().topic_arn.unwrap();
            let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs");
            let subscribe = subscribe.attributes("RawMessageDelivery", "true");
            subscribe.endpoint(arn("sqs", &alerts)).send().await.unwrap();
            let region = BucketLocationConstraint::from(REGION);
            let region = CreateBucketConfiguration::builder().location_constraint(region).build();
            let create = s3.create_bucket().bucket(&name).create_bucket_configuration(region);
            create.send().await.unwrap();
            let queue = QueueConfiguration::builder()
                .queue_arn(arn("sqs", &name))
                .events(Event::S3ObjectCreated)
                .build()
                .unwrap();
            let told = NotificationConfiguration::builder().queue_configurations(queue).build();
            let notify = s3.put_bucket_notification_configuration().bucket(&name);
            notify.notification_configuration(told).send().await.unwrap();
            (queue_url, alerts_url, topic)
        });
        Self { moto, runtime, s3, sqs, name, queue_url, alerts_url, topic_arn }
    }

    fn home(&self) -> Home {
        let config = format!(
            "sources:\n    trail: {{type: s3_queue, queue_url: \"{}\", buckets: [{}], visibility: 3s}}\n\
             sinks:\n    file: {{type: file, path: alerts.jsonl}}\n    people: {{type: sns, topic_arn: \"{}\"}}\n\
             routes:\n    - {{to: [file, people]}}\n\
             alerts: {{merge_window: 0s}}\n\
             store: {{type: sqlite, path: askance.db}}\n\
             rejects: {{type: file, path: rejects.jsonl}}\n\
             metrics: {{listen: \"127.0.0.1:0\"}}\n\
             aws: {{s3_path_style: true}}\n",
            self.queue_url, self.name, self.topic_arn
        );
        Home::new(&config, self.moto.environment())
    }

    fn put(&self, key: &str, bytes: Vec<u8>) {
        let put = self.s3.put_object().bucket(&self.name).key(key).body(bytes.into());
        self.runtime.block_on(put.send()).unwrap();
    }

    fn send(&self, body: &str) {
        let send = self.sqs.send_message().queue_url(&self.queue_url).message_body(body);
        self.runtime.block_on(send.send()).unwrap();
    }

    /// Messages in the bucket's queue: those that can be received, and those in hand.
    fn messages(&self) -> (u32, u32) {
        let (visible, hidden) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let ask = self.sqs.get_queue_attributes().queue_url(&self.queue_url);
        let ask = ask.attribute_names(visible.clone()).attribute_names(hidden.clone());
        let counts = self.runtime.block_on(ask.send()).unwrap().attributes.unwrap();
        let count = |name| counts[&name].parse().unwrap();
        (count(visible), count(hidden))
    }

    /// Takes what the subscriber has got.
    fn told(&self) -> Vec<Value> {
        let mut alerts = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.alerts_url);
            let receive = receive.max_number_of_messages(10).visibility_timeout(600);
            let answer = self.runtime.block_on(receive.send()).unwrap();
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                return alerts;
            }
            let bodies = messages.iter().map(|message| message.body.as_deref().unwrap());
            alerts.extend(bodies.map(|body| serde_json::from_str::<Value>(body).unwrap()));
        }
    }
}

/// Alerts as lines without `origin`, which names the file or the object.
fn without_origin(alerts: &[Value]) -> BTreeSet<String> {
    let line = |alert: &Value| {
        let mut alert = alert.clone();
        assert!(alert.as_object_mut().unwrap().remove("origin").is_some(), "{alert}");
        alert.to_string()
    };
    alerts.iter().map(line).collect()
}

#[test]
fn alerts_go_from_bucket_to_subscriber_as_scan_finds_them() {
    let expected = scan(&trail());
    assert!(!expected.is_empty());
    let trail = Trail::new();
    let home = trail.home();
    for (key, bytes) in trail_files() {
        trail.put(&key, bytes);
    }
    let program = home.start();
    let pages = program.pages();
    wait("all messages are deleted", || trail.messages() == (0, 0));
    wait("all alerts are sent", || home.waiting() == 0);

    assert_eq!(ids(&trail.told()), ids(&expected));
    assert_eq!(without_origin(&home.alerts("alerts.jsonl")), without_origin(&expected));
    let (status, text) = get(&format!("{pages}/readyz"));
    assert_eq!((status, text.as_str()), (200, "ok\n"));
    let (status, text) = get(&format!("{pages}/metrics"));
    assert_eq!(status, 200);
    let objects = trail_files().len();
    let told =
        format!("askance_source_objects_total{{outcome=\"done\",source=\"trail\"}} {objects}");
    assert!(text.lines().any(|line| line == told), "{told} is not in\n{text}");
    program.stop();

    // The same objects are told of again: nothing is read twice.
    for (key, bytes) in trail_files() {
        trail.put(&key, bytes);
    }
    let program = home.start();
    wait("all messages are deleted", || trail.messages() == (0, 0));
    wait("nothing waits", || home.waiting() == 0);
    let said = program.stop();
    assert!(!said.iter().any(|line| line["point"] == "fetched"), "an object was fetched twice");
    assert_eq!(trail.told(), Vec::<Value>::new());
    assert_eq!(ids(&home.alerts("alerts.jsonl")), ids(&expected));
    assert_eq!(home.known(), objects as u64);
}

#[test]
fn damage_does_not_stop_the_service() {
    let expected = scan(&trail());
    let trail = Trail::new();
    let home = trail.home();
    let damaged = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/03/02/damaged.json.gz";
    let files = trail_files();
    let mut cut = files[0].1.clone();
    cut.truncate(cut.len() / 2);
    trail.put(damaged, cut);
    trail.send("this is no notification");
    let program = home.start();
    wait("both are refused", || home.ask(&["rejects", "list"]).len() >= 2);
    for (key, bytes) in files {
        trail.put(&key, bytes);
    }
    // The message that is no notification stays, for the queue's own dead letters.
    wait("the others are deleted", || {
        let (visible, hidden) = trail.messages();
        visible + hidden == 1 && home.known() >= 14
    });
    wait("all alerts are sent", || home.waiting() == 0);
    program.stop();

    let found = ids(&home.alerts("alerts.jsonl"));
    assert!(found.is_superset(&ids(&expected)));
    assert_eq!(ids(&trail.told()), found);
    let rejects = home.ask(&["rejects", "list"]);
    let of = |reason: &str| rejects.iter().filter(|row| row["reason"] == reason).count();
    assert_eq!(of("bad_message"), 1, "{rejects:?}");
    assert!(rejects.iter().any(|row| row["origin"].as_str().unwrap().ends_with(damaged)));
}
