//! What the queue does when S3, SQS or the messages are not well.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::S3Queue;
use super::stand_in::{Fault, Get, StandIn, record};
use crate::aws::Aws;
use crate::config::{BucketConfig, ByteSize, S3QueueConfig, Span};
use crate::sources::Source;
use crate::sources::tests::double::{Running, Runtime, bytes_of, until};

/// A stand-in, a runtime, and the configuration of a source between them.
struct Case {
    stand_in: StandIn,
    runtime: Runtime,
    config: S3QueueConfig,
}

fn bucket(name: &str) -> BucketConfig {
    BucketConfig {
        name: name.to_owned(),
        prefixes: Vec::new(),
        region: None,
        role_arn: None,
        external_id: None,
        requester_pays: false,
    }
}

impl Case {
    async fn new() -> Self {
        let stand_in = StandIn::start().await;
        let config = S3QueueConfig {
            queue_url: stand_in.queue_url(),
            replay_queue_url: None,
            buckets: vec![bucket("trail")],
            region: None,
            visibility: Span::seconds(1),
            max_receives: 2,
            concurrency: 8,
            max_object: ByteSize::mib(64),
        };
        Self { stand_in, runtime: Runtime::new(), config }
    }

    fn run(&self) -> Running {
        self.runtime.run(self.open())
    }

    fn open(&self) -> Box<dyn Source> {
        let aws = Aws::on_loopback(&self.stand_in.url);
        Box::new(S3Queue::open(&self.config, &aws).unwrap())
    }

    async fn is_deleted(&self) {
        until("the messages are deleted", || self.stand_in.memory().messages.is_empty()).await;
        assert!(self.stand_in.memory().dead.is_empty());
    }

    /// Waits until the message is in the dead-letter queue.
    async fn is_dead(&self) {
        until("the message is a dead letter", || !self.stand_in.memory().dead.is_empty()).await;
        assert!(self.stand_in.memory().messages.is_empty());
    }

    fn refused(&self, reason: &str) -> u64 {
        self.runtime.count(&self.runtime.families.source_refused, reason)
    }

    fn gets(&self) -> usize {
        self.stand_in.memory().asked.len()
    }
}

fn noise(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

/// An object that comes whole although the first answers are these.
async fn comes_whole(length: usize, gets: &[Get]) -> Case {
    let mut case = Case::new().await;
    let bytes = noise(length);
    case.stand_in.put("a.json.gz", &bytes);
    case.stand_in.memory().gets.extend(gets.iter().cloned());
    let running = case.run();
    let (path, found) = case.runtime.commit_next().await;
    assert_eq!(path, "s3://trail/a.json.gz");
    assert!(found == bytes, "{} bytes of {}", found.len(), bytes.len());
    case.is_deleted().await;
    running.stopped().await;
    assert_eq!(case.runtime.families.queue_bytes.get(), 0);
    case
}

#[tokio::test]
async fn a_cut_body_is_resumed_where_it_ended() {
    let case = comes_whole(500_000, &[Get::CutAfter(200_000), Get::CutAfter(100_000)]).await;
    let asked = case.stand_in.memory().asked.clone();
    assert_eq!(asked.len(), 3);
    let range = |index: usize| -> usize {
        let range = asked[index].headers["range"].trim_start_matches("bytes=");
        range.trim_end_matches('-').parse().unwrap()
    };
    assert!(range(1) > 0 && range(2) > range(1), "{} {}", range(1), range(2));
    assert_eq!(asked[1].headers["if-match"], "\"etag-1\"");
    assert!(!asked[1].headers.contains_key("x-amz-checksum-mode"));
    assert!(case.runtime.families.retries.with_label_values(&["fetch"]).get() >= 2);
}

#[tokio::test]
async fn a_stalled_body_is_resumed() {
    comes_whole(300_000, &[Get::StallAfter(100_000)]).await;
}

#[tokio::test]
async fn a_large_object_is_kept_in_a_file() {
    let case = comes_whole((16 << 20) + 1, &[Get::CutAfter(9 << 20)]).await;
    assert_eq!(case.gets(), 2);
}

#[tokio::test]
async fn an_answer_without_the_range_is_begun_anew() {
    comes_whole(100_000, &[Get::CutAfter(50_000), Get::Whole]).await;
}

#[tokio::test]
async fn errors_that_pass_are_tried_again() {
    comes_whole(
        1000,
        &[Get::Fail(503, "SlowDown", "slow down"), Get::Fail(500, "InternalError", "")],
    )
    .await;
}

#[tokio::test]
async fn an_object_that_changed_is_begun_anew() {
    let mut case = Case::new().await;
    case.stand_in.put("a", &noise(100_000));
    let (cut, replaced) = (Get::CutAfter(50_000), Get::Replaced(b"new".to_vec()));
    case.stand_in.memory().gets.extend([cut, replaced]);
    let running = case.run();
    let (object, ack) = case.runtime.next_object().await;
    assert_eq!(object.key.as_deref(), Some("s3://trail/a#etag-3"));
    assert_eq!(bytes_of(&object), b"new");
    ack.done();
    case.is_deleted().await;
    running.stopped().await;
}

#[tokio::test]
async fn a_missing_object_is_refused_and_deleted() {
    let mut case = Case::new().await;
    let body = json!({"Records": [record("trail", "gone", 3, "e")]}).to_string();
    case.stand_in.send(&body);
    let running = case.run();
    let refused = case.runtime.next_refused().await;
    assert_eq!((refused.reason, refused.path.as_str()), ("missing", "s3://trail/gone"));
    assert_eq!(
        refused.detail,
        "cannot read s3://trail/gone: NoSuchKey: The specified key does not exist.: it was deleted \
         before it was read; the message is deleted"
    );
    assert_eq!(refused.evidence, body.as_bytes());
    case.is_deleted().await;
    running.stopped().await;
    assert_eq!((case.refused("missing"), case.runtime.objects("refused")), (1, 1));
}

/// What is given back, told in the source's health, refused at its last delivery, and left.
async fn is_given_back(get: Get, reason: &'static str, said: &str) {
    let mut case = Case::new().await;
    case.stand_in.memory().redrive_after = Some(2);
    case.stand_in.memory().always = Some(get);
    case.stand_in.put("a", b"1");
    let running = case.run();
    let refused = case.runtime.next_refused().await;
    assert_eq!(refused.reason, reason);
    assert!(refused.detail.contains(said), "{}", refused.detail);
    assert!(case.runtime.health.why_unready()[0].contains(said), "{:?}", case.runtime.health);
    case.is_dead().await;
    assert_eq!(case.stand_in.memory().dead[0].receives, 2, "it was tried twice");
    // The next object that can be read shows that the bucket is well again.
    case.stand_in.memory().always = None;
    case.stand_in.put("b", b"2");
    case.runtime.commit_next().await;
    assert_eq!(case.runtime.health.why_unready(), Vec::<String>::new());
    case.is_left_alone().await;
    running.stopped().await;
    assert_eq!(case.refused(reason), 2);
}

impl Case {
    async fn is_left_alone(&self) {
        until("what is done is deleted", || self.stand_in.memory().messages.is_empty()).await;
        assert_eq!(self.stand_in.memory().dead.len(), 1);
    }
}

#[tokio::test]
async fn access_denied_is_given_back() {
    let get = Get::Fail(403, "AccessDenied", "Access Denied");
    is_given_back(get, "denied", "grant s3:GetObject on it").await;
}

#[tokio::test]
async fn access_denied_by_kms_is_named() {
    let said = "User: x is not authorized to perform: kms:Decrypt on the resource";
    let get = Get::Fail(403, "AccessDenied", said);
    is_given_back(get, "kms_denied", "allow kms:Decrypt").await;
}

#[tokio::test]
async fn a_bucket_elsewhere_says_its_region() {
    let said = "write `region: eu-central-1` at the bucket";
    is_given_back(Get::Moved("eu-central-1"), "wrong_region", said).await;
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_given_back() {
    let get = Get::Fail(404, "NoSuchBucket", "The specified bucket does not exist");
    is_given_back(get, "no_bucket", "check the bucket's name").await;
}

/// What is refused at once and left to the dead-letter queue, told once.
async fn is_left(case: &mut Case, reason: &'static str, detail: &str) {
    case.stand_in.memory().redrive_after = Some(2);
    let running = case.run();
    let refused = case.runtime.next_refused().await;
    assert_eq!(refused.reason, reason);
    assert_eq!(refused.detail, detail);
    assert!(!refused.evidence.is_empty());
    case.is_dead().await;
    case.runtime.nothing_comes(Duration::from_millis(200)).await;
    running.stopped().await;
    assert_eq!(case.refused(reason), 1, "refused once, however often it came");
}

#[tokio::test]
async fn an_archived_object_is_left() {
    let mut case = Case::new().await;
    case.stand_in.memory().always = Some(Get::Fail(403, "InvalidObjectState", "archived"));
    case.stand_in.put("a", b"1");
    let detail = "cannot read s3://trail/a: InvalidObjectState: archived: restore it in S3, then let \
                  the message come again from the dead-letter queue";
    is_left(&mut case, "archived", detail).await;
}

#[tokio::test]
async fn a_message_is_no_licence_to_read_any_bucket() {
    let mut case = Case::new().await;
    case.stand_in.send(&json!({"s3Bucket": "payroll", "s3ObjectKey": ["a"]}).to_string());
    let detail =
        "will not read from bucket payroll: it is not among `buckets` of the configuration";
    is_left(&mut case, "foreign_bucket", detail).await;
    assert_eq!(case.gets(), 0);
}

#[tokio::test]
async fn a_key_outside_the_prefixes_is_not_read() {
    let mut case = Case::new().await;
    case.config.buckets[0].prefixes = vec!["AWSLogs/".to_owned()];
    case.stand_in.put("private/a", b"1");
    let detail = "will not read s3://trail/private/a: the key begins with none of the `prefixes` of \
                  the configuration";
    is_left(&mut case, "foreign_prefix", detail).await;
    assert_eq!(case.gets(), 0);
}

#[tokio::test]
async fn an_object_above_the_cap_is_not_read() {
    let mut case = Case::new().await;
    case.config.max_object = ByteSize(10);
    case.stand_in.put("a", b"12345678901");
    let detail = "will not read s3://trail/a: it has 11 bytes, more than `max_object` (10)";
    is_left(&mut case, "too_large", detail).await;
    assert_eq!(case.gets(), 0);
}

#[tokio::test]
async fn an_object_above_the_cap_is_not_read_although_its_size_was_not_announced() {
    let mut case = Case::new().await;
    case.config.max_object = ByteSize(10);
    case.stand_in.put("a", b"12345678901");
    case.stand_in.memory().messages.clear();
    case.stand_in.send(&json!({"s3Bucket": "trail", "s3ObjectKey": ["a"]}).to_string());
    let detail = "will not read s3://trail/a: it has 11 bytes, more than `max_object` (10)";
    is_left(&mut case, "too_large", detail).await;
}

#[tokio::test]
async fn a_message_that_is_no_notification_is_left() {
    let mut case = Case::new().await;
    case.stand_in.send("hello");
    let detail = "the message is no JSON: expected value at line 1 column 1";
    is_left(&mut case, "bad_message", detail).await;
}

#[tokio::test]
async fn a_message_that_came_too_often_is_refused_and_not_read() {
    let mut case = Case::new().await;
    case.stand_in.put("a", b"1");
    case.stand_in.memory().messages[0].receives = 2;
    let running = case.run();
    let refused = case.runtime.next_refused().await;
    assert_eq!(refused.reason, "too_many_receives");
    assert_eq!(
        refused.detail,
        "was delivered 3 times without being finished, more than `max_receives` (2)"
    );
    assert_eq!(refused.path, "message message-2 of trail");
    // Without a dead-letter queue it stays, and is not looked at for an hour.
    let in_half_an_hour = Instant::now() + Duration::from_secs(1800);
    until("it is parked", || case.stand_in.memory().messages[0].visible > in_half_an_hour).await;
    running.stopped().await;
    assert_eq!((case.gets(), case.stand_in.memory().messages.len()), (0, 1));
}

#[tokio::test]
async fn digest_files_and_folder_markers_are_passed_by() {
    let case = Case::new().await;
    case.stand_in.put("AWSLogs/1/CloudTrail-Digest/eu-west-1/a.json.gz", b"{}");
    case.stand_in.put("AWSLogs/1/CloudTrail/", b"");
    case.stand_in.send(&json!({"Event": "s3:TestEvent"}).to_string());
    let running = case.run();
    case.is_deleted().await;
    running.stopped().await;
    assert_eq!((case.gets(), case.runtime.objects("passed_by")), (0, 3));
}

#[tokio::test]
async fn an_object_in_the_ledger_is_not_fetched() {
    let case = Case::new().await;
    case.stand_in.put("a", b"1");
    case.runtime.ledger.note("s3://trail/a#etag-1");
    // The ledger fails first: what it does not tell is not passed by.
    case.runtime.ledger.failing.store(2, std::sync::atomic::Ordering::SeqCst);
    let running = case.run();
    case.is_deleted().await;
    running.stopped().await;
    assert_eq!((case.gets(), case.runtime.objects("known")), (0, 1));
}

#[tokio::test]
async fn an_object_whose_etag_is_not_announced_is_known_by_its_answer() {
    let case = Case::new().await;
    case.stand_in.put("a", b"1");
    case.stand_in.memory().messages.clear();
    case.runtime.ledger.note("s3://trail/a#etag-1");
    case.stand_in.send(&json!({"s3Bucket": "trail", "s3ObjectKey": ["a", "a"]}).to_string());
    let running = case.run();
    case.is_deleted().await;
    running.stopped().await;
    assert_eq!(case.runtime.objects("known"), 2);
}

#[tokio::test]
async fn a_message_stays_hidden_while_it_is_in_hand() {
    let mut case = Case::new().await;
    case.config.visibility = Span::seconds(2);
    // Two extensions fail, and are tried again in time.
    let faults = [Fault::Fail(500, "InternalError"), Fault::Fail(503, "ServiceUnavailable")];
    case.stand_in.memory().faults.insert("ChangeMessageVisibility", faults.into());
    case.stand_in.put("a", b"1");
    let running = case.run();
    let (object, ack) = case.runtime.next_object().await;
    case.runtime.nothing_comes(Duration::from_secs(5)).await;
    assert_eq!(case.stand_in.memory().messages[0].receives, 1, "nobody else received it");
    assert!(case.stand_in.calls("ChangeMessageVisibility").len() >= 5);
    drop(object);
    ack.done();
    case.is_deleted().await;
    running.stopped().await;
}

#[tokio::test]
async fn a_message_that_comes_again_in_hand_is_not_begun_twice() {
    let mut case = Case::new().await;
    case.stand_in.put("a", b"1");
    let running = case.run();
    let (object, ack) = case.runtime.next_object().await;
    // Another reader would have made it visible; its next delivery has another receipt.
    case.stand_in.memory().messages[0].visible = Instant::now();
    until("it is delivered again", || case.stand_in.memory().messages[0].receives == 2).await;
    case.runtime.nothing_comes(Duration::from_millis(300)).await;
    drop(object);
    ack.done();
    case.is_deleted().await;
    running.stopped().await;
}

#[tokio::test]
async fn a_delete_that_fails_in_part_is_tried_again() {
    let mut case = Case::new().await;
    let faults = [Fault::Fail(500, "InternalError"), Fault::FirstFails, Fault::DoneAndFails];
    case.stand_in.memory().faults.insert("DeleteMessageBatch", faults.into());
    for key in ["a", "b", "c"] {
        case.stand_in.put(key, b"1");
    }
    let running = case.run();
    for _ in 0..3 {
        case.runtime.commit_next().await;
    }
    case.is_deleted().await;
    running.stopped().await;
    assert_eq!(case.runtime.objects("done"), 3);
}

#[tokio::test]
async fn a_queue_that_fails_is_asked_after_pauses() {
    let mut case = Case::new().await;
    let faults = vec![Fault::Fail(403, "AccessDeniedException"); 4];
    case.stand_in.memory().faults.insert("ReceiveMessage", faults.into());
    case.stand_in.put("a", b"1");
    let running = case.run();
    until("the trouble is told", || !case.runtime.health.why_unready().is_empty()).await;
    let why = case.runtime.health.why_unready().remove(0);
    assert!(
        why.starts_with("source place: cannot receive messages of queue trail: AccessDenied"),
        "{why}"
    );
    assert!(why.ends_with("check its address, and grant sqs:ReceiveMessage on it"), "{why}");
    case.runtime.commit_next().await;
    case.is_deleted().await;
    assert_eq!(case.runtime.errors(), 4);
    assert_eq!(case.runtime.health.why_unready(), Vec::<String>::new());
    running.stopped().await;
}

#[tokio::test]
async fn a_server_that_does_not_wait_is_not_asked_in_a_hot_loop() {
    let case = Case::new().await;
    let running = case.run();
    // Nothing is there to answer any more.
    let before = Instant::now();
    until("the queue was asked", || !case.stand_in.calls("ReceiveMessage").is_empty()).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = case.stand_in.calls("ReceiveMessage").len();
    assert!(asked <= 2, "{asked} calls in {:?}", before.elapsed());
    running.stopped().await;
}

#[tokio::test]
async fn what_is_not_begun_is_given_back_at_once() {
    let mut case = Case::new().await;
    case.config.visibility = Span::seconds(600);
    case.stand_in.put("a", b"1");
    case.stand_in.put("b", b"1");
    case.stand_in.memory().messages.clear();
    case.stand_in.send(&json!({"s3Bucket": "trail", "s3ObjectKey": ["a", "b"]}).to_string());
    let running = case.run();
    let (object, ack) = case.runtime.next_object().await;
    running.stop();
    object.key.iter().for_each(|key| case.runtime.ledger.note(key));
    drop(object);
    ack.done();
    running.ended().await.unwrap();
    let visible = case.stand_in.memory().messages[0].visible;
    assert!(visible <= Instant::now(), "the message can be received again at once");
    // Of its two objects one is done: the next start reads the other.
    let again = case.run();
    assert_eq!(case.runtime.commit_next().await.0, "s3://trail/b");
    case.is_deleted().await;
    again.stopped().await;
}

#[tokio::test]
async fn a_bucket_of_another_account_is_read_by_its_role() {
    let mut case = Case::new().await;
    let bucket = &mut case.config.buckets[0];
    bucket.role_arn = Some("arn:aws:iam::222222222222:role/reader".to_owned());
    bucket.external_id = Some("our secret".to_owned());
    bucket.region = Some("eu-central-1".to_owned());
    bucket.requester_pays = true;
    case.stand_in.put("a", b"1");
    let mut record = record("trail", "a", 1, "etag-1");
    record["s3"]["object"]["versionId"] = json!("v7");
    case.stand_in.memory().messages.clear();
    case.stand_in.send(&json!({"Records": [record]}).to_string());
    let aws = Aws::loaded_on_loopback(&case.stand_in.url).await;
    let running = case.runtime.run(Box::new(S3Queue::open(&case.config, &aws).unwrap()));
    case.runtime.commit_next().await;
    running.stopped().await;
    let memory = case.stand_in.memory();
    assert!(
        memory.forms[0].contains("ExternalId=our+secret")
            || memory.forms[0].contains("ExternalId=our%20secret")
    );
    assert!(memory.forms[0].contains("role%2Freader"));
    let asked = &memory.asked[0];
    assert!(asked.headers["authorization"].contains("Credential=ASSUMED/"), "by the role");
    assert!(asked.headers["authorization"].contains("/eu-central-1/s3/"), "in its region");
    assert_eq!(asked.headers["x-amz-request-payer"], "requester");
    assert!(asked.path.contains("versionId=v7"), "{}", asked.path);
}

#[test]
fn a_queue_that_is_no_address_is_an_error() {
    let check = |url: &str, region: Option<&str>, message: &str| {
        let config = S3QueueConfig {
            queue_url: url.to_owned(),
            replay_queue_url: None,
            buckets: vec![bucket("trail")],
            region: region.map(str::to_owned),
            visibility: Span::seconds(120),
            max_receives: 5,
            concurrency: 32,
            max_object: ByteSize::mib(512),
        };
        let aws = Aws::on_loopback("http://127.0.0.1:1");
        let error = S3Queue::open(&config, &aws).err().unwrap();
        assert_eq!(error.to_string(), message);
    };
    check(
        "trail",
        None,
        "cannot use queue trail: `queue_url` is no address of a queue, such as \
         https://sqs.eu-west-1.amazonaws.com/111122223333/trail",
    );
    check(
        "https://sqs.eu-west-1.amazonaws.com/1/trail",
        Some("us-east-1"),
        "cannot use queue https://sqs.eu-west-1.amazonaws.com/1/trail: `queue_url` is in eu-west-1, \
         `region` says us-east-1: leave `region` out",
    );
}
