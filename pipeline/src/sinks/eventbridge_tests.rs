//! Tests of EventBridge: events read back from a queue behind a rule of moto's, and partial failures
//! of a stand-in.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};

use super::*;
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::notices::{largest, usual};
use crate::sinks::contract::{self, Arrived, Failure, Place as Where};
use crate::sinks::lines::arrived;

/// Calls of PutEvents, each with the entries that were taken.
type Calls = Arc<Mutex<Vec<Vec<Value>>>>;

struct Bus {
    way: Way,
    calls: Calls,
}

/// Each answer ends its connection, so that a failure meets a new one.
type Answer = ([(&'static str, &'static str); 1], String);

async fn put_events(State(calls): State<Calls>, body: String) -> Answer {
    assert!(body.len() < 2_000_000);
    let body: Value = serde_json::from_str(&body).unwrap();
    let given = body["Entries"].as_array().unwrap();
    assert!((1..=MAX_BATCH).contains(&given.len()));
    let (mut taken, mut answers, mut bytes) = (Vec::new(), Vec::new(), 0);
    for entry in given {
        let length = |key: &str| entry[key].as_str().map_or(0, str::len);
        bytes += length("Source") + length("DetailType") + length("Detail");
        assert!(length("DetailType") <= 128 && length("Detail") <= 256 << 10);
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        answers.push(match detail["rule"]["title"].as_str() {
            Some("throttle") => {
                json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"})
            }
            Some("break") => json!({"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}),
            Some("bad") => {
                json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."})
            }
            _ => {
                taken.push(entry.clone());
                json!({"EventId": format!("event-{}", taken.len())})
            }
        });
    }
    assert!(bytes < 1_000_000, "{bytes}");
    calls.lock().unwrap().push(taken);
    let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
    let answer = json!({"FailedEntryCount": failed, "Entries": answers});
    ([("connection", "close")], answer.to_string())
}

impl Bus {
    async fn sink(&self) -> EventBridge {
        let config = EventBridgeConfig {
            bus: "default".to_owned(),
            source: "askance".to_owned(),
            region: None,
        };
        EventBridge::open(&config, &contract::context(&format!("http://{}", self.way.address)))
            .await
    }
}

#[async_trait]
impl Where for Bus {
    const IS_FOR_PEOPLE: bool = false;

    async fn start() -> Self {
        let calls = Calls::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", post(put_events)).with_state(calls.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::max(64 << 20));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let body = r#"{"__type":"ValidationException","message":"1 validation error detected"}"#;
        Self { way: Way::to(address, Speech::Http(400, body)).await, calls }
    }

    async fn open(&self) -> Box<dyn Sink> {
        Box::new(self.sink().await)
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let calls = self.calls.lock().unwrap();
        let one =
            |entry: &Value| arrived(&format!("{}\n", entry["Detail"].as_str().unwrap())).remove(0);
        calls.iter().flatten().map(one).collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }
}

contract::contract!(keeps_the_contract, Bus);

#[tokio::test]
async fn failures_of_single_events_are_theirs() {
    let bus = Bus::start().await;
    let mut sink = bus.sink().await;
    let titled = |number: u8, title: &str| {
        let mut notice = usual(number);
        notice.alert.rule.title = title.to_owned();
        notice
    };
    let batch = ["a", "throttle", "break", "bad", "b"];
    let batch: Vec<Notice> =
        (1..).zip(batch).map(|(number, title)| titled(number, title)).collect();
    let results = sink.send(&batch).await;
    assert_eq!(results.len(), 5);
    assert_eq!(results[0].as_ref().unwrap().reference.as_deref(), Some("event-1"));
    assert!(matches!(&results[1], Err(SendError::Throttled { .. })));
    let Err(SendError::Down(words)) = &results[2] else { panic!("{:?}", results[2]) };
    assert_eq!(words, "cannot put events on the bus default: InternalFailure: try again");
    assert!(matches!(&results[3], Err(SendError::Refused(_))));
    assert!(results[4].is_ok());
}

#[tokio::test]
async fn calls_stay_below_their_limit() {
    let bus = Bus::start().await;
    let mut sink = bus.sink().await;
    let large = |number: u8| {
        let mut notice = usual(number);
        let event = format!("{{\"a\":\"{}\"}}", "x".repeat(230_000));
        notice.alert.event = Some(serde_json::value::RawValue::from_string(event).unwrap());
        notice
    };
    let batch: Vec<Notice> = (1..=10).map(large).collect();
    let results = sink.send(&batch).await;
    assert!(results.len() == 10 && results.iter().all(Result::is_ok));
    let calls: Vec<usize> = bus.calls.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(calls, [4, 4, 2]);
    assert!(sink.send(&[largest()]).await[0].is_ok());
}

#[tokio::test]
async fn an_event_names_its_source_type_time_and_resources() {
    let bus = Bus::start().await;
    let mut sink = bus.sink().await;
    let mut notice = usual(1);
    let arn = "arn:aws:s3:::logs";
    notice.alert.resource[0].arn = Some(arn.to_owned());
    sink.send(&[notice]).await[0].clone().unwrap();
    let entry = bus.calls.lock().unwrap()[0][0].clone();
    assert_eq!(entry["Source"], "askance");
    assert_eq!(entry["DetailType"], "askance alert");
    assert_eq!(entry["EventBusName"], "default");
    assert_eq!(entry["Resources"], json!([arn]));
    assert!(entry["Time"].is_number());
}

#[tokio::test]
async fn events_pass_a_rule_of_a_real_bus() {
    use crate::aws::Aws;
    use crate::support::moto::{Moto, unique};

    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let aws = Aws::on_loopback(moto.url());
    let sqs = aws.sqs(&Place::default()).await;
    let client = aws.eventbridge(&Place::default()).await;
    let name = unique("events");
    let url = sqs.create_queue().queue_name(&name).send().await.unwrap().queue_url.unwrap();
    client.create_event_bus().name(&name).send().await.unwrap();
    let pattern = r#"{"source":["askance"],"detail":{"level":["high"]}}"#;
    let rule = client.put_rule().name(&name).event_bus_name(&name).event_pattern(pattern);
    rule.send().await.unwrap();
    let target = aws_sdk_eventbridge::types::Target::builder()
        .id("1")
        .arn(format!("arn:aws:sqs:eu-west-1:123456789012:{name}"))
        .build()
        .unwrap();
    client.put_targets().rule(&name).event_bus_name(&name).targets(target).send().await.unwrap();
    let config = EventBridgeConfig { bus: name, source: "askance".to_owned(), region: None };
    let mut sink = EventBridge::open(&config, &contract::context(moto.url())).await;
    sink.send(&[usual(1)]).await[0].clone().unwrap();
    let answer = sqs.receive_message().queue_url(&url).wait_time_seconds(10).send().await.unwrap();
    let event: Value = serde_json::from_str(answer.messages()[0].body().unwrap()).unwrap();
    assert_eq!(event["detail"]["id"], usual(1).alert.id);
    assert_eq!(event["time"], "2026-11-24T04:14:26Z");
}
