//! A webhook against a receiver that checks signatures as the documentation says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;

use super::*;
use crate::config::{SecretRef, Span};
use crate::sinks::contract::faults::{Speech, Way};
use crate::sinks::contract::{self, Arrived, Failure, Place, contract, notices};

const SECRET: &str = "signing-secret";
const KEY: &str = "header-secret";

contract!(webhook, Receiver);

type Requests = Arc<Mutex<Vec<(HeaderMap, String)>>>;

struct Receiver {
    requests: Requests,
    way: Way,
}

#[async_trait]
impl Place for Receiver {
    const IS_FOR_PEOPLE: bool = false;

    async fn start() -> Self {
        let requests = Requests::default();
        let moved = |to: &'static str, status: StatusCode| {
            post(move || async move { (status, [("location", to)]) })
        };
        let app = Router::new()
            .route("/hook", post(taken))
            .route("/moved", moved("/hook", StatusCode::PERMANENT_REDIRECT))
            .route("/found", moved("/hook", StatusCode::FOUND))
            .route("/away", moved("http://127.0.0.2:1/hook", StatusCode::PERMANENT_REDIRECT))
            .with_state(Arc::clone(&requests));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        // A receiver that repeats what it was sent.
        let refusal =
            Speech::Http(422, "no: signing-secret header-secret /hook?key=address-secret");
        Self { requests, way: Way::to(address, refusal).await }
    }

    async fn open(&self) -> Box<dyn Sink> {
        Box::new(open(&self.config("/hook?key=address-secret")).await.unwrap())
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let requests = self.requests.lock().unwrap();
        let read = requests.iter().map(|(headers, body)| {
            let header = |name: &str| headers[name].to_str().unwrap();
            let id = header("x-askance-alert").to_owned();
            let text = format!("count {}\n{body}", header("x-askance-count"));
            Arrived { id, text }
        });
        read.collect()
    }

    fn fail(&self, how: Failure) -> bool {
        self.way.fail(how);
        true
    }

    fn secrets(&self) -> Vec<String> {
        ["signing-secret", "header-secret", "address-secret"].map(str::to_owned).to_vec()
    }
}

impl Receiver {
    fn config(&self, path: &str) -> WebhookConfig {
        let url = format!("http://{}{path}", self.way.address);
        WebhookConfig {
            url: SecretRef::parse(&url),
            secret: Some(SecretRef::parse(SECRET)),
            headers: BTreeMap::from([("X-Api-Key".to_owned(), SecretRef::parse(KEY))]),
            body: None,
            timeout: Span(Duration::from_secs(10)),
        }
    }
}

async fn open(config: &WebhookConfig) -> Result<Webhook, SinkError> {
    Webhook::open(config, &contract::context("http://127.0.0.1:1")).await
}

async fn taken(
    State(requests): State<Requests>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let body = String::from_utf8(body.to_vec()).unwrap();
    if headers.get("x-api-key").is_none_or(|key| key != KEY) {
        return (StatusCode::UNAUTHORIZED, "no key");
    }
    if !is_signed(&headers, &body) {
        return (StatusCode::FORBIDDEN, "no signature");
    }
    if serde_json::from_str::<Value>(&body).is_err() {
        return (StatusCode::BAD_REQUEST, "no JSON");
    }
    requests.lock().unwrap().push((headers, body));
    (StatusCode::NO_CONTENT, "")
}

fn is_signed(headers: &HeaderMap, body: &str) -> bool {
    let header = headers["x-askance-signature"].to_str().unwrap();
    let (time, code) = header.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).unwrap();
    let age = Timestamp::now().as_second() - time.parse::<i64>().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let bytes = (0..code.len()).step_by(2).map(|at| u8::from_str_radix(&code[at..at + 2], 16));
    let bytes: Vec<u8> = bytes.map(Result::unwrap).collect();
    age.abs() <= 300 && mac.verify_slice(&bytes).is_ok()
}

#[test]
fn the_signature_is_the_documented_one() {
    // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
    let signed = signature(&Secret::new("secret".to_owned()), 1_700_000_000, "{}");
    assert_eq!(signed, EXAMPLE);
}

const EXAMPLE: &str =
    "t=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";

#[tokio::test]
async fn the_id_of_a_message_stays_the_same() {
    let place = Receiver::start().await;
    let mut sink = place.open().await;
    let notice = notices::usual(1);
    for _ in 0..2 {
        sink.send(std::slice::from_ref(&notice)).await.remove(0).unwrap();
    }
    let requests = place.requests.lock().unwrap();
    let ids: Vec<&str> =
        requests.iter().map(|(headers, _)| headers["x-askance-id"].to_str().unwrap()).collect();
    assert_eq!(ids, [notice.message_id.as_str(); 2]);
    assert_eq!(requests[0].1, notice.json, "the alert as it is");
}

#[tokio::test]
async fn a_body_of_ones_own_is_filled() {
    let place = Receiver::start().await;
    let body = r#"{"title":"{{alert.rule.title}}","n":{{count}},"who":"{{alert.actor.name}}","text":"{{text}}"}"#;
    let config = WebhookConfig { body: Some(body.to_owned()), ..place.config("/hook") };
    let mut sink = open(&config).await.unwrap();
    for text in notices::HOSTILE {
        let notice = notices::hostile(text);
        sink.send(std::slice::from_ref(&notice)).await.remove(0).unwrap();
        let requests = place.requests.lock().unwrap();
        let body: Value = serde_json::from_str(&requests.last().unwrap().1).unwrap();
        assert_eq!(
            (&body["title"], &body["n"], &body["who"]),
            (&json!(text), &json!(1), &json!(text))
        );
    }
}

#[tokio::test]
async fn redirects_lead_to_the_same_host_or_nowhere() {
    let place = Receiver::start().await;
    let mut sink = open(&place.config("/moved")).await.unwrap();
    sink.send(&[notices::usual(1)]).await.remove(0).unwrap();
    assert_eq!(place.requests.lock().unwrap().len(), 1);
    for path in ["/found", "/away"] {
        let mut sink = open(&place.config(path)).await.unwrap();
        let error = sink.send(&[notices::usual(1)]).await.remove(0).unwrap_err();
        assert!(matches!(error, SendError::Down(_)), "{path}: {error:?}");
        assert!(error.to_string().contains("configure the address"), "{error}");
    }
    assert_eq!(place.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let place = Receiver::start().await;
    let config =
        WebhookConfig { timeout: Span(Duration::from_millis(200)), ..place.config("/hook") };
    let mut sink = open(&config).await.unwrap();
    place.fail(Failure::Hangs);
    let error = sink.send(&[notices::usual(1)]).await.remove(0).unwrap_err();
    assert_eq!(error, SendError::Down("cannot reach the webhook: no answer in time".to_owned()));
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_told() {
    let place = Receiver::start().await;
    let mut sink = place.open().await;
    place.fail(Failure::TooMany);
    match sink.send(&[notices::usual(1)]).await.remove(0) {
        Err(SendError::Throttled { retry_after, message }) => {
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
            assert_eq!(message, "the webhook answered 429: slow down");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_told() {
    let place = Receiver::start().await;
    let check = async |config: WebhookConfig, expected: &str| {
        let error = open(&config).await.err().expect("it is not opened").to_string();
        assert!(error.starts_with(&format!("cannot set up sink people: {expected}")), "{error}");
        assert!(!error.contains("secret"), "{error}");
    };
    let config = || place.config("/hook");
    let headers = |name: &str, value: &str| WebhookConfig {
        headers: BTreeMap::from([(name.to_owned(), SecretRef::parse(value))]),
        ..config()
    };
    check(headers("a b", "secret"), "headers: \"a b\" is no name of a header").await;
    check(headers("Host", "secret"), "headers: Host is set by askance itself").await;
    check(headers("X-A", "secret\n"), "headers: the value of X-A holds what no header may").await;
    let url = WebhookConfig { url: SecretRef::parse("ftp://secret"), ..config() };
    check(url, "url is no address that begins with https:// or http://").await;
    let body = WebhookConfig { body: Some("a={{alert.id}}".to_owned()), ..config() };
    check(body, "cannot use body: it is no JSON").await;
}
