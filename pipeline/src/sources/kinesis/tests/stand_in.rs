//! Kinesis over HTTP as a double plays it, in the true form of its answers and of pushed events; what is
//! asked of DynamoDB goes on to moto.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Kinesis;
use super::super::leases::{Lease, LeaseTable as _};
use super::super::position::{Position, Sequence};
use super::super::stream::{Answer, Child, Failure, Pushed, Start, Stream as _, StreamError};
use super::double::StreamDouble;
use crate::aws::Aws;
use crate::config::{KinesisConfig, KinesisMode};
use crate::sources::tests::double::Runtime;
use crate::support::moto::{Moto, unique};

const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/trail";

/// What is done to the next events that are pushed.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Fault {
    None,
    WrongCrc,
    Cut,
    InUse,
}

/// The server.
#[derive(Clone)]
struct StandIn {
    stream: StreamDouble,
    moto: String,
    fault: Arc<AtomicU32>,
    /// Events of a subscription before it ends, as one does after five minutes.
    events: Arc<AtomicU32>,
    registered: Arc<AtomicU32>,
}

impl StandIn {
    async fn start(moto: &Moto) -> (Self, String) {
        let stand_in = Self {
            stream: StreamDouble::new(),
            moto: moto.url().to_owned(),
            fault: Arc::default(),
            events: Arc::new(AtomicU32::new(1000)),
            registered: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(answer).with_state(stand_in.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stand_in, url)
    }

    fn fault(&self) -> Fault {
        let faults = [Fault::None, Fault::WrongCrc, Fault::Cut, Fault::InUse];
        faults[self.fault.swap(0, Ordering::SeqCst) as usize]
    }
}

fn failed(error: &StreamError) -> Response {
    let code = match error.kind {
        Failure::Throttled => "ProvisionedThroughputExceededException",
        Failure::Expired => "ExpiredIteratorException",
        Failure::NotFound => "ResourceNotFoundException",
        Failure::InUse => "ResourceInUseException",
        _ => "InternalFailure",
    };
    let status = if code == "InternalFailure" { 500 } else { 400 };
    let body = json!({"__type": code, "message": error.words}).to_string();
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

async fn answer(State(at): State<StandIn>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers["x-amz-target"].to_str().unwrap().to_owned();
    if target.starts_with("DynamoDB") {
        let mut request = reqwest::Client::new().post(&at.moto);
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.unwrap();
        let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
        return (status, answer.bytes().await.unwrap()).into_response();
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    match kinesis(&at, target.rsplit('.').next().unwrap(), &asked).await {
        Ok(response) => response,
        Err(error) => failed(&error),
    }
}

fn start_of(kind: &Value, number: &Value) -> Start {
    let number = || Sequence::parse(number.as_str().unwrap()).unwrap();
    match kind.as_str().unwrap() {
        "TRIM_HORIZON" => Start::TrimHorizon,
        "AT_TIMESTAMP" => Start::At(0),
        "AT_SEQUENCE_NUMBER" => Start::With(number()),
        "AFTER_SEQUENCE_NUMBER" => Start::After(number()),
        other => panic!("no position: {other}"),
    }
}

async fn kinesis(at: &StandIn, action: &str, asked: &Value) -> Result<Response, StreamError> {
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    let epoch = at.stream.epoch().await?;
    let consumer_arn = format!("{ARN}/consumer/trail:{epoch}");
    let consumer = || {
        json!({"ConsumerName": "trail", "ConsumerARN": consumer_arn,
            "ConsumerStatus": "ACTIVE", "ConsumerCreationTimestamp": 1_700_000_000, "StreamARN": ARN})
    };
    let answer = match action {
        "DescribeStreamSummary" => json!({"StreamDescriptionSummary": {
            "StreamName": "trail", "StreamARN": ARN, "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1_700_000_000 + epoch,
            "EnhancedMonitoring": [], "OpenShardCount": at.stream.open().len(),
        }}),
        "ListShards" => {
            let from = asked["ShardFilter"]["Type"].as_str().map(|kind| match kind {
                "AT_LATEST" => Position::Latest,
                _ => Position::TrimHorizon,
            });
            let shards = at.stream.shards(from.as_ref()).await?;
            let shards: Vec<Value> = shards
                .iter()
                .map(|shard| {
                    let mut numbers = json!({"StartingSequenceNumber": shard.begins.as_str()});
                    if shard.is_closed {
                        numbers["EndingSequenceNumber"] = "999999".into();
                    }
                    let mut json = json!({"ShardId": shard.id, "SequenceNumberRange": numbers,
                    "HashKeyRange": {"StartingHashKey": shard.range.from.to_string(),
                                     "EndingHashKey": shard.range.to.to_string()}});
                    for (name, id) in
                        ["ParentShardId", "AdjacentParentShardId"].iter().zip(&shard.parents)
                    {
                        json[*name] = id.clone().into();
                    }
                    json
                })
                .collect();
            json!({"Shards": shards})
        }
        "GetShardIterator" => {
            let start = start_of(&asked["ShardIteratorType"], &asked["StartingSequenceNumber"]);
            json!({"ShardIterator": at.stream.iterator(&text("ShardId"), &start).await?})
        }
        "GetRecords" => {
            let limit = u32::try_from(asked["Limit"].as_u64().unwrap()).unwrap();
            let answer = at.stream.records(&text("ShardIterator"), limit).await?;
            let mut json = event(&answer);
            json["NextShardIterator"] = answer.next.into();
            json
        }
        "RegisterStreamConsumer" => {
            if at.registered.fetch_add(1, Ordering::SeqCst) > 0 {
                return Err(StreamError { kind: Failure::InUse, words: "it is there".to_owned() });
            }
            json!({"Consumer": consumer()})
        }
        "DescribeStreamConsumer" => json!({"ConsumerDescription": consumer()}),
        "SubscribeToShard" => {
            // A consumer goes with its stream.
            if at.registered.load(Ordering::SeqCst) == 0 || text("ConsumerARN") != consumer_arn {
                return Err(StreamError { kind: Failure::NotFound, words: "no such".to_owned() });
            }
            let position = &asked["StartingPosition"];
            let start = start_of(&position["Type"], &position["SequenceNumber"]);
            let fault = at.fault();
            if fault == Fault::InUse {
                return Err(StreamError { kind: Failure::InUse, words: "another".to_owned() });
            }
            let pushed = at.stream.subscribe(&text("ShardId"), &start).await?;
            return Ok(subscription(pushed, fault, at.events.load(Ordering::SeqCst)));
        }
        other => panic!("nobody plays {other}"),
    };
    Ok(answer.to_string().into_response())
}

fn event(answer: &Answer) -> Value {
    let records: Vec<Value> = answer
        .records
        .iter()
        .map(|record| {
            json!({"SequenceNumber": record.sequence.as_str(), "PartitionKey": "key",
            "Data": STANDARD.encode(&record.data), "ApproximateArrivalTimestamp": 1_700_000_000.5})
        })
        .collect();
    let children: Vec<Value> = answer
        .children
        .iter()
        .map(|Child { id, parents, range }| {
            let range = range.unwrap();
            json!({"ShardId": id, "ParentShards": parents, "HashKeyRange": {
            "StartingHashKey": range.from.to_string(), "EndingHashKey": range.to.to_string()}})
        })
        .collect();
    let behind = answer.behind.unwrap_or_default().as_millis() as u64;
    let mut json = json!({"Records": records, "MillisBehindLatest": behind});
    if !children.is_empty() {
        json["ChildShards"] = children.into();
    }
    json
}

/// A subscription's answer: frames, each in a chunk of its own.
fn subscription(pushed: Box<dyn Pushed>, fault: Fault, events: u32) -> Response {
    enum Next {
        Initial,
        Event(u32),
        Cut,
        End,
    }
    let frames =
        futures::stream::unfold((pushed, Next::Initial), move |(mut pushed, next)| async move {
            let number = match next {
                Next::Initial => {
                    let frame = frame(
                        &[(":message-type", "event"), (":event-type", "initial-response")],
                        b"{}",
                    );
                    return Some((Ok::<_, std::io::Error>(frame), (pushed, Next::Event(0))));
                }
                Next::Cut => return Some((Err(std::io::Error::other("cut")), (pushed, Next::End))),
                Next::End => return None,
                Next::Event(number) if number >= events => return None,
                Next::Event(number) => number,
            };
            let headers = [(":message-type", "event"), (":event-type", "SubscribeToShardEvent")];
            let (frame, next) = match pushed.next().await {
                Ok(None) => return None,
                Err(error) => {
                    let kind = match error.kind {
                        Failure::InUse => "ResourceInUseException",
                        Failure::NotFound => "ResourceNotFoundException",
                        _ => "InternalFailureException",
                    };
                    let headers = [(":message-type", "exception"), (":exception-type", kind)];
                    let words = json!({"message": error.words}).to_string();
                    (frame(&headers, words.as_bytes()), Next::End)
                }
                Ok(Some(answer)) => {
                    let mut json = event(&answer);
                    // At the end of a shard it is missing.
                    if let Some(next) = &answer.next {
                        json["ContinuationSequenceNumber"] = next.clone().into();
                    }
                    let mut frame = frame(&headers, json.to_string().as_bytes());
                    if fault == Fault::WrongCrc {
                        *frame.last_mut().unwrap() ^= 1;
                    }
                    if fault == Fault::Cut {
                        frame.truncate(frame.len() / 2);
                    }
                    (frame, if fault == Fault::Cut { Next::Cut } else { Next::Event(number + 1) })
                }
            };
            Some((Ok(frame), (pushed, next)))
        });
    ([("content-type", "application/vnd.amazon.eventstream")], Body::from_stream(frames))
        .into_response()
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_be_bytes()
}

/// One message of an event stream.
fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let total = u32::try_from(12 + head.len() + payload.len() + 4).unwrap();
    let mut frame = total.to_be_bytes().to_vec();
    frame.extend_from_slice(&u32::try_from(head.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(&crc(&frame));
    frame.extend_from_slice(&head);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc(&frame));
    frame
}

/// A source that reads it.
struct Trail {
    _moto: Moto,
    at: StandIn,
    aws: Aws,
    config: KinesisConfig,
    runtime: Runtime,
    expected: BTreeSet<String>,
    found: BTreeSet<String>,
    came: usize,
}

impl Trail {
    async fn new(mode: KinesisMode) -> Self {
        let moto = Moto::start();
        let (at, url) = StandIn::start(&moto).await;
        let table = unique("leases");
        let config = format!(
            r#"{{"stream": ["trail"], "application": "{table}", "initial_position": "trim_horizon",
                "failover": "2s", "poll": "200ms", "max_records": 7}}"#
        );
        let mut config: KinesisConfig = serde_json::from_str(&config).unwrap();
        config.mode = mode;
        let (aws, runtime) = (Aws::on_loopback(&url), Runtime::new());
        let (expected, found) = (BTreeSet::new(), BTreeSet::new());
        Self { _moto: moto, at, aws, config, runtime, expected, found, came: 0 }
    }

    fn source(&self) -> Kinesis {
        Kinesis::open(&self.config, &self.aws).unwrap()
    }

    fn put(&mut self, count: u64) {
        for _ in 0..count {
            let number = self.expected.len();
            let line = format!("{{\"number\":{number}}}");
            self.at.stream.put(u128::MAX / 16 * (number as u128 % 16), line.as_bytes());
            self.expected.insert(line);
        }
    }

    async fn all_comes(&mut self) {
        while !self.expected.is_subset(&self.found) {
            let (_, bytes) = self.runtime.commit_next().await;
            for line in String::from_utf8(bytes).unwrap().lines() {
                self.came += 1;
                self.found.insert(line.to_owned());
            }
        }
        assert_eq!(self.found, self.expected);
    }

    async fn leases(&self) -> Vec<Lease> {
        self.source().table().await.all().await.unwrap().leases
    }

    fn failures(&self, reason: &str) -> u64 {
        self.runtime.count(&self.runtime.families.kinesis_failures, reason)
    }
}

/// Reads through a split and a merge that the stream tells by itself.
async fn reshards(mode: KinesisMode) {
    let mut trail = Trail::new(mode).await;
    let running = trail.runtime.run(Box::new(trail.source()));
    trail.put(30);
    trail.all_comes().await;
    let open = trail.at.stream.open();
    trail.at.stream.split(&open[0].0);
    trail.put(30);
    trail.all_comes().await;
    let open = trail.at.stream.open();
    trail.put(10);
    trail.at.stream.merge(&open[0].0, &open[1].0);
    trail.put(30);
    trail.all_comes().await;
    assert_eq!(trail.came, 100, "nothing came twice");
    running.stopped().await;
    let leases = trail.leases().await;
    let finished: Vec<&str> =
        leases.iter().filter(|lease| lease.is_finished()).map(|lease| &*lease.shard).collect();
    assert!(
        finished.contains(&"shardId-000000000001") && finished.contains(&"shardId-000000000002")
    );
    assert!(leases.iter().all(|lease| lease.owner.is_none()));
}

#[tokio::test]
async fn polling_follows_a_reshard() {
    reshards(KinesisMode::Polling).await;
}

#[tokio::test]
async fn fan_out_follows_a_reshard() {
    reshards(KinesisMode::FanOut).await;
}

/// A subscription that ends is renewed behind what was handed on; a consumer that is there is used.
#[tokio::test]
async fn fan_out_is_renewed_on_the_wire() {
    let mut trail = Trail::new(KinesisMode::FanOut).await;
    trail.at.registered.store(1, Ordering::SeqCst);
    trail.at.events.store(2, Ordering::SeqCst);
    let running = trail.runtime.run(Box::new(trail.source()));
    for _ in 0..4 {
        trail.put(5);
        trail.all_comes().await;
    }
    assert_eq!(trail.came, 20, "nothing came twice");
    assert!(trail.at.stream.subscriptions.load(Ordering::SeqCst) >= 2);
    running.stopped().await;
}

/// A stream that is made anew has no consumer any more: it is registered again, and pushed from its
/// beginning.
#[tokio::test]
async fn the_consumer_of_a_stream_that_is_made_anew_is_registered_again() {
    let mut trail = Trail::new(KinesisMode::FanOut).await;
    let running = trail.runtime.run(Box::new(trail.source()));
    trail.put(10);
    trail.all_comes().await;
    trail.at.stream.is_gone.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(1)).await;
    trail.at.stream.make_anew(2);
    trail.at.registered.store(0, Ordering::SeqCst);
    trail.at.stream.is_gone.store(false, Ordering::SeqCst);
    trail.put(10);
    trail.all_comes().await;
    assert!(trail.at.registered.load(Ordering::SeqCst) > 0);
    assert!(trail.failures("made_anew") > 0);
    assert_eq!(trail.came, 20, "nothing came twice");
    running.stopped().await;
}

/// Damaged frames, cut answers and refusals are told, counted and survived.
#[tokio::test]
async fn damage_on_the_wire_is_told_and_survived() {
    let mut trail = Trail::new(KinesisMode::FanOut).await;
    trail.at.fault.store(Fault::WrongCrc as u32, Ordering::SeqCst);
    let running = trail.runtime.run(Box::new(trail.source()));
    trail.put(5);
    trail.all_comes().await;
    assert_eq!(trail.failures("damaged"), 1, "a frame's checksum was wrong");
    running.stopped().await;
    trail.at.fault.store(Fault::Cut as u32, Ordering::SeqCst);
    let running = trail.runtime.run(Box::new(trail.source()));
    trail.put(5);
    trail.all_comes().await;
    assert!(trail.failures("failed") + trail.failures("damaged") >= 2, "an answer was cut");
    running.stopped().await;
    trail.at.fault.store(Fault::InUse as u32, Ordering::SeqCst);
    let running = trail.runtime.run(Box::new(trail.source()));
    trail.put(5);
    trail.all_comes().await;
    assert_eq!(trail.failures("in_use"), 1);
    assert_eq!(trail.came, 15, "nothing came twice");
    running.stopped().await;
}

/// The program's end writes how far it came, and the next start goes on there.
#[tokio::test]
async fn the_next_start_goes_on() {
    let mut trail = Trail::new(KinesisMode::Polling).await;
    for round in 0..2 {
        trail.put(10);
        let running = trail.runtime.run(Box::new(trail.source()));
        trail.all_comes().await;
        running.stopped().await;
        let began = Instant::now();
        let last = (10 * (round + 1) + 1).to_string();
        while trail.leases().await[0].position.to_string() != last {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?}", trail.leases().await);
        }
    }
    assert_eq!(trail.came, 20);
}
