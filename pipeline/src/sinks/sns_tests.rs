//! Tests of SNS: messages read back from a queue that subscribes to the topic.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;

use super::*;
use crate::aws::Aws;
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::notices::{self, HOSTILE, hostile, largest, usual};
use crate::sinks::contract::{self, Arrived, Failure, Place as Where};
use crate::sinks::lines::arrived;
use crate::support::moto::{Moto, unique};

/// A topic with a queue, a way to it that fails when it is told to, and what was read so far.
struct Topic {
    _moto: Moto,
    way: Way,
    aws: Aws,
    topic_arn: String,
    queue_url: String,
    read: Mutex<Vec<HashMap<String, Value>>>,
}

impl Topic {
    async fn begin(suffix: &str) -> Self {
        let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
        let aws = Aws::on_loopback(moto.url());
        let (sns, sqs) = (aws.sns(&Place::default()).await, aws.sqs(&Place::default()).await);
        let mut topic = sns.create_topic().name(unique("alerts") + suffix);
        let mut queue = sqs.create_queue().queue_name(unique("alerts") + suffix);
        if !suffix.is_empty() {
            topic = topic.attributes("FifoTopic", "true");
            queue = queue.attributes(aws_sdk_sqs::types::QueueAttributeName::FifoQueue, "true");
        }
        let topic_arn = topic.send().await.unwrap().topic_arn.unwrap();
        let queue_url = queue.send().await.unwrap().queue_url.unwrap();
        let name = queue_url.rsplit('/').next().unwrap();
        let queue_arn = format!("arn:aws:sqs:eu-west-1:123456789012:{name}");
        sns.subscribe()
            .topic_arn(&topic_arn)
            .protocol("sqs")
            .endpoint(queue_arn)
            .send()
            .await
            .unwrap();
        let address = moto.url().trim_start_matches("http://").parse().unwrap();
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code>\
                    <Message>Invalid parameter: Message too long</Message></Error></ErrorResponse>";
        let way = Way::to(address, Speech::Http(400, body)).await;
        Self { _moto: moto, way, aws, topic_arn, queue_url, read: Mutex::default() }
    }

    async fn sink(&self, format: SnsFormat) -> Sns {
        let context = contract::context(&format!("http://{}", self.way.address));
        let config =
            SnsConfig { topic_arn: self.topic_arn.clone(), format, region: None, languages: None };
        Sns::open(&config, &context).await.unwrap()
    }

    /// Everything that was delivered, as SNS wraps it.
    async fn delivered(&self) -> Vec<HashMap<String, Value>> {
        let sqs = self.aws.sqs(&Place::default()).await;
        loop {
            let answer =
                sqs.receive_message().queue_url(&self.queue_url).max_number_of_messages(10);
            let messages = answer.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return self.read.lock().unwrap().clone();
            }
            for message in messages {
                let body = serde_json::from_str(message.body().unwrap()).unwrap();
                self.read.lock().unwrap().push(body);
                let receipt = message.receipt_handle().unwrap();
                let delete =
                    sqs.delete_message().queue_url(&self.queue_url).receipt_handle(receipt);
                delete.send().await.unwrap();
            }
        }
    }
}

#[async_trait]
impl Where for Topic {
    const IS_FOR_PEOPLE: bool = false;

    async fn start() -> Self {
        Self::begin("").await
    }

    async fn open(&self) -> Box<dyn Sink> {
        Box::new(self.sink(SnsFormat::Json).await)
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let one = |message: HashMap<String, Value>| {
            arrived(&format!("{}\n", message["Message"].as_str().unwrap())).remove(0)
        };
        self.delivered().await.into_iter().map(one).collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }
}

contract::contract!(keeps_the_contract, Topic);

#[tokio::test]
async fn the_message_is_the_alert_with_attributes_to_filter_by() {
    let topic = Topic::start().await;
    let mut sink = topic.sink(SnsFormat::Json).await;
    sink.send(&[usual(1)]).await[0].clone().unwrap();
    let message = topic.delivered().await.remove(0);
    let text = message["Message"].as_str().unwrap();
    assert!(text.ends_with(&usual(1).json[1..]), "{text}");
    assert_eq!(
        message["Subject"],
        "[HIGH] Security group lets the whole internet reach an admin port"
    );
    let attribute =
        |name: &str| message["MessageAttributes"][name]["Value"].as_str().unwrap().to_owned();
    assert_eq!(attribute("level"), "high");
    assert_eq!(attribute("rule"), "b217715a-a30a-4946-a4e3-0e85de78aa8e");
    assert_eq!(attribute("account"), "111122223333");
    assert_eq!(attribute("region"), "ap-northeast-1");
    assert_eq!(attribute("kind"), "new");
}

#[tokio::test]
async fn a_finding_says_what_was_left_out() {
    let topic = Topic::start().await;
    let mut sink = topic.sink(SnsFormat::Ocsf).await;
    let results = sink.send(&[usual(1), largest()]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let messages = topic.delivered().await;
    let finding = |index: usize| -> Value {
        serde_json::from_str(messages[index]["Message"].as_str().unwrap()).unwrap()
    };
    assert_eq!(finding(0)["class_uid"], 2004);
    assert!(finding(0)["metadata"].get("is_truncated").is_none());
    assert_eq!(finding(1)["metadata"]["is_truncated"], true);
    let detail = finding(1)["status_detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("event left out: askance alerts show "), "{detail}");
}

#[tokio::test]
async fn people_read_the_question() {
    let topic = Topic::start().await;
    let mut sink = topic.sink(SnsFormat::Text).await;
    sink.send(&[usual(1)]).await[0].clone().unwrap();
    let text = topic.delivered().await[0]["Message"].as_str().unwrap().to_owned();
    let question = "You opened an admin port to the whole internet. Is it meant?";
    assert!(text.contains(question) && text.contains(&usual(1).alert.id), "{text}");
}

#[tokio::test]
async fn an_ordered_topic_drops_what_is_sent_twice() {
    let topic = Topic::begin(".fifo").await;
    let mut sink = topic.sink(SnsFormat::Json).await;
    let results = sink.send(&[usual(1), usual(1), usual(2)]).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let mut ids: Vec<String> =
        topic.arrived().await.into_iter().map(|arrived| arrived.id).collect();
    ids.dedup();
    assert_eq!(ids, [usual(1).alert.id, usual(2).alert.id]);
}

#[tokio::test]
async fn a_topic_that_is_gone_or_closed_may_be_mended() {
    let topic = Topic::start().await;
    let mut sink = topic.sink(SnsFormat::Json).await;
    sink.topic_arn += "-gone";
    let results = sink.send(&[usual(1), usual(2)]).await;
    assert_eq!(results.len(), 2);
    let Err(SendError::Down(words)) = &results[0] else { panic!("{results:?}") };
    assert!(
        words.contains("cannot publish to arn:aws:sns:") && words.contains("NotFound"),
        "{words}"
    );
    assert!(!is_refusal("AuthorizationError", ""));
    assert!(!is_refusal("InvalidParameter", "Invalid parameter: TopicArn"));
    assert!(is_refusal("InvalidParameter", "Invalid parameter: Message too long"));
}

#[tokio::test]
async fn an_arn_that_is_none_is_told_of() {
    let config = SnsConfig {
        topic_arn: "alerts".to_owned(),
        format: SnsFormat::Json,
        region: None,
        languages: None,
    };
    let error = Sns::open(&config, &contract::context("http://127.0.0.1:9")).await.err().unwrap();
    assert!(!error.is_transient);
    assert_eq!(
        error.to_string(),
        "cannot set up sink people: topic_arn \"alerts\" is not the ARN of a topic, such as \
         arn:aws:sns:eu-west-1:111122223333:alerts"
    );
}

#[test]
fn subjects_are_one_short_line_of_ascii() {
    let mut notices: Vec<Notice> = HOSTILE.map(hostile).into();
    notices.push(hostile(&"long ".repeat(100)));
    let mut held_back = hostile(&"long ".repeat(100));
    held_back.kind = MessageKind::More;
    notices::repeat(&mut held_back, u64::MAX);
    notices.push(held_back);
    for notice in notices {
        let subject = subject(&notice);
        assert!(subject.len() < 100 && subject.starts_with('['), "{subject}");
        assert!(subject.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{subject}");
    }
    let mut japanese = usual(1);
    japanese.alert.rule.title = "公開された管理ポート".to_owned();
    assert_eq!(subject(&japanese), "[HIGH] b217715a-a30a-4946-a4e3-0e85de78aa8e");
}

#[test]
fn text_that_is_cut_says_where_the_whole_is() {
    let text = within("日本語".repeat(100), 100, "abc");
    assert!(text.len() <= 100 && text.ends_with("…\n\naskance alerts show abc\n"), "{text}");
    assert_eq!(within("short".to_owned(), 100, "abc"), "short");
}
