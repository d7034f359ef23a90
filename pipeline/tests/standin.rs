//! The stand-in for AWS that loads the service (`benches/src/standin`), as AWS's own SDKs see it.

#![expect(clippy::unwrap_used, reason = "a test may stop at once, its helpers too")]

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use askance_benches::generate::{CorpusConfig, write_corpus};
use askance_benches::standin::{FeedConfig, Rate, Standin, StandinConfig};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sns::types::PublishBatchRequestEntry;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message,
    MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};
use serde_json::{Value, json};

/// A running stand-in and clients of it. It ends with the test's runtime.
struct Place {
    endpoint: String,
    queue_url: String,
    topic_arn: String,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
}

/// The same settings for the client of any service; faults are seen at once, without retries.
macro_rules! client {
    ($service:ident, $endpoint:expr $(, $more:ident($value:expr))*) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
                .region(Region::new("eu-west-1"))
                .endpoint_url($endpoint)
                .retry_config(RetryConfig::disabled())
                $(.$more($value))*
                .build(),
        )
    };
}

impl Place {
    async fn start(config: StandinConfig) -> Self {
        let standin = Standin::bind(config).await.unwrap();
        let (endpoint, queue_url) = (standin.endpoint(), standin.queue_url());
        let topic_arn = standin.topic_arn();
        tokio::spawn(standin.serve());
        Self {
            s3: client!(aws_sdk_s3, &endpoint, force_path_style(true)),
            sqs: client!(aws_sdk_sqs, &endpoint),
            sns: client!(aws_sdk_sns, &endpoint),
            endpoint,
            queue_url,
            topic_arn,
        }
    }

    async fn empty() -> Self {
        Self::start(StandinConfig::default()).await
    }

    async fn put(&self, key: &str, body: &'static str) -> String {
        let body = ByteStream::from_static(body.as_bytes());
        let put = self.s3.put_object().bucket("trail").key(key).body(body).send().await.unwrap();
        put.e_tag.unwrap()
    }

    async fn send(&self, body: &str) {
        let send = self.sqs.send_message().queue_url(&self.queue_url).message_body(body);
        send.send().await.unwrap();
    }

    async fn receive(&self, wait: i32) -> Vec<Message> {
        let receive = self.sqs.receive_message().queue_url(&self.queue_url).wait_time_seconds(wait);
        let receive = receive.max_number_of_messages(10);
        let receive = receive
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    async fn ask(&self, path: &str) -> Value {
        let text = reqwest::get(format!("{}{path}", self.endpoint)).await.unwrap().text().await;
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    async fn order(&self, orders: Value) -> (u16, Value) {
        let request = reqwest::Client::new().post(format!("{}/_control", self.endpoint));
        let answer = request.body(orders.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}

fn receives(message: &Message) -> &str {
    &message.attributes.as_ref().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

/// The status and code of an error of any client.
macro_rules! refused {
    ($sent:expr) => {{
        let error = $sent.await.unwrap_err();
        let status = error.raw_response().map(|response| response.status().as_u16());
        (status, error.code().map(str::to_owned))
    }};
}

fn refusal(status: u16, code: &str) -> (Option<u16>, Option<String>) {
    (Some(status), Some(code.to_owned()))
}

#[tokio::test]
async fn an_object_is_put_and_read_whole_and_in_ranges() {
    let place = Place::empty().await;
    let etag = place.put("a b/é.json", "0123456789").await;
    assert_eq!(etag, "\"781e5e245d69b566979b86e28d23f2c7\"");
    let get = || place.s3.get_object().bucket("trail").key("a b/é.json");
    let whole = get().send().await.unwrap();
    assert_eq!(whole.content_length, Some(10));
    assert_eq!(whole.e_tag.as_ref(), Some(&etag));
    assert!(whole.last_modified.is_some());
    assert_eq!(whole.body.collect().await.unwrap().into_bytes(), "0123456789");

    let some = get().range("bytes=4-").if_match(&etag).send().await.unwrap();
    assert_eq!(some.content_range.as_deref(), Some("bytes 4-9/10"));
    assert_eq!(some.content_length, Some(6));
    assert_eq!(some.body.collect().await.unwrap().into_bytes(), "456789");

    assert_eq!(refused!(get().range("bytes=10-").send()), refusal(416, "InvalidRange"));
    let changed = get().range("bytes=4-").if_match("\"other\"").send();
    assert_eq!(refused!(changed), refusal(412, "PreconditionFailed"));

    let head = place.s3.head_object().bucket("trail").key("a b/é.json").send().await.unwrap();
    assert_eq!((head.content_length, head.e_tag), (Some(10), Some(etag)));
}

#[tokio::test]
async fn a_streamed_body_is_taken_out_of_its_chunks() {
    let place = Place::empty().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&b"some text ".repeat(20_000)).unwrap();
    let body = ByteStream::from_path(file.path()).await.unwrap();
    place.s3.put_object().bucket("trail").key("big").body(body).send().await.unwrap();
    let get = place.s3.get_object().bucket("trail").key("big").send().await.unwrap();
    assert_eq!(get.body.collect().await.unwrap().into_bytes(), b"some text ".repeat(20_000));
}

#[tokio::test]
async fn what_is_not_there_is_told_as_s3_does() {
    let place = Place::empty().await;
    let get = |bucket: &str| place.s3.get_object().bucket(bucket).key("none");
    let error = get("trail").send().await.unwrap_err().into_service_error();
    assert!(error.is_no_such_key(), "{error:?}");
    assert_eq!(refused!(get("other").send()), refusal(404, "NoSuchBucket"));
    let head = place.s3.head_object().bucket("trail").key("none").send().await;
    assert!(head.unwrap_err().into_service_error().is_not_found());
    assert_eq!(refused!(place.s3.list_buckets().send()), refusal(501, "NotImplemented"));
}

#[tokio::test]
async fn listing_goes_page_by_page() {
    let place = Place::empty().await;
    for key in ["a/1", "a/2", "b <&>", "c/1", "c/2"] {
        place.put(key, "text").await;
    }
    let mut keys = Vec::new();
    let pages = place.s3.list_objects_v2().bucket("trail").max_keys(2);
    let mut pages = pages.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.key_count.unwrap() <= 2);
        keys.extend(page.contents.unwrap_or_default().into_iter().map(|object| {
            assert_eq!(object.size, Some(4));
            assert!(object.last_modified.is_some() && object.e_tag.is_some());
            object.key.unwrap()
        }));
    }
    assert_eq!(keys, ["a/1", "a/2", "b <&>", "c/1", "c/2"]);

    let folders = place.s3.list_objects_v2().bucket("trail").delimiter("/").send().await.unwrap();
    let prefixes: Vec<_> =
        folders.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap()).collect();
    assert_eq!(prefixes, ["a/", "c/"]);
    assert_eq!(folders.contents().len(), 1);

    let later = place.s3.list_objects_v2().bucket("trail").prefix("c/").start_after("c/1");
    assert_eq!(later.send().await.unwrap().contents()[0].key(), Some("c/2"));
}

#[tokio::test]
async fn messages_are_hidden_given_again_and_deleted() {
    let place = Place::empty().await;
    place.send("one").await;
    let first = place.receive(0).await.remove(0);
    assert_eq!(first.body.as_deref(), Some("one"));
    assert_eq!(first.md5_of_body.as_deref(), Some("f97c5d29941bfb1b2fdab0874906ab82"));
    assert_eq!(receives(&first), "1");
    assert!(place.receive(0).await.is_empty());

    let handle = first.receipt_handle.unwrap();
    let change = place.sqs.change_message_visibility().queue_url(&place.queue_url);
    change.receipt_handle(&handle).visibility_timeout(0).send().await.unwrap();
    let second = place.receive(0).await.remove(0);
    assert_eq!(receives(&second), "2");

    let delete = |handle: &str| {
        place.sqs.delete_message().queue_url(&place.queue_url).receipt_handle(handle).send()
    };
    delete(&handle).await.unwrap();
    assert_eq!(place.ask("/_stats").await["queues"]["trail"]["deleted"], 0);
    delete(&second.receipt_handle.unwrap()).await.unwrap();
    assert_eq!(place.ask("/_stats").await["queues"]["trail"]["deleted"], 1);
    assert_eq!(refused!(delete("nonsense")), refusal(400, "ReceiptHandleIsInvalid"));
}

#[tokio::test]
async fn a_receive_that_waits_is_woken() {
    let place = Place::empty().await;
    let began = Instant::now();
    let (messages, ()) = tokio::join!(place.receive(20), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        place.send("late").await;
    });
    assert_eq!(messages.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(place.receive(1).await.is_empty());
}

#[tokio::test]
async fn a_message_shows_again_while_a_receive_waits() {
    let config = StandinConfig { visibility: Duration::from_secs(1), ..StandinConfig::default() };
    let place = Place::start(config).await;
    place.send("again").await;
    assert_eq!(receives(&place.receive(0).await[0]), "1");
    assert_eq!(receives(&place.receive(20).await[0]), "2");
}

#[tokio::test]
async fn batches_tell_each_entry_apart() {
    let place = Place::empty().await;
    let entry = |id: &str| {
        let entry = SendMessageBatchRequestEntry::builder().id(id).message_body(id);
        entry.build().unwrap()
    };
    let sent = place.sqs.send_message_batch().queue_url(&place.queue_url);
    let sent = sent.entries(entry("a")).entries(entry("b")).send().await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed().len()), (2, 0));
    let messages = place.receive(0).await;
    assert_eq!(messages.len(), 2);
    let handles: Vec<_> = messages.iter().map(|one| one.receipt_handle().unwrap()).collect();

    let change = |id: &str, handle: &str| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id);
        entry.receipt_handle(handle).visibility_timeout(60).build().unwrap()
    };
    let changed = place.sqs.change_message_visibility_batch().queue_url(&place.queue_url);
    let changed = changed.entries(change("a", handles[0])).entries(change("b", "nonsense"));
    let changed = changed.send().await.unwrap();
    assert_eq!(changed.successful()[0].id(), "a");
    assert_eq!(changed.failed()[0].code(), "ReceiptHandleIsInvalid");
    assert!(changed.failed()[0].sender_fault());

    let delete = |id: &str, handle: &str| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle);
        entry.build().unwrap()
    };
    let deleted = place.sqs.delete_message_batch().queue_url(&place.queue_url);
    let deleted = deleted.entries(delete("a", handles[0])).entries(delete("b", handles[1]));
    assert_eq!(deleted.send().await.unwrap().successful().len(), 2);
    let nothing = place.sqs.delete_message_batch().queue_url(&place.queue_url);
    let nothing = nothing.set_entries(Some(Vec::new())).send();
    assert_eq!(refused!(nothing), refusal(400, "AWS.SimpleQueueService.EmptyBatchRequest"));
}

#[tokio::test]
async fn a_message_that_comes_too_often_goes_to_the_dead() {
    let config = StandinConfig {
        visibility: Duration::ZERO,
        max_receives: Some(2),
        ..StandinConfig::default()
    };
    let place = Place::start(config).await;
    place.send("poison").await;
    for count in ["1", "2"] {
        assert_eq!(receives(&place.receive(0).await[0]), count);
    }
    assert!(place.receive(0).await.is_empty());
    let dead = place.sqs.get_queue_url().queue_name("trail-dead").send().await.unwrap();
    let dead = place.sqs.receive_message().queue_url(dead.queue_url.unwrap()).send().await.unwrap();
    assert_eq!(dead.messages()[0].body(), Some("poison"));
    let about = place.sqs.get_queue_attributes().queue_url(&place.queue_url);
    let about = about.attribute_names(QueueAttributeName::All).send().await.unwrap();
    let about = about.attributes.unwrap();
    assert_eq!(about[&QueueAttributeName::ApproximateNumberOfMessages], "0");
    assert!(about[&QueueAttributeName::RedrivePolicy].contains("trail-dead"));
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_told() {
    let place = Place::empty().await;
    let other = place.queue_url.replace("/trail", "/other");
    let error = place.sqs.receive_message().queue_url(other).send().await.unwrap_err();
    assert!(error.into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn published_messages_are_kept_with_their_attributes() {
    let place = Place::empty().await;
    let attribute = aws_sdk_sns::types::MessageAttributeValue::builder();
    let attribute = attribute.data_type("String").string_value("high").build().unwrap();
    let publish = place.sns.publish().topic_arn(&place.topic_arn).subject("HIGH: a");
    let publish = publish.message("text & <more> あ").message_attributes("level", attribute);
    assert!(publish.send().await.unwrap().message_id.is_some());

    let entry = |id: &str, message: &str| {
        PublishBatchRequestEntry::builder().id(id).message(message).build().unwrap()
    };
    let batch = place.sns.publish_batch().topic_arn(&place.topic_arn);
    let batch = batch.publish_batch_request_entries(entry("a", "second"));
    let batch = batch.publish_batch_request_entries(entry("b", &"x".repeat(300_000)));
    let batch = batch.send().await.unwrap();
    assert_eq!(batch.successful()[0].id(), Some("a"));
    assert_eq!(batch.failed()[0].id(), "b");

    let kept = place.ask("/_published").await;
    assert_eq!(kept[0]["message"], "text & <more> あ");
    assert_eq!(kept[0]["subject"], "HIGH: a");
    assert_eq!(kept[0]["attributes"]["level"], json!({"type": "String", "value": "high"}));
    assert_eq!(place.ask("/_published?from=2").await.as_array().unwrap().len(), 1);

    let bad = place.sns.publish().topic_arn(&place.topic_arn).subject("two\nlines").message("a");
    assert_eq!(refused!(bad.send()), refusal(400, "InvalidParameter"));
}

#[tokio::test]
async fn faults_hit_the_requests_that_they_name() {
    let place = Place::empty().await;
    place.put("a", "0123456789").await;
    let faults = json!({"faults": [
        "GetObject@1=status:503", "GetObject@2=cut:4", "GetObject@3=slow:20",
        "Publish@1=status:429", "SendMessage@1=lost:500", "ReceiveMessage@1=hang:0.1",
    ]});
    assert_eq!(place.order(faults).await.0, 200);
    let get = || place.s3.get_object().bucket("trail").key("a").send();
    assert_eq!(refused!(get()), refusal(503, "SlowDown"));
    let cut = get().await.unwrap();
    assert_eq!(cut.content_length, Some(10));
    assert!(cut.body.collect().await.is_err());
    let began = Instant::now();
    assert_eq!(get().await.unwrap().body.collect().await.unwrap().into_bytes(), "0123456789");
    assert!(began.elapsed() >= Duration::from_millis(450), "{:?}", began.elapsed());
    assert_eq!(get().await.unwrap().content_length, Some(10));

    let publish = || place.sns.publish().topic_arn(&place.topic_arn).message("a").send();
    assert_eq!(refused!(publish()), refusal(429, "Throttling"));
    publish().await.unwrap();

    let send = || place.sqs.send_message().queue_url(&place.queue_url).message_body("a").send();
    assert_eq!(refused!(send()), refusal(500, "InternalFailure"));
    let receive = place.sqs.receive_message().queue_url(&place.queue_url).send();
    assert_eq!(refused!(receive), refusal(503, "ServiceUnavailable"));
    assert_eq!(place.receive(0).await.len(), 1, "it was sent, though the answer was lost");

    let stats = place.ask("/_stats").await;
    assert_eq!(stats["requests"]["GetObject"], 4);
    assert_eq!(stats["failed_on_purpose"]["GetObject"], 3);
}

#[tokio::test]
async fn the_bytes_before_a_cut_arrive() {
    let place = Place::empty().await;
    place.put("a", "0123456789").await;
    place.order(json!({"faults": ["GetObject@1=cut:4"]})).await;
    let address = place.endpoint.strip_prefix("http://").unwrap().to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.write_all(b"GET /trail/a HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        // It ends with an error or without one, as the system likes.
        let _ = socket.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    });
    let answer = read.await.unwrap();
    assert!(answer.contains("content-length: 10\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n0123"), "{answer}");
}

#[tokio::test]
async fn orders_that_cannot_be_read_change_nothing() {
    let place = Place::empty().await;
    for orders in [json!({"faults": ["a"]}), json!({"rate": "fast"}), json!({"speed": 1})] {
        let (status, answer) = place.order(orders).await;
        assert_eq!(status, 400);
        assert!(answer["error"].as_str().unwrap().starts_with("cannot read"), "{answer}");
    }
    assert_eq!(
        place.ask("/_other").await["error"].as_str().map(|text| text.contains("/_stats")),
        Some(true)
    );
}

#[tokio::test]
async fn a_corpus_becomes_messages_whose_objects_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = CorpusConfig { files: 3, bytes: 90_000, accounts: 2, ..CorpusConfig::default() };
    write_corpus(&corpus, folder.path()).unwrap();
    let feed =
        FeedConfig { repeat: 2, duplicate_every: 3, incident_every: 2, ..FeedConfig::default() };
    let config =
        StandinConfig { corpus: Some(folder.path().to_owned()), feed, ..StandinConfig::default() };
    let place = Place::start(config).await;
    let mut keys = Vec::new();
    while keys.len() < 8 {
        for message in place.receive(5).await {
            let body: Value = serde_json::from_str(message.body().unwrap()).unwrap();
            let object = &body["Records"][0]["s3"]["object"];
            let key = object["key"].as_str().unwrap().to_owned();
            let get = place.s3.get_object().bucket("trail").key(&key);
            let get = get.if_match(object["eTag"].as_str().unwrap()).send().await.unwrap();
            let packed = get.body.collect().await.unwrap().into_bytes();
            assert_eq!(Some(packed.len() as u64), object["size"].as_u64());
            let mut text = String::new();
            flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
            let file: Value = serde_json::from_str(&text).unwrap();
            assert!(file["Records"].as_array().unwrap().len() > 1);
            keys.push(key);
        }
    }
    assert!(place.receive(0).await.is_empty(), "two rounds of three objects, two of them twice");
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 6);

    let alert = "stopped: trail/standin-000000000002, trail/standin-000000000003";
    place.sns.publish().topic_arn(&place.topic_arn).message(alert).send().await.unwrap();
    let stats = place.ask("/_stats").await;
    assert_eq!(stats["feed"]["incidents"], 3);
    assert_eq!(stats["published"]["incidents_told"], 2);
    assert_eq!(stats["published"]["incidents_waiting"], 1);
    assert_eq!(stats["published"]["seconds"]["count"], 2);
}

#[tokio::test]
async fn a_rate_of_nothing_waits_for_an_order() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = CorpusConfig { files: 1, bytes: 30_000, accounts: 1, ..CorpusConfig::default() };
    write_corpus(&corpus, folder.path()).unwrap();
    let feed = FeedConfig { rate: Rate::PerSecond(0.0), ..FeedConfig::default() };
    let config =
        StandinConfig { corpus: Some(folder.path().to_owned()), feed, ..StandinConfig::default() };
    let place = Place::start(config).await;
    assert!(place.receive(0).await.is_empty());
    assert_eq!(place.order(json!({"rate": "max"})).await.0, 200);
    assert_eq!(place.receive(20).await.len(), 1);
}

#[tokio::test]
async fn a_corpus_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let start = |incident_every| {
        let feed = FeedConfig { incident_every, ..FeedConfig::default() };
        let corpus = Some(folder.path().to_owned());
        Standin::bind(StandinConfig { corpus, feed, ..StandinConfig::default() })
    };
    let error = start(0).await.unwrap_err().to_string();
    assert!(error.contains("no file in it"), "{error}");
    std::fs::write(folder.path().join("a.json.gz"), "no gzip").unwrap();
    assert!(start(0).await.is_ok(), "objects may be anything");
    let error = start(1).await.unwrap_err().to_string();
    assert!(error.contains("a.json.gz: "), "{error}");
}
