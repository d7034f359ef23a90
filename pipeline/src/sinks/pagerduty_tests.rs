//! PagerDuty against a stand-in that checks events as the Events API v2 documents them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use expect_test::expect_file;

use super::*;
use crate::config::SecretRef;
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::{self, Arrived, Failure, Place, builtin, contract, notices};

const KEY: &str = "0123456789abcdef0123456789abcdef";

contract!(pagerduty, Service);

struct Service {
    events: Arc<Mutex<Vec<Value>>>,
    way: Way,
}

#[async_trait]
impl Place for Service {
    const IS_FOR_PEOPLE: bool = true;

    async fn start() -> Self {
        let events = Arc::default();
        let app = Router::new().route("/v2/enqueue", post(enqueue)).with_state(Arc::clone(&events));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let refusal = r#"{"status":"invalid event","message":"Event object is invalid"}"#;
        Self { events, way: Way::to(address, Speech::Http(400, refusal)).await }
    }

    async fn open(&self) -> Box<dyn Sink> {
        Box::new(open(&format!("http://{}", self.way.address), KEY).await)
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let events = self.events.lock().unwrap();
        let read = events.iter().map(|event| {
            let id = event["dedup_key"].as_str().unwrap().to_owned();
            let mut text = event["payload"]["summary"].as_str().unwrap().to_owned();
            for (label, value) in event["payload"]["custom_details"].as_object().unwrap() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                text.push_str(&format!("\n{label}: {value}"));
            }
            Arrived { id, text }
        });
        read.collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned()]
    }
}

async fn open(api_url: &str, key: &str) -> PagerDuty {
    let config =
        PagerDutyConfig { routing_key: SecretRef::parse(key), api_url: api_url.to_owned() };
    PagerDuty::open(&config, &contract::context("http://127.0.0.1:1")).await.unwrap()
}

async fn enqueue(
    State(events): State<Arc<Mutex<Vec<Value>>>>,
    body: Bytes,
) -> (StatusCode, String) {
    let said = |status: &str, message: &str, errors: Vec<String>| {
        json!({"status": status, "message": message, "errors": errors}).to_string()
    };
    match check_event(&body) {
        Ok(event) => {
            let key = event["dedup_key"].clone();
            events.lock().unwrap().push(event);
            let answer =
                json!({"status": "success", "message": "Event processed", "dedup_key": key});
            (StatusCode::ACCEPTED, answer.to_string())
        }
        Err(why) => {
            let answer = said("invalid event", "Event object is invalid", vec![why]);
            (StatusCode::BAD_REQUEST, answer)
        }
    }
}

fn check_event(body: &[u8]) -> Result<Value, String> {
    if body.len() > 512 << 10 {
        return Err(format!("{} bytes", body.len()));
    }
    let event: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let sized = |value: &Value, most: usize| {
        value.as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
    };
    let payload = &event["payload"];
    let severities = ["critical", "error", "warning", "info"].map(|name| json!(name));
    let checks = [
        ("routing_key", event["routing_key"] == KEY),
        ("event_action", event["event_action"] == "trigger"),
        ("dedup_key", sized(&event["dedup_key"], 255)),
        ("summary", sized(&payload["summary"], 1024)),
        ("source", sized(&payload["source"], 1024)),
        ("severity", severities.contains(&payload["severity"])),
        ("custom_details", payload["custom_details"].is_object()),
        (
            "links",
            event["links"].as_array().is_some_and(|links| {
                links.iter().all(|link| {
                    link["href"].as_str().is_some_and(|href| href.starts_with("https://"))
                })
            }),
        ),
    ];
    match checks.iter().find(|(_, holds)| !holds) {
        Some((name, _)) => Err(format!("'{name}' is invalid")),
        None => Ok(event),
    }
}

#[tokio::test]
async fn a_wrong_key_is_no_refusal_of_the_alert() {
    let place = Service::start().await;
    let mut sink = open(&format!("http://{}", place.way.address), "wrong-key-wrong-key").await;
    let error = sink.send(&[notices::usual(1)]).await.remove(0).unwrap_err();
    assert!(matches!(error, SendError::Down(_)), "{error:?}");
    assert!(error.to_string().ends_with("check the integration's routing_key"), "{error}");
    assert!(!error.to_string().contains("wrong-key"), "{error}");
}

#[test]
fn event_of_a_real_act() {
    let notice = builtin::notice("ec2/snapshot_shared");
    let event = event(&notice, &Message::of(&notice, &[Language::En, Language::Ja]));
    let json = serde_json::to_string_pretty(&event).unwrap();
    expect_file!["words/snapshots/snapshot_shared.pagerduty.json"].assert_eq(&(json + "\n"));
}
