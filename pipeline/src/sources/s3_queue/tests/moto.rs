//! The queue against AWS as moto plays it: the contract of sources, and every way that a
//! notification takes.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Event, EventBridgeConfiguration,
    NotificationConfiguration, QueueConfiguration, TopicConfiguration,
};
use aws_sdk_sqs::types::QueueAttributeName;

use super::super::S3Queue;
use crate::aws::{Aws, Place as At};
use crate::config::{BucketConfig, ByteSize, S3QueueConfig, Span};
use crate::sources::Source;
use crate::sources::tests::contract::{self, Place};
use crate::sources::tests::double::Runtime;
use crate::support::moto::{Moto, unique};

const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "123456789012";

/// A bucket that notifies a queue.
struct Trail {
    _moto: Moto,
    aws: Aws,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    name: String,
    queue_url: String,
}

fn arn(service: &str, name: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{name}")
}

impl Trail {
    async fn new() -> Self {
        let moto = Moto::start();
        let aws = Aws::on_loopback(moto.url());
        let (s3, sqs) = (aws.s3(&At::default()).await, aws.sqs(&At::default()).await);
        let name = unique("trail");
        let queue_url =
            sqs.create_queue().queue_name(&name).send().await.unwrap().queue_url.unwrap();
        let trail = Self { _moto: moto, aws, s3, sqs, name, queue_url };
        let queue = QueueConfiguration::builder()
            .queue_arn(arn("sqs", &trail.name))
            .events(Event::S3ObjectCreated)
            .build()
            .unwrap();
        let to_queue = NotificationConfiguration::builder().queue_configurations(queue).build();
        trail.bucket(&trail.name, to_queue).await;
        trail
    }

    async fn bucket(&self, name: &str, notifications: NotificationConfiguration) {
        let place = BucketLocationConstraint::from(REGION);
        let place = CreateBucketConfiguration::builder().location_constraint(place).build();
        let create = self.s3.create_bucket().bucket(name).create_bucket_configuration(place);
        create.send().await.unwrap();
        let notify = self.s3.put_bucket_notification_configuration().bucket(name);
        notify.notification_configuration(notifications).send().await.unwrap();
    }

    async fn object(&self, bucket: &str, key: &str, text: &str) {
        let body = text.as_bytes().to_vec().into();
        self.s3.put_object().bucket(bucket).key(key).body(body).send().await.unwrap();
    }

    /// Messages in the queue, hidden or not.
    async fn messages(&self) -> u32 {
        let (visible, hidden) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let ask = self.sqs.get_queue_attributes().queue_url(&self.queue_url);
        let ask = ask.attribute_names(visible).attribute_names(hidden);
        let counts = ask.send().await.unwrap().attributes.unwrap();
        counts.values().map(|count| count.parse::<u32>().unwrap()).sum()
    }

    fn source(&self, buckets: &[&str]) -> Box<dyn Source> {
        let bucket = |name: &&str| BucketConfig {
            name: (*name).to_owned(),
            prefixes: Vec::new(),
            region: None,
            role_arn: None,
            external_id: None,
            requester_pays: false,
        };
        let config = S3QueueConfig {
            queue_url: self.queue_url.clone(),
            replay_queue_url: None,
            buckets: buckets.iter().map(bucket).collect(),
            region: None,
            visibility: Span::seconds(2),
            max_receives: 20,
            concurrency: 4,
            max_object: ByteSize::mib(1),
        };
        Box::new(S3Queue::open(&config, &self.aws).unwrap())
    }
}

#[async_trait]
impl Place for Trail {
    async fn put(&mut self, name: &str, line: &str) {
        let name = format!("AWSLogs/1/CloudTrail/{name}");
        self.object(&self.name.clone(), &name, line).await;
    }

    fn open(&self) -> Box<dyn Source> {
        self.source(&[&self.name])
    }

    async fn is_acknowledged(&mut self) {
        let began = Instant::now();
        while self.messages().await > 0 {
            assert!(began.elapsed() < Duration::from_secs(60), "messages stay in the queue");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn is_not_acknowledged(&mut self) {
        assert!(self.messages().await > 0, "the message was deleted");
    }

    async fn break_off(&mut self) {
        self.sqs.delete_queue().queue_url(&self.queue_url).send().await.unwrap();
    }

    async fn mend(&mut self) {
        let made = self.sqs.create_queue().queue_name(&self.name).send().await.unwrap();
        assert_eq!(made.queue_url(), Some(self.queue_url.as_str()));
    }
}

#[tokio::test]
async fn everything_comes_out_once() {
    contract::everything_comes_out_once(&mut Trail::new().await).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_done() {
    contract::nothing_is_acknowledged_before_it_is_done(&mut Trail::new().await).await;
}

#[tokio::test]
async fn what_is_given_back_comes_again() {
    contract::what_is_given_back_comes_again(&mut Trail::new().await).await;
}

#[tokio::test]
async fn a_restart_reads_nothing_twice() {
    contract::a_restart_reads_nothing_twice(&mut Trail::new().await).await;
}

#[tokio::test]
async fn stop_ends_it_and_loses_nothing() {
    contract::stop_ends_it_and_loses_nothing(&mut Trail::new().await).await;
}

#[tokio::test]
async fn an_unreachable_place_recovers() {
    contract::an_unreachable_place_recovers(&mut Trail::new().await).await;
}

/// S3 to SQS; to SNS, wrapped and raw; to EventBridge: all end in one queue.
#[tokio::test]
async fn a_notification_arrives_by_every_way() {
    let trail = Trail::new().await;
    let (sns, bridge) =
        (trail.aws.sns(&At::default()).await, trail.aws.eventbridge(&At::default()).await);
    let mut buckets = vec![trail.name.clone()];
    for is_raw in ["false", "true"] {
        let name = unique("by-sns");
        let topic = sns.create_topic().name(&name).send().await.unwrap().topic_arn.unwrap();
        let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs");
        let subscribe = subscribe.endpoint(arn("sqs", &trail.name));
        subscribe.attributes("RawMessageDelivery", is_raw).send().await.unwrap();
        let to_topic =
            TopicConfiguration::builder().topic_arn(&topic).events(Event::S3ObjectCreated);
        let to_topic = to_topic.build().unwrap();
        let notify = NotificationConfiguration::builder().topic_configurations(to_topic).build();
        trail.bucket(&name, notify).await;
        buckets.push(name);
    }
    let name = unique("by-events");
    let rule = bridge.put_rule().name(&name);
    rule.event_pattern(r#"{"source": ["aws.s3"], "detail-type": ["Object Created"]}"#)
        .send()
        .await
        .unwrap();
    let queue = aws_sdk_eventbridge::types::Target::builder().id("1").arn(arn("sqs", &trail.name));
    let targets = bridge.put_targets().rule(&name).targets(queue.build().unwrap());
    targets.send().await.unwrap();
    let all = EventBridgeConfiguration::builder().build();
    let notify = NotificationConfiguration::builder().event_bridge_configuration(all).build();
    trail.bucket(&name, notify).await;
    buckets.push(name);

    let mut expected: Vec<String> = Vec::new();
    for bucket in &buckets {
        trail.object(bucket, "AWSLogs/a b/ü=1.json", bucket).await;
        expected.push(format!("s3://{bucket}/AWSLogs/a b/ü=1.json"));
    }
    let mut runtime = Runtime::new();
    let names: Vec<&str> = buckets.iter().map(String::as_str).collect();
    let running = runtime.run(trail.source(&names));
    let mut found = Vec::new();
    for _ in &buckets {
        let (path, bytes) = runtime.commit_next().await;
        assert!(path.contains(std::str::from_utf8(&bytes).unwrap()), "{path}");
        found.push(path);
    }
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let mut trail = trail;
    trail.is_acknowledged().await;
    running.stopped().await;
}
